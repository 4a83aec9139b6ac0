"""Sessions are resumed by every thread and over reloads; certificates change under load."""

import shutil
import signal
import ssl
import threading

from harness import Backend, wait_until
from secure import Authority, SecureEdge, in_threads, openssl, visitor

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nCache-Control: max-age=60\r\n\r\nhello"
REQUEST = b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n"
VISITORS = 4
RELOADS = 10


def backend_answer(connection, head, rest):
    connection.sendall(OK)
    return True


def ask(connection):
    connection.sendall(REQUEST)
    answer = b""
    while not answer.endswith(b"hello"):
        piece = connection.recv(65536)
        assert piece, f"the connection ended after {answer!r}"
        answer += piece
    assert answer.startswith(b"HTTP/1.1 200 "), answer


def reload(edge):
    log = edge.folder / "error.log"
    before = log.read_text().count("is in force")
    edge.process.send_signal(signal.SIGHUP)
    wait_until(lambda: log.read_text().count("is in force") > before, "the reload is done")


def resume_everywhere(edge):
    """Ten connections: whichever thread takes them, the ticket of any other opens it."""
    for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
        context = visitor(minimum=version, maximum=version)
        session = None
        for i in range(10):
            if i == 5:
                reload(edge)
            with edge.handshake(context, session=session) as connection:
                assert connection.session_reused == (i > 0), (version, i)
                ask(connection)
                session = connection.session
    assert edge.metric("afloat_tls_resumed_total") == 18


def serial_of(authority, file):
    return int(openssl("x509", "-in", authority.folder / f"{file}.pem", "-noout", "-serial",
                       text=True).stdout.split("=")[1], 16)


def change_under_load(edge, authority):
    stop, counts = threading.Event(), [0] * VISITORS
    first, serials = serial_of(authority, "used"), set()

    def visit(index):
        if index == VISITORS:
            for i in range(RELOADS):
                seen = sum(counts)
                wait_until(lambda: sum(counts) > seen + 20 or stop.is_set(), "visitors are served")
                for kind in "pem", "key":
                    shutil.copy(authority.folder / f"new-{i % 2}.{kind}",
                                authority.folder / f"used.{kind}")
                serial = serial_of(authority, "used")
                reload(edge)
                wait_until(lambda: serial in serials or stop.is_set(), "visitors see the new one")
            stop.set()
            return
        try:
            connection = edge.handshake(visitor(authority))
            serials.add(int(connection.getpeercert()["serialNumber"], 16))
            while not stop.is_set():
                ask(connection)
                counts[index] += 1
                if counts[index] % 20 == 0:
                    connection.close()
                    connection = edge.handshake(visitor(authority))
                    serials.add(int(connection.getpeercert()["serialNumber"], 16))
            connection.close()
        finally:
            stop.set()
    in_threads(VISITORS + 1, visit)
    assert serials == {first, *(serial_of(authority, f"new-{i}") for i in range(2))}, serials
    ledger = edge.status()["ledger"]
    assert ledger["visitor_errors"] == 0 and ledger["aborted"] == 0, ledger
    assert ledger["tls_failed"] == 0, ledger


def broken_reload(edge, authority):
    """A key that does not fit changes nothing."""
    log = edge.folder / "error.log"
    shutil.copy(authority.folder / "new-1.pem", authority.folder / "used.pem")
    shutil.copy(authority.folder / "new-0.key", authority.folder / "used.key")
    edge.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "has mistakes" in log.read_text(), "the mistake is found")
    with edge.handshake(visitor(authority)) as connection:
        ask(connection)


def staple(authority):
    """A response of the authority's that says good, in DER."""
    folder = authority.folder
    index = folder / "index.txt"
    serial = openssl("x509", "-in", folder / "used.pem", "-noout", "-serial",
                     text=True).stdout.split("=")[1].strip()
    index.write_text(f"V\t351231235959Z\t\t{serial}\tunknown\t/CN=used\n")
    openssl("ocsp", "-issuer", authority.ca, "-cert", folder / "used.pem", "-reqout",
            folder / "request.der", "-no_nonce")
    openssl("ocsp", "-index", index, "-CA", authority.ca, "-rsigner", authority.ca, "-rkey",
            folder / "ca.key", "-reqin", folder / "request.der", "-respout",
            folder / "ocsp.der", "-ndays", "3")
    return folder / "ocsp.der"


def stapled(edge):
    """Python's ssl cannot ask for one."""
    host, port = edge.secure_address
    return openssl("s_client", "-connect", f"{host}:{port}", "-servername", "example.org",
                   "-status", input=b"").stdout.decode(errors="replace")


def main():
    with Authority() as authority:
        for file in "used", "new-0", "new-1":
            authority.issue(file, ["example.org"])
        pair = authority.folder / "used.pem", authority.folder / "used.key"
        with SecureEdge(Backend(backend_answer), [pair], "threads: 3\n") as edge:
            resume_everywhere(edge)
            assert "no response sent" in stapled(edge)
            change_under_load(edge, authority)
            broken_reload(edge, authority)
            edge.await_quiet()
        authority.issue("used", ["example.org"])
        one = f"{{certificate: {pair[0]}, key: {pair[1]}, ocsp: {staple(authority)}}}"
        with SecureEdge(Backend(backend_answer), [one], tls="  ticket_rotation: 0\n") as edge:
            assert "OCSP Response Status: successful" in stapled(edge)
            # Without tickets nothing is resumed.
            context = visitor()
            with edge.handshake(context) as connection:
                ask(connection)
                session = connection.session
                assert not session or not session.has_ticket
            with edge.handshake(context) as connection:
                assert not connection.session_reused
            # Renewed: the old response is about another certificate, and no visitor may see it.
            authority.issue("used", ["example.org"])
            reload(edge)
            assert "no response sent" in stapled(edge)
            staple(authority)
            reload(edge)
            assert "OCSP Response Status: successful" in stapled(edge)
            edge.await_quiet()


main()
