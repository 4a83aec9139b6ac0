"""HTTP/2 to a backend: many exchanges on one connection, and everything that can go wrong there."""

import contextlib
import threading
import time

import h2.settings
from h2_backend import H2Backend
from harness import AT_ONCE, Backend, Edge, digest, pattern, read_to_end, wait_until

BIG = pattern(3 << 20)
GATE = threading.Event()
BEGUN = threading.Event()  # the visitor has the beginning of an answer
SEEN = {}
INTERIM = []
MALFORMED = {
    "upper": [(":status", "200"), ("X-Upper", "a")],
    "connection": [(":status", "200"), ("connection", "close")],
    "keepalive": [(":status", "200"), ("keep-alive", "timeout=5")],
    "coding": [(":status", "200"), ("transfer-encoding", "chunked")],
    "upgrade": [(":status", "200"), ("upgrade", "h2c")],
    "nostatus": [("x", "a")],
    "twice": [(":status", "200"), (":status", "200")],
    "late": [("x", "a"), (":status", "200")],
    "short": [(":status", "20")],
    "long": [(":status", "2000")],
    "low": [(":status", "099")],
    "letters": [(":status", "2x0")],
    "pseudo": [(":status", "200"), (":path", "/")],
    "unknown": [(":status", "200"), (":new", "/")],
    "nul": [(":status", "200"), ("x", "a\0b")],
    "newline": [(":status", "200"), ("x", "a\r\ny: b")],
    "space": [(":status", "200"), ("x", " a")],
    "tail": [(":status", "200"), ("x", "a ")],
    "name": [(":status", "200"), ("x y", "a")],
    "colon": [(":status", "200"), ("x:y", "a")],
    "empty": [(":status", "200"), ("", "a")],
    "lengths": [(":status", "200"), ("content-length", "5"), ("content-length", "6")],
    "list": [(":status", "200"), ("content-length", "5, 5")],
    "sign": [(":status", "200"), ("content-length", "+5")],
    "switch": [(":status", "101")],
}


def answer(session, stream, fields, content):
    kind, _, rest = fields[":path"][1:].partition("/")
    SEEN[fields[":path"]] = (session.requests[stream][1], content)
    if kind == "malformed":
        session.head(stream, MALFORMED[rest.split("/")[0]])
        session.data(stream, b"hello", True)
    elif kind in ("hello", "continue"):
        session.whole(stream, b"hello", ("content-type", "text/plain"))
    elif kind == "kept":
        if fields.get("if-none-match") == '"one"':
            session.whole(stream, b"", ("etag", '"one"'), status="304")
        else:
            session.whole(stream, b"hello", ("etag", '"one"'), ("cache-control", "no-cache"))
    elif kind == "none":
        session.whole(stream, b"", status=rest)
    elif kind == "empty":
        session.head(stream, [(":status", "200")], True)
    elif kind in ("digest", "early-refused", "early-goaway"):
        session.whole(stream, digest(content).encode())
    elif kind == "big":
        session.whole(stream, BIG, ("cache-control", "no-store"))
    elif kind == "wait":
        GATE.wait(60)
        session.whole(stream, b"hello", ("cache-control", "no-store"))
    elif kind == "interim":
        for _ in range(int(rest)):
            session.head(stream, [(":status", "103"), ("link", "</a>")])
        session.whole(stream, b"hello")
    elif kind == "part":  # breaks off in the middle
        session.head(stream, [(":status", "200"), ("cache-control", "no-store")])
        session.data(stream, b"hel")
        BEGUN.wait(60)
        if rest.startswith("reset"):
            session.reset(stream, 2)
        elif rest.startswith("goaway"):  # of this one, nothing is lost
            session.goaway(stream)
            session.data(stream, b"lo", True)
        else:
            session.close(rest.startswith("hard"))
    elif kind == "short":
        session.head(stream, [(":status", "200"), ("content-length", "10")])
        session.data(stream, b"hello", True)
    elif kind == "over":
        session.head(stream, [(":status", "200"), ("content-length", "3")])
        session.data(stream, b"hello", True)
    elif kind == "refused":
        if not SEEN.get("refused" + rest):
            SEEN["refused" + rest] = True
            session.reset(stream, 7)
        else:
            session.whole(stream, digest(content).encode())
    elif kind == "goaway":
        if not SEEN.get("goaway" + rest):
            SEEN["goaway" + rest] = True
            session.goaway(0)
        else:
            session.whole(stream, digest(content).encode())
    elif kind == "cancel":
        session.reset(stream, 8)
    elif kind == "dies":
        session.close(rest.startswith("hard"))
    elif kind == "large":
        session.head(stream, [(":status", "200")] + [("x-%d" % i, "a" * 1000) for i in range(int(rest))])
        session.data(stream, b"hello", True)
    elif kind == "frame":
        if rest.startswith("size"):
            session.frame(0, 0, stream, b"a" * 16385)
        elif rest.startswith("idle"):
            session.frame(0, 0, stream + 1000, b"a")
        elif rest.startswith("push"):
            session.frame(5, 4, stream, b"\0\0\0\2\x88")
        elif rest.startswith("window"):
            session.frame(8, 0, 0, b"\0\0\0\0")
        elif rest.startswith("hpack"):
            session.frame(1, 4, stream, b"\xff\xff\xff\xff\xff")
        elif rest.startswith("settings"):
            session.frame(4, 0, 0, b"\0")
        elif rest.startswith("data"):  # content before its head
            session.frame(0, 0, stream, b"early")
    elif kind == "silent":
        pass


