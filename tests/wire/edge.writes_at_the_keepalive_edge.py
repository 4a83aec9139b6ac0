"""A backend that closes kept connections at any moment, also just when the next request comes: each
write arrives exactly once, and every visitor gets his answer."""

import contextlib
import random
import socket
import threading

from harness import Backend, Edge

VISITORS, EACH = 8, 40
ANSWER = b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 2\r\n\r\nhi"


def end(connection):
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)


class Origin(Backend):
    def __init__(self):
        super().__init__(self.answer)
        self.lock, self.writes = threading.Lock(), []

    def answer(self, connection, head, rest):
        if head.startswith("POST"):
            while len(rest) < 5:
                rest += connection.recv(5)
            with self.lock:
                self.writes.append(head.split("X-Id: ")[1].split("\r\n")[0])
        connection.sendall(ANSWER)
        # The next request of the connection may be under way when it ends, a while after the answer.
        threading.Timer(random.uniform(0, .02), end, [connection]).start()
        return True


def visit(edge, number, failures):
    try:
        for i in range(EACH):
            assert b" 200 " in edge.get(f"/{number}-{i}")[0]
            answer, _ = edge.ask(b"POST / HTTP/1.1\r\nHost: h\r\nX-Id: %d-%d\r\nContent-Length: 5\r\n"
                                 b"Connection: close\r\n\r\nhello" % (number, i))
            assert b" 200 " in answer, answer
    except Exception as error:
        failures.append(error)


origin, failures = Origin(), []
with Edge(origin) as edge:
    visitors = [threading.Thread(target=visit, args=[edge, i, failures]) for i in range(VISITORS)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.join()
    assert not failures, failures
    assert sorted(origin.writes) == sorted(f"{i}-{k}" for i in range(VISITORS) for k in range(EACH))
