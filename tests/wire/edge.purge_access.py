"""Who may purge, what becomes of the copies, and what those who may not learn."""

import socket

from harness import wait_until
from purging import Pages

HOST = "a.example"
PAGES = {(HOST, "/one"): "", (HOST, "/two"): "", ("b.example", "/one"): "",
         ("c.example", "/one"): ""}
SETTINGS = """sites:
  - {hosts: [a.example], origin: main, lifelines: {hold: {enabled: false}}, purge: {allow: [127.9.3.0/24]}}
  - {hosts: [b.example], origin: main, lifelines: {hold: {enabled: false}},
     purge: {allow: [127.9.4.1], mode: hard, path: ""}}
  - {hosts: [c.example], origin: main, lifelines: {hold: {enabled: false}}, purge: {allow: []}}
"""


def purge(path="/one", host=HOST, fields="", method="PURGE"):
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n".encode()


with Pages(PAGES, SETTINGS) as site:
    allowed, other, stranger = "127.9.3.7", "127.9.4.1", "127.0.0.1"
    site.expect(purge(), [(HOST, "/one")], source=allowed)
    # Others: refused alike whether there is a copy or not, and the origin hears nothing.
    for method in ("PURGE", "BAN", "PURGEKEYS", "URIBAN"):
        there = site.expect(purge(method=method), [], 403, stranger)
        absent = site.expect(purge("/none", method=method), [], 403, stranger)
        assert len(there) == len(absent)
    site.expect(purge(fields="X-Magento-Tags-Pattern: .*\r\n"), [], 403, other)
    site.expect(purge("/one", "b.example"), [], 403, allowed)
    # An address lends nothing to those it speaks for, nor does what they write about themselves.
    site.expect(purge(fields="X-Forwarded-For: 192.0.2.1\r\n"), [], 403, allowed)
    site.expect(purge(fields="Via: 1.1 nginx\r\n"), [], 403, allowed)
    site.expect(purge(fields="X-Forwarded-For: 127.9.3.7\r\n"), [], 403, stranger)
    # A host that nobody serves: of all sites, those that allow the client.
    site.expect(purge("/.*", "127.0.0.1", "", "BAN"), [("b.example", "/one")], source=other)
    site.expect(purge("/.*", "127.0.0.1", "", "BAN"), [], 421, stranger)

    # GET /purge/… is a page like any other for those who may not, and where it is off.
    before = len(site.asked)
    assert " 200 " in site.get(HOST, "/purge/one")
    assert site.asked[before:] == [(HOST, "GET /purge/one HTTP/1.1")], site.asked
    # Without anybody allowed the origin answers by itself.
    answer, _ = site.edge.ask(purge("/one", "c.example", "Connection: close\r\n"))
    assert answer.startswith(b"HTTP/1.1 200 ") and site.asked[-1] == (
        "c.example", "PURGE /one HTTP/1.1"), answer
    ledger = site.edge.status()["ledger"]
    assert ledger["purges"] == 2 and ledger["purges_refused"] == 13, ledger

    site.fill()  # a method that the edge does not know may have changed the page

    # Forms of the answer.
    assert site.expect(purge(fields="Accept: application/json\r\n"), [(HOST, "/one")],
                       source=allowed).endswith('\r\n\r\n{"purged":1}\n')
    assert site.expect(purge(), [(HOST, "/one")], source=allowed).endswith("\r\n\r\nPurged: 1\n")

    # Soft: still there when the backend fails. Hard: gone.
    site.backend.answer = lambda *_: False

    def send(request, source):
        with socket.create_connection(site.edge.address, source_address=(source, 0)) as connection:
            connection.sendall(request)
            return connection.recv(65536)
    assert b" 200 " in send(purge("/one"), allowed)
    assert " 200 " in site.get(HOST, "/one")
    assert b" 200 " in send(purge("/one", fields="Afloat-Purge: hard\r\n"), allowed)
    wait_until(lambda: " 503 " in site.get(HOST, "/one"), "a hard purge took the copy away")
    assert b" 200 " in send(purge("/one", "b.example"), other)
    wait_until(lambda: " 503 " in site.get("b.example", "/one"), "hard is the site's mode")
    assert b" 200 " in send(purge("/two", fields="Fastly-Soft-Purge: 1\r\n"), allowed)
    assert " 200 " in site.get(HOST, "/two")
