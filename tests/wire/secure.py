"""Certificates, visitors and backends that speak TLS, for the wire tests in Python."""

import contextlib
import pathlib
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading

from harness import Backend, Edge, read_to_end, PATIENCE_SECONDS


def openssl(*words, **more):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, **more)


class Authority:
    """A certificate authority in a folder; issues what a test needs."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="afloat-authority-"))
        self.ca = self.folder / "ca.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.folder / "ca.key", "-out", self.ca, "-days", "30",
                "-subj", "/CN=test authority")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def issue(self, file, names, kind="ec", days="20", ip=None):
        """file.pem and file.key for the names."""
        certificate, key = self.folder / f"{file}.pem", self.folder / f"{file}.key"
        request = self.folder / f"{file}.csr"
        kinds = {"ec": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
                 "rsa": ["-newkey", "rsa:2048"]}
        openssl("req", *kinds[kind], "-nodes", "-keyout", key, "-out", request,
                "-subj", f"/CN={file}")
        sans = [f"DNS:{name}" for name in names] + ([f"IP:{ip}"] if ip else [])
        extensions = self.folder / f"{file}.ext"
        extensions.write_text(f"subjectAltName={','.join(sans)}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.folder / "ca.key",
                "-CAcreateserial", "-days", days, "-extfile", extensions, "-out", certificate)
        return certificate, key


def entry(pair, more=""):
    return f"{{certificate: {pair[0]}, key: {pair[1]}{more}}}"


class SecureEdge(Edge):
    """An edge that listens for TLS too, on self.secure_address."""

    def __init__(self, backend, pairs, settings="", tls=""):
        self.tls = ("tls:\n  listen: [\"127.0.0.1:0\"]\n  certificates: ["
                    + ", ".join(p if isinstance(p, str) else entry(p) for p in pairs) + f"]\n{tls}")
        super().__init__(backend, settings)

    def configure(self, settings):
        super().configure(settings + self.tls)

    def read_address(self, before):
        address = super().read_address(before)
        if before == "listening on http://":
            self.secure_address = super().read_address("listening on https://")
        return address

    def handshake(self, context, name="example.org", session=None):
        connection = socket.create_connection(self.secure_address)
        connection.settimeout(PATIENCE_SECONDS)
        return context.wrap_socket(connection, server_hostname=name, session=session)

    def secure_get(self, context, path, name="example.org", host=None, fields=""):
        with self.handshake(context, name) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host or name}\r\n{fields}"
                               "Connection: close\r\n\r\n".encode())
            return read_to_end(connection)[0]


def visitor(authority=None, minimum=None, maximum=None, ciphers=None, protocols=None):
    """What a visitor's side of TLS is like; without an authority he checks nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authority is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        context.load_verify_locations(authority.ca)
    if minimum:
        context.minimum_version = minimum
    if maximum:
        context.maximum_version = maximum
    if ciphers:
        context.set_ciphers(ciphers)
    if protocols:
        context.set_alpn_protocols(protocols)
    return context


class SecureBackend(Backend):
    """A backend behind TLS."""

    def __init__(self, answer, pair, authority=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*pair)
        self.names, self.handshakes, self.resumed, self.peers = [], 0, 0, []
        self.context.sni_callback = lambda _, name, __: self.names.append(name)
        if authority is not None:
            self.context.load_verify_locations(authority.ca)
            self.context.verify_mode = ssl.CERT_REQUIRED
        super().__init__(answer)

    def serve(self, connection, *rest):
        try:
            connection = self.context.wrap_socket(connection, server_side=True)
        except (ssl.SSLError, OSError):
            connection.close()
            return
        self.handshakes += 1
        self.resumed += connection.session_reused
        self.peers.append(connection.getpeercert())
        with contextlib.suppress(ssl.SSLError):
            super().serve(connection, *rest)


def in_threads(count, work):
    """Runs work(index) in so many threads and raises what any of them raised."""
    errors = []

    def run(index):
        try:
            work(index)
        except BaseException as error:  # handed on below
            errors.append(error)
    threads = [threading.Thread(target=run, args=[index]) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
