"""A server of names (RFC 1035, over UDP, TCP and for DoH) that says what it is told to, lies
included. A name's answer is a list of addresses, a name that it is an alias of, one of CODES, or
SILENT; unknown names do not exist."""

import contextlib
import ipaddress
import socket
import struct
import threading

A, CNAME, AAAA = 1, 5, 28
CODES = {"nxdomain": 3, "servfail": 2, "refused": 5}
SILENT, TTL = "silent", 60


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(name, kind, data):
    return wire_name(name) + struct.pack(">HHIH", kind, 1, TTL, len(data)) + data


def read_question(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode(errors="replace").lower())
        at += 1 + query[at]
    return ".".join(labels), struct.unpack(">H", query[at + 1:at + 3])[0], query[12:at + 5]


class Zone:
    """What the world's names are, and what one server of names says instead ("*": to all)."""

    def __init__(self, names, lies=None):
        self.names, self.lies = names, {} if lies is None else lies

    def look_up(self, name):
        for known in (self.lies, self.names):
            for key in (name, "*"):
                if key in known:
                    return known[key]
        return "nxdomain"

    def answer(self, query):
        """The answer to a query, both as bytes; None is silence."""
        name, kind, question = read_question(query)
        records, said = [], self.look_up(name)
        while isinstance(said, str) and said not in CODES and said != SILENT:
            records.append(record(name, CNAME, wire_name(said)))
            name, said = said, self.look_up(said)
        if said == SILENT:
            return None
        code = CODES.get(said, 0) if isinstance(said, str) else 0
        for address in [] if code else map(ipaddress.ip_address, said):
            if kind == (A if address.version == 4 else AAAA):
                records.append(record(name, kind, address.packed))
        head = struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        return query[:2] + head + question + b"".join(records)


def read_exactly(connection, size):
    got = b""
    while len(got) < size:
        piece = connection.recv(size - len(got))
        if not piece:
            raise ConnectionError
        got += piece
    return got


class Server:
    """Serves a zone at sockets that somebody else made: one for datagrams, one that listens."""

    def __init__(self, zone, datagrams, listener):
        self.zone, self.datagrams, self.listener = zone, datagrams, listener
        for work in (self.serve_datagrams, self.serve_connections):
            threading.Thread(target=work, daemon=True).start()

    def serve_datagrams(self):
        with contextlib.suppress(OSError):
            while True:
                query, peer = self.datagrams.recvfrom(2048)
                with contextlib.suppress(IndexError, struct.error):
                    answer = self.zone.answer(query)
                    if answer:
                        self.datagrams.sendto(answer, peer)

    def serve_connections(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        connection.settimeout(10)
        with connection, contextlib.suppress(OSError, IndexError, struct.error):
            while True:
                size = struct.unpack(">H", read_exactly(connection, 2))[0]
                answer = self.zone.answer(read_exactly(connection, size))
                if answer:
                    connection.sendall(struct.pack(">H", len(answer)) + answer)

    def stop(self):
        for one in (self.datagrams, self.listener):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
