"""The status page tells of an outage and of its end by itself, to people, to programs and to open
pages; and outlives the death of the edge."""

import socket
import threading
import time

from harness import Edge, Mortal, PATIENCE_SECONDS, page, wait_until
from visiting import HTML, Visitor

API = "/.afloat/api/v2/"


def answer(connection, *_):
    connection.recv(65536)
    connection.sendall(page(b"hello", "Cache-Control: no-store\r\nConnection: close\r\n"))


class Load:
    """Ten visits a second, which is what the detection is promised for."""

    def __init__(self, edge):
        self.edge, self.goes_on, self.statuses = edge, True, []
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while self.goes_on:
            try:
                head = self.edge.ask(b"GET / HTTP/1.1\r\nHost: shop.example\r\n"
                                     b"Connection: close\r\n\r\n")[0]
                self.statuses.append(int(head.split(b" ")[1]))
            except OSError:
                self.statuses.append(0)
            time.sleep(0.1)

    def end(self):
        self.goes_on = False
        self.thread.join()


def stream_of(edge):
    """An open page: a connection on which news comes."""
    connection = socket.create_connection(edge.address)
    connection.settimeout(PATIENCE_SECONDS)
    connection.sendall(b"GET /.afloat/events HTTP/1.1\r\nHost: shop.example\r\n"
                       b"Accept: text/event-stream\r\n\r\n")
    return connection


def read_until(connection, text):
    read = b""
    while text not in read:
        piece = connection.recv(4096)
        assert piece, read
        read += piece
    return read


mortal = Mortal(answer)
settings = f"""  second:
    backends: ["http://{mortal.address}"]
sites:
- hosts: [shop.example]
  origin: main
  lifelines: {{hold: {{enabled: false}}}}
- hosts: [other.example]
  origin: second
status:
  name: Example & Sons
  hosts: [status.example]
  incidents: {{calm: 1s}}
  streams: 1
"""
mortal.start()
with Edge(mortal, settings) as edge:
    visitor, programs = Visitor(edge), Visitor(edge, host="status.example")
    load = Load(edge)
    try:
        wait_until(lambda: visitor.json(API + "status.json")["status"]["description"]
                   == "All Checked Systems Operational", "the site that is visited is well")
        status, fields, html = visitor.ask("/.afloat/status")
        assert status == 200 and "Example &amp; Sons" in html and "shop.example" in html, html
        assert "default-src 'none'" in fields["Content-Security-Policy"]
        # The same as the root of a host of its own, where nothing else is.
        status, _, html = programs.ask("/")
        assert status == 200 and "Example &amp; Sons" in html
        assert programs.json("/api/v2/status.json")["status"]["indicator"] == "none"
        assert programs.ask("/nothing")[0] == 404
        assert programs.ask("/.afloat/status")[0] == 404

        # Browsers keep the logo, and are told in few words that it is the same.
        status, logo, content = visitor.ask("/.afloat/logo")
        assert status == 200 and logo["Cache-Control"] == "max-age=86400" and "<svg" in content
        status, fields, content = visitor.ask("/.afloat/logo", If_None_Match=logo["ETag"])
        assert status == 304 and not content, fields
        assert fields["ETag"] == logo["ETag"], fields
        assert fields["Cache-Control"] == logo["Cache-Control"], fields
        assert "Content-Length" not in fields and "Content-Type" not in fields, fields

        stream = stream_of(edge)
        head = read_until(stream, b"event: change")
        assert b"200 OK" in head and b"text/event-stream" in head, head

        # One place was set; who finds none asks now and then.
        status, fields, _ = visitor.ask("/.afloat/events")
        assert status == 503 and int(fields["Retry-After"]) > 0, fields
        assert visitor.ask("/.afloat/events", method="POST")[0] == 405
        assert edge.metric("afloat_status_history_written") == 1
        assert edge.metric('afloat_incidents_open{impact="critical"}') == 0

        mortal.stop()
        wait_until(lambda: visitor.json(API + "incidents/unresolved.json")["incidents"],
                   "an incident is open")
        read_until(stream, b"event: change")
        summary = visitor.json(API + "summary.json")
        (incident,) = summary["incidents"]
        assert summary["status"]["indicator"] in ("major", "critical"), summary["status"]
        assert "shop.example" in str(incident["components"]), incident
        assert sum(edge.metric(f'afloat_incidents_open{{impact="{impact}"}}')
                   for impact in ("none", "minor", "major", "critical")) == 1
        html = visitor.ask("/.afloat/status")[2]
        assert f'href="incident/{incident["id"]}"' in html, html
        assert "indicator" not in visitor.ask("/.afloat/feed.atom")[2]
        assert visitor.ask("/.afloat/badge.svg")[1]["Content-Type"].startswith("image/svg+xml")

        mortal.start()
        wait_until(lambda: not visitor.json(API + "incidents/unresolved.json")["incidents"],
                   "the incident is resolved")
        states = [update["status"] for update in visitor.json(API + "incidents.json")
                  ["incidents"][0]["incident_updates"]]
        assert states[0] == "resolved" and "monitoring" in states, states
        stream.close()
    finally:
        load.end()
    assert 200 in load.statuses and 503 in load.statuses

    # A crash loses nothing that was a second old.
    wait_until(lambda: edge.status()["ledger"]["status_streams"] == 1, "the stream was counted")
    time.sleep(2.5)  # what is to be lost may be: the last second
    edge.process.kill()
    edge.process.wait()
    edge.__enter__()
    (incident,) = visitor.json(API + "incidents.json")["incidents"]
    assert incident["status"] == "resolved", incident
    assert "shop.example" in visitor.ask("/.afloat/status")[2]
