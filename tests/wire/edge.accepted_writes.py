"""Accepted writes: what the origin cannot take is answered 202, and arrives later, once, in order;
its page tells what became of it; the operator decides what nobody knows."""

import json
import subprocess
import threading

from harness import BINARY, Edge, Mortal, wait_until

RULES = """outbox: {directory: %s}
sites:
  - rules:
      - {path: /notes/*, accept_writes: {methods: [POST, PUT], content: 200KB}}
      - {path: /keyed/*, idempotency_key: honoured,
         accept_writes: {methods: [POST], add_key: true}}
"""


class Origin(Mortal):
    """Dead until told otherwise, at the same address throughout. Notes each whole write."""

    def __init__(self):
        super().__init__(self.answer)
        self.writes = []  # (method, path, fields, content)
        self.answers = {}  # by path: a status, or "cut"
        self.lock = threading.Lock()

    def answer(self, connection):
        bytes_ = b""
        while b"\r\n\r\n" not in bytes_:
            piece = connection.recv(65536)
            if not piece:
                return
            bytes_ += piece
        head, content = bytes_.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ")
        fields = {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in lines[1:]}
        while len(content) < int(fields.get("content-length", 0)):
            content += connection.recv(65536)
        with self.lock:
            self.writes.append((method, path, fields, content))
            answer = self.answers.get(path, 201)
        if answer == "cut":
            return
        connection.sendall(b"HTTP/1.1 %d Done\r\nLocation: /made\r\nContent-Length: 2\r\n"
                           b"Connection: close\r\n\r\nok" % answer)

    def contents(self, path):
        with self.lock:
            return [content for _, at, _, content in self.writes if at == path]


def post(edge, path, content, method="POST", fields="", host="example.org"):
    head = (f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{fields}"
            f"Content-Length: {len(content)}\r\n\r\n")
    return answer_of(edge.ask(head.encode() + content))


def answer_of(what):
    bytes_, _ = what
    head, content = bytes_.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    fields = {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in lines[1:]}
    return int(lines[0].split(" ")[1]), fields, content


def ask(edge, path, host="example.org", accept="application/json"):
    return answer_of(edge.ask(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\n"
                              "Connection: close\r\n\r\n".encode()))


def state_at(edge, url):
    status, _, content = ask(edge, url)
    assert status == 200, status
    return json.loads(content)


def outbox(edge, *words):
    return subprocess.run([BINARY, "outbox", *words, "--state", edge.folder / "state"],
                          capture_output=True, text=True, check=False)


def listed(edge, *words):
    return json.loads(outbox(edge, "list", "--json", *words).stdout)


def accepted(answer):
    status, fields, content = answer
    assert status == 202, (status, content)
    assert fields["location"] == fields["content-location"], fields
    assert "detail=accepted-write" in fields["cache-status"], fields
    assert fields["cache-control"] == "no-store"
    return fields["location"]


def run():
    origin = Origin()
    edge = Edge(origin)
    edge.configure(RULES % (edge.folder / "outbox"))
    with edge:
        while_dead(edge)
        origin.start()
        when_back(edge, origin)
        had_begun(edge, origin)
        origin.stop()
        kill(edge)
        in_doubt(edge, origin)


def kill(edge):
    edge.process.kill()
    edge.process.wait()
    edge.__enter__()


def while_dead(edge):
    edge.first = accepted(post(edge, "/notes/a", b"one", fields="Cookie: who=me\r\n"))
    edge.large = accepted(post(edge, "/notes/large", b"x" * 200 * 1024, method="PUT"))
    edge.others = [accepted(post(edge, "/notes/a", b"%d" % i)) for i in range(20)]
    edge.keyed = accepted(post(edge, "/keyed/a", b"with a key"))
    chunked = answer_of(edge.ask(
        b"POST /notes/chunked HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n"
        b"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n"
        b"X-Sum: 7\r\n\r\n"))
    accepted(chunked)
    # Too large, said or not said beforehand.
    content = b"10000\r\n" + b"y" * 65536 + b"\r\n"
    status, _, _ = answer_of(edge.ask(
        b"POST /notes/endless HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n" + 4 * content + b"0\r\n\r\n"))
    assert status == 413, status
    # What the page says, and to whom.
    state = state_at(edge, edge.first)
    assert state["state"] in ("queued", "sending") and state["url"] == edge.first, state
    assert ask(edge, edge.first, host="other.example")[0] == 404
    assert ask(edge, edge.first[:-1] + "z")[0] == 404
    status, fields, page = ask(edge, edge.first, accept="text/html")
    assert status == 200 and b"Do not send it again" in page and b"one" != page, page
    assert fields["content-type"].startswith("text/html")
    files = list((edge.folder / "outbox").iterdir())
    assert len(files) == 24 and all(file.stat().st_mode & 0o777 == 0o600 for file in files), files
    assert len(listed(edge)) == 24
    assert edge.status()["outbox"]["accepted"] == 24
    assert edge.status()["ledger"]["saved_accepted_writes"] == 24
    assert edge.metric("afloat_outbox_writes") == 24


