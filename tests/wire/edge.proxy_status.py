"""Proxy-Status names each failure by its type in RFC 9209, and calls nothing an error that is the
backend's own answer. (Of TLS: tls.origin.py; of names: edge.origin_by_name, edge.silent_resolver;
limits have theirs.)"""

import contextlib
import itertools
import json
import os
import resource
import socket
import subprocess
import threading

import harness

SETTINGS = "    retry: {attempts: 1}\n"
HASTE = SETTINGS + "    timeouts: {connect: 300ms, first_byte: 500ms, between_bytes: 500ms}\n"
OVER = threading.Event()
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BROKEN = {
    "/stops": (LENGTH + b"hello", "connection_read_timeout"),
    "/ends": (LENGTH + b"hello", "http_response_incomplete"),
    "/ends-in-chunk": (CHUNKED + b"a\r\nhello", "http_response_incomplete"),
    "/no-size": (CHUNKED + b"5\r\nhello\r\nwhat?\r\n", "http_response_transfer_coding"),
    "/no-newline": (CHUNKED + b"5\r\nhello5\r\nhello\r\n", "http_response_transfer_coding"),
    "/bad-trailer": (CHUNKED + b"5\r\nhello\r\n0\r\na b: c\r\n\r\n", "http_protocol_error"),
}


def answer(connection, head, _rest):
    path = head.split(" ")[1]
    if path == "/reset":
        harness.reset(connection)
    elif path in ("/silent", "/deaf"):
        OVER.wait()
    elif path == "/half-a-head":
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Field: a")
        OVER.wait()
    elif path in BROKEN:
        connection.sendall(BROKEN[path][0])
        if path == "/stops":
            OVER.wait()
    elif path != "/nothing":
        connection.sendall({
            "/half-a-head-ends": b"HTTP/1.1 200 OK\r\nX-Field: a",
            "/garbage": b"what is this?\r\n\r\n",
            "/long-head": b"HTTP/1.1 200 OK\r\nX-Field: " + b"a" * 1000000 + b"\r\n\r\n",
            "/unknown-coding": CHUNKED.replace(b"chunked", b"gzip, chunked") + b"0\r\n\r\n",
            "/own-error": b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nown\n",
            "/form": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "/good": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        }[path])
    return False


def told(edge, request, ends=False, ready=lambda: None):
    """The status, and what Proxy-Status says without the edge's name. ends: nothing more comes;
    ready: is called once the edge has the connection."""
    with edge.connect() as visitor:
        ready()
        with contextlib.suppress(ConnectionError):
            visitor.sendall(request)
        if ends:
            visitor.shutdown(socket.SHUT_WR)
        head = harness.read_to_end(visitor)[0].split(b"\r\n\r\n")[0].decode()
    fields = [line.split(": ", 1)[1] for line in head.split("\r\n")
              if line.lower().startswith("proxy-status:")]
    assert len(fields) <= 1, head
    assert "127.0.0.1" not in "".join(fields), head
    return int(head.split(" ")[1]), fields[0].removeprefix("afloat") if fields else None


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode()


def test_answers():
    with harness.Edge(harness.Backend(answer), SETTINGS + harness.AT_ONCE) as edge:
        for path, expected in (
                ("/nothing", (503, ";error=connection_terminated")),
                ("/reset", (503, ";error=connection_terminated")),
                ("/half-a-head-ends", (503, ";error=http_response_incomplete")),
                ("/garbage", (503, ";error=http_protocol_error")),
                ("/long-head", (503, ";error=http_response_header_section_size")),
                ("/unknown-coding", (503, ";error=http_response_transfer_coding")),
                ("/own-error", (500, ";received-status=500")),
                ("/good", (200, None))):
            answered = told(edge, get(path))
            assert answered == expected, (path, answered)
        post = b"POST %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
        broken = told(edge, post % b"/deaf" + b"Content-Length: 10\r\n\r\nabc", ends=True)
        assert broken == (400, ";error=http_request_error"), broken
        subprocess.check_call([harness.BINARY, "maintenance", "on", "--state",
                               edge.folder / "state"], stdout=subprocess.DEVNULL)
        for path, status in (("/good", 200), ("/unknown", 503)):  # with a copy, and without
            closed = told(edge, get(path))
            assert closed == (status, ";error=destination_unavailable"), closed


def test_timeouts():
    with harness.Edge(harness.Backend(answer), HASTE + harness.AT_ONCE) as edge:
        for path in ("/silent", "/half-a-head"):
            answered = told(edge, get(path))
            assert answered == (503, ";error=http_response_timeout"), (path, answered)
        size = 64 * 1024 * 1024
        deaf = told(edge, b"POST /deaf HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                    b"Content-Length: %d\r\n\r\n" % size + bytes(size))
        assert deaf == (503, ";error=connection_write_timeout"), deaf


def test_broken_content():
    """What breaks behind the head is in the access log."""
    edge = harness.Edge(harness.Backend(answer))
    edge.head = edge.head.replace("log: {", f"log: {{access: {edge.folder}/access.log, ")
    edge.configure(SETTINGS + "    timeouts: {between_bytes: 500ms}\n" + harness.AT_ONCE)

    def read_log():
        with open(edge.folder / "access.log", encoding="utf-8") as lines:
            return {line["target"]: line["failure"] for line in map(json.loads, lines)}

    with edge:
        for path in BROKEN:
            edge.get(path)
        harness.wait_until(lambda: len(read_log()) == len(BROKEN), "all are logged")
        for path, failure in read_log().items():
            assert failure == BROKEN[path][1], (path, failure)


class Silent:
    """An address where no connection is taken: each waits in a queue that is full."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.queued = []
        for _ in range(3):
            connection = socket.socket()
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                connection.connect(self.listener.getsockname())
            self.queued.append(connection)


def test_connections():
    for nobody, settings, expected in (
            (harness.Nobody(), SETTINGS, ";error=connection_refused"),
            (Silent(), HASTE, ";error=connection_timeout")):
        with harness.Edge(nobody, settings + harness.AT_ONCE) as edge:
            answered = told(edge, get("/"))
            assert answered == (503, expected), answered


def test_our_own_trouble():
    """No descriptor for a connection to the backend: that is not the backend's doing."""
    def descriptors():
        return {int(name) for name in os.listdir(f"/proc/{edge.process.pid}/fd")}

    def take_descriptors():
        # Not by its status, whose own connection may still be there then.
        harness.wait_until(lambda: len(descriptors()) > len(at_rest), "it is accepted")
        used = descriptors()
        free = next(i for i in itertools.count() if i not in used)
        resource.prlimit(edge.process.pid, resource.RLIMIT_NOFILE, (free, before[1]))

    with harness.Edge(harness.Backend(answer), SETTINGS + harness.AT_ONCE) as edge:
        before = resource.prlimit(edge.process.pid, resource.RLIMIT_NOFILE)
        at_rest = descriptors()
        answered = told(edge, get("/good"), ready=take_descriptors)
        resource.prlimit(edge.process.pid, resource.RLIMIT_NOFILE, before)
        assert answered == (503, ";error=proxy_internal_error"), answered
        assert edge.status()["origins"][0]["backends"][0]["healthy"]
        answered = told(edge, get("/good"))
        assert answered == (200, None), answered


test_answers()
test_timeouts()
test_broken_content()
OVER.set()
test_connections()
test_our_own_trouble()
