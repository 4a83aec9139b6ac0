"""What stands around a server under test: origins, visitors, a server of names, and addresses for all of them."""

import os
import random
import signal
import socket
import struct
import subprocess
import threading
import time

from servers import BIN, Process


class Program(Process):
    """A process with all that it forked, some of which may have left its group."""

    def kill(self, number=signal.SIGKILL):
        for pid in self.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        if number == signal.SIGKILL:
            self.process.wait(10)
            self.log.close()

    def stop(self, patience_seconds=5):
        """As systemd does: SIGTERM to the first, then SIGKILL to all that is left."""
        family = self.pids()
        self.process.terminate()
        try:
            self.process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            pass
        for pid in family:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(10)
        self.log.close()


class Network:
    """Loopback addresses that nobody uses: the k-th backend of the i-th server is 127.x.i.(10+k)."""

    def __init__(self):
        while True:
            self.middle = random.SystemRandom().randrange(1, 250)
            try:
                with socket.socket() as attempt:
                    attempt.bind((f"127.{self.middle}.0.1", 8080))
                    self.claim = None
                break
            except OSError:
                continue

    def server(self, index):
        return f"127.{self.middle}.{index}.1:8080"

    def origin(self, index, number):
        return f"127.{self.middle}.{index}.{10 + number}:8000"

    def control(self, index, number):
        return f"127.{self.middle}.{index}.{10 + number}:8001"

    def names(self):
        return f"127.{self.middle}.0.53:53"


class Origin:
    """A campaign.origin and the conversation with it."""

    def __init__(self, address, control, seed):
        self.address = address
        self.program = Program([BIN / "campaign.origin", address, control, seed])
        host, port = control.split(":")
        for _ in range(200):
            try:
                self.conversation = socket.create_connection((host, int(port)), 10)
                break
            except OSError:
                time.sleep(0.02)
        else:
            raise RuntimeError(f"an origin does not start:\n{self.program.output()}")
        self.lines = self.conversation.makefile()

    def tell(self, command):
        self.conversation.sendall(command.encode() + b"\n")
        said = []
        while (line := self.lines.readline()) not in (".\n", ""):
            said.append(line.split())
        if said == [["not", "understood"]]:
            raise RuntimeError(f"an origin does not understand: {command}")
        return said

    def freeze(self):
        self.program.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.program.process.send_signal(signal.SIGCONT)

    def stop(self):
        self.thaw()
        self.conversation.close()
        self.program.kill()


class Visitors:
    """A campaign.client at work on a schedule: (at_seconds, method, path, read_size, pause_ms) each."""

    def __init__(self, address, schedule, start_ns, patience_ms=30000):
        self.schedule = sorted(schedule)
        self.program = Program([BIN / "campaign.client", address, start_ns, patience_ms], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
        text = "".join(f"{int(at * 1e6)} {method} {path} {size} {pause}\n"
                       for at, method, path, size, pause in self.schedule)
        self.writer = threading.Thread(target=self.write, args=(text.encode(),))
        self.writer.start()

    def write(self, text):
        try:
            self.program.process.stdin.write(text)
            self.program.process.stdin.close()
        except OSError:
            pass  # it ended, and results() says why

    def results(self):
        """A dict per request, in the order of the schedule."""
        said = self.program.process.stdout.read().decode(errors="replace").splitlines()
        self.writer.join()
        self.program.process.wait(10)
        if len(said) != len(self.schedule):
            raise RuntimeError(f"the client failed: {self.program.output()}")
        found = []
        for (at, method, path, _, _), line in zip(self.schedule, said):
            lag, first, total, outcome, status, cache = line.split(" ", 5)
            found.append({"at": at, "method": method, "path": path, "kind": path.split("/")[1] if "/" in path else "",
                          "lag_ms": int(lag) / 1000, "first_ms": int(first) / 1000, "total_ms": int(total) / 1000,
                          "outcome": outcome, "status": int(status), "cache": cache})
        self.program.log.close()
        return found


class Hole:
    """An address that never answers: a listener whose queue is full, so that the kernel drops what comes."""

    def __init__(self, address):
        host, port = address.split(":")
        self.sockets = [socket.socket() for _ in range(4)]
        self.sockets[0].bind((host, int(port)))
        self.sockets[0].listen(0)
        for filler in self.sockets[1:]:
            filler.setblocking(False)
            filler.connect_ex((host, int(port)))

    def stop(self):
        for one in self.sockets:
            one.close()


class Names:
    """A server of names: what zone says, with a TTL of a second. A name's answer is a list of addresses, "nxdomain",
    "servfail" or "silent"; unknown names do not exist."""

    def __init__(self, address):
        host, port = address.split(":")
        self.zone, self.asked = {}, {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, int(port)))
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                query, peer = self.socket.recvfrom(2048)
            except OSError:
                return
            try:
                answer = self.answer(query)
                if answer:
                    self.socket.sendto(answer, peer)
            except (IndexError, struct.error, OSError):
                continue

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode(errors="replace").lower())
            at += 1 + query[at]
        name, kind = ".".join(labels), struct.unpack("!H", query[at + 1:at + 3])[0]
        question = query[12:at + 5]
        self.asked[name] = self.asked.get(name, 0) + 1
        said = self.zone.get(name, "nxdomain")
        if said == "silent":
            return None
        code = {"nxdomain": 3, "servfail": 2}.get(said, 0) if isinstance(said, str) else 0
        addresses = said if kind == 1 and not isinstance(said, str) else []
        records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + socket.inet_aton(a) for a in addresses)
        flags = 0x8580 | code
        return query[:2] + struct.pack("!HHHHH", flags, 1, len(addresses), 0, 0) + question + records

    def stop(self):
        self.socket.close()
