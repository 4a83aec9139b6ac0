"""Those who hold what others need by being slow: heads and contents that drip, connections that say
nothing, many of each from one address. None of it lasts, and the others do not notice."""

import contextlib
import threading
import time

from harness import Backend, Edge, wait_until

SETTINGS = """connections: {head_timeout: 1s, body_timeout: 1s, body_rate: 1KB, idle_timeout: 2s}
clients: {exempt: [], connections: 40}
"""


def answer(connection, head, rest):
    with contextlib.suppress(ConnectionError):
        while "POST" in head:  # none of these ever ends
            piece = connection.recv(65536)
            if not piece:
                return False
            rest += piece
        connection.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 2\r\n\r\nhi")
    return True


def drip(connection, first, byte):
    """Sends a byte now and then, as long as anybody listens; returns what came back."""
    with contextlib.suppress(ConnectionError):
        connection.sendall(first)
        while True:
            connection.settimeout(.15)
            with contextlib.suppress(TimeoutError):
                return connection.recv(65536)
            connection.sendall(byte)
    return b""


with Edge(Backend(answer), SETTINGS) as edge:
    visitors = {
        "head": (b"GET / HTTP/1.1\r\nHost: h\r\nX: ", b"a"),
        "line": (b"GET /", b"a"),
        "blank": (b"\r\n", b"\r\n"),
        "body": (b"POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n", b"a"),
        "chunks": (b"POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    }
    answers = {}

    def attack(name):
        with edge.connect() as connection:
            answers[name] = drip(connection, *visitors[name])

    threads = [threading.Thread(target=attack, args=[name], daemon=True) for name in visitors]
    silent = [edge.connect() for _ in range(10)]
    for thread in threads:
        thread.start()
    # Meanwhile everybody else is served.
    for _ in range(20):
        assert b" 200 " in edge.get("/")[0]
        time.sleep(.05)
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), f"held on: {set(visitors) - set(answers)}"
    for name, got in answers.items():
        assert got == b"" or b" 408 " in got or b" 400 " in got, (name, got)
    wait_until(lambda: edge.status()["now"]["connections"] == 0, "those who say nothing are let go")
    ledger = edge.status()["ledger"]
    assert ledger["head_timeouts"] >= 2 and ledger["body_timeouts"] == 2, ledger
    assert ledger["idle_timeouts"] >= 10, ledger
    for each in silent:
        each.close()

    # One who opens all he can gets no further than his share, and what he holds comes back.
    crowd = [edge.connect() for _ in range(200)]
    wait_until(lambda: edge.status()["ledger"]["client_connections"] >= 160, "the crowd was counted")
    assert edge.status()["now"]["connections"] <= 51
    for each in crowd:
        each.close()
    wait_until(lambda: b" 200 " in edge.get("/")[0], "the places came back")
