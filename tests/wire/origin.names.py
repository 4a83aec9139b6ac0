"""Backends known by name, before a server of names that is told what to say: an address that is
dead or takes nothing among others, a move, and answers that fail. The edge looks for servers where
/etc/resolv.conf says, at port 53: the test makes a world of its own."""

import fcntl
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading

import harness

APART = ["unshare", "--map-root-user", "--mount", "--net"]
SET_INTERFACE_FLAGS, UP = 0x8914, 1  # netdevice(7)
PORT = 8000
A, AAAA = 1, 28
NAME_ERROR, SERVER_FAILURE = 3, 2
SETTINGS = ("    dns_refresh: 1s\n"
            "    dns_refresh_min: 1s\n"
            "    pool: {idle_connections: 0}\n" + harness.AT_ONCE)


class Named:
    address = f"somewhere.test:{PORT}"


class Names:
    """One name, whose addresses and error code the test sets."""

    def __init__(self):
        self.v4, self.v6, self.code = [], [], 0
        self.questions = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def say(self, v4=(), v6=(), code=0):
        self.v4, self.v6, self.code = list(v4), list(v6), code
        before = self.questions  # whoever is asking now may be told what was
        harness.wait_until(lambda: self.questions > before + 4, "it was asked again")

    def serve(self):
        while True:
            question, peer = self.socket.recvfrom(512)
            end = question.index(b"\0", 12) + 5
            kind = int.from_bytes(question[end - 4:end - 2], "big")
            texts = {A: self.v4, AAAA: self.v6}.get(kind, [])
            family = socket.AF_INET6 if kind == AAAA else socket.AF_INET
            records = b"".join(
                struct.pack(">HHHIH", 0xc00c, kind, 1, 0, len(data)) + data
                for data in (socket.inet_pton(family, text) for text in texts))
            head = question[:2] + struct.pack(">HHHHH", 0x8180 | self.code, 1, len(texts), 0, 0)
            self.socket.sendto(head + question[12:end] + records, peer)
            self.questions += 1


class Place:
    """A backend that says where it is."""

    def __init__(self, address):
        self.name = address.encode()
        listener = socket.create_server((address, PORT), backlog=64)
        self.backend = harness.Backend(self.answer)
        self.backend.listener.close()
        self.backend.listener = listener
        threading.Thread(target=self.backend.accept, daemon=True).start()

    def answer(self, connection, _head, _rest):
        connection.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: "
                           + str(len(self.name)).encode() + b"\r\n\r\n" + self.name)
        return True


def take_nothing(address):
    """Connections to it hang: nobody accepts, and the queue is full."""
    listener = socket.socket()
    listener.bind((address, PORT))
    listener.listen(0)
    fillers = []
    for _ in range(3):
        filler = socket.socket()
        filler.setblocking(False)
        filler.connect_ex((address, PORT))
        fillers.append(filler)
    return listener, fillers


def place_of(edge):
    answer, in_order = edge.get("/")
    assert in_order and answer.startswith(b"HTTP/1.1 200 "), answer
    return answer.rsplit(b"\r\n\r\n", 1)[1].decode()


def test_names():
    names = Names()
    names.v4, names.v6 = ["127.0.0.9", "127.0.0.8", "127.0.0.1", "127.0.0.7"], ["2001:db8::1"]
    places = [Place(f"127.0.0.{number}") for number in (1, 2)]
    hanging = take_nothing("127.0.0.8")
    with harness.Edge(Named, SETTINGS) as edge:
        for _ in range(5):  # 127.0.0.9 refuses, 127.0.0.8 hangs, there is no way over IPv6
            assert place_of(edge) == "127.0.0.1"
        names.say(["127.0.0.2"])
        harness.wait_until(lambda: place_of(edge) == "127.0.0.2", "it went where the name is now")
        for code in (NAME_ERROR, SERVER_FAILURE, 0):  # 0: an empty answer
            names.say(code=code)
            assert place_of(edge) == "127.0.0.2"
        names.say(["127.0.0.1"])
        harness.wait_until(lambda: place_of(edge) == "127.0.0.1", "it went back")
    assert places and hanging


def main():
    with tempfile.TemporaryDirectory() as folder, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SET_INTERFACE_FLAGS, struct.pack("16sh14x", b"lo", UP))
        resolvers = pathlib.Path(folder) / "resolv.conf"
        resolvers.write_text("nameserver 127.0.0.1\n")
        subprocess.check_call(["mount", "--bind", resolvers, "/etc/resolv.conf"])
        test_names()
        subprocess.check_call(["umount", "/etc/resolv.conf"])


if len(sys.argv) > 3:
    main()
elif subprocess.run([*APART, "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
    print("skipped: no world of one's own here")
    sys.exit(77)
else:
    sys.exit(subprocess.call([*APART, sys.executable, *sys.argv, "apart"]))