def early(session, stream, fields):
    path = fields[":path"]
    if path.startswith("/soon"):  # an answer before the content
        session.whole(stream, b"too large", status="413")
        return True
    if path.startswith("/early-"):  # refused before its content
        if path not in SEEN:
            SEEN[path] = True
            session.reset(stream, 7) if "refused" in path else session.goaway(0)
            return True
        SEEN["again" + path] = True
    if path.startswith("/continue"):
        SEEN[path + "expect"] = fields.get("expect")
        session.head(stream, [(":status", "100")])
    return False


def dechunked(content):
    """None: it broke off."""
    at, parts = 0, []
    while (line_end := content.find(b"\r\n", at)) >= 0:
        size = int(content[at:line_end], 16)
        parts.append(content[line_end + 2:line_end + 2 + size])
        at = line_end + 2 + size + 2
        if size == 0:
            return b"".join(parts)
    return None


def ask(edge, request):
    with edge.connect() as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
        begin = b""
        with contextlib.suppress(ConnectionError):
            while b"hel" not in begin and (piece := connection.recv(65536)):
                begin += piece
        BEGUN.set()
        return begin + read_to_end(connection)[0]


def get(edge, path, method="GET", more="", content=b""):
    BEGUN.clear()
    answer_ = ask(edge, f"{method} {path} HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n"
                        f"{more}\r\n".encode() + content)
    head, _, rest = answer_.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 1"):
        INTERIM.append(head)
        head, _, rest = rest.partition(b"\r\n\r\n")
    if b"\r\nTransfer-Encoding: chunked" in head and method != "HEAD":
        rest = dechunked(rest)
    return int(head.split(b" ")[1]), head.decode("latin-1"), rest


def post(edge, path, content):
    return get(edge, path, "POST", f"Content-Length: {len(content)}\r\n", content)


def settings(more=""):
    return "    http2: prior_knowledge\n" + more + AT_ONCE


def check_answers(edge):
    status, head, content = get(edge, "/hello/a?b=c", more="X-Mine: Yes\r\nTE: trailers\r\nCookie: a=b\r\n")
    assert status == 200 and content == b"hello", (head, content)
    assert "content-type: text/plain" in head
    fields = SEEN["/hello/a?b=c"][0]
    names = [name for name, _ in fields]
    assert names[:4] == [":method", ":scheme", ":authority", ":path"], names
    assert dict(fields)[":authority"] == "example.org" and dict(fields)["x-mine"] == "Yes"
    assert "host" not in names and "connection" not in names and all(n == n.lower() for n in names)
    status, head, content = get(edge, "/hello/head", "HEAD")
    assert status == 200 and content == b"" and "content-length" not in head.lower()
    for code in ("204", "404"):
        status, head, content = get(edge, f"/none/{code}")
        assert status == int(code), head
    status, head, content = get(edge, "/empty/a")
    assert status == 200 and "\r\nContent-Length: 0" in head and content == b""
    for turn in range(2):
        status, head, content = get(edge, "/kept/a")
        assert status == 200 and content == b"hello"
    assert "fwd-status=304" in head, head
    assert digest(get(edge, "/big/a")[2]) == digest(BIG)
    INTERIM.clear()
    assert get(edge, "/interim/3")[0] == 200
    assert len(INTERIM) == 3 and b"\r\nlink: </a>" in INTERIM[0], INTERIM


