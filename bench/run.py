#!/usr/bin/python3
"""Measures afloat beside nginx, HAProxy and Varnish from apt: ./dev bench [WHAT] [--json]

hits      CPU microseconds the server spends per cache hit of 1 KiB: one server thread on one core, wrk
          with 64 keep-alive connections on the other, interleaved rounds, median. CPU time (user and
          system, all of the server's processes), because wall clocks on shared machines lie; only ratios
          within one run count. The bare epoll loop parses nothing and is the floor.
idle      resident memory per idle keep-alive connection, of 10,000
overhead  resident memory per cached object beyond its headers and body, of 200,000
fanout    10,000 slow downloads of one 8 MiB object that is still being fetched: fetches, memory

Logs are off for everybody, nothing is written to disk but what nginx caches on a memory file system.
"""

import argparse
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

TOP = pathlib.Path(__file__).resolve().parent.parent
BIN = TOP / "build" / "release"
CLK_TCK = os.sysconf("SC_CLK_TCK")
SERVER_CORE, LOAD_CORE = "0", "1"


def free_port():
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return attempt.getsockname()[1]


class Process:
    """A program and what it forks, stopped by its own process group."""

    def __init__(self, command, core=None, stdin=subprocess.DEVNULL, stdout=None):
        pin = ["taskset", "-c", core] if core else []
        self.log = tempfile.TemporaryFile(dir=SCRATCH)
        self.process = subprocess.Popen(pin + [str(c) for c in command], stdin=stdin,
                                        stdout=stdout or self.log, stderr=self.log,
                                        start_new_session=True)

    def pids(self):
        children, found = {}, [self.process.pid]
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        for pid in found:
            found.extend(children.get(pid, []))
        return found

    def cpu_seconds(self):
        ticks = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / CLK_TCK

    def memory(self, field="VmRSS"):
        """Bytes, of all its processes; shared pages count once per process."""
        total = 0
        for pid in self.pids():
            found = re.search(rf"{field}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())
            total += int(found[1]) * 1024 if found else 0
        return total

    def output(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def stop(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        self.log.close()


def afloat(port, origin, size):
    return [BIN / "afloat", "run", "--listen", f"127.0.0.1:{port}", "--origin",
            f"http://127.0.0.1:{origin}", "--threads", "1", "--memory", size,
            "--state", SCRATCH / "afloat-state"]


def nginx(port, origin, _size):
    folder = SCRATCH / "nginx"
    folder.mkdir(exist_ok=True)
    (folder / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log crit;
user root;
worker_rlimit_nofile 20000;
events {{ worker_connections 10100; }}
http {{
  access_log off; sendfile on; tcp_nodelay on; keepalive_timeout 1h; keepalive_requests 1000000000;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e; open_file_cache max=1000 inactive=1h;
  proxy_cache_path {folder}/cache levels=1:2 keys_zone=c:64m max_size=1g inactive=1h use_temp_path=off;
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_cache c; proxy_cache_lock on; proxy_cache_lock_timeout 1h; proxy_cache_lock_age 1h;
    }}
  }}
}}
""")
    return ["/usr/sbin/nginx", "-c", folder / "nginx.conf"]


def haproxy(port, origin, _size):
    config = SCRATCH / "haproxy.cfg"
    config.write_text(f"""
global
  nbthread 1
  maxconn 10100
  no strict-limits
  tune.maxaccept 256
defaults
  mode http
  timeout client 1h
  timeout http-keep-alive 1h
  timeout server 1h
  timeout connect 5s
cache c
  total-max-size 1024
  max-object-size 10000000
  max-age 3600
frontend f
  bind 127.0.0.1:{port} backlog 4096
  http-request cache-use c
  default_backend b
backend b
  http-response cache-store c
  server s 127.0.0.1:{origin}
