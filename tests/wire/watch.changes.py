"""What a component went through is kept one by one, over a kill too; and a job that sent its last
sign of life before that kill, and never again, is missed after it."""

import csv
import io

from harness import Edge, Nobody, wait_until
from visiting import Visitor

TOKEN = "0123456789abcdef"
EVENTS = "/component/cron/events."

settings = f"""status:
  name: Example
  hosts: [status.example]
  monitors:
    cron: {{title: Nightly backup, push: {TOKEN}, interval: 5s, timeout: 3s}}
"""
with Edge(Nobody(), settings) as edge:
    visitor = Visitor(edge, host="status.example")
    assert visitor.json(EVENTS + "json")["events"] == []
    assert visitor.ask("/component/nobody/events.json")[0] == 404

    def is_told():
        assert visitor.ask("/push/" + TOKEN)[0] == 200  # until it was looked at often enough
        return visitor.json(EVENTS + "json")["events"]

    wait_until(is_told, "its first signs of life are told")
    (first,) = visitor.json(EVENTS + "json")["events"]
    assert (first["from"], first["to"]) == ("unknown", "operational"), first
    wait_until(lambda: edge.metric("afloat_status_history_written") == 1, "all is on the disk")

    # What is read comes from the disk, so it outlives this. The job does not.
    edge.process.kill()
    edge.process.wait()
    edge.__enter__()
    assert visitor.json(EVENTS + "json")["events"] == [first]
    wait_until(lambda: len(visitor.json(EVENTS + "json")["events"]) == 2, "the job is missed")
    document = visitor.json(EVENTS + "json")
    assert document["component"]["name"] == "Nightly backup", document
    last = document["events"][0]
    assert (last["from"], last["to"], last["reason"]) == ("operational", "major_outage", "LATE")
    assert last["at"] > first["at"]

    status, fields, text = visitor.ask(EVENTS + "csv")
    assert status == 200 and fields["Content-Type"].startswith("text/csv"), fields
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["to"] for row in rows] == ["major_outage", "operational"], rows
    html = visitor.ask("/component/cron?lang=de")[2]
    assert "Was sich geändert hat" in html and "Das erwartete Lebenszeichen fehlt" in html, html
    assert 'href="/component/cron/events.json"' in html, html