def check_uploads(edge):
    for size in (0, 1, 16384, 65536, len(BIG)):
        status, _, content = post(edge, f"/digest/{size}", BIG[:size])
        assert status == 200 and digest(BIG[:size]).encode() in content, (size, status)
        fields = dict(SEEN[f"/digest/{size}"][0])
        assert fields.get("content-length") == (str(size)) or size == 0
    chunks = b"".join(b"%x\r\n%s\r\n" % (10000, BIG[at:at + 10000]) for at in range(0, 500000, 10000))
    status, _, content = get(edge, "/digest/chunks", "POST", "Transfer-Encoding: chunked\r\n",
                             chunks + b"0\r\n\r\n")
    assert status == 200 and digest(BIG[:500000]).encode() in content
    assert "content-length" not in dict(SEEN["/digest/chunks"][0])
    status, _, content = get(edge, "/continue/a", "POST", "Content-Length: 5\r\nExpect: 100-continue\r\n",
                             b"hello")
    assert SEEN["/continue/aexpect"] == "100-continue"
    status, _, content = post(edge, "/soon/a", BIG)
    assert status == 413, status


def check_sharing(edge, backend, count):
    """A herd opens one connection; the answers come together."""
    before = len(backend.sessions)
    GATE.clear()
    results = []
    threads = [threading.Thread(target=lambda i=i: results.append(get(edge, f"/wait/{i}")[0]))
               for i in range(count)]
    for thread in threads:
        thread.start()
    wait_until(lambda: sum(s.active for s in backend.sessions) >= count, "all have been asked")
    GATE.set()
    for thread in threads:
        thread.join()
    assert results == [200] * count, results
    return len(backend.sessions) - before


def check_failures(edge, backend):
    for kind in MALFORMED:
        status, head, _ = get(edge, f"/malformed/{kind}")
        assert status == 503 and "error=http_protocol_error" in head, (kind, head)
    for kind in ("short", "over"):
        status, _, content = get(edge, f"/{kind}/a")
        assert status == 503 or len(content) < {"short": 10, "over": 3}[kind], (status, content)
    for kind in ("size", "idle", "push", "window", "hpack", "settings", "data"):
        status, head, _ = get(edge, f"/frame/{kind}")
        assert status == 503 and ("error=http_protocol_error" in head), (kind, head)
    assert get(edge, "/interim/9")[0] == 503
    assert get(edge, "/large/10")[0] == 200
    status, head, _ = get(edge, "/large/100")
    assert status == 503 and "error=http_response_header_section_size" in head, head
    for path in ("/refused/get", "/goaway/get"):
        assert get(edge, path)[0] == 200, path
    status, head, _ = get(edge, "/cancel/a")
    assert status == 503 and "error=connection_terminated" in head, head
    for path in ("/dies/soft", "/dies/hard"):
        status, head, _ = get(edge, path)
        assert status == 503 and "error=connection_terminated" in head, head
    for path in ("/part/reset", "/part/soft", "/part/hard"):
        _, head, content = get(edge, path)
        assert content is None, (path, content)
    assert get(edge, "/part/goaway")[2] == b"hello"
    assert get(edge, "/hello/after")[0] == 200


def check_silence(edge):
    status, head, _ = get(edge, "/silent/a")
    assert status == 503 and "error=http_response_timeout" in head, head
    assert get(edge, "/hello/after")[0] == 200