def when_back(edge, origin):
    wait_until(lambda: not listed(edge), "all is delivered")
    assert origin.contents("/notes/a") == [b"one"] + [b"%d" % i for i in range(20)]
    assert origin.contents("/notes/large") == [b"x" * 200 * 1024]
    assert origin.contents("/notes/chunked") == [b"abcdefg"]
    assert origin.contents("/notes/endless") == []
    first = next(fields for _, path, fields, _ in origin.writes if path == "/notes/a")
    assert first["cookie"] == "who=me" and first["host"] == "example.org", first
    chunked = next(fields for _, path, fields, _ in origin.writes if path == "/notes/chunked")
    assert "trailer" not in chunked and chunked["content-length"] == "7", chunked
    keyed = next(fields for _, path, fields, _ in origin.writes if path == "/keyed/a")
    assert len(keyed["idempotency-key"]) == 34, keyed
    state = state_at(edge, edge.first)
    assert state["state"] == "delivered" and state["status"] == 201, state
    assert state["location"] == "/made" and state["over"], state
    for file in (edge.folder / "outbox").iterdir():
        assert file.suffix == ".over" and b"who=me" not in file.read_bytes(), file
    # Now the origin answers by itself.
    assert post(edge, "/notes/a", b"straight")[0] == 201


def had_begun(edge, origin):
    """Read by the origin and not answered: only with a key it may come again."""
    origin.answers = {"/keyed/begun": "cut", "/keyed/broken": 500, "/notes/begun": "cut"}
    key = "Idempotency-Key: \"order-7\"\r\n"
    for path, status in ("/keyed/broken", 500), ("/notes/begun", 502):
        assert post(edge, path, b"once", fields=key)[0] in (status, 503), path
        assert post(edge, "/notes/a", b"all is well")[0] == 201
    begun = accepted(post(edge, "/keyed/begun", b"k" * 50000, fields=key))
    origin.answers = {}
    wait_until(lambda: state_at(edge, begun)["state"] == "delivered", "what had begun arrives")
    assert set(origin.contents("/keyed/begun")) == {b"k" * 50000}
    assert {fields["idempotency-key"] for _, path, fields, _ in origin.writes
            if path == "/keyed/begun"} == {"\"order-7\""}
    assert origin.contents("/notes/begun") == [b"once"]


def in_doubt(edge, origin):
    origin.answers = {"/notes/lost": "cut", "/notes/no": 422, "/keyed/lost": "cut"}
    origin.writes.clear()
    lost = accepted(post(edge, "/notes/lost", b"lost?"))
    behind = accepted(post(edge, "/notes/lost", b"behind it"))
    refused = accepted(post(edge, "/notes/no", b"no"))
    keyed = accepted(post(edge, "/keyed/lost", b"again"))
    elsewhere = accepted(post(edge, "/notes/elsewhere", b"is not held up"))
    origin.start()
    wait_until(lambda: state_at(edge, elsewhere)["state"] == "delivered", "it is delivered")
    wait_until(lambda: state_at(edge, lost)["state"] == "unknown", "nobody knows")
    wait_until(lambda: state_at(edge, refused)["state"] == "refused", "it is refused")
    assert state_at(edge, refused)["status"] == 422
    # A further one does not overtake those that wait, though the origin is back.
    last = accepted(post(edge, "/notes/lost", b"last"))
    wait_until(lambda: len(origin.contents("/keyed/lost")) > 1, "the keyed one is repeated")
    keys = {fields["idempotency-key"] for _, path, fields, _ in origin.writes
            if path == "/keyed/lost"}
    assert len(keys) == 1, keys
    assert origin.contents("/notes/lost") == [b"lost?"]
    assert state_at(edge, behind)["state"] == "queued"
    origin.answers = {}
    wait_until(lambda: state_at(edge, keyed)["state"] == "delivered", "the keyed one arrives")
    decide(edge, origin, lost, behind, last)


def decide(edge, origin, lost, behind, last):
    name = lost.rsplit("/", 1)[1]
    assert [write["id"] for write in listed(edge)][0] == name
    assert edge.metric("afloat_outbox_unknown") == 1
    shown = outbox(edge, "show", name).stdout
    assert "unknown" in shown and "http://example.org/notes/lost" in shown, shown
    assert "wait" in outbox(edge, "retry", behind.rsplit("/", 1)[1]).stderr
    assert "no such write" in outbox(edge, "drop", "0" * 32).stderr
    assert "afloat outbox list" in subprocess.check_output(
        [BINARY, "status", "--state", edge.folder / "state"], text=True)
    result = outbox(edge, "retry", name)
    assert result.returncode == 0, result
    wait_until(lambda: state_at(edge, last)["state"] == "delivered", "the line moves on")
    assert origin.contents("/notes/lost") == [b"lost?", b"lost?", b"behind it", b"last"]
    assert state_at(edge, lost)["state"] == "delivered"
    assert outbox(edge, "drop", name).returncode == 0  # forgotten
    assert ask(edge, lost)[0] == 404
    assert listed(edge) == []
    assert len(listed(edge, "--all")) > 20


run()
