"""check-config says what is wrong with a certificate or key, and where; flags serve HTTPS too."""

import re
import signal
import socket
import subprocess

from harness import BINARY, PATIENCE_SECONDS, Backend
from secure import Authority, openssl, visitor

HEAD = "origins: {main: {backends: [\"http://127.0.0.1:8000\"]}}\ntls:\n  listen: \":8443\"\n"


def check(folder, yaml):
    file = folder / "afloat.yaml"
    file.write_text(yaml)
    done = subprocess.run([BINARY, "check-config", file], capture_output=True, text=True)
    return done.returncode, done.stderr.replace(f"{file}:", "f:").replace(f"{folder}/", "")


def certificates(authority):
    folder = authority.folder
    good, other = authority.issue("good", ["example.org"]), authority.issue("other", ["other.test"])
    authority.issue("expired", ["example.org"], days="0")
    openssl("ec", "-in", good[1], "-aes128", "-passout", "pass:secret", "-out",
            folder / "sealed.key")
    (folder / "empty.pem").write_text("")
    (folder / "half.pem").write_text(good[0].read_text() + "-----BEGIN CERTIFICATE-----\nMII\n")
    (folder / "folder.pem").mkdir()
    openssl("req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", folder / "weak.key",
            "-out", folder / "weak.pem", "-subj", "/CN=weak")
    cases = (
        ("good.pem", "good.key", "", 0, ""),
        ("none.pem", "good.key", "", 1,
         'f:5:21: tls.certificates[1].certificate: "none.pem" is not there; expected a file'),
        ("good.pem", "none.key", "", 1, 'key: "none.key" is not there; expected a file'),
        ("good.pem", "other.key", "", 1,
         'key: "other.key" is not the key of the certificate in "good.pem"'),
        ("good.pem", "sealed.key", "", 1,
         'key: "sealed.key" is encrypted; expected a key without a password'),
        ("good.pem", "good.pem", "", 1, 'key: "good.pem" holds no private key; expected a PEM file'),
        ("good.key", "good.key", "", 1, 'certificate: "good.key" holds no certificate; expected'),
        ("empty.pem", "good.key", "", 1, 'certificate: "empty.pem" holds no certificate'),
        ("half.pem", "good.key", "", 1, '"half.pem" holds a broken certificate, number 2 in it'),
        ("folder.pem", "good.key", "", 1, 'certificate: "folder.pem" is no file'),
        ("weak.pem", "weak.key", "", 1, 'certificate: "weak.pem" cannot be used: '),
        ("expired.pem", "expired.key", "", 0,
         'warning: tls.certificates[1].certificate: "expired.pem" expired on 20'),
        ("good.pem", "good.key", ", ocsp: good.pem", 1,
         'ocsp: "good.pem" holds no OCSP response; expected one in DER'),
    )
    for certificate, key, more, status, expected in cases:
        line = (f"  certificates:\n    - {{certificate: {folder / certificate}, "
                f"key: {folder / key}{more.replace('good.pem', str(folder / 'good.pem'))}}}\n")
        returned, errors = check(folder, HEAD + line)
        assert (returned, expected in errors) == (status, True), (certificate, key, errors)
        if expected == "":
            assert errors == "", errors
        else: # where it stands, in the line of the certificate
            assert re.match(r"f:5:\d+: ", errors), errors


def others(authority):
    folder = authority.folder
    status, errors = check(folder, HEAD)
    assert status == 1 and "f:3:11: tls.listen: there is no certificate" in errors, errors
    pair = f"certificate: {folder}/good.pem, key: {folder}/good.key"
    status, errors = check(folder, HEAD + "  certificates: [{" + pair + "}]\n  ciphers: nonsense\n")
    assert status == 1 and "f:5:12: tls.ciphers: OpenSSL knows none" in errors, errors
    origin = "origins: {main: {backends: [\"https://localhost\"], tls: {%s}}}\n"
    for section, expected in (
            (f"ca: {folder}/none.pem", 'origins.main.tls.ca: "none.pem" is not there'),
            (f"ca: {folder}/good.key", 'origins.main.tls.ca: "good.key" holds no certificate'),
            (f"certificate: {folder}/good.pem", 'tls.certificate: "good.pem" has no key; expected'),
            (f"key: {folder}/good.key", 'tls.key: "good.key" has no certificate; expected both'),
            (f"certificate: {folder}/good.pem, key: {folder}/other.key",
             'tls.key: "other.key" is not the key of the certificate in "good.pem"'),
            ("server_name: \"a b\"", 'server_name: "a b" is no host name')):
        status, errors = check(folder, origin % section)
        assert status == 1 and expected in errors, (section, errors)
        assert errors.startswith("f:1:"), errors
    status, errors = check(folder, origin % "verify: false")
    assert status == 0 and "warning: origins.main.tls.verify: anybody" in errors, errors


def backend_answer(connection, head, rest):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    return True


def flags(authority):
    """Without a file; SIGHUP reads the certificates again all the same."""
    folder = authority.folder
    backend = Backend(backend_answer)
    words = ["run", "--listen", "127.0.0.1:0", "--tls", "127.0.0.1:0", "--origin",
             f"http://{backend.address}", "--state", folder / "state",
             "--certificate", folder / "good.pem", "--key", folder / "good.key"]
    process = subprocess.Popen([BINARY, *map(str, words)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        process.stdout.readline()
        host, port = process.stdout.readline().split("https://")[1].strip().rsplit(":", 1)
        serials = []
        for i in range(2):
            with socket.create_connection((host, int(port))) as plain:
                plain.settimeout(PATIENCE_SECONDS)
                with visitor(authority).wrap_socket(plain, server_hostname="example.org") as secure:
                    serials.append(secure.getpeercert()["serialNumber"])
            if i == 0:
                authority.issue("good", ["example.org"])
                process.send_signal(signal.SIGHUP)
                assert "is in force" in process.stderr.readline()
        assert serials[0] != serials[1], serials
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0


def main():
    with Authority() as authority:
        certificates(authority)
        others(authority)
        flags(authority)


main()
