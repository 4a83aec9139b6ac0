"""HTTP/2: what a visitor may rely on. Limits of time and number, priorities, uploads that wait for
the backend, answers before their upload's end, and the way a connection ends."""

import signal
import socket
import threading
import time

from harness import Backend, Edge, pattern, wait_until
from http2 import (CODES, DATA, END_HEADERS, END_STREAM, GET, GOAWAY, HEADERS, POST, PREFACE, PRIORITY_UPDATE,
                   RST_STREAM, WINDOW_UPDATE, Visitor, data, frame, head, settings, window_update)

OPEN = END_HEADERS
BIG = 300000
UPLOAD = pattern(12 << 20)     # more than the kernel holds between edge and backend
RELEASE = threading.Event()
SEEN = []


def read_upload(connection, head_, rest):
    lines = head_.lower().split("\r\n")
    length = sum(int(line[15:]) for line in lines if line.startswith("content-length:"))
    if "transfer-encoding: chunked" in lines:
        rest, pieces, size = bytearray(rest), [], 1
        while size > 0:
            while b"\r\n" not in rest:
                rest += connection.recv(65536)
            end = rest.index(b"\r\n")
            size = int(rest[:end], 16)
            while len(rest) < end + size + 4:
                rest += connection.recv(65536)
            pieces.append(bytes(rest[end + 2:end + 2 + size]))
            del rest[:end + size + 4]
        return b"".join(pieces)
    while len(rest) < length:
        rest += connection.recv(65536)
    return rest


def backend_answer(connection, head_, rest):
    path = head_.split(" ")[1]
    if path == "/slow-upload":
        RELEASE.wait(30)
    elif path == "/early":
        connection.sendall(b"HTTP/1.1 413 Too Much\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmuch")
        return False
    elif path == "/wait":
        RELEASE.wait(30)
    SEEN.append((head_, read_upload(connection, head_, rest)))
    size = BIG if path.startswith("/big") else 5
    connection.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: %d\r\n\r\n" % size
                       + b"x" * size)
    return True


def at(path, base=GET):
    return [(n, path if n == ":path" else v) for n, v in base]


def warm(edge, *paths):
    with Visitor(edge, PREFACE + settings((4, 1 << 30))) as visitor:
        visitor.send(window_update(0, 1 << 30))
        for stream, path in enumerate(paths):
            visitor.send(head(2 * stream + 1, at(path)))
            visitor.content(2 * stream + 1)


