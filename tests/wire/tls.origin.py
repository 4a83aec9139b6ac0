"""TLS towards backends: verified by default, with SNI, client certificates and resumption."""

import signal

from harness import AT_ONCE, Backend, Edge, digest, pattern, wait_until
from secure import Authority, SecureBackend

SIZE = 1_000_000
LARGE = pattern(SIZE)


def backend_answer(connection, head, rest):
    if "/large" in head:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE + LARGE)
    elif "/close" in head: # its content ends with the connection, in order
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nto the end")
        connection.unwrap()
        return False
    elif "/cut" in head: # the same, but cut: no close_notify
        connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nnot to the end")
        return False
    elif "/leave" in head:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        connection.unwrap()
        return False
    else:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    return True


class SecureOrigin(Edge):
    """An edge whose backends are https:// ones; tls: what stands in its section."""

    def __init__(self, urls, tls="", more=""):
        self.urls, self.section, self.more = urls, tls, more
        super().__init__(urls[0])

    def configure(self, settings):
        backends = ", ".join(f"\"{url}\"" for url in self.urls)
        self.file.write_text(self.head.split("origins:")[0] + "origins:\n  main:\n"
                             f"    backends: [{backends}]\n    tls: {{{self.section}}}\n"
                             + self.more + settings + AT_ONCE)

    def reload(self, section):
        log = self.folder / "error.log"
        before = log.read_text().count("is in force")
        self.section = section
        self.configure("")
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: log.read_text().count("is in force") > before, "the reload is done")

    def fetch(self, path, expected=b" 200 "):
        answer, whole = self.get(path)
        assert expected in answer.split(b"\r\n")[0] + b" ", answer
        return answer, whole


def good_ones(authority, good):
    backend = SecureBackend(backend_answer, good)
    with SecureOrigin([Named(backend)], f"ca: {authority.ca}", "    pool: {idle_timeout: 100ms}\n"
                      ) as edge:
        edge.fetch("/")
        assert backend.names == ["localhost"], backend.names
        answer, _ = edge.fetch("/large")
        assert digest(answer.split(b"\r\n\r\n", 1)[1]) == digest(LARGE)
        answer, _ = edge.fetch("/close")
        # Which of both depends on whether the end came with the content.
        assert answer.endswith(b"to the end\r\n0\r\n\r\n") or (
            answer.endswith(b"to the end") and b"Content-Length: 10\r\n" in answer), answer
        answer, whole = edge.fetch("/cut", b"")
        assert not answer.endswith(b"0\r\n\r\n") and b"Content-Length: 14" not in answer, answer
        # A backend that leaves at rest is noticed.
        edge.fetch("/leave")
        edge.fetch("/")
        for _ in range(5):
            before = backend.handshakes
            wait_until(lambda: edge.status()["origins"][0]["backends"][0]["connections_idle"] == 0,
                       "nothing is kept")
            edge.fetch("/")
            assert backend.handshakes == before + 1
        assert backend.resumed >= 4, backend.resumed
        edge.await_quiet()


class Named:
    """The URL of a backend under another name than its address."""

    def __init__(self, backend, host="localhost"):
        self.backend, self.host = backend, host
        self.address = backend.address

    def __str__(self):
        return f"https://{self.host}:{self.address.split(':')[1]}"


def refusals(authority, good):
    """What fails says why: the token of RFC 9209 and what OpenSSL found."""
    other = authority.issue("else", ["else.test"])
    expired = authority.issue("expired", ["localhost"], days="0")
    with Authority() as strangers:
        stranger = strangers.issue("stranger", ["localhost"])
        client = authority.issue("client", ["edge"])
        cases = (
            (other, None, "localhost", "", "tls_certificate_error", "ostname mismatch"),
            (stranger, None, "localhost", "", "tls_certificate_error", "issuer certificate"),
            (expired, None, "localhost", "", "tls_certificate_error", "expired"),
            (good, None, "127.0.0.1", "", "tls_certificate_error", "mismatch"),
            (good, authority, "localhost", "", "tls_alert_received", "certificate required"),
            (good, authority, "localhost", f", certificate: {client[0]}, key: {client[1]}", "", ""),
            (good, None, "127.0.0.1", ", server_name: localhost", "", ""),
            (stranger, None, "localhost", ", verify: false", "", ""),
        )
        for pair, asks, host, section, token, details in cases:
            backend = SecureBackend(backend_answer, pair, asks)
            with SecureOrigin([Named(backend, host)], f"ca: {authority.ca}{section}") as edge:
                answer, _ = edge.get("/")
                if token == "":
                    assert answer.startswith(b"HTTP/1.1 200 "), answer
                    continue
                assert answer.startswith(b"HTTP/1.1 50"), answer
                fields = answer.decode().lower()
                # In TLS 1.3 a refusal of the client's certificate comes after the handshake.
                if asks is None:
                    assert f"error={token}" in fields, answer
                    assert details.lower() in fields, (details, answer)
                    why = edge.status()["origins"][0]["backends"][0]["why"]
                    assert details.lower() in why.lower(), why


def not_tls(authority):
    class Plain(Backend):
        def serve(self, connection):
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    plain = Plain(None)
    with SecureOrigin([Named(plain)], f"ca: {authority.ca}") as edge:
        answer, _ = edge.get("/")
        assert b"error=tls_protocol_error" in answer, answer


def settings_change(authority, good):
    """A connection that was not verified is not used once verification is on."""
    with Authority() as strangers:
        stranger = strangers.issue("stranger", ["localhost"])
        backend = SecureBackend(backend_answer, stranger)
        with SecureOrigin([Named(backend)], "verify: false") as edge:
            edge.fetch("/")
            edge.reload(f"ca: {authority.ca}")
            answer, _ = edge.get("/")
            assert b"error=tls_certificate_error" in answer, answer
            edge.reload(f"ca: {strangers.ca}")
            edge.fetch("/")


def main():
    with Authority() as authority:
        good = authority.issue("localhost", ["localhost"])
        good_ones(authority, good)
        refusals(authority, good)
        not_tls(authority)
        settings_change(authority, good)


main()