def check_unprocessed_uploads(edge):
    """What was provably not processed (RFC 9113 section 8.7) is sent again, as far as its content is
    kept, and however much of it has come by then."""
    for how in ("refused", "goaway"):
        for size in (5, 16384):
            status, _, content = post(edge, f"/{how}/post{size}", BIG[:size])
            assert status == 200 and digest(BIG[:size]).encode() in content, (how, size, status)
        status, _, content = get(edge, f"/{how}/chunks", "POST", "Transfer-Encoding: chunked\r\n",
                                 b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
        assert status == 200 and digest(b"hello world").encode() in content, (how, status)
        status, head, _ = post(edge, f"/{how}/post-large", BIG)
        assert status == 503 and "error=connection_terminated" in head, head
        with edge.connect() as visitor:
            visitor.sendall(f"POST /early-{how}/a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n"
                            "Connection: close\r\n\r\nabc".encode())
            wait_until(lambda: f"again/early-{how}/a" in SEEN, "it was asked again")
            visitor.sendall(b"defghij")
            answer_, _ = read_to_end(visitor)
            assert answer_.startswith(b"HTTP/1.1 200 ") and digest(b"abcdefghij").encode() in answer_


def check_no_stream_holds_another(edge):
    """A visitor who does not read holds up his own answer and no other."""
    with edge.connect() as lazy:
        lazy.sendall(b"GET /big/lazy HTTP/1.1\r\nHost: h\r\n\r\n")
        assert lazy.recv(100)
        for i in range(20):
            assert get(edge, f"/hello/{i}")[0] == 200
        assert digest(get(edge, "/big/other")[2]) == digest(BIG)


def check_rest(edge, backend):
    session = backend.sessions[-1]
    time.sleep(1.5)  # the session is at rest
    before = backend.pongs
    session.ping()
    wait_until(lambda: backend.pongs > before, "a session at rest answers")
    count = len(backend.sessions)
    assert get(edge, "/hello/rest")[0] == 200
    assert len(backend.sessions) == count, "and is used again"
    time.sleep(1.5)
    session.goaway(0)
    session.close()
    assert get(edge, "/hello/rest2")[0] == 200
    assert len(backend.sessions) <= count + 1


def check_death(edge, backend):
    """One connection's death cuts what it carries; who got nothing yet is asked again."""
    GATE.clear()
    results = []
    threads = [threading.Thread(target=lambda i=i: results.append(get(edge, f"/wait/death{i}")[0]))
               for i in range(10)]
    for thread in threads:
        thread.start()
    wait_until(lambda: sum(s.active for s in backend.sessions if s.h2) >= 10, "all are asked")
    for session in list(backend.sessions):
        session.close()
    GATE.set()
    for thread in threads:
        thread.join()
    assert 200 in results and set(results) <= {200, 503}, results  # the budget for retries is small


class AddressOf:
    def __init__(self, backend):
        self.address = backend.address


BACKEND = H2Backend(answer, early)
with Edge(BACKEND, settings() + "threads: 1\n") as edge_:
    check_answers(edge_)
    assert len(BACKEND.sessions) == 1, "one connection carries it all"
    # A POST gets another one if it comes after a pause, and the first one ends then.
    check_uploads(edge_)
    wait_until(lambda: sum(s.h2 is not None for s in BACKEND.sessions) == 1, "one is left")
    assert check_sharing(edge_, BACKEND, 50) == 0
    check_no_stream_holds_another(edge_)
    check_failures(edge_, BACKEND)
    check_unprocessed_uploads(edge_)
    check_rest(edge_, BACKEND)
    check_death(edge_, BACKEND)
    edge_.await_quiet()

with Edge(BACKEND, settings("    timeouts: {first_byte: 1s}\n") + "threads: 1\n") as edge_:
    check_silence(edge_)
    edge_.await_quiet()

LIMITED = H2Backend(answer, early, {h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: 4})
with Edge(LIMITED, settings() + "threads: 1\n") as edge_:
    assert get(edge_, "/hello/a")[0] == 200
    assert check_sharing(edge_, LIMITED, 20) == 4
    assert max(s.most for s in LIMITED.sessions) <= 4
PROBED = H2Backend(answer, early)
with Edge(PROBED, settings("    probe: {path: /hello/probe, interval: 100ms, timeout: 20s}\n") + "threads: 1\n") as edge_:
    wait_until(lambda: len(PROBED.sessions) > 5, "it has been probed")
    wait_until(lambda: sum(s.h2 is not None for s in PROBED.sessions) <= 2,
               "a probe's connection ends with it")
    assert edge_.status()["origins"][0]["backends"][0]["healthy"]
FEW = H2Backend(answer, early)
with Edge(FEW, settings("    pool: {http2_streams: 5, connections: 2}\n") + "threads: 1\n") as edge_:
    assert get(edge_, "/hello/a")[0] == 200
    assert check_sharing(edge_, FEW, 10) == 1
    assert max(s.most for s in FEW.sessions) <= 5


def http1(connection, head, rest):
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    return False


with Edge(Backend(http1), settings()) as edge_:
    status_, head_, _ = get(edge_, "/")
    assert status_ == 503, head_
