"""An edge under test and the visitors and backends around it, for the wire tests in Python.

They are for what varnishtest's language cannot say: many connections at once, random bytes, large
transfers. Each is called with the binary and the name of the build; it fails by an exception.
"""

import contextlib
import hashlib
import json
import pathlib
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

BINARY, BUILD = sys.argv[1], sys.argv[2]
# A section of the settings: nobody is held, for tests about what is said of a failure.
AT_ONCE = "sites: [{lifelines: {hold: {enabled: false}}}]\n"
PATIENCE_SECONDS = 60


def wait_until(condition, what):
    end = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(.05)


def reset(connection):
    """Closes it with a RST instead of a FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def read_to_end(connection):
    """What still comes, and whether it ended in order."""
    pieces = []
    try:
        while piece := connection.recv(65536):
            pieces.append(piece)
    except ConnectionError:
        return b"".join(pieces), False
    return b"".join(pieces), True


class Nobody:
    """An address that refuses connections, and that nobody else is given meanwhile."""

    def __init__(self):
        self.place = socket.socket()
        self.place.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.place.getsockname()[1]


class Listener:
    """Serves a site: path to head and content. As a trap, nothing: it counts who comes."""

    def __init__(self, address, port=0, pages=None):
        self.pages, self.count, self.lock = pages, 0, threading.Lock()
        self.socket = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.socket.bind((address, port))
        self.socket.listen(64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.socket.accept()
            with self.lock:
                self.count += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            try:
                head = b""
                while self.pages and b"\r\n\r\n" not in head:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    head += piece
                if self.pages:
                    path = head.split(b" ")[1].split(b"?")[0].decode()
                    connection.sendall(self.pages.get(path, self.pages["/"]))
            except OSError:
                pass


def page(content, fields="", status="200 OK"):
    return (f"HTTP/1.1 {status}\r\nContent-Type: text/html\r\nContent-Length: {len(content)}\r\n"
            f"Connection: close\r\n{fields}\r\n").encode() + content


class Mortal:
    """A backend that is dead until it is started, and may be stopped and started again: always at
    the same address, which nobody else is given meanwhile. serve(connection) is called for each
    connection, in a thread of its own, which then closes it."""

    def __init__(self, serve):
        self.serve = serve
        self.place = ("127.0.0.1", 0)
        self.listener = self.take_place()
        self.place = self.listener.getsockname()
        self.address = "%s:%d" % self.place

    def take_place(self):
        place = socket.socket()
        place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        place.bind(self.place)
        return place

    def start(self):
        self.listener.listen(64)
        threading.Thread(target=self.accept, args=[self.listener], daemon=True).start()

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.listener = self.take_place()

    def accept(self, listener):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threading.Thread(target=self.attend, args=[connection], daemon=True).start()

    def attend(self, connection):
        with connection:
            self.serve(connection)


class Backend:
    """Calls answer(connection, head, rest) for each request, in a thread per connection. It
    returns whether the connection goes on."""

    def __init__(self, answer):
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(ConnectionError):
            rest = b""
            while True:
                while b"\r\n\r\n" not in rest:
                    piece = connection.recv(65536)
                    if not piece:
                        return
                    rest += piece
                head, rest = rest.split(b"\r\n\r\n", 1)
                if not self.answer(connection, head.decode("latin-1"), rest):
                    return
                rest = b""


class Edge:
    """A running afloat; used in a with statement. settings: further lines of its file."""

    def __init__(self, backend, settings=""):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="afloat-wire-"))
        self.file = self.folder / "afloat.yaml"
        self.head = (f"listen: [\"127.0.0.1:0\"]\nstate: {self.folder}/state\n"
                     f"metrics: {{listen: \"127.0.0.1:0\"}}\n"
                     f"log: {{error: {self.folder}/error.log}}\n"
                     f"origins:\n  main:\n    backends: [\"http://{backend.address}\"]\n")
        self.configure(settings)

    def configure(self, settings):
        self.file.write_text(self.head + settings)

    def __enter__(self):
        self.process = subprocess.Popen([BINARY, "run", "--config", self.file],
                                        stdout=subprocess.PIPE, text=True)
        self.address = self.read_address("listening on http://")
        self.metrics_address = self.read_address("metrics on http://")
        return self

    def read_address(self, before):
        line = self.process.stdout.readline()
        while line and before not in line:  # of a further listener
            line = self.process.stdout.readline()
        assert line, f"it ended without a line about {before}"
        host, port = line.split(before)[1].split("/")[0].strip().rsplit(":", 1)
        return host, int(port)

    def __exit__(self, kind, *_):
        if kind is not None:
            self.process.kill()
            self.process.wait()
            print((self.folder / "error.log").read_text()[-4000:])
            return
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE_SECONDS)
        assert status == 0, f"exit status {status}"
        shutil.rmtree(self.folder)

    def connect(self):
        connection = socket.create_connection(self.address)
        connection.settimeout(PATIENCE_SECONDS)
        return connection

    def ask(self, bytes_):
        """Sends them on a connection of their own and returns all that comes until its end."""
        with self.connect() as connection:
            with contextlib.suppress(ConnectionError):
                connection.sendall(bytes_)
            return read_to_end(connection)

    def get(self, path):
        return self.ask(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")

    def status(self):
        return json.loads(subprocess.check_output(
            [BINARY, "status", "--json", "--state", self.folder / "state"]))

    def metric(self, name):
        with socket.create_connection(self.metrics_address) as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            text = read_to_end(connection)[0].decode()
        return int(text.split(f"\n{name} ")[1].split("\n")[0])

    def memory_kb(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0])

    def memory_mb(self):
        return self.memory_kb() // 1024

    def assert_memory_below(self, megabytes):
        # A sanitizer keeps what was freed for a while, to see whether it is used again.
        if BUILD == "dev":
            assert self.memory_mb() < megabytes, f"{self.memory_mb()} MB"

    def await_quiet(self):
        """Nothing is left of all that went on."""
        wait_until(lambda: not any(self.status()["now"].values()), "all is quiet")
        assert self.metric("afloat_open_connections") == 0


class Vantage:
    """The command of its own, without any site."""

    def __init__(self, *flags):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="afloat-wire-"))
        self.flags = [BINARY, "vantage", "--listen", "127.0.0.1:0", "--state",
                      self.folder / "state", *flags]

    def __enter__(self):
        self.process = subprocess.Popen(self.flags, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        host, port = line.strip().split("http://")[1].rsplit(":", 1)
        self.address, self.at = (host, int(port)), f"{host}:{port}"
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE_SECONDS) == 0
        shutil.rmtree(self.folder)


def field(head, name):
    """Of a head in text, the first of that name; None without any."""
    for line in head.split("\r\n"):
        if line.lower().startswith(name.lower() + ":"):
            return line.split(":", 1)[1].strip()
    return None


def pattern(size, seed=0):
    """Content of which every part is different."""
    return random.Random(seed).randbytes(size)


def digest(content):
    return hashlib.sha256(content).hexdigest()
