"""WebSocket over HTTP/2: extended CONNECT (RFC 8441) to a backend that speaks HTTP/1.1."""

import socket
import threading

from harness import Backend, Edge, pattern, read_to_end, reset, wait_until
from http2 import (CODES, DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, SETTINGS, Visitor, data,
                   head, reset_stream, status_of, window_update)

MEGABYTE = pattern(1 << 20)
HEADS = []
SEEN = {}
ENDED = threading.Event()


def connect(stream, path, protocol="websocket"):
    return head(stream, [(":method", "CONNECT"), (":protocol", protocol), (":scheme", "http"),
                         (":path", path), (":authority", "h"), ("sec-websocket-version", "13"),
                         ("origin", "http://h")], END_HEADERS)


def backend_answer(connection, head_, rest):
    HEADS.append(head_)
    path = head_.split(" ")[1]
    if path == "/no":
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        return True
    if path == "/":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        return True
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
                       b"Upgrade: websocket\r\nSec-WebSocket-Accept: x\r\nX-Hop: kept\r\n\r\n")
    if path == "/echo":
        while piece := connection.recv(65536):
            connection.sendall(piece)
    elif path == "/speaks":     # ends first, still listens
        connection.sendall(b"that was all")
        connection.shutdown(socket.SHUT_WR)
        SEEN[path] = read_to_end(connection)[0]
        ENDED.set()
    elif path == "/reset":
        connection.sendall(b"x")
        connection.recv(1)
        reset(connection)
    elif path == "/listens":
        SEEN[path] = read_to_end(connection)
        ENDED.set()
    return False


def open_tunnel(visitor, stream, path):
    visitor.send(connect(stream, path))
    got = visitor.until(lambda kind, flags, of, payload: kind == HEADERS and of == stream)
    assert status_of(got[3]) == 200 and not got[1] & END_STREAM, got


def check_echo(edge):
    with Visitor(edge) as visitor:
        open_tunnel(visitor, 1, "/echo")
        request = HEADS[-1].lower()
        assert request.startswith("get /echo http/1.1") and "upgrade: websocket" in request, request
        assert "sec-websocket-key: " in request and "origin: http://h" in request, request
        sent, credit, back = 0, 131072, b""
        visitor.send(window_update(0, 1 << 20), window_update(1, 1 << 20))
        while len(back) < len(MEGABYTE):
            while sent < len(MEGABYTE) and credit >= 16384:
                piece = MEGABYTE[sent:sent + 16384]
                sent, credit = sent + len(piece), credit - len(piece)
                visitor.send(data(1, piece, sent == len(MEGABYTE)))
            kind, _, of, payload = visitor.read()
            if kind == DATA:
                back += payload
            elif kind == 8 and of == 1:
                credit += int.from_bytes(payload, "big")
        assert back == MEGABYTE
        if not visitor.frames[-1][1] & END_STREAM:
            assert visitor.until(lambda kind, flags, of, payload: of == 1)[:2] == (DATA, END_STREAM)
        visitor.send(head(3))
        assert visitor.status(3) == 200


def check_ends(edge):
    with Visitor(edge) as visitor:
        open_tunnel(visitor, 1, "/speaks")
        assert visitor.content(1) == b"that was all"
        visitor.send(data(1, b"and "), data(1, b"more", True))
        ENDED.wait(60)
        assert SEEN["/speaks"] == b"and more"
        ENDED.clear()
        open_tunnel(visitor, 3, "/reset")
        visitor.send(data(3, b"y"))
        got = visitor.until(lambda kind, flags, of, payload: kind == RST_STREAM)
        assert got[2] == 3 and CODES[got[3][3]] == "CANCEL", got
        open_tunnel(visitor, 5, "/listens")
        visitor.send(data(5, b"abc"), reset_stream(5))
        ENDED.wait(60)
        assert SEEN["/listens"][1] is False, SEEN   # a reset, not an end
        ENDED.clear()
        visitor.send(head(7))
        assert visitor.status(7) == 200
        open_tunnel(visitor, 9, "/listens")
    ENDED.wait(60)                                  # the whole connection went


def check_refusals(edge):
    with Visitor(edge) as visitor:
        settings = visitor.until(lambda kind, *_: kind == SETTINGS)[3]
        assert b"\0\x08\0\0\0\1" in settings
        visitor.send(connect(1, "/no"))
        assert visitor.status(1) == 403
        visitor.send(connect(3, "/echo", "h2c"))
        assert visitor.status(3) == 501


def check_idle(edge):
    with Visitor(edge) as visitor:
        open_tunnel(visitor, 1, "/echo")
        got = visitor.until(lambda kind, flags, of, payload: of == 1)
        assert got[0] == RST_STREAM, got
    assert edge.metric("afloat_tunnels_idle_total") == 1


def main():
    with Edge(Backend(backend_answer)) as edge:
        check_echo(edge)
        check_ends(edge)
        check_refusals(edge)
        edge.await_quiet()
        wait_until(lambda: edge.metric("afloat_open_tunnels") == 0, "no tunnel is left")
    with Edge(Backend(backend_answer), "connections: {tunnel_idle_timeout: 1s}\n") as edge:
        check_idle(edge)
        edge.await_quiet()


main()