""")
    return ["/usr/sbin/haproxy", "-db", "-f", config]


# What Varnish writes to its shared log for a hit; there is no switch for all of it.
VARNISH_LOG = ",".join("-" + tag for tag in """Begin End Link ReqStart ReqMethod ReqURL ReqProtocol ReqHeader
    ReqUnset RespProtocol RespStatus RespReason RespHeader RespUnset VCL_call VCL_return VCL_use Hit
    Timestamp ReqAcct SessOpen SessClose Length Filters""".split())


def varnish(port, origin, size):
    folder = SCRATCH / "varnish"
    return ["/usr/sbin/varnishd", "-F", "-j", "none", "-n", folder, "-a", f"127.0.0.1:{port}", "-b",
            f"127.0.0.1:{origin}", "-s", f"malloc,{size}", "-p", f"vsl_mask={VARNISH_LOG}", "-p", "thread_pools=1", "-p", "thread_pool_max=10500",
            "-p", "timeout_idle=3600", "-t", "3600"]


def bare_epoll(port, _origin, _size):
    return [BIN / "bench.bare_epoll", port]


SERVERS = {"afloat": afloat, "nginx": nginx, "haproxy": haproxy, "varnish": varnish}


class Server(Process):
    """A server under test in front of the origin, up and with one object of 1 KiB in its cache."""

    def __init__(self, name, origin, size="1GB"):
        self.name, self.port, self.origin = name, free_port(), origin
        command = {**SERVERS, "bare epoll": bare_epoll}[name](self.port, origin.port, size)
        super().__init__(command, SERVER_CORE)
        for _ in range(200):
            try:
                if len(self.get("/1024/hit")) == 1024:
                    break
            except OSError:
                time.sleep(0.05)
        else:
            raise RuntimeError(f"{name} does not answer:\n{self.output()}")
        if name != "bare epoll":
            time.sleep(0.2)  # Varnish and HAProxy finish storing after they answered
            before = origin.count()
            self.get("/1024/hit")
            if origin.count() != before:
                raise RuntimeError(f"{name} does not cache")

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
            return response.read()


class Origin(Process):
    def __init__(self):
        self.port = free_port()
        super().__init__([BIN / "bench.origin", self.port], LOAD_CORE)
        for _ in range(100):
            try:
                self.count()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the origin does not start")

    def count(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/count", timeout=10) as response:
            return int(response.read())


def load(*arguments, timeout=600):
    done = subprocess.run(["taskset", "-c", LOAD_CORE, BIN / "bench.load", *map(str, arguments)], text=True,
                          capture_output=True, timeout=timeout, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"load {arguments}: {done.stderr.strip()}")
    return done.stdout.strip()


def present(names):
    there = [n for n in names if n != "afloat" or (BIN / "afloat").exists()]
    if len(there) < len(names):
        print("bench: build/release/afloat is not there, so it is left out", file=sys.stderr)
    return there


def wrk(server, seconds):
    """CPU microseconds per request, requests per second."""
    before = server.cpu_seconds()
    done = subprocess.run(["taskset", "-c", LOAD_CORE, "wrk", "-t1", "-c64", f"-d{seconds}s",
                           f"http://127.0.0.1:{server.port}/1024/hit"], text=True, capture_output=True,
                          check=True).stdout
    spent = server.cpu_seconds() - before
    requests = int(re.search(r"(\d+) requests in", done)[1])
    if re.search(r"Non-2xx|Socket errors", done):
        raise RuntimeError(f"{server.name} answered wrongly:\n{done}")
    return spent / requests * 1e6, requests / seconds


def hits(options):
    origin = Origin()
    names = present(["afloat", "nginx", "haproxy", "varnish"]) + ["bare epoll"]
    servers, figures, rates = [], {}, {}
    try:
        for name in names:
            servers.append(Server(name, origin))
        asked = origin.count()
        for number in range(-1, options.rounds):  # the first one warms up
            for server in servers:
                figure, rate = wrk(server, options.seconds if number >= 0 else 1)
                if number >= 0:
                    figures.setdefault(server.name, []).append(figure)
                    rates.setdefault(server.name, []).append(rate)
            if number >= 0 and sys.stderr.isatty():
                print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
        if origin.count() != asked:
            raise RuntimeError("a server asked the origin during the measurement")
    finally:
        for process in servers + [origin]:
            process.stop()
    medians = {name: statistics.median(values) for name, values in figures.items()}
    rows = [{"server": name, "cpu_us_per_request": round(figure, 2),
             "spread_us": [round(min(figures[name]), 2), round(max(figures[name]), 2)],
             "ratio_to_haproxy": round(figure / medians["haproxy"], 3),
             "requests_per_second": round(statistics.median(rates[name]))}
            for name, figure in sorted(medians.items(), key=lambda item: item[1])]
    return rows, goal("afloat", rows, "ratio_to_haproxy", 0.95)


def idle(options):
    rows = []
    for name in present(SERVERS):
        origin = Origin()
        server = None
        try:
            server = Server(name, origin)
            load("fill", server.port, 1024, 100)
            before = server.memory()
            holder = Process([BIN / "bench.load", "hold", server.port, "/1024/hit", options.connections],
                             LOAD_CORE, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            said = holder.process.stdout.readline().decode()
            bytes_each = (server.memory() - before) / options.connections
            holder.stop()
            if not said.startswith("held"):
                raise RuntimeError(f"connections failed: {said}")
            rows.append({"server": name, "connections": options.connections,
                         "bytes_per_connection": round(bytes_each)})
        except RuntimeError as error:
            rows.append({"server": name, "connections": str(error).splitlines()[0],
                         "bytes_per_connection": None})
        finally:
            for process in filter(None, (server, origin)):
                process.stop()
    return rows, goal("afloat", rows, "bytes_per_connection", 1024)


def overhead(options):
    rows = []
    for name in present(["afloat", "varnish"]):
        origin = Origin()
        server = None
        try:
            server = Server(name, origin, "4GB" if name == "afloat" else "4G")
            with urllib.request.urlopen(f"http://127.0.0.1:{origin.port}/1024/0") as response:
                head = len("HTTP/1.1 200 OK\r\n\r\n") + sum(len(k) + len(v) + 4
                                                             for k, v in response.headers.items())
            # What is there once, such as the first pages of a table, is not an object's.
            load("fill", server.port, 1023, 1000)
            before, asked = server.memory(), origin.count()
            load("fill", server.port, 1024, options.objects)
            grown = server.memory() - before
            load("fill", server.port, 1024, options.objects)
            if origin.count() - asked != options.objects:
                raise RuntimeError(f"{name} did not keep them all")
            each = grown / options.objects
            rows.append({"server": name, "objects": options.objects, "bytes_per_object": round(each),
                         "of_them_headers_and_body": head + 1024, "overhead_bytes": round(each - head - 1024)})
        finally:
            for process in filter(None, (server, origin)):
                process.stop()
    return rows, goal("afloat", rows, "overhead_bytes", 250)


def fanout(options):
    rows = []
    # nginx makes the others wait for the whole object, HAProxy fetches it for each of them.
    for name in present(["afloat", "varnish"]):
        origin = Origin()
        server = None
        try:
            server = Server(name, origin)
            before, asked = server.memory(), origin.count()
            said = load("fan", server.port, f"/{8 << 20}/paced/20000", options.connections, 262144, 20000)
            rows.append({"server": name, "fetches": origin.count() - asked,
                         "memory_peak_mb": round((server.memory("VmHWM") - before) / 2**20, 1),
                         "downloads": said})
        except RuntimeError as error:
            rows.append({"server": name, "fetches": None, "memory_peak_mb": None,
                         "downloads": str(error).splitlines()[0]})
        finally:
            for process in filter(None, (server, origin)):
                process.stop()
    return rows, goal("afloat", rows, "fetches", 1)


def goal(name, rows, column, most):
    """None when the server was not there, or (text, reached)."""
    for row in rows:
        if row["server"] == name:
            reached = row[column] is not None and row[column] <= most
            return f"goal: {column} at most {most}: {'reached' if reached else 'missed'}", reached
    return None


def table(rows):
    columns = list(rows[0])
    cells = [columns] + [[str(row[c]) for c in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def main():
    benches = {"hits": hits, "idle": idle, "overhead": overhead, "fanout": fanout}
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=benches, help="all four unless told")
    parser.add_argument("--json", action="store_true", help="one JSON object per bench")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3, help="of each round")
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--objects", type=int, default=200000)
    options = parser.parse_args()
    if (os.cpu_count() or 1) < 2:
        sys.exit("bench: needs two cores, one for the server and one for the load")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    missed = False
    for name in [options.what] if options.what else benches:
        rows, reached = benches[name](options)
        if options.json:
            print(json.dumps({"bench": name, "rows": rows, "goal": reached and reached[0]}))
        else:
            print(f"\n{name}")
            table(rows)
            if reached:
                print(reached[0])
        missed = missed or bool(reached and not reached[1])
    return 1 if missed else 0


SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="afloat-bench.", dir="/dev/shm"))
if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        shutil.rmtree(SCRATCH, ignore_errors=True)
