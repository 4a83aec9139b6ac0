"""A scripted backend that speaks HTTP/2 without TLS, for the wire tests: python3-h2 does the frames,
with its checks of what is sent switched off, so that it can lie."""

import contextlib
import socket
import struct
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings


class Session:
    """One connection. The functions may be called from any thread."""

    def __init__(self, backend, connection, number):
        self.backend, self.connection, self.number = backend, connection, number
        self.lock = threading.RLock()
        self.moved = threading.Condition(self.lock)
        self.requests, self.trailers, self.active, self.most = {}, {}, 0, 0
        config = h2.config.H2Configuration(
            client_side=False, header_encoding="latin-1", validate_outbound_headers=False,
            normalize_outbound_headers=False, validate_inbound_headers=True)
        self.h2 = h2.connection.H2Connection(config=config)

    def serve(self):
        # Not update(): what is changed later is not in the first SETTINGS.
        self.h2.local_settings = h2.settings.Settings(
            client=False, initial_values={
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 100,
                h2.settings.SettingCodes.MAX_HEADER_LIST_SIZE: 65536, **self.backend.settings})
        self.h2.decoder.max_header_list_size = self.h2.local_settings.max_header_list_size
        self.h2.initiate_connection()
        self.flush()
        with self.connection, contextlib.suppress(OSError, h2.exceptions.ProtocolError):
            while received := self.connection.recv(65536):
                with self.lock:
                    for event in self.h2.receive_data(received):
                        self.handle(event)
                    self.flush()
        with self.lock:
            self.h2 = None
            self.moved.notify_all()

    def handle(self, event):
        if isinstance(event, h2.events.RequestReceived):
            self.requests[event.stream_id] = [dict(event.headers), event.headers, b"", False]
            self.active += 1
            self.most = max(self.most, self.active)
            if self.backend.early(self, event.stream_id, dict(event.headers)):
                return
        elif isinstance(event, h2.events.DataReceived):
            self.requests[event.stream_id][2] += event.data
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.TrailersReceived):
            self.trailers[event.stream_id] = event.headers
        elif isinstance(event, h2.events.StreamReset):
            self.backend.resets.append((event.stream_id, int(event.error_code)))
            self.moved.notify_all()
        elif isinstance(event, (h2.events.WindowUpdated, h2.events.RemoteSettingsChanged)):
            self.moved.notify_all()
        if isinstance(event, h2.events.PingAckReceived):
            self.backend.pongs += 1
        if isinstance(event, h2.events.StreamEnded):
            self.requests[event.stream_id][3] = True
            threading.Thread(target=self.answer, args=[event.stream_id], daemon=True).start()

    def answer(self, stream):
        request = self.requests[stream]
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError, AttributeError, KeyError):
            self.backend.answer(self, stream, request[0], request[2])
        with self.lock:
            self.active -= 1

    def flush(self):
        self.connection.sendall(self.h2.data_to_send())

    def head(self, stream, fields, end=False):
        with self.lock:
            self.h2.send_headers(stream, fields, end_stream=end)
            self.flush()

    def data(self, stream, content, end=False):
        at = 0
        while at < len(content):
            with self.lock:
                while (room := min(self.h2.local_flow_control_window(stream),
                                   self.h2.max_outbound_frame_size)) == 0:
                    self.moved.wait(60)
                self.h2.send_data(stream, content[at:at + room])
                at += room
                self.flush()
        if end:
            with self.lock:
                self.h2.end_stream(stream)
                self.flush()

    def whole(self, stream, content, *fields, status="200"):
        self.head(stream, [(":status", status), *fields], not content)
        if content:
            self.data(stream, content, True)

    def reset(self, stream, code):
        with self.lock:
            self.h2.reset_stream(stream, code)
            self.flush()

    def frame(self, kind, flags, stream, payload=b""):
        """As it is, whatever the library thinks."""
        with self.lock:
            self.connection.sendall(struct.pack("!I", len(payload))[1:] + bytes([kind, flags])
                                    + struct.pack("!I", stream) + payload)

    def goaway(self, last, code=0):
        self.frame(7, 0, 0, struct.pack("!II", last, code))

    def ping(self):
        with self.lock:
            self.h2.ping(b"12345678")
            self.flush()

    def close(self, hard=False):
        if hard:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        self.connection.close()


class H2Backend:
    """answer(session, stream, fields, content) is called in a thread for each whole request,
    early(session, stream, fields) at each head; True: that was the answer."""

    def __init__(self, answer, early=lambda session, stream, fields: False, settings=None):
        self.answer, self.early, self.settings = answer, early, settings or {}
        self.sessions, self.resets, self.pongs = [], [], 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                session = Session(self, connection, len(self.sessions))
                self.sessions.append(session)
                threading.Thread(target=session.serve, daemon=True).start()

    def lose_all(self, hard=False):
        for session in self.sessions:
            session.close(hard)
