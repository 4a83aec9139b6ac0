"""Compression: what is compressed and what is left alone, that the content comes back, that a form is
made once, and every limit of it."""

import gzip
import hashlib
import random
import signal
import subprocess
import threading
import zlib

import brotli
import harness

FORMS = ("afloat_forms_made_total", "afloat_forms_pointless_total", "afloat_forms_put_off_total",
         "afloat_encoders_refused_total", "afloat_compressed_total")
MANY = 24


def text(size, seed=0):
    words = random.Random(seed)
    return b" ".join(b"%d times" % words.randrange(500) for _ in range(size // 6))[:size].ljust(size)


def decode(coding, content):
    if coding is None:
        return content
    if coding == "gzip":
        return gzip.decompress(content)
    if coding == "br":
        return brotli.decompress(content)
    return subprocess.run(["zstd", "-dqc"], input=content, stdout=subprocess.PIPE, check=True).stdout


class Answer:
    """Of a raw answer: status, fields (lower case, repeated ones joined), content as sent."""

    def __init__(self, raw):
        head, rest = raw.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1])
        self.fields = {}
        for line in lines[1:]:
            name, value = line.split(": ", 1)
            name = name.lower()
            self.fields[name] = f"{self.fields[name]}, {value}" if name in self.fields else value
        self.raw = rest
        self.content = dechunk(rest) if "transfer-encoding" in self.fields else rest
        self.coding = self.fields.get("content-encoding")

    def decoded(self):
        return decode(self.coding, self.content)


def dechunk(raw):
    content = b""
    while True:
        size, raw = raw.split(b"\r\n", 1)
        size = int(size, 16)
        content += raw[:size]
        if size == 0:
            assert raw == b"\r\n", raw
            return content
        raw = raw[size + 2:]


