"""Tens of megabytes in both directions: byte-exact, at the pace of the slower side, in bounded memory."""

import threading
import time

from harness import Backend, Edge, digest, pattern, read_to_end

SIZE = 48 << 20
CONTENT = pattern(SIZE)
RELEASE = threading.Event()


def send_chunked(connection, content):
    for at in range(0, len(content), 100000):
        piece = content[at:at + 100000]
        connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
    connection.sendall(b"0\r\n\r\n")


def receive_upload(connection, head, rest):
    """The digest of what was uploaded; nothing is read before RELEASE."""
    RELEASE.wait()
    pieces, total = [rest], len(rest)
    chunked = "chunked" in head
    while not chunked and total < SIZE or chunked and not pieces[-1].endswith(b"\r\n0\r\n\r\n"):
        pieces.append(connection.recv(1 << 20))
        if not pieces[-1]:
            return "broken"
        total += len(pieces[-1])
        if chunked and len(pieces[-1]) < 7:
            pieces[-2:] = [pieces[-2] + pieces[-1]]
    content = b"".join(pieces)
    if chunked:
        at, parts = 0, []
        while True:
            line_end = content.index(b"\r\n", at)
            size = int(content[at:line_end], 16)
            parts.append(content[line_end + 2:line_end + 2 + size])
            at = line_end + 2 + size + 2
            if size == 0:
                break
        content = b"".join(parts)
    return digest(content)


def backend_answer(connection, head, rest):
    if head.startswith("PUT "):
        text = receive_upload(connection, head, rest).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
        return False
    first = 0
    start = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nETag: \"one\"\r\n"
    for line in head.split("\r\n"):
        if line.lower().startswith("range: bytes="):
            first = int(line.split("=")[1].split("-")[0])
            start = b"HTTP/1.1 206 Partial Content\r\nETag: \"one\"\r\nContent-Range: bytes %d-%d/%d\r\n" % (
                first, SIZE - 1, SIZE)
    if "chunked" in head.split(" ")[1]:
        connection.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nTransfer-Encoding: chunked\r\n\r\n")
        send_chunked(connection, CONTENT)
        return True
    connection.sendall(start + b"Content-Length: %d\r\n\r\n" % (SIZE - first))
    connection.sendall(memoryview(CONTENT)[first:])
    return True


def content_of(answer):
    head, _, content = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    if b"Transfer-Encoding: chunked" not in head:
        return content
    parts, at = [], 0
    while True:
        line_end = content.index(b"\r\n", at)
        size = int(content[at:line_end], 16)
        if size == 0:
            assert content[at:] == b"0\r\n\r\n"
            return b"".join(parts)
        parts.append(content[line_end + 2:line_end + 2 + size])
        at = line_end + 2 + size + 2


def download_slowly(edge, path, before_mb):
    with edge.connect() as visitor:
        visitor.sendall(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        first = visitor.recv(65536)
        time.sleep(1)  # what the backend could send has arrived by now, or is held back
        edge.assert_memory_below(before_mb + 24)
        rest, in_order = read_to_end(visitor)
    assert in_order and digest(content_of(first + rest)) == digest(CONTENT), path


def download_together(edge, path):
    """Readers of one transfer, each at his own pace."""
    failures = []

    def read(pause):
        try:
            with edge.connect() as visitor:
                visitor.sendall(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
                pieces = []
                while piece := visitor.recv(1 << 20):
                    pieces.append(piece)
                    time.sleep(pause)
            answer = b"".join(pieces)
            assert len(answer) > SIZE, f"cut after {len(answer)} bytes, pause {pause}, {path}"
            assert digest(content_of(answer)) == digest(CONTENT), f"pause {pause}, {path}"
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=read, args=[pause]) for pause in (0, 0, .001, .005)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, (failures, edge.status())


def upload(edge, chunked, before_mb):
    RELEASE.clear()
    sent = 0
    answers = []
    with edge.connect() as visitor:
        framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % SIZE
        visitor.sendall(b"PUT /up HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + framing + b"\r\n\r\n")

        def send():
            nonlocal sent
            for at in range(0, SIZE, 1 << 16):
                piece = CONTENT[at:at + (1 << 16)]
                visitor.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
                sent += len(piece)
            if chunked:
                visitor.sendall(b"0\r\n\r\n")

        sender = threading.Thread(target=send)
        sender.start()
        last = -1
        while last != sent:  # until it stands still
            last = sent
            time.sleep(.5)
        assert sent < SIZE, "the edge swallowed a whole upload that nobody reads"
        edge.assert_memory_below(before_mb + 24)
        RELEASE.set()
        sender.join()
        answer, _ = read_to_end(visitor)
    assert answer.endswith(digest(CONTENT).encode()), answer


def main():
    settings = "store: {memory: 16MB}\nconnections: {stream_window: 1MB}\n"
    with Edge(Backend(backend_answer), settings) as edge:
        before_mb = edge.memory_mb()
        for path in "/length", "/chunked":
            download_slowly(edge, path, before_mb)
            download_together(edge, path + "-together")
        for chunked in False, True:
            upload(edge, chunked, before_mb)
        edge.await_quiet()
        edge.assert_memory_below(before_mb + 24)


main()
