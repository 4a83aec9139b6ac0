"""Fields after a request's content, from visitors of both versions to backends of both."""

import re

from h2_backend import H2Backend
from harness import Backend, Edge
from http2 import (CONTINUATION, END_HEADERS, END_STREAM, HEADERS, POST, Visitor, block, data, frame, head)

GOOD = [("x-check", "42"), ("content-digest", "sha-256=:x:"), ("grpc-status", "0"), ("x-check", "43")]
# Framing, routing, whom it comes from, credentials, what changes the request or its answer, and how
# content is read (RFC 9110 section 6.5.1).
FORBIDDEN = """content-length transfer-encoding host connection te trailer upgrade keep-alive
    proxy-connection proxy-authorization authorization cookie set-cookie expect max-forwards range
    if-match if-none-match if-modified-since if-range cache-control pragma content-type
    content-encoding content-range via forwarded x-forwarded-for x-forwarded-host x-forwarded-proto
    x-forwarded-user x-real-ip x-http-method-override x-original-url user-agent accept-encoding
    origin sec-fetch-site early-data afloat-debug date age""".split()
# Malformed in HTTP/2, so not even there to be dropped.
OF_A_CONNECTION = ["transfer-encoding", "connection", "upgrade", "keep-alive", "proxy-connection"]
SEEN = []  # what the backend got: head, content, trailer
RULES = """sites:
  - origin: main
    rules:
      - {path: /ruled, request_headers: {set: {X-User: nobody}, remove: [x-secret], add: {X-More: a}}}
"""


def http1_answer(connection, asked, rest):
    content, trailer = b"", []
    if "transfer-encoding: chunked" in asked.lower():
        while not re.search(rb"(^|\r\n)0\r\n([^\r\n]+\r\n)*\r\n$", rest):
            piece = connection.recv(65536)
            if not piece:
                return False
            rest += piece
        while (size := int(rest.split(b"\r\n")[0], 16)) > 0:
            rest = rest.split(b"\r\n", 1)[1]
            content, rest = content + rest[:size], rest[size + 2:]
        trailer = [tuple(line.split(": ", 1)) for line in rest.decode().split("\r\n")[1:-2]]
    else:
        while len(rest) < int(re.search(r"(?i)content-length: (\d+)", asked)[1]):
            rest += connection.recv(65536)
        content = rest
    SEEN.append((asked.lower(), content, [(name.lower(), value) for name, value in trailer]))
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    return True


class Http2Backend(H2Backend):
    def __init__(self):
        super().__init__(self.take)

    @staticmethod
    def take(session, stream, fields, content):
        trailer = session.trailers.get(stream, [])
        SEEN.append(("\n".join(f"{name}: {value}" for name, value in fields.items()), content, trailer))
        session.whole(stream, b"", ("content-length", "0"))


def refused(edge):
    return edge.status()["faults"].get("malformed trailer", 0)


def lines(fields):
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode()


def ask1(edge, trailer, path="/a", more=b"", framing=b"Transfer-Encoding: chunked\r\n"):
    answer, _ = edge.ask(b"POST " + path.encode() + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                         + framing + more + b"\r\n5\r\nhello\r\n0\r\n" + trailer + b"\r\n")
    return answer[9:12].decode()


def frames(trailer):
    """HEADERS and as many CONTINUATIONs as it takes."""
    whole = block(trailer)
    pieces = [whole[at:at + 16384] for at in range(0, len(whole), 16384)] or [b""]
    return [frame(CONTINUATION if number else HEADERS, (0 if number else END_STREAM)
                  | (END_HEADERS if number == len(pieces) - 1 else 0), 1, piece)
            for number, piece in enumerate(pieces)]


def ask2(edge, trailer, path="/a", more=(), content=b"hello"):
    fields = [(name, path if name == ":path" else value) for name, value in POST]
    with Visitor(edge) as visitor:
        visitor.send(head(1, fields, END_HEADERS, more), data(1, content) if content else b"",
                     *frames(trailer))
        return visitor.verdict()


