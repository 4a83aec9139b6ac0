"""What operators and announced maintenance say of when a site is back reaches its visitors: on the
honest page, for programs, and in Retry-After; and nothing of it once they have said that it is
over."""

import datetime
import json
import subprocess

from harness import BINARY, Edge, Mortal, page, wait_until
from visiting import JSON, Visitor

API = "/.afloat/api/v2/"
JITTER_SECONDS = 5


def answer(connection, *_):
    connection.recv(65536)
    connection.sendall(page(b"hello", "Cache-Control: no-store\r\nConnection: close\r\n"))


def afloat(edge, *words):
    return subprocess.run([BINARY, *words, "--state", edge.folder / "state"], check=True, text=True,
                          capture_output=True).stdout


def honest_page(visitor):
    """Retry-After in seconds, the page and the same for programs."""
    status, fields, html = visitor.ask("/")
    assert status in (502, 503), status
    status, _, problem = visitor.ask("/", Accept=JSON)
    return int(fields["Retry-After"]), html, json.loads(problem)


def is_within(seconds, low, high):
    return low <= seconds <= high + JITTER_SECONDS


mortal = Mortal(answer)
settings = """sites:
- hosts: [shop.example]
  lifelines: {hold: {enabled: false}}
status:
  name: Example
"""
mortal.start()
with Edge(mortal, settings) as edge:
    visitor = Visitor(edge)
    assert visitor.ask("/")[0] == 200
    mortal.stop()
    seconds, html, problem = honest_page(visitor)
    assert "Expected back" not in html and "expected" not in problem, html
    assert seconds < 60, seconds

    afloat(edge, "incident", "open", "A disc is full", "--component", "shop.example",
           "--eta", "30m")
    (incident,) = [incident for incident in visitor.json(API + "incidents/unresolved.json")
                   ["incidents"] if incident["name"] == "A disc is full"]
    seconds, html, problem = honest_page(visitor)
    assert is_within(seconds, 1700, 1800), seconds
    assert "<dt>Expected back</dt>" in html, html
    expected = datetime.datetime.fromisoformat(problem["expected"].replace("Z", "+00:00"))
    ahead = (expected - datetime.datetime.now(datetime.timezone.utc)).total_seconds()
    assert is_within(ahead, 1600, 1800), problem

    # Nobody is told to stay away for a day.
    afloat(edge, "incident", "update", incident["id"], "--eta", "1d")
    seconds, html, problem = honest_page(visitor)
    assert is_within(seconds, 3600, 3600), seconds

    afloat(edge, "incident", "resolve", incident["id"])
    wait_until(lambda: "expected" not in honest_page(visitor)[2], "nobody expects anything")

    # A window of maintenance says it by itself.
    begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=2)
    afloat(edge, "maintenance", "add", "New discs", "--begin", begin.strftime("%Y-%m-%d %H:%M"),
           "--for", "45m", "--component", "shop.example")
    (window,) = visitor.json(API + "scheduled-maintenances/active.json")["scheduled_maintenances"]
    assert window["name"] == "New discs" and window["status"] == "in_progress", window
    wait_until(lambda: "expected" in honest_page(visitor)[2], "the window is known")
    seconds, html, problem = honest_page(visitor)
    assert is_within(seconds, 2400, 2580), seconds
    assert visitor.json(API + "status.json")["status"]["indicator"] != "none"
    assert "BEGIN:VEVENT" in visitor.ask("/.afloat/calendar.ics")[2]
