"""Which certificate, version and protocol a visitor gets, and what he is told without TLS."""

import socket
import ssl

from harness import Backend, read_to_end, wait_until
from secure import Authority, SecureEdge, visitor

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nCache-Control: max-age=60\r\n\r\nhello"


def backend_answer(connection, head, rest):
    assert "X-Forwarded-Proto: https" in head and "proto=https" in head, head
    connection.sendall(OK)
    return True


def subject(edge, context, name):
    with edge.handshake(context, name) as connection:
        return dict(pair[0] for pair in connection.getpeercert()["subject"])["commonName"]


def main():
    with Authority() as authority:
        first = authority.issue("first", ["example.org", "*.example.org"])
        first_rsa = authority.issue("first-rsa", ["example.org", "*.example.org"], "rsa")
        other = authority.issue("other", ["other.test", "deep.a.example.org"])
        only_rsa = authority.issue("only-rsa", ["rsa.test"], "rsa")
        with SecureEdge(Backend(backend_answer), [first, first_rsa, other, only_rsa]) as edge:
            names(edge, authority)
            kinds(edge, authority)
            protocols(edge)
            hosts(edge)
            without_tls(edge)
            edge.await_quiet()


def names(edge, authority):
    trusting = visitor(authority)
    for name, expected in (("example.org", "first"), ("EXAMPLE.ORG", "first"),
                           ("www.example.org", "first"), ("other.test", "other"),
                           ("deep.a.example.org", "other"), ("rsa.test", "only-rsa")):
        assert subject(edge, trusting, name) == expected, name
    # One label for a wildcard; and the first for everybody else.
    for name in ("x.a.example.org", "unknown.test", "org", None):
        with edge.handshake(visitor(), name) as connection:
            assert connection.getpeercert(True) == der(authority, "first"), name


def der(authority, file):
    return ssl.PEM_cert_to_DER_cert((authority.folder / f"{file}.pem").read_text())


def kinds(edge, authority):
    """ECDSA for who can, RSA for who cannot."""
    old = dict(maximum=ssl.TLSVersion.TLSv1_2)
    for more, expected in (({}, "first"), (old, "first"),
                           (dict(old, ciphers="ECDHE-RSA-AES128-GCM-SHA256"), "first-rsa"),
                           (dict(old, ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"), "first")):
        assert subject(edge, visitor(authority, **more), "example.org") == expected, more


def protocols(edge):
    for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
        with edge.handshake(visitor(minimum=version, maximum=version)) as connection:
            assert connection.version() == version.name.replace("_", "."), connection.version()
    for offered, expected in ((["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "h2"),
                              (["http/1.1", "h2"], "h2"), (["odd", "http/1.1"], "http/1.1"),
                              (None, None)):
        with edge.handshake(visitor(protocols=offered)) as connection:
            assert connection.selected_alpn_protocol() == expected, (offered, expected)
    failures = edge.metric("afloat_tls_failed_total")
    for context in visitor(protocols=["odd"]), visitor(
            maximum=ssl.TLSVersion.TLSv1_2, ciphers="AES128-SHA"):
        try:
            edge.handshake(context).close()
            raise AssertionError("this must not be agreed on")
        except ssl.SSLError:
            pass
    wait_until(lambda: edge.metric("afloat_tls_failed_total") == failures + 2, "it is counted")


def hosts(edge):
    answer = edge.secure_get(visitor(), "/")
    assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"hello"), answer
    # A copy made for http is none for https, and the other way round.
    assert b"hit" in edge.secure_get(visitor(), "/")
    # The certificate of example.org is one for its subdomains, but not for the others.
    assert b" 200 " in edge.secure_get(visitor(), "/", host="www.example.org")
    answer = edge.secure_get(visitor(), "/", host="other.test")
    assert answer.startswith(b"HTTP/1.1 421 "), answer
    # Who asks for the name itself knows what he gets.
    assert b" 200 " in edge.secure_get(visitor(), "/", name="unknown.test")
    assert edge.metric("afloat_tls_misdirected_total") == 1


def without_tls(edge):
    for request in b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", b"OPTIONS * HTTP/1.1\r\n\r\n":
        with socket.create_connection(edge.secure_address) as connection:
            connection.sendall(request)
            answer, _ = read_to_end(connection)
            assert answer.startswith(b"HTTP/1.1 400 ") and b"https://" in answer, answer
    assert edge.metric("afloat_tls_plain_total") == 2
    # Garbage: an alert or just the end, and it is counted.
    failures = edge.metric("afloat_tls_failed_total")
    for garbage in b"\0" * 50, b"\x16\x03\x01\xff\xff" + b"x" * 50, b"\x16\x03\x01\x00\x02\x01\x00":
        with socket.create_connection(edge.secure_address) as connection:
            connection.sendall(garbage)
            connection.shutdown(socket.SHUT_WR)
            read_to_end(connection)
    wait_until(lambda: edge.metric("afloat_tls_failed_total") == failures + 3, "it is counted")


main()
