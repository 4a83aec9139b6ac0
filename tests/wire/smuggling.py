"""What the corpora smuggling.requests, .requests_http2 and .responses are written in.

A line is one case, its columns separated by " | ". Bytes are written as they are, but for escapes
(\\r \\n \\t \\0 \\\\ \\xHH) and what stands in braces: {H} is "Host: h\\r\\n", {V} the edge's Via line,
{K} "Cache-Control: max-age=60\\r\\n"; {abc*1000} repeats. Empty lines and those that begin with # are for the reader.
"""

import pathlib
import re
import socket
import threading

WORDS = {"H": b"Host: h\r\n", "V": b"Via: 1.1 afloat\r\n", "K": b"Cache-Control: max-age=60\r\n"}
FOLDER = pathlib.Path(__file__).parent
ESCAPES = {"r": b"\r", "n": b"\n", "t": b"\t", "0": b"\0", "\\": b"\\"}
ANSWER = b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"
# Another request, and what the backend sees of it.
ASIDE = b"GET /aside HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
ASIDE_SEEN = b"GET /aside HTTP/1.1\r\nHost: h\r\nVia: 1.1 afloat\r\n\r\n"
PART = re.compile(r"\\x([0-9a-f]{2})|\\([rnt0\\])|\{([^{}]*)\}|([^\\{])", re.S)


def decode(text):
    parts, at = [], 0
    while at < len(text):
        part = PART.match(text, at)
        assert part, f"no escape: {text[at:]}"
        at = part.end()
        if part[1]:
            parts.append(bytes([int(part[1], 16)]))
        elif part[2]:
            parts.append(ESCAPES[part[2]])
        elif part[3] is None:
            parts.append(part[4].encode())
        elif part[3] in WORDS:
            parts.append(WORDS[part[3]])
        else:
            what, times = part[3].rsplit("*", 1)
            parts.append(decode(what) * int(times))
    return b"".join(parts)


def cases(file, columns):
    """A list of columns for each line, none of them decoded."""
    found, names = [], set()
    for line in (FOLDER / file).read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        case = [column.strip() for column in line.split(" | ")]
        assert len(case) == columns, f"{file}: {line}"
        assert case[0] not in names, f"{file}: {case[0]} stands there twice"
        names.add(case[0])
        found.append(case)
    return found


def split_message(data, method="GET", ended=True):
    """(status, head, content, rest) of the first response, as a strict visitor reads it; content is
    None when it is not whole."""
    head, end, rest = data.partition(b"\r\n\r\n")
    assert end and re.match(rb"HTTP/1\.1 [1-5]\d\d ", head), f"no response: {data[:200]}"
    status = int(head[9:12])
    fields = [line.split(b": ", 1) for line in head.split(b"\r\n")[1:]]
    lengths = [value for name, value in fields if name.lower() == b"content-length"]
    codings = [value for name, value in fields if name.lower() == b"transfer-encoding"]
    if method == "HEAD" or status < 200 or status in (204, 304):
        return status, head, b"", rest
    if codings:
        assert codings == [b"chunked"] and not lengths, head
        content = b""
        while True:
            line, end, rest = rest.partition(b"\r\n")
            if not end or not line:
                return status, head, None, b""
            size = int(line, 16)
            if size == 0:
                return (status, head, content, rest[2:]) if rest[:2] == b"\r\n" \
                    else (status, head, None, b"")
            content += rest[:size]
            if rest[size:size + 2] != b"\r\n":
                return status, head, None, b""
            rest = rest[size + 2:]
    if lengths:
        assert len(lengths) == 1, head
        size = int(lengths[0])
        return status, head, rest[:size] if len(rest) >= size else None, rest[size:]
    return status, head, rest if ended else None, b""


def split_messages(data, methods, ended=True):
    messages = []
    while data:
        method = methods[min(len([m for m in messages if m[0] >= 200]), len(methods) - 1)]
        status, head, content, data = split_message(data, method, ended)
        messages.append((status, head, content))
    return messages


class Records:
    """What the backend received, connection by connection, once all of them are over."""

    def __init__(self):
        self.condition = threading.Condition()
        self.begun = []

    def begin(self):
        with self.condition:
            self.begun.append(None)
            self.condition.notify_all()
            return len(self.begun) - 1

    def end(self, place, data):
        with self.condition:
            self.begun[place] = data
            self.condition.notify_all()

    def take(self, least):
        """All that was received since the last time, in the order in which the connections came:
        those that are expected, and more only if they are here by then. What comes later is found
        with the next case."""
        with self.condition:
            self.condition.wait_for(lambda: len(self.begun) >= least and None not in self.begun, 60)
            assert None not in self.begun, "a connection stays open"
            taken, self.begun = self.begun, []
            return [data for data in taken if data]  # a connection without a byte is nothing


class Recorder:
    """A backend that records to the byte, and answers once a request is over."""

    def __init__(self):
        self.records = Records()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            place = self.records.begin()
            threading.Thread(target=self.serve, args=[connection, place], daemon=True).start()

    @staticmethod
    def is_over(data):
        head, end, content = data.partition(b"\r\n\r\n")
        if not end:
            return False
        length = re.search(rb"\r\nContent-Length: (\d+)", head)
        if b"\r\nTransfer-Encoding: chunked" in head:
            return re.search(rb"\r\n0\r\n([^\r\n]+\r\n)*\r\n$", data) is not None
        return len(content) >= int(length[1]) if length else True

    def serve(self, connection, place):
        data, answered = b"", False
        with connection:
            try:
                while piece := connection.recv(65536):
                    data += piece
                    if not answered and self.is_over(data):
                        answered = True
                        connection.sendall(ANSWER)
            except ConnectionError:
                pass
        self.records.end(place, data)
