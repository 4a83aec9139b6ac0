"""HTTP/2 as raw frames (RFC 9113), for visitors that do what no library would let them.

HPACK is written as literals that enter no table, and read only as far as the status goes.
"""

import socket
import struct

from harness import PATIENCE_SECONDS

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
(DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE,
 CONTINUATION) = range(10)
PRIORITY_UPDATE = 16
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 1, 1, 4, 8, 32
CODES = ("NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED "
         "FRAME_SIZE_ERROR REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM "
         "INADEQUATE_SECURITY HTTP_1_1_REQUIRED").split()
GET = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "h")]
POST = [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "h")]
STATUS_INDEXED = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}


def frame(kind, flags, stream, payload=b"", length=None):
    size = len(payload) if length is None else length
    return struct.pack(">I", size)[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def integer(value, bits, first=0):
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([first | value])
    out = [first | limit]
    value -= limit
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes(out + [value])


def literal(name, value):
    name = name.encode("latin-1") if isinstance(name, str) else name
    value = value.encode("latin-1") if isinstance(value, str) else value
    return b"\0" + integer(len(name), 7) + name + integer(len(value), 7) + value


def block(fields):
    return b"".join(literal(name, value) for name, value in fields)


def head(stream, fields=(), flags=END_STREAM | END_HEADERS, more=()):
    """HEADERS of a GET, or of the fields given; more: fields behind them."""
    return frame(HEADERS, flags, stream, block(list(fields or GET) + list(more)))


def data(stream, content=b"", end=False):
    return frame(DATA, END_STREAM if end else 0, stream, content)


def settings(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def reset_stream(stream, code=8):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def ping(text=b"pingping", flags=0):
    return frame(PING, flags, 0, text)


def huffman_digits(text):
    bits = "".join(f"{byte >> shift & 1}" for byte in text for shift in range(7, -1, -1))
    out, at = "", 0
    codes = {"00000": "0", "00001": "1", "00010": "2"}
    codes.update({f"{0b011001 + n:06b}": str(3 + n) for n in range(7)})
    while len(out) < 3:
        for size in (5, 6):
            if bits[at:at + size] in codes:
                out += codes[bits[at:at + size]]
                at += size
                break
    return int(out)


def status_of(payload):
    """Of a HEADERS frame's block: :status comes first."""
    while payload[0] & 0xe0 == 0x20:     # the size of the table
        at = 1
        while payload[0] & 0x1f == 0x1f and payload[at] & 0x80:
            at += 1
        payload = payload[at + (payload[0] & 0x1f == 0x1f):]
    if payload[0] & 0x80:
        return STATUS_INDEXED[payload[0] & 0x7f]
    assert payload[0] & 0x3f in STATUS_INDEXED or payload[0] & 0x0f in STATUS_INDEXED, payload
    size, text = payload[1] & 0x7f, payload[2:]
    return huffman_digits(text[:size]) if payload[1] & 0x80 else int(text[:size])


class Visitor:
    """A connection that has said hello, unless told not to, and acknowledges settings. Received frames are (kind, flags,
    stream, payload)."""

    def __init__(self, edge, hello=PREFACE + settings(), acknowledges=True):
        self.acknowledges = acknowledges
        self.socket = edge.connect()
        self.socket.settimeout(PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rest = b""
        self.frames = []     # all that came
        self.send(hello)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *pieces):
        try:
            self.socket.sendall(b"".join(pieces))
        except ConnectionError:
            pass             # what it said before it closed is still to be read

    def take(self, size):
        while len(self.rest) < size:
            try:
                piece = self.socket.recv(65536)
            except ConnectionError:
                piece = b""
            if not piece:
                return None
            self.rest += piece
        taken, self.rest = self.rest[:size], self.rest[size:]
        return taken

    def read(self):
        """The next frame; None at the end."""
        start = self.take(9)
        if start is None:
            return None
        kind, flags, stream = struct.unpack(">BBI", start[3:])
        payload = self.take(int.from_bytes(start[:3], "big"))
        if payload is None:
            return None
        if (kind, flags) == (SETTINGS, 0) and self.acknowledges:
            self.send(frame(SETTINGS, ACK, 0))
        self.frames.append((kind, flags, stream, payload))
        return self.frames[-1]

    def until(self, wanted):
        """Reads until a frame fits; None if the end comes first."""
        while (got := self.read()) is not None:
            if wanted(*got):
                return got
        return None

    def status(self, stream):
        got = self.until(lambda kind, flags, of, payload: kind == HEADERS and of == stream)
        assert got is not None, f"no answer on stream {stream}: {self.frames}"
        return status_of(got[3])

    def content(self, stream):
        """Of an answer, as far as its windows allow, to its end."""
        pieces = []
        while True:
            got = self.until(lambda kind, flags, of, payload: of == stream)
            assert got is not None and got[0] != RST_STREAM, f"broken off: {self.frames[-3:]}"
            if got[0] == DATA:
                pieces.append(got[3])
            if got[1] & END_STREAM:
                return b"".join(pieces)

    def verdict(self, stream=1, probe=None):
        """What became of a stream: "200", "reset CODE", "goaway CODE", "closed"; "fine" when the
        answer to the probe, a stream of its own, comes first."""
        while (got := self.read()) is not None:
            kind, _, of, payload = got
            if kind == GOAWAY and (code := int.from_bytes(payload[4:8], "big")) != 0:
                return f"goaway {CODES[code]}"
            if kind == RST_STREAM and of == stream:
                return f"reset {CODES[int.from_bytes(payload, 'big')]}"
            if kind == HEADERS and of == stream:
                return str(status_of(payload))
            if kind == HEADERS and of == probe:
                return "fine"
        return "closed"
