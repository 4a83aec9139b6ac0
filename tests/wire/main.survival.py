"""The edge is killed while its backend is dead, and has what it has served: on a real disk, which
may be full, and of which nothing comes back that was purged hard."""

import itertools
import os
import pathlib
import resource
import signal
import socket
import subprocess
import tempfile
import threading

import harness

PAGES = 20
LARGE = harness.pattern(700_000)


class Site:
    """Pages that may be kept; dies and stays at its address."""

    def __init__(self):
        self.backend = harness.Backend(self.answer)
        self.address = self.backend.address

    def answer(self, connection, head, _rest):
        path = head.split()[1]
        content = LARGE if path.startswith("/large") else f"page {path}".encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=1\r\nETag: \"1\"\r\n"
                           b"Surrogate-Key: " + path[1:].encode() + b"\r\n"
                           b"Content-Length: " + str(len(content)).encode() + b"\r\n\r\n" + content)
        return True

    def die(self):
        self.backend.listener.shutdown(socket.SHUT_RDWR)
        self.backend.listener.close()


def content_of(answer):
    bytes_, whole = answer
    assert whole
    head, content = bytes_.split(b"\r\n\r\n", 1)
    return head.split(b" ")[1].decode(), head.lower(), content


def expect_page(edge, path, content):
    status, head, got = content_of(edge.get(path))
    assert status == "200", f"{path}: {status}\n{head.decode()}"
    assert got == content, f"{path}: other content"
    return head


def kill(edge):
    edge.process.send_signal(signal.SIGKILL)
    edge.process.wait()
    edge.process.stdout.close()


def store(edge):
    return edge.status()["store"]


def await_written(edge, count):
    harness.wait_until(lambda: store(edge)["written"] >= count, f"{count} copies are written")
    harness.wait_until(lambda: store(edge)["queued"] == 0, "nothing waits to be written")


def test_killed_in_an_outage():
    site = Site()
    edge = harness.Edge(site, harness.AT_ONCE)
    edge.__enter__()
    paths = [f"/{i}" for i in range(PAGES)]
    for path in paths + ["/large"]:
        expect_page(edge, path, LARGE if path == "/large" else f"page {path}".encode())
    await_written(edge, PAGES + 1)
    assert store(edge)["failing"] == 0
    site.die()
    kill(edge)
    with edge:
        assert store(edge)["cold"] == PAGES + 1, store(edge)
        threads = []
        for path in paths:
            head = expect_page(edge, path, f"page {path}".encode())
            assert b"\r\nage: " in head, head
        for _ in range(8):  # all at once
            threads.append(threading.Thread(target=expect_page, args=[edge, "/large", LARGE]))
            threads[-1].start()
        for thread in threads:
            thread.join()
        assert store(edge)["recalled"] >= PAGES + 1
        assert content_of(edge.get("/never-seen"))[0] in ("502", "503", "504")
        edge.await_quiet()


def test_purged_hard_and_killed_at_once():
    site = Site()
    edge = harness.Edge(site, harness.AT_ONCE)
    edge.__enter__()
    for i in range(4):
        expect_page(edge, f"/{i}", f"page /{i}".encode())
    await_written(edge, 4)
    subprocess.check_call([harness.BINARY, "purge", "--state", edge.folder / "state", "--hard",
                           "--tag", "2"], stdout=subprocess.DEVNULL)
    site.die()
    kill(edge)
    with edge:
        expect_page(edge, "/1", b"page /1")
        assert content_of(edge.get("/2"))[0] in ("502", "503", "504")
        expect_page(edge, "/3", b"page /3")


def test_torn_and_spoilt():
    site = Site()
    edge = harness.Edge(site, harness.AT_ONCE)
    edge.__enter__()
    for i in range(PAGES):
        expect_page(edge, f"/{i}", f"page /{i}".encode())
    await_written(edge, PAGES)
    site.die()
    kill(edge)
    files = sorted((edge.folder / "state" / "store").glob("*.afs"))
    assert files
    bytes_ = bytearray(files[-1].read_bytes())
    middle = bytes_.find(b"page /9")
    bytes_[middle + 1] ^= 1
    files[-1].write_bytes(bytes_[:-100])  # and torn at its end
    with edge:
        served = 0
        for i in range(PAGES):
            status, _, content = content_of(edge.get(f"/{i}"))
            served += status == "200"
            assert status != "200" or content == f"page /{i}".encode()
        assert served < PAGES
        edge.await_quiet()


def test_full_disk():
    site = Site()
    edge = harness.Edge(site, harness.AT_ONCE)
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, unlimited[1]))  # the edge inherits it
    try:
        edge.__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    expect_page(edge, "/1", b"page /1")
    await_written(edge, 1)
    pages = itertools.count()

    def is_told():  # until something smaller was written again
        expect_page(edge, f"/large{next(pages)}", LARGE)  # a file may not grow so far
        text = subprocess.check_output(
            [harness.BINARY, "status", "--state", edge.folder / "state"], text=True)
        return store(edge)["failing"] == 1 and "the disk fails or is full" in text

    harness.wait_until(is_told, "the disk is full")
    assert "the disk is full" in (edge.folder / "error.log").read_text()
    for _ in range(3):
        expect_page(edge, "/large", LARGE)
        expect_page(edge, "/2", b"page /2")
    edge.__exit__(None)


def test_one_directory_one_edge():
    site = Site()
    with tempfile.TemporaryDirectory() as folder:
        settings = f"store: {{directory: {folder}/copies}}\n"
        with harness.Edge(site, settings) as first, harness.Edge(site, settings) as second:
            assert store(first)["limit"] > 0
            assert store(second)["limit"] == 0
            assert "another afloat does" in (second.folder / "error.log").read_text()
            expect_page(second, "/1", b"page /1")
        mode = os.stat(pathlib.Path(folder) / "copies").st_mode
        assert mode & 0o077 == 0, oct(mode)


test_killed_in_an_outage()
test_purged_hard_and_killed_at_once()
test_torn_and_spoilt()
test_full_disk()
test_one_directory_one_edge()
