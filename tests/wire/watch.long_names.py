"""A host name may have 253 bytes (RFC 1035): it is whole on the page, in history over a restart, in
incidents and windows, and in what visitors report; an incident may concern 256 of them."""

import hashlib
import json
import subprocess
import time

from harness import BINARY, Edge, Nobody, wait_until
from visiting import Visitor, hidden

COUNT = 256
TOKEN = "a-token-for-programs"


def name_of(number):
    """253 bytes that differ at their end alone."""
    labels = ["a" * 63, "b" * 63, "c" * 63, f"{'d' * 51}{number:03}.example"[-61:]]
    return ".".join(labels)


names = [name_of(number) for number in range(COUNT)]
longest = names[7]
assert {len(name) for name in names} == {253}
settings = "sites:\n" + "".join(
    f"  - {{hosts: [{name}], lifelines: {{hold: {{enabled: false}}}}}}\n" for name in names)
settings += f"""status:
  name: Example
  incidents: {{automatic: false}}
  operators: {{people: {{robot: {{token: {hashlib.sha256(TOKEN.encode()).hexdigest()}}}}}}}
"""


def afloat(edge, *words):
    return subprocess.run([BINARY, *words, "--state", edge.folder / "state"], text=True,
                          capture_output=True, check=True).stdout


def concerned(edge, what):
    """The components of the only incident or window."""
    (one,) = json.loads(afloat(edge, what, "list", "--json"))
    return one["components"]




def report(visitor, token):
    _, fields, _ = visitor.ask("/.afloat/report", {"token": token})
    return fields["Location"].split("?outcome=")[1]


nobody = Nobody()
with Edge(nobody, settings) as edge:
    visitor = Visitor(edge, host=longest)

    # The page, and what it leads to.
    status, _, html = visitor.ask("/.afloat/status?page=1")
    assert status == 200 and f">{longest}<" in html and "…" not in html, html
    assert f'href="component/{longest}"' in html, html
    status, _, html = visitor.ask(f"/.afloat/component/{longest}")
    assert status == 200 and f"<title>{longest} – " in html, html
    assert hidden(html, "component") == longest
    summary = visitor.json("/.afloat/api/v2/components.json")
    assert [one["name"] for one in summary["components"]] == names

    # Both buttons.
    status, _, html = visitor.ask("/page")
    assert status in (502, 503), status
    assert report(visitor, hidden(html, "token")) == "counted"

    # What operators say: all of them at once in a form, and one on the command line.
    program = Visitor(edge)
    tomorrow = time.strftime("%Y-%m-%dT02:00", time.gmtime(time.time() + 86400))
    for page, form in (("incident", {"title": "All", "state": "investigating", "impact": "minor"}),
                       ("window", {"title": "All", "begin": tomorrow, "duration": "1h"})):
        status, _, answer = program.ask(f"/.afloat/operator/{page}", form | {
            "component": names, "was_component": names}, Authorization=f"Bearer {TOKEN}")
        assert status == 200, answer
    assert concerned(edge, "incident") == names
    assert concerned(edge, "maintenance") == names
    wait_until(lambda: visitor.json("/.afloat/api/v2/summary.json")["incidents"], "it is shown")
    made = afloat(edge, "incident", "open", "One", "--component", longest).split()[0]
    afloat(edge, "incident", "resolve", made)

    # The same after a restart.
    edge.process.terminate()
    assert edge.process.wait() == 0
    edge.__enter__()
    assert concerned(edge, "incident") == names
    assert concerned(edge, "maintenance") == names
