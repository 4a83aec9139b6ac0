"""The limits of handshakes, large transfers over TLS, redirect, HSTS and ACME's files."""

import socket
import ssl

from harness import Backend, digest, pattern, read_to_end, wait_until
from secure import Authority, SecureEdge, in_threads, visitor

SIZE = 3_000_000
LARGE = pattern(SIZE)


def backend_answer(connection, head, rest):
    path = head.split(" ")[1]
    if head.startswith("POST"):
        length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
        while len(rest) < length:
            rest += connection.recv(65536)
        text = digest(rest).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
    elif path == "/large":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nCache-Control: max-age=60"
                           b"\r\n\r\n" % SIZE + LARGE)
    elif path == "/unending":
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                           b"5\r\nhello\r\n")
        return False
    else:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsite")
    return True


def transfers(edge):
    context = visitor()

    def one(index):
        answer = edge.secure_get(context, "/large")
        assert digest(answer.split(b"\r\n\r\n", 1)[1]) == digest(LARGE), index
    in_threads(8, one)

    with edge.handshake(context) as connection:
        connection.sendall(b"POST /up HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n"
                           b"Content-Length: %d\r\n\r\n" % SIZE + LARGE)
        answer, _ = read_to_end(connection)
        assert answer.endswith(digest(LARGE).encode()), answer[:200]

    # Pipelined in one record, and one request in very small records.
    request = b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"
    with edge.handshake(context) as connection:
        connection.sendall(request * 20)
        answer = b""
        while answer.count(b"site") < 20:
            answer += connection.recv(65536)
        for byte in request:
            connection.sendall(bytes([byte]))
        assert b"site" in connection.recv(65536)
        # The end in order.
        connection.unwrap()

    # Content that only the connection's end completes must not look whole when it breaks off.
    connection = edge.handshake(context)
    connection.suppress_ragged_eofs = False
    connection.sendall(b"GET /unending HTTP/1.0\r\nHost: example.org\r\n\r\n")
    with connection:
        try:
            while connection.recv(65536):
                pass
            raise AssertionError("it looks whole")
        except (ssl.SSLError, ConnectionError):
            pass


def limits(edge):
    """The timeout is 1 s, and one handshake per thread may be under way."""
    before = edge.metric("afloat_tls_timeouts_total")
    silent = socket.create_connection(edge.secure_address)
    slow = socket.create_connection(edge.secure_address)
    slow.sendall(b"\x16\x03\x01\x02")
    for connection in silent, slow:
        connection.settimeout(30)
        with connection:
            assert read_to_end(connection)[0] == b""
    wait_until(lambda: edge.metric("afloat_tls_timeouts_total") == before + 2, "both are counted")

    refused = edge.metric("afloat_tls_refused_total")
    held = [socket.create_connection(edge.secure_address) for _ in range(6)]
    for connection in held:
        connection.sendall(b"\x16\x03\x01\x02")
    wait_until(lambda: edge.metric("afloat_tls_refused_total") > refused, "one too many is refused")
    for connection in held:
        connection.close()
    wait_until(lambda: try_handshake(edge), "there is room again")


def try_handshake(edge):
    try:
        edge.handshake(visitor()).close()
        return True
    except OSError:
        return False


def rules(edge, acme):
    answer, _ = edge.ask(b"GET /a?b=c HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 301 "), answer
    assert b"\r\nLocation: https://example.org:8443/a?b=c\r\n" in answer, answer
    assert b"Strict-Transport-Security" not in answer, answer
    answer, _ = edge.ask(b"POST /a HTTP/1.1\r\nHost: example.org:80\r\nContent-Length: 0\r\n"
                         b"Connection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 308 "), answer
    answer = edge.secure_get(visitor(), "/")
    assert b"\r\nStrict-Transport-Security: max-age=31536000; includeSubDomains\r\n" in answer
    assert answer.endswith(b"site"), answer

    (acme / "tok-EN_1").write_text("tok-EN_1.thumbprint")
    (acme / "large").write_text("x" * 5000)
    (acme / "link").symlink_to("/etc/hostname")
    (acme / "folder").mkdir()
    before = b"GET /.well-known/acme-challenge/"
    after = b" HTTP/1.1\r\nHost: new.example.org\r\nConnection: close\r\n\r\n"
    answer, _ = edge.ask(before + b"tok-EN_1" + after)
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"tok-EN_1.thumbprint"), answer
    assert edge.secure_get(visitor(), "/.well-known/acme-challenge/tok-EN_1").endswith(
        b"tok-EN_1.thumbprint")
    # Nothing else comes from there.
    for token in b"none", b"large", b"link", b"folder", b"..", b"../acme/tok-EN_1", b"%2e%2e", b"":
        answer, _ = edge.ask(before + token + after)
        assert b" 301 " in answer.split(b"\r\n")[0], (token, answer)


def main():
    with Authority() as authority:
        pair = authority.issue("example", ["example.org"])
        acme = authority.folder / "acme"
        acme.mkdir()
        sites = ("sites:\n  - {origin: main, https: {redirect: true, port: 8443, hsts: 365d, "
                 "hsts_subdomains: true}}\n")
        with SecureEdge(Backend(backend_answer), [pair], f"acme_directory: {acme}\n" + sites) as edge:
            rules(edge, acme)
            edge.await_quiet()
        with SecureEdge(Backend(backend_answer), [pair], "threads: 2\n",
                        "  handshake_timeout: 1s\n  handshakes: 2\n") as edge:
            limits(edge)
            edge.await_quiet()
        with SecureEdge(Backend(backend_answer), [pair]) as edge:
            transfers(edge)
            edge.await_quiet()


main()
