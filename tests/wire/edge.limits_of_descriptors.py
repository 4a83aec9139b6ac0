"""An edge with hardly any descriptors: silent connections and heads that do not end take all there
are, and those who have something to say are served all the same; so are the edge's own pages and
its control socket."""

import pathlib
import socket
import tempfile

import harness

DESCRIPTORS = 64
SETTINGS = ("threads: 1\n"
            "clients: {connections: 0}\n"
            "connections: {idle_timeout: 1h, head_timeout: 1h}\n"
            "overload: {patience: 1s}\n")
PAGE = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 2\r\n\r\nhi"


def answer(connection, _head, _rest):
    connection.sendall(PAGE)
    return True


def crowd(edge, first_bytes):
    connections = []
    for _ in range(2 * DESCRIPTORS):
        connection = socket.socket()
        connection.settimeout(harness.PATIENCE_SECONDS)
        connection.connect(edge.address)  # the kernel's queue has room
        connection.sendall(first_bytes)
        connections.append(connection)
    return connections


def expect_service(edge, number):
    assert b" 200 " in edge.get("/")[0]
    assert b" 200 " in edge.get(f"/cold-{number}")[0]
    assert b" 200 " in edge.get("/.afloat/status")[0]


def limited_binary(folder):
    """The hard limit too: the edge raises the other one to it."""
    wrapper = pathlib.Path(folder) / "afloat"
    wrapper.write_text(f'#!/bin/sh\nulimit -n {DESCRIPTORS}\nexec {harness.BINARY} "$@"\n')
    wrapper.chmod(0o755)
    return wrapper


with tempfile.TemporaryDirectory() as folder:
    harness.BINARY = limited_binary(folder)
    with harness.Edge(harness.Backend(answer), SETTINGS) as edge:
        expect_service(edge, 0)
        silent = crowd(edge, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        expect_service(edge, 1)
        assert edge.status()["ledger"]["overload_silent"] > 0
        for connection in silent:
            connection.close()
        slow = crowd(edge, b"GET / HTTP/1.1\r\nHost: h\r\nX: ")
        expect_service(edge, 2)
        ledger = edge.status()["ledger"]
        assert ledger["overload_slow"] > 0, ledger
        assert ledger["overload_pauses"] > 0, ledger  # nobody could make room at once
        assert ledger["visitor_errors"] == 0, ledger
        for connection in slow:
            connection.close()
