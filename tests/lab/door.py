"""What stands behind a port of the laboratory: HTTP/1.1 and HTTP/2, with TLS or without, and every
way to do it badly. A thread serves each connection; what waits, waits for the end of its world."""

import contextlib
import dataclasses
import email.utils
import http
import socket
import ssl
import threading
import typing

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

import certificates

PATIENCE_SECONDS, PIECE = 30, 16384


@dataclasses.dataclass
class Request:
    method: str
    path: str
    host: str
    scheme: str
    fields: dict  # names in small letters
    client: str
    content: bytes = b""


@dataclasses.dataclass
class Answer:
    """content: bytes, or pieces of them without a known end. length: what Content-Length says of
    bytes, when that is not true. It begins after delay seconds, each piece after pause."""
    status: int = 200
    fields: dict = dataclasses.field(default_factory=dict)
    content: typing.Any = b""
    length: int = None
    delay: float = 0
    pause: float = 0

    def head(self):
        known = isinstance(self.content, bytes)
        length = {"Content-Length": str(self.length or len(self.content))} if known else {}
        return {"Date": email.utils.formatdate(usegmt=True),
                "Content-Type": "text/html; charset=utf-8", **length, **self.fields}

    def phrase(self):
        known = self.status in list(http.HTTPStatus)
        return http.HTTPStatus(self.status).phrase if known else "Error"

    def pieces(self, over):
        content = self.content
        if isinstance(content, bytes):
            content = [content[at:at + PIECE] for at in range(0, len(content), PIECE)]
        for piece in content:
            if self.pause and over.wait(self.pause):
                return
            yield piece


@dataclasses.dataclass
class Door:
    """answer(Request) returns an Answer. In its place: accepted(connection, over) right after
    accept(), secured(…) after the handshake of TLS, http2(…) where HTTP/2 was agreed upon."""
    answer: typing.Callable = None
    certificate: str = "site"
    protocols: tuple = ("h2", "http/1.1")
    accepted: typing.Callable = None
    secured: typing.Callable = None
    http2: typing.Callable = None


class Http1:
    def __init__(self, connection, door, scheme, client, over):
        self.connection, self.door, self.over = connection, door, over
        self.scheme, self.client = scheme, client
        self.reader = connection.makefile("rb")

    def serve(self):
        while (request := self.read()) and self.write(request):
            pass

    def read(self):
        words = self.reader.readline(65536).decode("latin-1").split()
        if len(words) != 3:
            return None
        fields = {}
        while (line := self.reader.readline(65536).decode("latin-1").strip()):
            name, _, value = line.partition(":")
            fields[name.lower()] = value.strip()
        if words[2] == "HTTP/1.0":
            fields["connection"] = "close"
        content = self.reader.read(int(fields.get("content-length", 0)))
        host = fields.get("host", "").rsplit(":", 1)[0]
        return Request(words[0], words[1], host, self.scheme, fields, self.client, content)

    def write(self, request):
        """Returns whether the connection goes on."""
        answer = self.door.answer(request)
        if answer.delay and self.over.wait(answer.delay):
            return False
        chunked = not isinstance(answer.content, bytes)
        head = {**answer.head(), **({"Transfer-Encoding": "chunked"} if chunked else {})}
        lines = [f"HTTP/1.1 {answer.status} {answer.phrase()}",
                 *(f"{name}: {value}" for name, value in head.items()), "", ""]
        self.connection.sendall("\r\n".join(lines).encode("latin-1"))
        bare = request.method == "HEAD" or answer.status in (204, 304)
        for piece in () if bare else answer.pieces(self.over):
            self.connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        if chunked and not bare:
            self.connection.sendall(b"0\r\n\r\n")
        return answer.length is None and request.fields.get("connection", "") != "close"


