"""The edge is killed (SIGKILL) at any moment, again and again, while writers go on and the origin
comes and goes: every write that was answered 202 or 201 is done once, in its order; the operator
decides about what nobody knows by looking whether the origin has it."""

import json
import random
import subprocess
import threading
import time

from harness import BINARY, BUILD, Edge, Mortal, wait_until

ROUNDS = 18 if BUILD == "dev" else 9
WRITERS = 4
RULES = """outbox: {directory: %s}
sites:
  - lifelines: {hold: {enabled: false}}
    rules:
      - {path: /plain/*, accept_writes: {methods: [POST]}}
      - {path: /keyed/*, idempotency_key: honoured, accept_writes: {methods: [POST]}}
"""


class Origin(Mortal):
    """Does each write as soon as it has all of it, and answers a little later. With a key, once."""

    def __init__(self):
        super().__init__(self.answer)
        self.done = {}  # by path: contents, in the order in which they came
        self.keys = set()
        self.lock = threading.Lock()
        self.random = random.Random(1)

    def answer(self, connection):
        try:
            head, content = self.read(connection)
        except (ConnectionError, ValueError):
            return
        path = head.split(" ")[1]
        key = next((line for line in head.split("\r\n")
                    if line.lower().startswith("idempotency-key:")), None)
        with self.lock:
            if key is None or key not in self.keys:
                self.done.setdefault(path, []).append(int(content))
            self.keys.add(key)
            pause = self.random.choice([0, 0, .005, .02])
        time.sleep(pause)
        try:
            connection.sendall(b"HTTP/1.1 201 Done\r\nContent-Length: 0\r\n"
                               b"Connection: close\r\n\r\n")
        except ConnectionError:
            pass

    @staticmethod
    def read(connection):
        bytes_ = b""
        while b"\r\n\r\n" not in bytes_:
            piece = connection.recv(65536)
            if not piece:
                raise ConnectionError
            bytes_ += piece
        head, content = bytes_.split(b"\r\n\r\n", 1)
        head = head.decode("latin-1")
        size = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
        while len(content) < size:
            piece = connection.recv(65536)
            if not piece:
                raise ConnectionError
            content += piece
        return head, content


class Writer(threading.Thread):
    """Writes 1, 2, 3… to a path of its own, one after another, and notes which were taken."""

    def __init__(self, edge, path):
        super().__init__(daemon=True)
        self.edge, self.path, self.taken, self.number, self.ends = edge, path, [], 0, False
        self.start()

    def run(self):
        while not self.ends:
            self.number += 1
            content = b"%d" % self.number
            key = f"Idempotency-Key: \"{self.path}-{self.number}\"\r\n" if "keyed" in self.path else ""
            try:
                answer, _ = self.edge.ask(
                    (f"POST {self.path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{key}"
                     f"Content-Length: {len(content)}\r\n\r\n").encode() + content)
            except OSError:  # there is no edge just now
                time.sleep(.01)
                continue
            status = int(answer.split(b" ")[1]) if b"\r\n\r\n" in answer else 0
            if status in (201, 202):
                self.taken.append(self.number)
            time.sleep(.03)


def outbox(edge, *words):
    result = subprocess.run([BINARY, "outbox", *words, "--state", edge.folder / "state"],
                            capture_output=True, text=True, check=False)
    assert result.returncode == 0, result
    return result.stdout


def decide(edge, origin, writers):
    """What nobody knows: the content is within the file, so a person would look there. Here the
    number of a write can be told from its place: the first of its path that waits."""
    for write in json.loads(outbox(edge, "list", "--json")):
        if write["state"] != "unknown":
            continue
        path = "/" + write["url"].split("/", 3)[3]
        file = edge.folder / "outbox" / (write["id"] + ".unknown")
        number = int(file.read_bytes()[-8:].decode("latin-1").rsplit("\n", 1)[1])
        assert "plain" in path, write
        with origin.lock:
            is_done = number in origin.done.get(path, [])
        outbox(edge, "drop" if is_done else "retry", write["id"])


def restart(edge):
    edge.process.kill()
    edge.process.wait()
    edge.address = ("127.0.0.1", 1)
    edge.__enter__()


def run():
    chance = random.Random(7)
    origin = Origin()
    edge = Edge(origin)
    edge.configure(RULES % (edge.folder / "outbox"))
    unknown = 0
    with edge:
        writers = [Writer(edge, f"/{'keyed' if i % 2 else 'plain'}/{i}") for i in range(WRITERS)]
        for turn in range(ROUNDS):
            time.sleep(chance.uniform(.02, .3))
            if turn % 3 == 0:
                origin.start()
            elif turn % 3 == 2:
                origin.stop()
            time.sleep(chance.uniform(0, .2))
            restart(edge)
            unknown += sum("unknown" in line for line in outbox(edge, "list").split("\n"))
            decide(edge, origin, writers)
        for writer in writers:
            writer.ends = True
            writer.join()
        origin.start()

        def settled():
            decide(edge, origin, writers)
            return json.loads(outbox(edge, "list", "--json")) == []
        wait_until(settled, "all is delivered")
        edge.await_quiet()
    total = 0
    for writer in writers:
        done = origin.done.get(writer.path, [])
        lost = set(writer.taken) - set(done)
        assert not lost, f"{writer.path}: lost {sorted(lost)[:10]}"
        assert len(set(done)) == len(done), f"{writer.path}: some were done twice: {done}"
        taken = [number for number in done if number in set(writer.taken)]
        assert taken == sorted(taken), f"{writer.path}: out of order: {taken}"
        total += len(taken)
    print(f"{ROUNDS} kills, {total} writes taken, {unknown} in doubt")
    assert total > ROUNDS


run()