def check_passing(edge):
    """One after the other, for the backend's view is a list."""
    forbidden = [(name, "5") for name in FORBIDDEN]
    harmless = [field for field in forbidden if field[0] not in OF_A_CONNECTION + ["te"]]
    for ask, bad in ((lambda *more: ask1(edge, lines(more[0]), *more[1:]), forbidden),
                     (lambda *more: ask2(edge, *more), harmless)):
        assert ask(GOOD[:2] + bad + GOOD[2:]) == "200"
        asked, content, trailer = SEEN.pop()
        assert content == b"hello" and trailer == GOOD, (asked, trailer)
        assert "\ntrailer:" not in asked, asked
        # What a rule speaks of does not come in behind it; what it only adds to does.
        assert ask([("x-user", "root"), ("x-secret", "1"), ("X-More" if bad == forbidden else "x-more", "b"),
                    ("a", "b")], "/ruled") == "200"
        asked, content, trailer = SEEN.pop()
        assert "x-user: nobody" in asked and trailer == [("x-more", "b"), ("a", "b")], (asked, trailer)
        assert ask([]) == "200" and SEEN.pop()[2] == []


def check_names(edge):
    """The backend is told which will come, but for those that will not."""
    assert ask1(edge, lines(GOOD), "/a", b"Trailer: X-Check, Host\r\nTrailer: Grpc-Status,,Cookie\r\n") == "200"
    assert "trailer: x-check,grpc-status" in SEEN.pop()[0].lower()
    assert ask2(edge, GOOD, "/a", [("trailer", "x-check")]) == "200"
    assert "trailer: x-check" in SEEN.pop()[0]
    assert ask1(edge, b"", "/a", b"Trailer: Host\r\n") == "200"
    assert "trailer:" not in SEEN.pop()[0]


def check_length(edge):
    """A message with a known length has no place for them."""
    assert ask2(edge, GOOD, "/a", [("content-length", "5"), ("trailer", "x-check")]) == "200"
    asked, content, trailer = SEEN.pop()
    assert content == b"hello" and trailer == [] and "content-length: 5" in asked, (asked, trailer)
    assert "trailer:" not in asked, asked
    assert ask2(edge, GOOD, content=b"") == "200"  # of nothing
    asked, content, trailer = SEEN.pop()
    assert content == b"" and trailer == GOOD, (asked, content, trailer)


def check_malformed(edge):
    before = refused(edge)
    for trailer in (b"a b: c\r\n", b"a : b\r\n", b": b\r\n", b"a\r\n", b"a: b\r\n c\r\n", b"a: b\nc: d\r\n",
                    b"a: b\0\r\n", b"a: \x7f\r\n", b"a: b\rc\r\n", b"\n"):
        assert ask1(edge, trailer) == "400", trailer
    after = refused(edge)
    assert after == before + 10, (before, after)
    for field in ((":path", "/b"), (":status", "200"), ("X-Check", "42"), ("a b", "c"), ("", "c"),
                  ("a", "b\r\nc: d"), ("a", "b\0"), ("a", " b"), ("te", "gzip"),
                  *((name, "x") for name in OF_A_CONNECTION)):
        assert ask2(edge, [("x-good", "1"), field]) == "reset PROTOCOL_ERROR", field
    assert not SEEN, SEEN


def check_limits(edge):
    """Of http.trailer_size and, over HTTP/2, http.field_count."""
    line = ("x", "y" * 1000)
    largest = [line] * 2 + [("z", "y" * (2048 - 2 * 1005 - 2 - 5))]
    assert len(lines(largest)) + 2 == 2048
    for ask in (lambda fields: ask1(edge, lines(fields)), lambda fields: ask2(edge, fields)):
        assert ask(largest) == "200" and SEEN.pop()[2] == largest
        before = refused(edge)
        assert ask(largest[:2] + [("z", largest[2][1] + "y")]) == "400" and not SEEN
        assert refused(edge) == before + 1
    assert ask2(edge, [("a", "b")] * 32) == "200" and len(SEEN.pop()[2]) == 32
    assert ask2(edge, [("a", "b")] * 33) == "400" and not SEEN
    # One who sends ever more of them loses his connection.
    assert ask2(edge, [line] * 200) == "goaway ENHANCE_YOUR_CALM" and not SEEN


def check(backend, settings):
    with Edge(backend, settings + RULES) as edge:
        check_passing(edge)
        check_names(edge)
        check_length(edge)
        check_malformed(edge)
        edge.await_quiet()
    limits = "http: {trailer_size: 2KB, field_count: 32}\nconnections: {http2: {header_list_size: 16KB}}\n"
    with Edge(backend, settings + RULES + limits) as edge:
        check_limits(edge)
        edge.await_quiet()


check(Backend(http1_answer), "")
check(Http2Backend(), "    http2: prior_knowledge\n")
