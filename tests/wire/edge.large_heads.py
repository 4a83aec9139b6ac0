"""Heads of HTTP/2 that fill many frames: within the limits they pass whole, in both directions and over
either protocol to the backend; beyond them an honest answer says so, and others on the connection
notice nothing."""

import h2.config
import h2.connection
import h2.events
import h2.settings

from h2_backend import H2Backend
from harness import Backend, Edge, digest, pattern

VALUE = 8000
GENEROUS = {h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 1 << 22}
LIMITS = ("http: {head_size: 1MB, line_size: 1MB, field_count: 1024}\n"
          "connections: {http2: {header_list_size: 1MB}}\n")


def large(size):
    """So many bytes in field lines, none of which is like another."""
    text = pattern(size // 2, size).hex()
    return [(f"x-part-{i}", text[at:at + VALUE]) for i, at in enumerate(range(0, len(text), VALUE))]


def digest_of(fields):
    return digest("".join(value for name, value in sorted(fields)
                          if name.startswith("x-part-")).encode())


def lines(fields):
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode()


def answer_http1(connection, head, _rest):
    """/ASKED: with a head of that size, and the digest of what the request's had."""
    fields = [tuple(line.split(": ", 1)) for line in head.split("\r\n")[1:]]
    content = digest_of([(name.lower(), value) for name, value in fields]).encode()
    asked = int(head.split(" ")[1][1:])
    connection.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\n" + lines(large(asked))
                       + b"Content-Length: %d\r\n\r\n" % len(content) + content)
    return True


def answer_http2(session, stream, fields, _content):
    content = digest_of(fields.items()).encode()
    session.whole(stream, content, ("cache-control", "no-store"),
                  *large(int(fields[":path"][1:])))


class Visitor:
    """One connection; answers in the order of their coming, {stream: (fields, content)}."""

    def __init__(self, edge):
        self.socket = edge.connect()
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="latin-1"))
        self.h2.initiate_connection()
        self.h2.decoder.max_header_list_size = 1 << 22
        self.answers, self.ended = {}, set()

    def ask(self, asked, fields=()):
        stream = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream, [(":method", "GET"), (":scheme", "http"), (":authority", "h"),
                                      (":path", f"/{asked}"), *fields], end_stream=True)
        self.socket.sendall(self.h2.data_to_send())
        return stream

    def await_answer(self, stream):
        while stream not in self.ended:
            received = self.socket.recv(65536)
            assert received, "the connection ended"
            for event in self.h2.receive_data(received):
                assert not isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)), event
                if isinstance(event, h2.events.ResponseReceived):
                    self.answers[event.stream_id] = [event.headers, b""]
                elif isinstance(event, h2.events.DataReceived):
                    self.answers[event.stream_id][1] += event.data
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    self.ended.add(event.stream_id)
            self.socket.sendall(self.h2.data_to_send())
        fields, content = self.answers[stream]
        return dict(fields)[":status"], fields, content


def check_passing(edge):
    visitor = Visitor(edge)
    for asking, asked in ((100000, 0), (0, 100000), (100000, 100000), (300000, 900000), (500000, 10), (700000, 10)):
        sent = large(asking)
        before, stream, after = visitor.ask(10), visitor.ask(asked, sent), visitor.ask(10)
        status, fields, content = visitor.await_answer(stream)
        assert status == "200", (asking, asked, status, [f for f in fields if len(f[1]) < 200])
        assert content == digest_of(sent).encode(), (asking, asked)
        assert digest_of(fields) == digest_of(large(asked)), (asking, asked)
        for small in (before, after):
            assert visitor.await_answer(small)[0] == "200"


def check_largest_field(edge):
    """More than nghttp2 takes in one: the end of that connection, and of no other."""
    visitor, other = Visitor(edge), Visitor(edge)
    stream, pending = visitor.ask(10, [("x-part-0", "a" * 200000)]), other.ask(100000)
    try:
        visitor.await_answer(stream)
    except AssertionError as end:
        assert "ConnectionTerminated" in str(end), end
    else:
        raise AssertionError("it was answered")
    assert other.await_answer(pending)[0] == other.await_answer(other.ask(10))[0] == "200"


def check_refused(edge):
    visitor = Visitor(edge)
    before = visitor.ask(10)
    status, _, _ = visitor.await_answer(visitor.ask(10, large(100000)))
    assert status == "431", status
    status, fields, _ = visitor.await_answer(visitor.ask(100000))
    assert status == "503", status
    assert dict(fields)["proxy-status"].endswith("error=http_response_header_section_size"), fields
    assert visitor.await_answer(before)[0] == visitor.await_answer(visitor.ask(10))[0] == "200"


for backend_, settings_ in ((Backend(answer_http1), ""),
                            (H2Backend(answer_http2, settings=GENEROUS), "    http2: prior_knowledge\n")):
    with Edge(backend_, settings_ + LIMITS) as edge_:
        check_passing(edge_)
        check_largest_field(edge_)
    with Edge(backend_, settings_ + "    retry: {attempts: 1}\n") as edge_:
        check_refused(edge_)
