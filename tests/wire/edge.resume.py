"""A content that breaks off is gone on with from the very byte, or cut: never spliced from two."""

import threading

from harness import Backend, Edge, field, pattern, reset, wait_until

SIZE = 3 << 20
CONTENT = pattern(SIZE)
OTHER = pattern(SIZE, 1)
AT = 1234567
BUDGET = "    retry: {floor: 1000}\n"
OLD = "Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\nDate: Mon, 01 Jan 2024 01:00:00 GMT\r\n"
YOUNG = OLD.replace("01:00:00", "00:00:30")
GONE = threading.Event()  # an edge has left a connection that stood still


class Site:
    """The first answer for a path breaks off; what its name says happens, then and after."""

    def __init__(self):
        self.requests = []

    def of(self, path):
        return [head for head in self.requests if head.split(" ")[1] == path]

    def ranges(self, path):
        return [(field(head, "Range"), field(head, "If-Range")) for head in self.of(path)]

    def answer(self, connection, head, _):
        path = head.split(" ")[1]
        self.requests.append(head)
        begun = len(self.of(path)) > 1
        if "/part" in path:
            begun = len(self.of(path)) % 2 == 0
        tag = "ETag: \"one\"\r\n"
        if "/weak" in path:
            tag = "ETag: W/\"one\"\r\n"
        if "/old" in path or "/young" in path:
            tag = OLD if "/old" in path else YOUNG
        if begun and "/changed" in path:
            tag = "ETag: \"two\"\r\n"
        if begun and "/coded" in path:
            tag += "Content-Encoding: gzip\r\n"
        kept = "Cache-Control: max-age=60\r\n" if "/kept" in path else "Cache-Control: no-store\r\n"
        content = OTHER if begun and "/other" in path else CONTENT
        asked = field(head, "Range")
        if begun and "/beyond" in path:
            connection.sendall(f"HTTP/1.1 416 No\r\n{tag}Content-Range: bytes */{SIZE}\r\n"
                               "Content-Length: 0\r\n\r\n".encode())
            return True
        first, last = 0, SIZE - 1
        if asked and "/whole" not in path:
            begin, end = asked.split("=")[1].split("-")
            first, last = int(begin), int(end or last)
        length = last - first + 1
        status = "200 OK"
        if first or length != SIZE:
            shift = 1 if begun and "/shifted" in path else 0
            total = SIZE + 1 if begun and "/total" in path else SIZE
            status = "206 Part"
            tag += f"Content-Range: bytes {first + shift}-{last}/{total}\r\n"
        framing = f"Content-Length: {length}\r\n"
        chunked = "/chunked" in path and not begun
        if chunked:
            framing = "Transfer-Encoding: chunked\r\n"
        connection.sendall(f"HTTP/1.1 {status}\r\n{tag}{kept}{framing}\r\n".encode())
        if begun and "/again" not in path or len(self.of(path)) > 3:
            connection.sendall(content[first:last + 1])
            return True
        cut = SIZE if "/chunked-end" in path else min(AT, length // 2)
        piece = content[first:first + cut]
        connection.sendall(b"%x\r\n%s\r\n" % (cut, piece) if chunked else piece)
        self.fall(connection, path)
        return False

    def fall(self, connection, path):
        if "/reset" in path:
            reset(connection)
        elif "/stall" in path:
            while connection.recv(1000):
                pass
            GONE.set()


def content_of(answer):
    head, _, content = answer[0].partition(b"\r\n\r\n")
    if b"chunked" not in head.lower():
        return head, content
    rest, content = content, b""
    while True:
        size, _, rest = rest.partition(b"\r\n")
        if not size or int(size, 16) == 0:
            return head, content
        content += rest[:int(size, 16)]
        rest = rest[int(size, 16) + 2:]


def whole(edge, path, first=0, last=SIZE - 1, fields=b""):
    answer = edge.ask(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                      + fields + b"\r\n")
    head, content = content_of(answer)
    assert content == CONTENT[first:last + 1], (path, head, len(content), edge.status())
    return head


def goes_on(edge, site):
    for number, path in enumerate(["/end", "/reset", "/stall", "/chunked", "/chunked-end", "/whole",
                                   "/again", "/old", "/kept-reset", "/kept-chunked"], 1):
        whole(edge, path)
        assert len(site.of(path)) >= 2, path
        wait_until(lambda: edge.metric("afloat_saved_resume_total") == number, f"{path} counts")
    wait_until(GONE.is_set, "the connection that stood still is given up")
    # A machine that stands still for a second may have made it ask at other places too.
    assert (f"bytes={AT - 64}-", "\"one\"") in site.ranges("/end")
    assert (f"bytes={AT - 64}-", "Mon, 01 Jan 2024 00:00:00 GMT") in site.ranges("/old")
    for path in "/kept-reset", "/kept-chunked":
        assert b";hit" in whole(edge, path), path


def goes_on_with_a_part(edge, site):
    """What the visitor asked for himself gives way to what is missing of it."""
    whole(edge, "/part")  # that it cannot be shared is known from here on
    head = whole(edge, "/part", 1000, 999999, b"Range: bytes=1000-999999\r\n"
                 b"If-None-Match: \"x\"\r\nIf-Range: \"one\"\r\n")
    assert head.startswith(b"HTTP/1.1 206 "), head
    begun = 1000 + 999000 // 2
    assert (f"bytes={begun - 64}-999999", "\"one\"") in site.ranges("/part")
    assert field(site.of("/part")[2], "If-None-Match") == "\"x\""
    assert field(site.of("/part")[3], "If-None-Match") is None
    wait_until(lambda: edge.metric("afloat_saved_resume_total") == 12, "both count")


def is_cut(edge, site, asked_again=True):
    saved = edge.metric("afloat_saved_resume_total")
    broken = edge.metric("afloat_broken_bodies_total")
    for path in "/changed", "/coded", "/other", "/beyond", "/shifted", "/total", "/weak", "/young":
        head, content = content_of(edge.get(path))
        assert head.startswith(b"HTTP/1.1 200 ") and content == CONTENT[:AT], (path, len(content))
        is_asked_again = len(site.of(path)) > 1
        assert is_asked_again == (asked_again and path not in ("/weak", "/young")), path
        broken += 1
        wait_until(lambda: edge.metric("afloat_broken_bodies_total") == broken, f"{path} counts")
    assert edge.metric("afloat_saved_resume_total") == saved


def main():
    site = Site()
    with Edge(Backend(site.answer), BUDGET) as edge:
        goes_on(edge, site)
        goes_on_with_a_part(edge, site)
        is_cut(edge, site)
        edge.await_quiet()
    site = Site()
    with Edge(Backend(site.answer), BUDGET + "sites: [{lifelines: {resume: {enabled: false}}}]\n") as edge:
        is_cut(edge, site, False)
    site = Site()
    with Edge(Backend(site.answer), BUDGET + "sites: [{lifelines: {resume: {skip: 1MB}}}]\n") as edge:
        _, content = content_of(edge.get("/whole"))
        assert content == CONTENT[:AT] and len(site.of("/whole")) == 2


main()
