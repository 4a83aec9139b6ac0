"""HTTP/2 to a backend where the TLS handshake agrees on it, and HTTP/1.1 where it does not."""

import contextlib
import random
import socket
import subprocess
import tempfile
import pathlib

import h2.events
from h2_backend import Session
from harness import AT_ONCE, Edge, digest, pattern, wait_until
from secure import Authority, SecureBackend

LARGE = pattern(2 << 20)


class Secure(Edge):
    def __init__(self, port, authority, http2):
        self.url, self.ca, self.http2 = f"https://localhost:{port}", authority.ca, http2
        super().__init__(self)

    address = ""

    def configure(self, settings):
        self.file.write_text(self.head.split("origins:")[0] + "threads: 1\norigins:\n  main:\n"
                             f"    backends: [\"{self.url}\"]\n    tls: {{ca: {self.ca}}}\n"
                             f"    http2: {self.http2}\n" + settings + AT_ONCE)


@contextlib.contextmanager
def nghttpd(pair, folder):
    """A backend that speaks nothing but HTTP/2."""
    # It cannot say which port it was given: one below those that the kernel hands out to others.
    port = random.randint(20000, 30000)
    process = subprocess.Popen(["nghttpd", "-a", "127.0.0.1", "-d", folder, str(port), pair[1],
                                pair[0]], stdout=subprocess.DEVNULL)

    def answers():
        assert process.poll() is None, f"nghttpd does not listen on port {port}"
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        return False

    try:
        wait_until(answers, "nghttpd listens")
        yield port
    finally:
        process.terminate()
        process.wait()


def http1_answer(connection, head, rest):
    ASKED.append(head)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nCache-Control: no-store\r\n\r\nhello")
    return True


class Refusing(Session):
    """Takes a whole request and says that it did not process it."""

    def handle(self, event):
        if isinstance(event, h2.events.StreamEnded):
            self.goaway(0)
        else:
            super().handle(event)


class Changing(SecureBackend):
    """Speaks HTTP/2 on its first connection, where it refuses, and HTTP/1.1 on all others."""

    settings, connections = {}, 0

    def early(self, session, stream, fields):
        return False

    def serve(self, connection):
        self.connections += 1
        if self.connections == 1:
            self.context.set_alpn_protocols(["h2"])
            with contextlib.suppress(OSError):
                Refusing(self, self.context.wrap_socket(connection, server_side=True), 0).serve()
        else:
            self.context.set_alpn_protocols(["http/1.1"])
            super().serve(connection)


def upload_answer(connection, head, rest):
    while not rest.endswith(b"0\r\n\r\n"):
        rest += connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(rest) + rest)
    return True


ASKED = []
with Authority() as authority_, tempfile.TemporaryDirectory() as folder_:
    pair_ = authority_.issue("localhost", ["localhost"])
    (pathlib.Path(folder_) / "large").write_bytes(LARGE)
    (pathlib.Path(folder_) / "small").write_bytes(b"hello")
    with nghttpd(pair_, folder_) as port_:
        for http2_ in ("negotiate", "prior_knowledge"):
            with Secure(port_, authority_, http2_) as edge_:
                for i_ in range(20):
                    answer_, whole_ = edge_.get(f"/small?{i_}")
                    assert answer_.startswith(b"HTTP/1.1 200 ") and b"hello" in answer_, answer_
                assert edge_.status()["origins"][0]["backends"][0]["connections_open"] == 1
                answer_, _ = edge_.get("/large")
                assert digest(answer_.split(b"\r\n\r\n", 1)[1]) == digest(LARGE)
        with Secure(port_, authority_, "off") as edge_:
            assert edge_.get("/small")[0].startswith(b"HTTP/1.1 503 ")
    backend_ = SecureBackend(http1_answer, pair_)
    port_ = backend_.address.rsplit(":")[-1]
    with Secure(port_, authority_, "negotiate") as edge_:
        for i_ in range(5):
            answer_, _ = edge_.get("/small")
            assert answer_.startswith(b"HTTP/1.1 200 ") and answer_.endswith(b"hello"), answer_
        assert len(ASKED) == 5 and ASKED[0].startswith("GET /small HTTP/1.1")
        assert edge_.status()["origins"][0]["backends"][0]["connections_open"] == 1
    with Secure(port_, authority_, "prior_knowledge") as edge_:
        answer_, _ = edge_.get("/small")
        assert answer_.startswith(b"HTTP/1.1 503 "), answer_
        assert b"error=tls_protocol_error" in answer_, answer_
    backend_ = Changing(upload_answer, pair_)
    with Secure(backend_.address.rsplit(":")[-1], authority_, "negotiate") as edge_:
        answer_, _ = edge_.ask(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n"
                               b"Connection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        assert answer_.endswith(b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), answer_
        assert backend_.connections == 2