class Http2:
    """One reader, and a thread for each stream that writes when the windows let it."""

    def __init__(self, connection, door, scheme, client, over):
        self.connection, self.door, self.over = connection, door, over
        self.scheme, self.client = scheme, client
        config = h2.config.H2Configuration(client_side=False, header_encoding="latin-1")
        self.state = h2.connection.H2Connection(config=config)
        self.changed = threading.Condition()
        self.requests, self.is_open = {}, True

    def flush(self):
        self.connection.sendall(self.state.data_to_send())

    def serve(self):
        with self.changed:
            self.state.initiate_connection()
            self.flush()
        try:
            while (got := self.connection.recv(65536)):
                with self.changed:
                    for event in self.state.receive_data(got):
                        self.take(event)
                    self.flush()
                    self.changed.notify_all()
        except h2.exceptions.ProtocolError:
            pass
        finally:
            with self.changed:
                self.is_open = False
                self.changed.notify_all()

    def take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            fields = dict(event.headers)
            host = fields.get(":authority", "").rsplit(":", 1)[0]
            self.requests[event.stream_id] = Request(fields[":method"], fields[":path"], host,
                                                     self.scheme, fields, self.client)
        elif isinstance(event, h2.events.DataReceived):
            self.requests[event.stream_id].content += event.data
            self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            arguments = [event.stream_id, self.requests.pop(event.stream_id)]
            threading.Thread(target=self.write, args=arguments, daemon=True).start()

    def write(self, stream, request):
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError):
            answer = self.door.answer(request)
            if answer.delay and self.over.wait(answer.delay):
                return
            bare = request.method == "HEAD" or answer.status in (204, 304)
            head = [(":status", str(answer.status)),
                    *((name.lower(), value) for name, value in answer.head().items())]
            with self.changed:
                self.state.send_headers(stream, head, end_stream=bare)
                self.flush()
            if bare:
                return
            for piece in answer.pieces(self.over):
                self.write_piece(stream, piece)
            with self.changed:
                if answer.length is None:
                    self.state.end_stream(stream)
                else:
                    self.state.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
                self.flush()

    def write_piece(self, stream, piece):
        while piece:
            with self.changed:
                while self.is_open and self.state.local_flow_control_window(stream) <= 0:
                    self.changed.wait(PATIENCE_SECONDS)
                size = min(len(piece), self.state.local_flow_control_window(stream),
                           self.state.max_outbound_frame_size)
                self.state.send_data(stream, piece[:size])
                self.flush()
            piece = piece[size:]


class Listener:
    """A door at a listening socket; secure: behind TLS."""

    def __init__(self, door, listener, secure, over):
        self.door, self.listener, self.secure, self.over = door, listener, secure, over
        self.connections = set()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, peer = self.listener.accept()
                self.connections.add(connection)
                client = peer[0].removeprefix("::ffff:")
                threading.Thread(target=self.attend, args=[connection, client], daemon=True).start()

    def attend(self, connection, client):
        with contextlib.suppress(OSError, ValueError), connection:
            connection.settimeout(PATIENCE_SECONDS)
            if self.door.accepted:
                self.door.accepted(connection, self.over)
                return
            if not self.secure:
                Http1(connection, self.door, "http", client, self.over).serve()
                return
            context = certificates.context(self.door.certificate, self.door.protocols)
            with context.wrap_socket(connection, server_side=True) as secured:
                self.connections.add(secured)
                self.serve_secured(secured, client)
                with contextlib.suppress(OSError, ssl.SSLError):
                    secured.unwrap()

    def serve_secured(self, connection, client):
        is_http2 = connection.selected_alpn_protocol() == "h2"
        if self.door.secured:
            self.door.secured(connection, self.over)
        elif is_http2 and self.door.http2:
            self.door.http2(connection, self.over)
        else:
            kind = Http2 if is_http2 else Http1
            kind(connection, self.door, "https", client, self.over).serve()

    def stop(self):
        for one in (self.listener, *list(self.connections)):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self.listener.close()
