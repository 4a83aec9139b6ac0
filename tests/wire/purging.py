"""What the tests of purging share: an edge full of copies, and who is still there after a request.

A request of a tool is sent byte for byte as the tool sends it; what it hit is then seen by asking
for every page again with only-if-cached, which no backend hears of.
"""

import socket

from harness import Backend, Edge, wait_until


class Pages:
    """Pages by (host, path), each with fields of its own, all of them cached."""

    def __init__(self, pages, settings):
        self.pages = pages
        self.asked = []
        self.backend = Backend(self.answer)
        self.edge = Edge(self.backend, settings)

    def answer(self, connection, head, _):
        line, *fields = head.split("\r\n")
        host = next(field[6:] for field in fields if field.lower().startswith("host: "))
        self.asked.append((host, line))
        extra = self.pages.get((host, line.split(" ")[1]), "")
        connection.sendall(f"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\n{extra}"
                           "Content-Type: text/html\r\nContent-Length: 2\r\n\r\nhi".encode())
        return True

    def __enter__(self):
        self.edge.__enter__()
        self.fill()
        return self

    def __exit__(self, *args):
        self.edge.__exit__(*args)

    def get(self, host, path, field=""):
        answer, _ = self.edge.ask(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{field}"
                                  "Connection: close\r\n\r\n".encode())
        return answer.decode("latin-1")

    def fill(self):
        for host, path in self.pages:
            assert self.get(host, path).startswith("HTTP/1.1 200 "), (host, path)
        wait_until(lambda: self.fresh() == set(self.pages), "all pages are kept")

    def fresh(self):
        """The pages that are answered without asking anybody."""
        def is_fresh(host, path):
            answer = self.get(host, path, "Cache-Control: only-if-cached\r\n")
            return ";hit" in answer and "detail=" not in answer
        return {page for page in self.pages if is_fresh(*page)}

    def send(self, request, source="127.0.0.1"):
        """The request of a tool; returns the answer and the pages that it hit, which are then
        fetched again."""
        before = len(self.asked)
        with socket.create_connection(self.edge.address, source_address=(source, 0)) as connection:
            connection.settimeout(60)
            connection.sendall(request)
            answer = b""
            while b"\r\n\r\n" not in answer:
                piece = connection.recv(65536)
                assert piece, "no answer"
                answer += piece
        assert len(self.asked) == before, f"the origin was asked: {self.asked[before:]}"
        hit = set(self.pages) - self.fresh()
        self.fill()
        return answer.decode("latin-1"), hit

    def expect(self, request, hit, status=200, source="127.0.0.1"):
        answer, was_hit = self.send(request, source)
        assert answer.startswith(f"HTTP/1.1 {status} "), answer
        assert was_hit == set(hit), (request, was_hit)
        return answer
