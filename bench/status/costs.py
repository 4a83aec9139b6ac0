"""What a watcher costs: memory and CPU, its page, its database."""

import shutil
import socket
import sqlite3
import threading
import time

import peers
from servers import SCRATCH, Process
from target import Farm


def memory(kinds, _options, count=1000, interval=60):
    """All at the same time. Uptime Kuma begins one monitor after the other, some 0.65 s apart, so
    that a thousand take eleven minutes; all are measured after the last has its first answer, for
    one interval."""
    farm = Farm()
    targets = [farm.target() for _ in range(20)]
    monitors = [(f"m{i}", f"{targets[i % 20].url}{i}") for i in range(count)]
    running, first, rows = {}, {}, []
    try:
        for kind in kinds:
            running[kind.name] = kind(monitors, interval)
            running[kind.name].start()
        began = time.monotonic()
        while len(first) < len(running) and time.monotonic() - began < 900:
            for name, watcher in running.items():
                if name not in first and watcher.ready():
                    first[name] = time.monotonic() - began
            time.sleep(2)
        cpu = {name: watcher.cpu_seconds() for name, watcher in running.items()}
        began = time.monotonic()
        time.sleep(interval)
        checks = count / interval * (time.monotonic() - began)
        for name, watcher in running.items():
            spent = watcher.cpu_seconds() - cpu[name]
            rows.append({"watcher": name, "memory_mb": round(watcher.memory() / 2**20, 1),
                         "cpu_us_per_check": round(spent / checks * 1e6),
                         "all_checked_after_s": round(first[name]) if name in first else None})
    finally:
        for watcher in running.values():
            watcher.stop()
        farm.stop()
    return rows


class Counter:
    """Passes connections on to a port and counts what comes back."""

    def __init__(self, port):
        self.port, self.bytes = port, 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.port))
            threading.Thread(target=self.pass_on, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self.pass_on, args=(far, near, True), daemon=True).start()

    def pass_on(self, source, sink, counts):
        try:
            while piece := source.recv(65536):
                if counts:
                    self.bytes += len(piece)
                sink.sendall(piece)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


def chromium(url, host, number, seconds=8):
    """A browser that has never been there looks at a page for a while. (It cannot be waited for: pages that wait
    for news never end.)"""
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
               f"--user-data-dir={SCRATCH}/chromium{number}", "--remote-debugging-port=0"]
    if host:
        command.append(f"--host-resolver-rules=MAP {host} 127.0.0.1")
        url = url.replace("127.0.0.1", host)
    browser = Process(command + [url])
    time.sleep(seconds)
    browser.stop()


def page(kinds, _options, count=49, visits=3):
    if not shutil.which("chromium"):
        return [{"watcher": "none", "reason": "chromium is not installed"}]
    farm = Farm()
    target = farm.target()
    monitors = [(f"m{i}", f"{target.url}{i}") for i in range(count)]
    running, rows = {}, []
    paths = {"afloat": ("/", "status.bench"), "uptime-kuma": ("/status/bench", None)}
    try:
        for kind in kinds:
            if kind.name in paths:
                running[kind.name] = kind(monitors, 20)
                running[kind.name].start()
        for name, watcher in running.items():
            peers.wait_for(name, watcher.ready, 180)
        for name, watcher in running.items():
            path, host = paths[name]
            counts, spent = [], []
            for number in range(visits):
                counter = Counter(watcher.port)
                idle = watcher.cpu_seconds()
                time.sleep(8)
                idle = watcher.cpu_seconds() - idle
                before = watcher.cpu_seconds()
                chromium(counter.url + path, host, f"{name}{number}")
                spent.append(watcher.cpu_seconds() - before - idle)
                counts.append(counter.bytes)
                counter.close()
            rows.append({"watcher": name, "wire_kb": round(sorted(counts)[visits // 2] / 1000, 1),
                         "server_cpu_ms": round(sorted(spent)[visits // 2] * 1000, 1)})
    finally:
        for watcher in running.values():
            watcher.stop()
        farm.stop()
    return rows


def kuma_year(kept_days=180):
    """As many beats as it keeps unless told, written into its own tables."""
    watcher = peers.Kuma([("m0", "http://127.0.0.1:9/")], 60, tag="-year")
    watcher.start()
    watcher.stop()
    path = watcher.folder / "kuma.db"

    def size():
        with sqlite3.connect(path, isolation_level=None) as database:
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            database.execute("VACUUM")
        return path.stat().st_size

    before = size()
    with sqlite3.connect(path) as database:
        database.executemany(
            "INSERT INTO heartbeat(important, monitor_id, status, msg, time, ping, duration) "
            "VALUES(0, 1, 1, '200 - OK', datetime(1700000000 + ? * 60, 'unixepoch') || '.123', 3, 60)",
            ((i,) for i in range(kept_days * 1440)))
    return size() - before


def database(kinds, _options):
    """afloat's is quoted: a unit test lives through the year, which is not part of a release build."""
    rows = []
    if peers.Afloat in kinds:
        rows.append({"watcher": "afloat", "bytes_per_monitor": 234_000,
                     "how": "as tests/unit/watch/chronicle.c finds it, which fails above 240,000"})
    if peers.Kuma in kinds:
        rows.append({"watcher": "uptime-kuma", "bytes_per_monitor": kuma_year(),
                     "how": "180 days of beats, which it keeps, in its own schema"})
    return rows