def ask(edge, path, accept=None, method="GET", version="1.1", **fields):
    lines = [f"{method} {path} HTTP/{version}", "Host: h", "Connection: close"]
    if accept is not None:
        lines.append(f"Accept-Encoding: {accept}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    raw, orderly = edge.ask("\r\n".join(lines + ["", ""]).encode())
    assert orderly
    return Answer(raw)


class Site:
    """/KIND/SIZE/...: text of that size. KIND says how it is sent."""

    def __init__(self):
        self.asked = {}
        self.go_on = threading.Event()

    def content(self, path):
        kind, size = path.split("/")[1:3]
        if kind == "noise":
            return harness.pattern(int(size), 5)
        return text(int(size), path)

    def answer(self, connection, head, _):
        path = head.split(" ")[1]
        kind = path.split("/")[1]
        self.asked[path] = self.asked.get(path, 0) + 1
        content = self.content(path)
        tag = '"' + hashlib.sha256(content).hexdigest()[:8] + '"'
        fields = [f"ETag: {tag}", "Accept-Ranges: bytes", "Repr-Digest: sha-256=:AAAA:",
                  "Content-MD5: AAAA", "Last-Modified: Sat, 01 Jan 2022 00:00:00 GMT"]
        kinds = {
            "image": ["Content-Type: image/png", "Cache-Control: max-age=1000"],
            "events": ["Content-Type: text/event-stream", "Cache-Control: max-age=1000"],
            "svg": ["Content-Type: image/svg+xml", "Cache-Control: max-age=1000"],
            "fixed": ["Content-Type: text/css", "Cache-Control: max-age=1000, No-Transform"],
            "mine": ["Content-Type: text/html", "Cache-Control: private"],
            "again": ["Content-Type: text/html", "Cache-Control: max-age=0"],
            "varied": ["Content-Type: text/html", "Cache-Control: max-age=1000",
                       "Vary: Accept-Encoding, Foo"],
            "nothing": ["Cache-Control: max-age=1000"],
        }
        fields += kinds.get(kind, ["Content-Type: Text/HTML; charset=utf-8",
                                   "Cache-Control: max-age=1000"])
        if kind == "coded":
            content = gzip.compress(content)
            fields += ["Content-Encoding: gzip", "Vary: Accept-Encoding"]
        if kind == "forgetful" and "gzip" in head.lower():
            content = gzip.compress(content)
            fields.append("Content-Encoding: gzip")
        if kind == "again" and f"If-None-Match: {tag}" in head:
            connection.sendall(f"HTTP/1.1 304 Not Modified\r\nETag: {tag}\r\nNew: {self.asked[path]}"
                               "\r\n\r\n".encode())
            return True
        if kind == "slow":
            return self.answer_slowly(connection, fields, content)
        status = "404 Not Found" if kind == "missing" else "200 OK"
        fields.append(f"Content-Length: {len(content)}")
        connection.sendall("\r\n".join([f"HTTP/1.1 {status}"] + fields + ["", ""]).encode())
        if not head.startswith("HEAD"):
            connection.sendall(content)
        return True

    def answer_slowly(self, connection, fields, content):
        """Half of it, and the rest when told."""
        half = len(content) // 2
        fields.append("Transfer-Encoding: chunked")
        connection.sendall("\r\n".join(["HTTP/1.1 200 OK"] + fields + ["", ""]).encode())
        connection.sendall(b"%x\r\n%s\r\n" % (half, content[:half]))
        assert self.go_on.wait(harness.PATIENCE_SECONDS)
        connection.sendall(b"%x\r\n%s\r\n0\r\n\r\n" % (len(content) - half, content[half:]))
        return True


def counts(edge):
    return [edge.metric(name) for name in FORMS]


def expect_coded(site, answer, path, coding):
    fields = answer.fields
    assert answer.coding == coding, (path, coding, fields)
    assert answer.decoded() == site.content(path), (path, coding)
    assert len(answer.content) < len(site.content(path))
    assert fields["vary"] == "Accept-Encoding", fields
    assert fields["etag"].startswith('W/"'), fields
    for name in ("repr-digest", "content-md5", "accept-ranges"):
        assert name not in fields, fields
    if "transfer-encoding" not in fields:
        assert int(fields["content-length"]) == len(answer.content)


def expect_plain(site, answer, path, varies):
    fields = answer.fields
    assert answer.coding is None, fields
    assert answer.content == site.content(path)
    assert fields["etag"].startswith('"') and "repr-digest" in fields and "accept-ranges" in fields
    assert fields.get("vary") == ("Accept-Encoding" if varies else None), fields


def test_codings(site, edge):
    for kind, size in (("page", 5000), ("svg", 1024), ("mine", 9000), ("missing", 3000)):
        for accept, coding in (("gzip", "gzip"), ("br", "br"), ("zstd", "zstd"),
                               ("gzip, deflate, br, zstd", "br"), ("br;q=0.5, gzip", "gzip")):
            path = f"/{kind}/{size}/{coding}"
            if kind == "mine" and coding == "zstd":
                expect_plain(site, ask(edge, path, accept), path, True)
                continue
            for _ in range(3):
                expect_coded(site, ask(edge, path, accept), path, coding)
    path = "/page/5000/gzip"
    for accept in (None, "", "identity", "gzip;q=0", "*;q=0", "deflate"):
        expect_plain(site, ask(edge, path, accept), path, True)
    assert site.asked[path] == 1


def test_left_alone(site, edge):
    for kind, size, varies in (("image", 5000, False), ("events", 5000, False),
                               ("fixed", 5000, False), ("nothing", 5000, False),
                               ("page", 1023, False), ("noise", 20000, True)):
        path = f"/{kind}/{size}"
        for _ in range(3):
            answer = ask(edge, path, "gzip, br, zstd")
        expect_plain(site, answer, path, varies)
    # Compressed by the backend: as it came, and never to those who did not ask for it.
    for _ in range(2):
        answer = ask(edge, "/coded/5000", "gzip")
        assert answer.coding == "gzip" and answer.fields["etag"].startswith('"')
        assert answer.decoded() == site.content("/coded/5000")
        assert answer.fields["vary"] == "Accept-Encoding"
    # Even if the backend forgets to say that it chooses.
    path = "/forgetful/5000"
    for _ in range(2):
        for accept, coding in (("gzip", "gzip"), ("identity", None), ("br", None),
                               ("gzip, br", "gzip")):
            answer = ask(edge, path, accept)
            assert answer.coding in (coding, "br" if "br" in accept else None), answer.fields
            assert answer.decoded() == site.content(path)
            assert answer.fields["vary"] == "Accept-Encoding", answer.fields
    assert site.asked[path] == 2
    # What the visitor forbids.
    expect_plain(site, ask(edge, "/page/5000/gzip", "gzip", Cache_Control="no-transform"),
                 "/page/5000/gzip", True)
    # A Vary of its own is not repeated.
    for _ in range(2):
        answer = ask(edge, "/varied/5000", "gzip")
        assert answer.coding == "gzip" and answer.fields["vary"] == "Accept-Encoding, Foo"


def test_head(site, edge):
    path = "/page/7000/head"
    for accept in (None, "gzip", "br", "zstd"):
        for _ in range(2):
            got = ask(edge, path, accept)
            head = ask(edge, path, accept, "HEAD")
        assert head.content == b"" and head.status == 200
        for name in ("content-length", "content-encoding", "etag", "vary", "repr-digest"):
            assert head.fields.get(name) == got.fields.get(name), (name, head.fields, got.fields)
    head = ask(edge, "/mine/7000", "gzip", "HEAD")
    assert head.coding == "gzip" and head.fields["etag"].startswith("W/")
    assert "content-length" not in head.fields and "transfer-encoding" not in head.fields


def test_conditions_and_ranges(site, edge):
    path = "/page/8000/conditions"
    strong = ask(edge, path).fields["etag"]
    weak = "W/" + strong
    assert ask(edge, path, "gzip").fields["etag"] == weak
    for etag in (weak, strong):
        answer = ask(edge, path, "gzip", If_None_Match=etag)
        assert answer.status == 304 and answer.content == b""
        assert answer.fields["etag"] == etag and answer.fields["vary"] == "Accept-Encoding"
        assert answer.coding is None
    assert ask(edge, path, "gzip", If_None_Match='"other"').coding == "gzip"
    # Parts are of the plain content, and a weak tag never joins them.
    content = site.content(path)
    answer = ask(edge, path, "gzip", Range="bytes=10-19")
    assert answer.status == 206 and answer.content == content[10:20] and answer.coding is None
    assert answer.fields["etag"] == strong and answer.fields["vary"] == "Accept-Encoding"
    answer = ask(edge, path, "gzip", Range="bytes=10-19", If_Range=strong)
    assert answer.status == 206 and answer.content == content[10:20]
    answer = ask(edge, path, "gzip", Range="bytes=10-19", If_Range=weak)
    assert answer.status == 200 and answer.coding is None and answer.content == content
    date = "Sat, 01 Jan 2022 00:00:00 GMT"
    answer = ask(edge, path, Range="bytes=10-19", If_Range=date)
    assert answer.status == 200 and answer.content == content
    ask(edge, "/image/8000")
    answer = ask(edge, "/image/8000", "gzip", Range="bytes=10-19", If_Range=date)
    assert answer.status == 206 and len(answer.content) == 10
    assert ask(edge, path, "gzip", If_Match=weak).status == 412
    answer = ask(edge, path, "gzip", If_Match=strong)
    assert answer.status == 200 and answer.decoded() == content


def test_confirmed_copies_keep_their_form(site, edge):
    path = "/again/6000"
    ask(edge, path, "gzip")
    made = ask(edge, path, "gzip")
    before = counts(edge)
    for _ in range(5):
        again = ask(edge, path, "gzip")
        assert "fwd-status=304" in again.fields["cache-status"], again.fields
        assert again.content == made.content and again.fields["etag"] == made.fields["etag"]
        assert again.fields["new"] == str(site.asked[path])
    assert counts(edge)[:2] == before[:2]


def test_slow_pages_appear_bit_by_bit(site, edge):
    path = "/slow/40000"
    whole = site.content(path)
    for coding in ("gzip", "br"):
        site.go_on.clear()
        decoder = (zlib.decompressobj(31).decompress if coding == "gzip"
                   else brotli.Decompressor().process)
        with edge.connect() as connection:
            connection.sendall(f"GET {path}/{coding} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                               f"Accept-Encoding: {coding}\r\n\r\n".encode())
            whole = site.content(f"{path}/{coding}")
            raw, seen, head = b"", b"", None
            while piece := connection.recv(65536):
                raw += piece
                if head is None and b"\r\n\r\n" in raw:
                    head, raw = raw.split(b"\r\n\r\n", 1)
                    assert f"content-encoding: {coding}".encode() in head.lower()
                while head is not None and b"\r\n" in raw:
                    size = int(raw.split(b"\r\n")[0], 16)
                    begin = raw.index(b"\r\n") + 2
                    if len(raw) < begin + size + 2:
                        break
                    if size > 0:
                        seen += decoder(raw[begin:begin + size])
                    raw = raw[begin + size + 2:]
                if len(seen) == len(whole) // 2: # all that was sent so far
                    site.go_on.set()
            assert seen == whole and raw == b""


def together(function, count):
    """What it returned in so many threads at once."""
    results, barrier = [], threading.Barrier(count)

    def run():
        barrier.wait()
        results.append(function())
    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == count
    return results


def test_forms_are_made_once(site, edge):
    for path in ("/page/20000/once", "/page/400000/once"):
        content = site.content(path)
        assert ask(edge, path).content == content
        for coding in ("gzip", "br", "zstd"):
            before = counts(edge)
            for answer in together(lambda: ask(edge, path, coding), MANY):
                assert answer.decoded() == content and answer.coding in (coding, None)
            harness.wait_until(lambda: ask(edge, path, coding).coding == coding, "it is compressed")
            for answer in together(lambda: ask(edge, path, coding), MANY):
                expect_coded(site, answer, path, coding)
            assert counts(edge)[:4] == [before[0] + 1] + before[1:4]
    # What is not worth it is tried once for each coding.
    path = "/noise/30000/once"
    ask(edge, path)
    before = counts(edge)
    for coding in ("gzip", "br", "zstd", "gzip"):
        for answer in together(lambda: ask(edge, path, coding), MANY):
            expect_plain(site, answer, path, True)
    assert counts(edge)[:2] == [before[0], before[1] + 3]


def test_forms_count_as_memory(site, edge):
    path = "/page/300000/memory"
    ask(edge, path)
    before = edge.status()["cache"]["bytes"]
    total = 0
    for coding in ("gzip", "br", "zstd"):
        harness.wait_until(lambda: ask(edge, path, coding).coding == coding, "it is compressed")
        total += len(ask(edge, path, coding).content)
    grown = edge.status()["cache"]["bytes"] - before
    assert total <= grown <= total + 8192, (total, grown)
    subprocess.check_call([harness.BINARY, "purge", "--hard", "--url", "http://h" + path, "--state",
                           edge.folder / "state"], stdout=subprocess.DEVNULL)
    assert edge.status()["cache"]["bytes"] <= before - 300000


def test_old_visitors(site, edge):
    path = "/page/5000/old"
    expect_plain(site, ask(edge, "/mine/5000/old", "gzip", version="1.0"), "/mine/5000/old", True)
    ask(edge, path)
    expect_coded(site, ask(edge, path, "gzip", version="1.0"), path, "gzip")


def test_http2(site, edge):
    """The same over HTTP/2: kept, made behind, streamed, and HEAD."""
    url = "http://%s:%d" % edge.address
    for path in ("/page/6000/h2", "/page/200000/h2", "/mine/6000/h2"):
        for coding in ("gzip", "br"):
            for _ in range(2):
                answer = subprocess.run(
                    ["curl", "-si", "--http2-prior-knowledge", "-H", f"Accept-Encoding: {coding}",
                     url + path], stdout=subprocess.PIPE, check=True).stdout
                answer = Answer(answer)
                assert answer.decoded() == site.content(path)
                assert answer.fields["vary"] == "Accept-Encoding"
            if "200000" not in path:
                assert answer.coding == coding and answer.fields["etag"].startswith("W/")


def test_limits():
    site = Site()
    settings = ("threads: 1\ncompression: {streams: 1, jobs: 0}\nsites:\n  - compression: "
                "{minimum: 2KB, at_once: 10KB, maximum: 50KB, encodings: [gzip], "
                "types: [text/*, \"!text/css\"]}\n")
    with harness.Edge(harness.Backend(site.answer), settings) as edge:
        # One stream at a time.
        with edge.connect() as held:
            held.sendall(b"GET /slow/9000 HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n")
            assert b"Content-Encoding: gzip" in held.recv(65536)
            expect_plain(site, ask(edge, "/mine/9000", "gzip"), "/mine/9000", True)
            assert edge.metric("afloat_encoders_refused_total") == 1
            site.go_on.set()
            while not held.recv(65536).endswith(b"0\r\n\r\n"):
                pass
        expect_coded(site, ask(edge, "/mine/9000", "gzip"), "/mine/9000", "gzip")
        assert edge.metric("afloat_encoders_refused_total") == 1
        # None behind.
        for path, size in (("/page/10240", None), ("/page/10241", 1), ("/page/51200", 2)):
            ask(edge, path)
            answer = ask(edge, path, "gzip")
            assert answer.coding == ("gzip" if size is None else None)
            assert edge.metric("afloat_forms_put_off_total") == (size or 0)
        # Too large for a form, too small, another coding, another type.
        for path, accept, varies in (("/page/51201", "gzip", True), ("/page/2047", "gzip", False),
                                     ("/page/5000", "br, zstd", True),
                                     ("/svg/5000", "gzip", False)):
            ask(edge, path)
            expect_plain(site, ask(edge, path, accept), path, varies)
        assert edge.metric("afloat_forms_put_off_total") == 2
        edge.configure("threads: 1\nsites:\n  - compression: {personal: false}\n")
        edge.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: ask(edge, "/mine/9000", "gzip").coding is None, "it is reloaded")
        expect_plain(site, ask(edge, "/mine/9000", "gzip"), "/mine/9000", False)
        # The other settings, too, hold for what was kept before.
        for path in ("/page/5000", "/svg/5000", "/page/2047"):
            expect_coded(site, ask(edge, path, "gzip"), path, "gzip")
            expect_coded(site, ask(edge, path, "br, zstd"), path, "br")
        edge.await_quiet()


def test_off():
    site = Site()
    with harness.Edge(harness.Backend(site.answer),
                      "sites:\n  - compression: {enabled: false}\n") as edge:
        for path in ("/page/5000", "/page/5000", "/mine/5000"):
            expect_plain(site, ask(edge, path, "gzip, br"), path, False)
        assert counts(edge) == [0, 0, 0, 0, 0]


def main():
    site = Site()
    with harness.Edge(harness.Backend(site.answer)) as edge:
        for test in (test_codings, test_left_alone, test_head, test_conditions_and_ranges,
                     test_confirmed_copies_keep_their_form, test_slow_pages_appear_bit_by_bit,
                     test_forms_are_made_once, test_forms_count_as_memory, test_old_visitors,
                     test_http2):
            test(site, edge)
        edge.await_quiet()
    test_limits()
    test_off()


main()