def order_of_content(edge, *pieces):
    """The streams in the order in which their DATA came, each run once."""
    with Visitor(edge, PREFACE + settings((4, 1 << 30)) + frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1")) as visitor:
        visitor.send(*pieces)
        # They all wait for the connection's window, which opens when all have been asked.
        visitor.until(lambda kind, flags, of, payload: kind == HEADERS and of == 7)
        visitor.frames.clear()
        visitor.send(window_update(0, 1 << 30))
        for _ in range(4):
            visitor.until(lambda kind, flags, of, payload: kind == DATA and flags & END_STREAM)
        order = [f[2] for f in visitor.frames if f[0] == DATA]
        return [s for i, s in enumerate(order) if i == 0 or order[i - 1] != s]


def check_priorities(edge):
    warm(edge, "/big1", "/big3", "/big5", "/big7")
    ask = lambda stream, priority: head(stream, at(f"/big{stream}"), more=[("priority", priority)])
    # The first one fills the connection's first window; then urgency decides.
    got = order_of_content(edge, ask(1, "u=7"), ask(3, "u=5"), ask(5, "u=1"), ask(7, "u=3"))
    assert got[-4:] == [5, 7, 3, 1], got
    # The same urgency, one after the other or all in turns.
    got = order_of_content(edge, ask(1, "u=3"), ask(3, "u=3"), ask(5, "u=3"), ask(7, "u=3"))
    assert len(got) <= 6, got
    got = order_of_content(edge, *[ask(s, "u=3, i") for s in (1, 3, 5, 7)])
    assert len(got) > 20, got
    # A change of mind.
    got = order_of_content(edge, ask(1, "u=3"), ask(3, "u=3"), ask(5, "u=3"), ask(7, "u=3"),
                           frame(PRIORITY_UPDATE, 0, 0, b"\0\0\0\7u=0"),
                           frame(PRIORITY_UPDATE, 0, 0, b"\0\0\0\5u=1"))
    assert got[-4:-2] == [7, 5] or got[1:3] == [7, 5], got


def check_back_pressure(edge):
    """The backend does not read: no more than a window comes in, and others are served."""
    with Visitor(edge, PREFACE + settings((4, 1 << 30))) as visitor:
        visitor.until(lambda kind, *_: kind == WINDOW_UPDATE)   # behind the settings
        visitor.send(window_update(0, 1 << 30), head(1, at("/slow-upload", POST), OPEN))
        credit = {0: 524288, 1: 131072}
        sent = 0

        def take(kind, _, of, payload):
            if kind == WINDOW_UPDATE:
                credit[of] += int.from_bytes(payload, "big")

        deadline = time.monotonic() + 2
        visitor.socket.settimeout(.5)
        while time.monotonic() < deadline:
            size = min(16384, credit[0], credit[1], len(UPLOAD) - sent)
            if size > 0:
                visitor.send(data(1, UPLOAD[sent:sent + size]))
                sent, credit[0], credit[1] = sent + size, credit[0] - size, credit[1] - size
            else:
                try:
                    take(*visitor.read())
                except TimeoutError:
                    break
        assert 131072 <= sent < len(UPLOAD), sent
        visitor.socket.settimeout(30)
        known = len(visitor.frames)
        visitor.send(head(3, at("/big1")))
        assert len(visitor.content(3)) == BIG
        for got in visitor.frames[known:]:
            take(*got)
        RELEASE.set()
        while sent < len(UPLOAD):
            size = min(16384, credit[0], credit[1], len(UPLOAD) - sent)
            if size > 0:
                visitor.send(data(1, UPLOAD[sent:sent + size], sent + size == len(UPLOAD)))
                sent, credit[0], credit[1] = sent + size, credit[0] - size, credit[1] - size
            else:
                take(*visitor.read())
        assert visitor.status(1) == 200
        assert SEEN[-1][1] == UPLOAD
    RELEASE.clear()


def check_uploads(edge):
    with Visitor(edge) as visitor:
        visitor.send(head(1, at("/post", POST), OPEN, [("expect", "100-continue"), ("content-length", "3")]))
        assert visitor.status(1) == 100
        visitor.send(data(1, b"abc", True))
        assert visitor.status(1) == 200
        assert SEEN[-1][1] == b"abc" and "via: 2 afloat" in SEEN[-1][0].lower(), SEEN[-1]
        # An answer before the upload's end: whole, then RST_STREAM with NO_ERROR (section 8.1).
        visitor.send(head(3, at("/early", POST), OPEN), data(3, b"x" * 1000))
        assert visitor.status(3) == 413
        assert visitor.content(3) == b"much"
        got = visitor.until(lambda kind, flags, of, payload: kind == RST_STREAM)
        assert got[2] == 3 and CODES[got[3][3]] == "NO_ERROR", got
        visitor.send(head(5))
        assert visitor.status(5) == 200


def check_requests_spent(backend):
    with Edge(backend, "connections: {requests: 3}\n") as edge, Visitor(edge) as visitor:
        for stream in (1, 3, 5):
            visitor.send(head(stream))
        seen = [visitor.content(stream) for stream in (1, 3, 5)]
        assert seen == [b"xxxxx"] * 3
        visitor.until(lambda *_: False)
        away = [f for f in visitor.frames if f[0] == GOAWAY]
        assert away and away[0][3] == b"\0\0\0\5" + b"\0\0\0\0", away
        assert edge.metric("afloat_connections_spent_total") == 1


def check_timeouts(backend):
    with Edge(backend, "connections: {idle_timeout: 1s, head_timeout: 500ms, body_timeout: 1s}\n") as edge:
        with Visitor(edge) as visitor:                      # nothing is asked
            assert visitor.until(lambda kind, *_: kind == GOAWAY)[3][4:8] == b"\0\0\0\0"
            assert visitor.read() is None
        assert edge.metric("afloat_idle_timeouts_total") == 1
        for pieces in ([PREFACE[:10]], [PREFACE, settings()[:5]],
                       [PREFACE, settings(), head(1, flags=END_STREAM)],
                       [PREFACE, settings(), head(1)[:20]]):
            before = edge.metric("afloat_head_timeouts_total")
            with Visitor(edge, b"".join(pieces), acknowledges=False) as visitor:
                visitor.until(lambda *_: False)
            assert edge.metric("afloat_head_timeouts_total") == before + 1, pieces
        with Visitor(edge) as visitor:                      # an upload that pauses for too long
            visitor.send(head(1, at("/post", POST), OPEN), data(1, b"x"))
            assert visitor.status(1) == 408
        assert edge.metric("afloat_body_timeouts_total") == 1


def check_refused_streams(backend):
    """At the limit a stream is refused, unseen, and never answered by an error of the edge's own."""
    with Edge(backend, "connections: {active_requests: 16}\n") as edge:
        with Visitor(edge) as visitor:
            visitor.send(*[head(s, at("/wait", POST)) for s in range(1, 121, 2)])
            got = visitor.until(lambda kind, *_: kind == RST_STREAM)
            assert CODES[got[3][3]] == "REFUSED_STREAM", got
            assert edge.metric("afloat_http2_refused_total") > 0
            RELEASE.set()
            visitor.send(head(201))
            visitor.until(lambda kind, flags, of, payload: of == 201)
        assert edge.metric("afloat_visitor_errors_total") == 0
        edge.await_quiet()
    RELEASE.clear()


def check_drain(backend):
    with Edge(backend) as edge:
        with Visitor(edge) as visitor, Visitor(edge) as idle:
            visitor.send(head(1, at("/wait", POST)))
            wait_until(lambda: edge.status()["now"]["active_requests"] == 1, "it is under way")
            edge.process.send_signal(signal.SIGTERM)
            got = visitor.until(lambda kind, *_: kind == GOAWAY)
            assert got[3][:8] == b"\0\0\0\1" + b"\0\0\0\0", got
            assert idle.until(lambda kind, *_: kind == GOAWAY) is not None
            RELEASE.set()
            assert visitor.content(1) == b"xxxxx"
            assert visitor.until(lambda *_: False) is None
        assert edge.process.wait(30) == 0
    RELEASE.clear()


def check_off(backend):
    for line in ("enabled: false", "prior_knowledge: false"):
        with Edge(backend, "connections: {http2: {%s}}\n" % line) as edge:
            assert edge.ask(PREFACE + settings())[0].startswith(b"HTTP/1.1 505")


def main():
    backend = Backend(backend_answer)
    backend.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
    with Edge(backend) as edge:
        check_priorities(edge)
        check_back_pressure(edge)
        check_uploads(edge)
        edge.await_quiet()
    check_requests_spent(backend)
    check_timeouts(backend)
    check_refused_streams(backend)
    check_drain(backend)
    check_off(backend)


main()
