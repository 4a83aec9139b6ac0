"""HTTP/2: what costs a visitor little and the edge much ends his connection, is counted, and hurts
nobody else. And what merely looks like it does not."""

import contextlib

from harness import Backend, Edge
from http2 import (ACK, CONTINUATION, END_HEADERS, END_STREAM, GET, GOAWAY, HEADERS, POST, PREFACE, PRIORITY,
                   PRIORITY_UPDATE, RST_STREAM, SETTINGS, Visitor, block, data, frame, head,
                   literal, ping, reset_stream, settings, window_update)

SETTINGS_OF_EDGE = """
connections:
  http2: {resets: 50, glitches: 100, stream_window: 65535}
"""
CALM = "goaway ENHANCE_YOUR_CALM"
OPEN = END_HEADERS


def backend_answer(connection, head_, rest):
    path = head_.split(" ")[1]
    if path.startswith("/hang"):
        connection.settimeout(1)
        with contextlib.suppress(TimeoutError):
            connection.recv(1)
        return False
    size = int(path[5:]) if path.startswith("/size") else 5
    connection.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: %d\r\n\r\n" % size
                       + b"x" * size)
    return True


def get(stream, path):
    return head(stream, [(n, path if n == ":path" else v) for n, v in GET])


def resets_of_requests():
    return [get(s, "/hang") + reset_stream(s) for s in range(1, 2001, 2)]


def resets_in_time():
    # One after the other, so that each request's task runs before it is reset.
    return [get(s, "/hang") for s in range(1, 101, 2)] + [ping()] + [
        reset_stream(s) for s in range(1, 101, 2)] + [get(s, "/hang") + reset_stream(s) for s in range(101, 1000, 2)]


def provoked_resets():
    """The edge is made to reset: by windows beyond all bounds, by malformed messages."""
    return [head(s, POST, OPEN) + window_update(s, 0x7fffffff) for s in range(1, 2001, 2)]


def malformed_requests():
    return [head(s, GET, more=[("te", "gzip")]) for s in range(1, 2001, 2)]


def bomb():
    """A field of 4 KB that enters the table, and thousands of references to it."""
    first = frame(HEADERS, END_STREAM, 1, block(GET) + b"\x40" + literal("x", "y" * 4000)[1:])
    return [first] + [frame(CONTINUATION, 0, 1, b"\xbe" * 8000), frame(CONTINUATION, END_HEADERS, 1, b"\xbe" * 8000)]


def empty_data():
    return [head(1, POST, OPEN)] + [data(1)] * 500


def tiny_windows():
    """Content byte by byte, each with an update of its own."""
    return [get(1, "/size100000")] + [window_update(1, 1)] * 1000


# The attack, what the visitor says first, and the counter.
ATTACKS = [
    (resets_of_requests(), settings(), "http2_reset_floods"),
    (resets_in_time(), settings(), "http2_reset_floods"),
    (provoked_resets(), settings(), "http2_window_floods"), # of which it needs one each
    (malformed_requests(), settings(), "http2_reset_floods"),
    ([ping()] * 1000, settings(), "http2_ping_floods"),
    ([ping(flags=ACK)] * 1000, settings(), "http2_ping_floods"),
    ([settings()] * 1000, settings(), "http2_settings_floods"),
    ([settings(*[(4, n) for n in range(1000)])] * 1000, settings(), "http2_settings_floods"),
    ([frame(PRIORITY, 0, s, b"\0\0\0\0\xff") for s in range(1, 2001, 2)], settings(), "http2_priority_floods"),
    ([frame(PRIORITY_UPDATE, 0, 0, s.to_bytes(4, "big") + b"u=1") for s in range(1, 2001, 2)], settings(),
     "http2_priority_floods"),
    ([window_update(0, 1)] * 1000, settings(), "http2_window_floods"),
    (tiny_windows(), settings((4, 0)), "http2_window_floods"),
    (empty_data(), settings(), "http2_empty_floods"),
    ([frame(HEADERS, END_STREAM, 1, block(GET))] + [frame(CONTINUATION, 0, 1, b"")] * 1000, settings(),
     "http2_empty_floods"),
    ([frame(HEADERS, END_STREAM, 1, block(GET))] + [frame(CONTINUATION, 0, 1, block([("x", "y")]))] * 1000,
     settings(), "http2_continuation_floods"),
    (bomb(), settings(), "http2_header_bombs"),
    ([frame(0x77, 0, 0, b"")] * 1000, settings(), "http2_other_floods"),
]


def check_attacks(edge):
    for number, (pieces, first, counter) in enumerate(ATTACKS):
        before = edge.metric(f"afloat_{counter}_total")
        with Visitor(edge, PREFACE + first) as visitor, Visitor(edge) as bystander:
            visitor.send(*pieces)
            got = visitor.until(lambda kind, flags, stream, payload:
                                kind == GOAWAY and int.from_bytes(payload[4:8], "big") == 11)
            assert got is not None, f"{counter}: {visitor.frames[-5:]}"
            assert visitor.until(lambda *_: False) is None
            bystander.send(get(1, "/other"))
            assert bystander.status(1) == 200
        assert edge.metric(f"afloat_{counter}_total") == before + 1, (number, counter)


def check_well_behaved(edge):
    """A thousand requests, each with what a browser says beside it, and some cancelled."""
    with Visitor(edge) as visitor:
        for stream in range(1, 1201, 2):
            visitor.send(get(stream, "/other"))
            assert visitor.content(stream) == b"xxxxx"
            visitor.send(window_update(0, 5), window_update(stream, 5))
        for stream in range(1201, 1241, 2):
            visitor.send(get(stream, "/hang"), reset_stream(stream))
        visitor.send(get(1301, "/size200000"))
        total = 0
        while total < 200000:
            kind, flags, stream, payload = visitor.read()
            if kind == 0:
                total += len(payload)
                visitor.send(window_update(0, len(payload)), window_update(1301, len(payload)))
        assert visitor.frames[-1][1] & END_STREAM


def check_stalled_windows(edge):
    """Windows of nothing hold a stream no longer than send_timeout, and the connection goes on."""
    before = edge.metric("afloat_send_timeouts_total")
    with Visitor(edge, PREFACE + settings((4, 0))) as visitor:
        visitor.send(*[get(stream, "/other") for stream in range(1, 101, 2)])
        ended = set()
        while len(ended) < 50:
            kind, flags, stream, payload = visitor.read()
            if kind == RST_STREAM:
                ended.add(stream)
        visitor.send(settings((4, 100)), get(201, "/other"))
        assert visitor.content(201) == b"xxxxx"
    assert edge.metric("afloat_send_timeouts_total") == before + 50


def check_refused(edge):
    """More streams than allowed; the first ones are served."""
    with Visitor(edge) as visitor:
        visitor.until(lambda *f: f[:2] == (SETTINGS, ACK))
        visitor.send(frame(SETTINGS, ACK, 0), *[get(stream, "/hang") for stream in range(1, 401, 2)])
        got = visitor.verdict(201)
        assert got in ("goaway PROTOCOL_ERROR", "reset REFUSED_STREAM"), got


def main():
    with Edge(Backend(backend_answer), SETTINGS_OF_EDGE) as edge:
        check_attacks(edge)
        check_well_behaved(edge)
        check_refused(edge)
        edge.await_quiet()
        edge.assert_memory_below(200)
    with Edge(Backend(backend_answer), "connections: {send_timeout: 1s}\n") as edge:
        check_stalled_windows(edge)
        edge.await_quiet()


main()
