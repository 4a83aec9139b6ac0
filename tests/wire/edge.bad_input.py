"""Whatever comes in, from visitors or from the backend, the edge goes on answering everybody else."""

import random
import threading

from harness import Backend, Edge, read_to_end, reset

SEED = 20251124
ANSWER = (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nCache-Control: no-store\r\nX-Field: value\r\n\r\n"
          b"0123456789")
CHUNKED = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nCache-Control: no-store\r\n\r\n"
           b"5\r\n01234\r\n5;a=b\r\n56789\r\n0\r\nTrailer: x\r\n\r\n")
LIES = {
    "/short": b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n0123456789",
    "/huge": b"HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n0123456789",
    "/too-huge": b"HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551616\r\n\r\n0123456789",
    "/negative": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n0123456789",
    "/chunk-huge": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n0123456789",
    "/chunk-too-huge": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000\r\n01",
    "/status": b"HTTP/1.1 1000 OK\r\nContent-Length: 10\r\n\r\n0123456789",
    "/numbers": b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nAge: 99999999999999999999\r\n"
                b"Cache-Control: max-age=99999999999999999999, stale-if-error=18446744073709551616\r\n"
                b"Expires: -1\r\nLast-Modified: 99999999999\r\nDate: Sun, 99 Foo 99999\r\n\r\n0123456789",
}


def backend_answer(connection, head, rest):
    path = head.split(" ")[1]
    if path.startswith("/cut/"):
        _, _, kind, end, way = path.split("/")
        connection.sendall((ANSWER if kind == "length" else CHUNKED)[:int(end)])
        if way == "reset":
            reset(connection)
        return False
    if path in LIES:
        connection.sendall(LIES[path])
        return False
    connection.sendall(ANSWER)
    return head.startswith("GET ")


def random_bytes(edge):
    random_ = random.Random(SEED)
    good = b"POST /a?b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    for _ in range(300):
        if random_.random() < .5:
            text = bytearray(random_.randbytes(random_.randint(1, 4096)))
        else:
            text = bytearray(good)
            for _ in range(random_.randint(1, 4)):
                text[random_.randrange(len(text))] = random_.randrange(256)
        with edge.connect() as visitor:
            try:
                visitor.sendall(text)
                visitor.shutdown(1)
            except OSError:
                pass
            answer, _ = read_to_end(visitor)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 "), answer


def slow_heads(edge):
    before = edge.status()["ledger"]["head_timeouts"]
    visitors = [edge.connect() for _ in range(200)]
    for visitor in visitors:
        visitor.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nX-Slow: ")
    assert edge.get("/")[0].startswith(b"HTTP/1.1 200 ")
    for visitor in visitors:
        assert read_to_end(visitor)[0].startswith(b"HTTP/1.1 408 ")
        visitor.close()
    assert edge.status()["ledger"]["head_timeouts"] == before + 200


def endless_heads(edge):
    with edge.connect() as visitor:
        try:
            visitor.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: 1\r\n" * 100000 + b"\r\n")
        except ConnectionError:
            pass
        assert read_to_end(visitor)[0][:13] in (b"HTTP/1.1 431 ", b"")
    sent, megabyte = 0, b"a" * (1 << 20)
    with edge.connect() as visitor:
        try:
            visitor.sendall(b"GET / HTTP/1.1\r\nHost: h\r\nX: ")
            while sent < 1 << 30:
                visitor.sendall(megabyte)
                sent += len(megabyte)
        except ConnectionError:
            pass
    assert sent < 1 << 29, "it took half a gigabyte of one line"
    faults = edge.status()["faults"]
    assert faults["too many fields"] >= 1 and faults["header section too large"] >= 1, faults


def absurd_numbers(edge):
    for length in b"18446744073709551616", b"99999999999999999999999", b"-1", b"+1", b"1e3", b"0x10", b"1,2", b"":
        answer, _ = edge.ask(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + length + b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 "), (length, answer)
    for size in b"ffffffffffffffff1", b"10000000000000000", b"-1", b"0x1", b"", b" 1", b"1 ":
        answer, _ = edge.ask(b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + size + b"\r\na\r\n")
        assert answer.startswith(b"HTTP/1.1 400 "), (size, answer)
    for range_ in (b"bytes=0-18446744073709551615", b"bytes=99999999999999999999-", b"bytes=-99999999999999999999",
                   b"bytes=" + b",".join([b"0-0"] * 1000), b"bytes=5-1", b"chapters=1-2"):
        answer, _ = edge.ask(b"GET /numbers HTTP/1.1\r\nHost: h\r\nConnection: close\r\nRange: " + range_ + b"\r\n\r\n")
        assert answer[:13] in (b"HTTP/1.1 200 ", b"HTTP/1.1 206 ", b"HTTP/1.1 416 "), (range_, answer)


def is_whole(answer, in_order):
    """Whether a visitor takes it for a whole answer of the site."""
    head, _, content = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        assert head.startswith(b"HTTP/1.1 503 "), answer
        return False
    if b"\r\nTransfer-Encoding: chunked" in head:
        return content.endswith(b"\r\n0\r\n\r\n")
    if b"\r\nContent-Length: " in head:
        return len(content) == int(head.split(b"\r\nContent-Length: ")[1].split(b"\r\n")[0])
    return in_order


def lying_backend(edge):
    for path in LIES:
        assert is_whole(*edge.get(path)) == (path == "/numbers"), path
        old = edge.ask(b"GET " + path.encode() + b" HTTP/1.0\r\nHost: h\r\n\r\n")
        assert is_whole(*old) == (path == "/numbers"), (path, old)


def cut_backend(edge):
    """The answer breaks off after every byte of it: never a whole answer that is none."""
    for kind, text in ("length", ANSWER), ("chunked", CHUNKED):
        for end in range(len(text)):
            for way in "close", "reset":
                answer = edge.get(f"/cut/{kind}/{end}/{way}")
                assert not is_whole(*answer), (kind, end, way, answer)
        assert is_whole(*edge.get(f"/cut/{kind}/{len(text)}/close"))
        # Where the connection's end is the content's, a cut must not look like an end.
        old = edge.ask(b"GET /cut/%s/%d/close HTTP/1.0\r\nHost: h\r\n\r\n"
                       % (kind.encode(), text.index(b"0123") + 6))
        assert not is_whole(*old), old


def cut_visitors(edge):
    for text in (b"GET / HTTP/1.1\r\nHost: h\r\nCookie: a=b\r\n\r\n",
                 b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n01234",
                 b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n0\r\n\r\n"):
        for end in range(len(text) + 1):
            for way in reset, lambda connection: connection.close():
                visitor = edge.connect()
                visitor.sendall(text[:end])
                way(visitor)


def everybody_is_served(edge):
    """On every loop: the kernel spreads fresh connections over them."""
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(edge.get("/")[0])) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 64 and all(a.startswith(b"HTTP/1.1 200 ") for a in answers), answers


def main():
    settings = ("connections: {head_timeout: 2s, body_timeout: 2s}\n"
                "sites: [{lifelines: {hold: {enabled: false}}}]\n")
    with Edge(Backend(backend_answer), settings) as edge:
        everybody_is_served(edge)
        before_mb = edge.memory_mb()
        for attack in (random_bytes, slow_heads, endless_heads, absurd_numbers, lying_backend, cut_backend,
                       cut_visitors):
            attack(edge)
            everybody_is_served(edge)
            print(f"{attack.__name__}: {edge.memory_mb()} MB", flush=True)
        edge.await_quiet()
        edge.assert_memory_below(before_mb + 32)


main()
