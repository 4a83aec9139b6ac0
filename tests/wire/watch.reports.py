"""Reports of visitors: only who was shown a failure, or has read the status page, is counted, once;
forged, replayed and other people's forms are not, nor is what another site makes a browser send.
One network is slowed down; many are a problem that visitors report, and no incident."""

import json
import time

from harness import Edge, Nobody
from visiting import JSON, Visitor, hidden

REPORT = "/.afloat/report"
settings = """sites:
  - {hosts: [shop.example], lifelines: {hold: {enabled: false}}}
  - {hosts: [mail.example]}
status: {name: Example, incidents: {automatic: false}}
"""


def outcome(visitor, token, status=303, **fields):
    """What became of a report: the end of the way that it is sent on."""
    told, answer, _ = visitor.ask(REPORT, {"token": token}, **fields)
    assert told == status, (told, token)
    return answer["Location"].split("?outcome=")[1] if told == 303 else None


def failure(visitor):
    """The token on the honest page of a request that failed."""
    status, fields, html = visitor.ask("/page")
    assert status in (502, 503) and "form-action 'self'" in fields["Content-Security-Policy"]
    assert f'<form class="card" method="post" action="{REPORT}">' in html, html
    return hidden(html, "token")


nobody = Nobody()
with Edge(nobody, settings) as edge:
    anna, ben, eve = Visitor(edge), Visitor(edge, "127.1.0.1"), Visitor(edge, "127.2.0.1")

    # Counted once; what happens next is a page of its own, so that a reload reports nothing.
    token = failure(anna)
    assert outcome(anna, token) == "counted"
    assert outcome(anna, token) == "repeated"
    assert outcome(ben, token) == "repeated"
    assert outcome(Visitor(edge, "127.0.0.200"), failure(anna)) == "repeated"  # the same network
    for word in ("counted", "repeated", "expired", "refused", "busy"):
        status, fields, html = anna.ask(f"{REPORT}?outcome={word}")
        assert status == 200 and "<h1>" in html and fields["Cache-Control"] == "no-store"
    assert "<script>alert" not in anna.ask(f"{REPORT}?outcome=<script>alert(1)</script>")[2]

    # A program has it in the problem's JSON.
    problem = json.loads(ben.ask("/page", Accept=JSON)[2])
    status, fields, _ = ben.ask(problem["report"], {})
    assert status == 303 and fields["Location"].endswith("counted")

    # Never counted.
    token = failure(eve)
    other = token.replace("shop.example", "mail.example")
    parts = token.split(".")
    late = ".".join([parts[0], str(int(parts[1]) - 1), *parts[2:]])
    page = token.replace("f.", "p.", 1)
    for number, forged in enumerate((other, late, page, token[:-1], token + "x", "", "f.1.2.3.a")):
        assert outcome(Visitor(edge, f"127.3.{number}.1"), forged) == "refused", forged
    outcome(eve, token, 403, Sec_Fetch_Site="cross-site")
    outcome(eve, token, 403, Sec_Fetch_Site=None, Origin="https://evil.example")
    outcome(eve, "x" * 5000, 413)
    assert eve.ask(REPORT, method="DELETE")[0] == 405
    assert outcome(eve, token) == "counted"

    # The status page's form is for readers: not at once.
    status, _, html = anna.ask("/.afloat/component/mail.example")
    early = hidden(html, "token")
    assert status == 200 and outcome(eve, early) == "expired"
    time.sleep(3.1)
    assert outcome(eve, early) == "counted"
    assert outcome(eve, early) == "repeated"

    # A flood from one network, and reports of many.
    flood = [outcome(Visitor(edge, "127.4.0.1"), "x") for _ in range(12)]
    assert flood[0] == "refused" and flood[-1] == "busy", flood
    for number in range(20):
        visitor = Visitor(edge, f"127.{10 + number}.0.1")
        assert outcome(visitor, failure(visitor)) == "counted"
    html = ""
    while "networks report a problem" not in html or "Some visitors may have" in html:
        time.sleep(1)  # a minute is looked at when it is over, and it may have been over in between
        html = anna.ask("/.afloat/status")[2]
    summary = anna.json("/.afloat/api/v2/summary.json")
    assert summary["incidents"] == [], summary

    # A flood from many networks, of what was one visitor's, or nobody's: nothing is counted.
    told = 'afloat_component_reporting_networks{component="shop.example"}'
    before = edge.metric(told)
    assert before >= 20
    for number in range(200):
        visitor = Visitor(edge, f"127.{60 + number // 100}.{number % 100}.1")
        assert outcome(visitor, token if number % 2 == 0 else forged) in ("repeated", "refused")
    time.sleep(2)  # what is shown is made anew, once a second
    assert edge.metric(told) == before

    # What they said is kept as numbers: nothing of an address is on the disk.
    for file in edge.folder.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert b"127.10.0" not in content and b"127.10." not in content, file
