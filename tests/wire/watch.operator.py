"""The operator's page: nobody comes in but by password or token, guessing ends soon, nothing that
another site sends is done, what is written is text and never markup, and all of it is noted."""

import concurrent.futures
import hashlib
import json
import subprocess

from harness import BINARY, Backend, Edge, page, wait_until
from visiting import Visitor, hidden

PAGE = "/.afloat/operator"
TOKEN = "a-token-for-programs"
HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(2)>"
hashed = subprocess.run([BINARY, "hash-password"], input="correct horse\n", text=True,
                        capture_output=True, check=True).stdout.strip()
assert hashed.startswith("$argon2id$"), hashed
settings = f"""sites: [{{hosts: [shop.example]}}]
status:
  name: Example
  operators:
    people:
      anna: {{password: "{hashed}"}}
      robot: {{token: {hashlib.sha256(TOKEN.encode()).hexdigest()}}}
"""
backend = Backend(lambda connection, *_: connection.sendall(page(b"")))


def log_in(visitor, name="anna", password="correct horse", **fields):
    return visitor.ask(PAGE + "/login", {"name": name, "password": password}, **fields)


with Edge(backend, settings) as edge:
    anna, stranger = Visitor(edge), Visitor(edge, "127.0.0.2")

    # Nobody in particular.
    status, fields, html = stranger.ask(PAGE)
    assert status == 200 and "password" in html and "Open an incident" not in html
    assert "default-src 'none'" in fields["Content-Security-Policy"]
    for path in ("/incident", "/incident/aaaaaaaaaaaa", "/window", "/logout", "/audit"):
        assert stranger.ask(PAGE + path)[0] == 401, path
        assert stranger.ask(PAGE + path, {"title": "x"})[0] == 401, path
    assert stranger.ask(PAGE, method="DELETE")[0] == 405
    assert log_in(stranger, password="wrong")[0] == 403
    assert log_in(stranger, name="nobody")[0] == 403
    assert log_in(stranger, password="")[0] == 422
    assert log_in(stranger, name="robot", password=TOKEN)[0] == 403
    assert not stranger.cookies

    # Another site cannot log anybody in, nor somebody who can be listened to himself.
    assert log_in(stranger, Sec_Fetch_Site="cross-site")[0] == 403
    assert log_in(stranger, Sec_Fetch_Site=None, Origin="https://evil.example")[0] == 403

    # Anna.
    status, fields, _ = log_in(anna)
    assert status == 303 and fields["Location"] == PAGE, fields
    cookies = fields.get_all("Set-Cookie")
    assert len(cookies) == 2, cookies
    for cookie in cookies:
        for part in ("HttpOnly", "SameSite=Strict", f"Path={PAGE}"):
            assert part in cookie, cookie
    assert "Max-Age" not in cookies[0] and "Max-Age=15552000" in cookies[1], cookies
    _, _, html = anna.ask(PAGE)
    proof = hidden(html, "proof")
    assert "Open an incident" in html and len(proof) == 64

    # Only her own forms are hers.
    incident = {"title": HOSTILE, "text": HOSTILE, "state": "investigating", "impact": "major",
                "component": "shop.example", "eta": ""}
    assert anna.ask(PAGE + "/incident", incident)[0] == 403
    assert anna.ask(PAGE + "/incident", incident | {"proof": "0" * 64})[0] == 403
    assert anna.ask(PAGE + "/incident", incident | {"proof": proof},
                    Sec_Fetch_Site="cross-site")[0] == 403
    thief = Visitor(edge, "127.0.0.3")
    assert thief.ask(PAGE + "/incident", incident | {"proof": proof})[0] == 401
    other = Visitor(edge)
    assert log_in(other)[0] == 303
    assert other.ask(PAGE + "/incident", incident | {"proof": proof})[0] == 403
    assert anna.json("/.afloat/api/v2/incidents.json")["incidents"] == []

    # What is wrong is said, and what was typed is there again.
    status, _, html = anna.ask(PAGE + "/incident", incident | {"proof": proof, "eta": "soon"})
    assert status == 422 and "expected a time in UTC" in html and "<script>alert" not in html, html
    assert "&lt;script&gt;" in html
    for wrong in ({"title": ""}, {"state": "gone"}, {"impact": "huge"}, {"component": "none"},
                  {"title": "x" * 201}, {"text": "x" * 4001}, {"title": "a\x07b"}):
        assert anna.ask(PAGE + "/incident", incident | {"proof": proof} | wrong)[0] == 422, wrong
    assert anna.ask(PAGE + "/incident", incident | {"text": "x" * 200000})[0] == 413
    assert anna.json("/.afloat/api/v2/incidents.json")["incidents"] == []

    # An incident, from its beginning to its end.
    status, fields, _ = anna.ask(PAGE + "/incident", incident | {"proof": proof})
    assert status == 303
    (told,) = anna.json("/.afloat/api/v2/incidents/unresolved.json")["incidents"]
    assert told["name"] == HOSTILE and told["impact"] == "major", told
    assert told["status"] == "investigating", told
    one = f"{PAGE}/incident/{told['id']}"
    for path in (PAGE, one, "/.afloat/status", "/.afloat/history",
                 f"/.afloat/incident/{told['id']}"):
        status, _, html = anna.ask(path)
        assert status == 200 and "alert(1)" in html, path
        assert "<script>alert" not in html and "<img src=x" not in html, path
    status, _, feed = anna.ask("/.afloat/feed.atom")
    assert status == 200 and "<script>" not in feed
    # What somebody else has changed meanwhile stays: only what differs from what was shown counts.
    stale = {"proof": proof, "title": "Stale", "was_title": "Stale", "state": "resolved",
             "was_state": "resolved", "impact": "minor", "was_impact": "minor", "eta": "",
             "was_eta": "", "component": "shop.example", "was_component": "shop.example",
             "text": "A note."}
    assert anna.ask(one, stale)[0] == 303
    (told,) = anna.json("/.afloat/api/v2/incidents/unresolved.json")["incidents"]
    assert told["name"] == HOSTILE and told["impact"] == "major", told
    assert told["incident_updates"][0]["body"] == "A note.", told
    later = {"proof": proof, "eta": "2030-01-01T00:00"}
    assert anna.ask(one, later)[0] == 303
    html = anna.ask(one)[2]
    assert hidden(html, "was_eta") == "2030-01-01T00:00", html
    ended = {name: hidden(html, name) for name in ("was_state", "was_impact", "was_eta")}
    ended |= {"state": "monitoring", "impact": ended["was_impact"], "eta": ended["was_eta"]}
    assert anna.ask(one, ended | {"proof": proof})[0] == 303
    change = {"proof": proof, "title": "Sorted", "state": "resolved", "impact": "minor",
              "text": "All is well.", "eta": ""}
    assert anna.ask(one, change)[0] == 303
    assert anna.ask(one, {"proof": proof, "postmortem": "Why it was."})[0] == 303
    assert anna.json("/.afloat/api/v2/incidents/unresolved.json")["incidents"] == []
    (told,) = anna.json("/.afloat/api/v2/incidents.json")["incidents"]
    assert told["name"] == "Sorted" and told["status"] == "resolved", told
    assert told["incident_updates"][0]["body"] == "All is well.", told
    assert "Why it was." in anna.ask(f"/.afloat/incident/{told['id']}")[2]

    # Maintenance.
    window = {"proof": proof, "title": "Work", "text": "", "begin": "2030-07-01T02:00",
              "duration": "2h", "zone": "Europe/Berlin", "rule": "FREQ=YEARLY", "component":
              "shop.example"}
    for wrong in ({"zone": "Europe/Berlim"}, {"rule": "FREQ=NEVER"}, {"begin": "x"},
                  {"duration": "long"}, {"title": ""}):
        status, _, html = anna.ask(PAGE + "/window", window | wrong)
        assert status == 422 and 'role="alert"' in html, wrong

    # Programs.
    robot = Visitor(edge)
    bearer = f"Bearer {TOKEN}"
    status, _, content = robot.ask(PAGE + "/incident", incident, Authorization=bearer,
                                   Sec_Fetch_Site=None)
    made = json.loads(content)["id"]
    assert status == 200 and len(made) == 12, content
    status, _, content = robot.ask(PAGE + "/incident", {"title": ""}, Authorization=bearer)
    assert status == 422 and json.loads(content)["error"], content
    status, _, content = robot.ask(f"{PAGE}/incident/{made}", {"state": "resolved"},
                                   Authorization=bearer)
    assert status == 200 and json.loads(content)["id"] == made, content
    assert robot.ask(f"{PAGE}/incident/aaaaaaaaaaaa", {"state": "resolved"},
                     Authorization=bearer)[0] == 422
    assert robot.ask(PAGE, Authorization="Bearer wrong")[0] == 401
    assert "password" in robot.ask(PAGE, Authorization="Basic YTpi")[2]  # the site's affair

    # What was done, and what was tried.
    wait_until(lambda: "opens incident" in anna.ask(PAGE + "/audit")[2], "the log is written")
    log = anna.ask(PAGE + "/audit")[2]
    for noted in ("logs in", "cannot log in", "changes incident", "has no such token", "robot"):
        assert noted in log, noted

    # Logged out, and guessing.
    assert anna.ask(PAGE + "/logout", {"proof": proof})[0] == 303
    assert list(anna.cookies) == ["afloat-device"]  # which is no login
    assert "Open an incident" not in anna.ask(PAGE)[2]
    guesser = Visitor(edge, "127.0.0.9")
    tried = [log_in(guesser, password=f"guess {i}") for i in range(12)]
    statuses = [status for status, _, _ in tried]
    assert statuses[0] == 403 and statuses[-1] == 429, statuses
    assert int(tried[-1][1]["Retry-After"]) > 0
    # Many networks together, at once: one password at a time is looked at.
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        many = list(pool.map(lambda i: log_in(Visitor(edge, f"127.0.1.{i}"), password="guess")[0],
                             range(1, 61)))
    assert many.count(429) > 10 and set(many) <= {403, 429, 503}, many
    assert edge.status()["ledger"]["status_refused"] > 20

    # While they go on, nobody who is not known comes in; who has logged in before does.
    def flood():
        for network in range(1, 250):
            if log_in(Visitor(edge, f"127.0.2.{network}"), password="guess")[0] == 429:
                return
        raise AssertionError("nobody is told to wait")

    device = anna.cookies["afloat-device"]
    nonce, expiry, signature = device.split(".")
    for forged in (f"{nonce}.{int(expiry) + 1}.{signature}", f"{nonce}.{expiry}.{'0' * 64}", ""):
        flood()
        stranger.cookies = {"afloat-device": forged}
        assert log_in(stranger)[0] == 429, forged
    flood()
    stranger.cookies = {"afloat-device": device}
    assert log_in(stranger, name="nobody")[0] == 429  # it is hers alone
    flood()
    assert log_in(anna)[0] == 303
    # A stolen one is good for a few attempts.
    stranger.cookies = {"afloat-device": anna.cookies["afloat-device"]}
    tried = [log_in(stranger, password=f"guess {i}")[0] for i in range(12)]
    assert tried[0] == 403 and tried[-1] == 429, tried
