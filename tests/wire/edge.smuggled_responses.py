"""No response that could be read in two ways reaches a visitor as another one, enters the cache, or
leaves a connection behind that is used again.

The backend sends each line of smuggling.responses as it stands, to a GET (or what the name begins
with). {close} ends the connection there; what stands behind {later} is sent once the visitor has
his answer. Then a second visitor asks for the same, and both his answer and the connection that it
came over tell what the edge made of the first: "stored" and "reused" say so, anything else is neither.
An answer is a status and the content; "~" is content that broke off, and of the edge's own pages
only the status counts. Whether a break is seen before the head is sent is a matter of luck: "503 or
200 ~".
"""

import re
import socket
import threading

from harness import Edge, read_to_end
from smuggling import cases, decode, split_messages

GOOD = (b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nConnection: close\r\n"
        b"Content-Length: 6\r\n\r\nsecond")
SETTINGS = "threads: 1\nsites: [{origin: main, lifelines: {hold: {enabled: false}}}]\n"


class Backend:
    """Sends one case's bytes on any connection until told to be good."""

    def __init__(self):
        self.condition = threading.Condition()
        self.case, self.later, self.reused = None, b"", False
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def begin(self, text):
        with self.condition:
            self.closes = "{close}" in text
            first, _, later = text.replace("{close}", "").partition("{later}")
            self.case, self.later, self.reused = decode(first), decode(later), False
            self.used = []

    def be_good(self):
        with self.condition:
            self.case = None
            for connection in self.used:
                try:
                    connection.sendall(self.later)
                except OSError:
                    pass

    def serve(self, connection):
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                while self.answer(connection):
                    pass
            except OSError:
                pass

    def answer(self, connection):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return False
            data += piece
        with self.condition:
            if self.case is None:
                self.reused = self.reused or connection in self.used
                connection.sendall(GOOD)
                return False
            self.used.append(connection)
            connection.sendall(self.case)
            return not self.closes


def ask(edge, method, path):
    answer, ended = edge.ask(f"{method} {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
    messages = [m for m in split_messages(answer, [method], ended) if m[0] >= 200]
    assert len(messages) == 1, answer
    status, head, content = messages[0]
    own = b"detail=edge" in head or b"detail=honest-page" in head
    return answer, f"{status}" if own else f"{status} {'~' if content is None else content.decode('latin-1')}".strip()


def run(edge, backend, number, case):
    name, text, wanted, flags = case
    method = re.match(r"(HEAD|POST|OPTIONS) |", name)[1] or "GET"
    backend.begin(text)
    answer, got = ask(edge, method, f"/{number}")
    backend.be_good()
    assert got in wanted.split(" or "), f"{name}: \"{got}\" instead of \"{wanted}\": {answer[:400]}"
    second, got = ask(edge, "GET", f"/{number}")
    stored = got != "200 second"
    assert not stored or got == wanted, f"{name}: then \"{got}\": {second[:400]}"
    assert stored == ("stored" in flags), f"{name}: {'' if stored else 'not '}stored"
    # What was stored asks no backend, so that another page has to.
    _, got = ask(edge, "GET", f"/{number}/other")
    assert got == "200 second", f"{name}: another page is \"{got}\""
    assert backend.reused == ("reused" in flags), \
        f"{name}: its connection was {'' if backend.reused else 'not '}used again"


def main():
    backend, failures = Backend(), []
    corpus = cases("smuggling.responses", 4)
    with Edge(backend, SETTINGS) as edge:
        for number, case in enumerate(corpus):
            try:
                run(edge, backend, number, case)
            except AssertionError as failure:
                failures.append(str(failure))
        edge.await_quiet()
    print("\n".join(failures))
    print(f"{len(corpus)} responses, {len(failures)} failures")
    assert not failures


main()
