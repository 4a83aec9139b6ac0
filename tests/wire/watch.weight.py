"""What a visit of the status page weighs on the way: its content is encoded as the visitor likes it, and
a page that shows how things are is not fetched again when its stream of changes begins."""

import gzip
import http.client
import re
import socket
import subprocess

import brotli
from harness import PATIENCE_SECONDS, Backend, Edge, page, wait_until

settings = """sites: [{hosts: [shop.example]}]
status: {name: Example}
"""
backend = Backend(lambda connection, *_: connection.sendall(page(b"")))
DECODERS = {
    None: bytes,
    "gzip": gzip.decompress,
    "br": brotli.decompress,
    "zstd": lambda content: subprocess.run(["zstd", "-d", "-c"], input=content, check=True,
                                           stdout=subprocess.PIPE).stdout,
}


def ask(edge, path, method="GET", **fields):
    connection = http.client.HTTPConnection(*edge.address, timeout=PATIENCE_SECONDS)
    connection.request(method, path, headers={"Host": "shop.example",
                       **{name.replace("_", "-"): value for name, value in fields.items()}})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def first_event(edge, path):
    stream = socket.create_connection(edge.address, PATIENCE_SECONDS)
    stream.sendall(f"GET {path} HTTP/1.1\r\nHost: shop.example\r\n\r\n".encode())
    read = b""
    while not re.search(rb"event: \w+", read):
        piece = stream.recv(4096)
        assert piece, read
        read += piece
    stream.close()
    return re.search(rb"event: (\w+)", read)[1]


with Edge(backend, settings) as edge:
    for path in "/.afloat/status", "/.afloat/history", "/.afloat/api/v2/summary.json":
        plain = ask(edge, path)[1]
        for accept, coding in (("gzip, deflate", "gzip"), ("gzip, br", "br"), ("gzip, deflate, br, zstd", "zstd"),
                               ("br;q=0.5, gzip", "gzip"), ("identity", None), ("lzma", None)):
            answer, content = ask(edge, path, Accept_Encoding=accept)
            if len(plain) < 1024:  # not worth it
                coding = None
            assert answer.status == 200 and answer.headers["Content-Encoding"] == coding, (path, accept)
            assert len(plain) < 1024 or "Accept-Encoding" in ", ".join(answer.headers.get_all("Vary")), path
            # All but what is of each visit alone.
            assert abs(len(DECODERS[coding](content)) - len(plain)) < 100, (path, accept)
            assert coding is None or len(content) < len(plain) / 2, (path, accept, len(content))
            head, nothing = ask(edge, path, "HEAD", Accept_Encoding=accept)
            assert head.headers["Content-Encoding"] == coding and nothing == b"", (path, accept)
    # What has an answer of its own coding, or none of its own, goes out as it is.
    assert ask(edge, "/.afloat/status?page=9", Accept_Encoding="gzip")[0].headers["Content-Encoding"] is None

    def begins_quietly():
        """Unless something has just changed."""
        html = ask(edge, "/.afloat/status")[1].decode()
        events = re.search(r'data-events="([^"]*)"', html)[1]
        return first_event(edge, events) == b"alive"

    wait_until(begins_quietly, "a page that is up to date is told nothing")
    for other in "/.afloat/events", "/.afloat/events?after=", "/.afloat/events?after=0123456789abcdef":
        assert first_event(edge, other) == b"change", other
