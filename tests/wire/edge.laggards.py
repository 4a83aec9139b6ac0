"""Who was left behind by a large transfer asks for the rest by himself, and where that breaks off for the rest of that."""

import socket
import threading

from harness import Backend, Edge, field, pattern, read_to_end, reset, wait_until

SIZE = 24 << 20
CONTENT = pattern(SIZE)
OTHER = pattern(SIZE, 1)
# The window is larger than what may lie on the way to somebody who does not read.
SETTINGS = ("    retry: {floor: 1000}\nstore: {memory: 16MB}\nconnections: {stream_window: 8MB}\n"
            "sites: [{lifelines: {resume: {enabled: %s}}}]\n")


class Site:
    """Whole transfers are well. The first one for a part breaks off as the path says."""

    def __init__(self):
        self.parts = {}  # path: [(first byte, If-Range)]
        self.both = threading.Event()  # are there

    def answer(self, connection, head, _):
        path = head.split(" ")[1]
        asked = field(head, "Range")
        fields = "ETag: \"one\"\r\nCache-Control: max-age=60\r\n"
        if asked is None:
            connection.sendall(f"HTTP/1.1 200 OK\r\n{fields}Content-Length: {SIZE}\r\n\r\n".encode())
            connection.sendall(CONTENT[:100000])
            assert self.both.wait(60)
            connection.sendall(CONTENT[100000:])
            return True
        first = int(asked.split("=")[1].split("-")[0])
        parts = self.parts.setdefault(path, [])
        parts.append((first, field(head, "If-Range")))
        if len(parts) == 1 and "/refused" in path:
            connection.sendall(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")
            return True
        content = OTHER if "/other" in path or "/then-other" in path and len(parts) > 1 else CONTENT
        if "/changed" in path:
            fields = fields.replace("one", "two")
        length = SIZE - first
        is_good = len(parts) > 1 or "/other" in path
        promised = length - 1000 if "/short" in path and not is_good else length
        connection.sendall((f"HTTP/1.1 206 Part\r\n{fields}Content-Length: {promised}\r\n"
                            f"Content-Range: bytes {first}-{SIZE - 1}/{SIZE}\r\n\r\n").encode())
        connection.sendall(content[first:first + (length if is_good else length // 2)])
        if not is_good:
            self.fall(connection, path)
        return is_good

    def fall(self, connection, path):
        if "/reset" in path:
            reset(connection)
        elif "/stall" in path:
            while connection.recv(1000):
                pass


def left_behind(edge, site, path):
    """What comes to somebody who reads nothing until another one has everything."""
    ask = b"GET " + path.encode() + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
    site.both.clear()
    with socket.socket() as laggard, edge.connect() as other:
        laggard.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        laggard.connect(edge.address)
        laggard.settimeout(60)
        laggard.sendall(ask)
        begin = laggard.recv(1000)
        other.sendall(ask)
        answer = other.recv(1000)
        site.both.set()
        answer += read_to_end(other)[0]
        assert answer.split(b"\r\n\r\n", 1)[1] == CONTENT, (path, len(answer))
        rest, _ = read_to_end(laggard)
    return (begin + rest).split(b"\r\n\r\n", 1)[1]


def goes_on(edge, site):
    for number, path in enumerate(["/end", "/reset", "/stall", "/short", "/refused"], 1):
        content = left_behind(edge, site, path)
        assert content == CONTENT, (path, len(content), site.parts, edge.status())
        parts = site.parts[path]
        assert len(parts) >= 2 and {tag for _, tag in parts} == {"\"one\""}, parts
        assert parts[1][0] >= parts[0][0], parts
        wait_until(lambda: edge.metric("afloat_saved_resume_total") == number, f"{path} counts")
        assert edge.metric("afloat_range_restarts_total") == number
    assert edge.metric("afloat_cut_total") == 0


def is_cut(edge, site, paths):
    for number, path in enumerate(paths, edge.metric("afloat_cut_total") + 1):
        content = left_behind(edge, site, path)
        assert len(content) < SIZE and content == CONTENT[:len(content)], (path, len(content))
        wait_until(lambda: edge.metric("afloat_cut_total") == number, f"{path} counts")


def main():
    site = Site()
    with Edge(Backend(site.answer), SETTINGS % "true") as edge:
        goes_on(edge, site)
        is_cut(edge, site, ["/other", "/changed", "/then-other"])
        assert len(site.parts["/other"]) == 1
        edge.await_quiet()
    site = Site()
    with Edge(Backend(site.answer), SETTINGS % "false") as edge:
        is_cut(edge, site, ["/end", "/reset", "/refused", "/other"])
        assert [len(parts) for parts in site.parts.values()] == [1, 1, 1, 1]
        edge.await_quiet()


main()
