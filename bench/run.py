#!/usr/bin/python3
"""Measures afloat beside nginx, HAProxy and Varnish from apt: ./dev bench [WHAT] [--json]

hits      CPU microseconds the server spends per cache hit of 1 KiB: one server thread on one core, wrk
          with 64 keep-alive connections on the other, interleaved rounds, median. CPU time (user and
          system, all of the server's processes), because wall clocks on shared machines lie; only ratios
          within one run count. The bare epoll loop parses nothing and is the floor.
idle      resident memory per idle keep-alive connection, of 10,000
overhead  resident memory per cached object beyond its headers and body, of 200,000
fanout    10,000 slow downloads of one 8 MiB object that is still being fetched: fetches, memory
tls       CPU microseconds per full handshake with one request, per resumed one (the same ticket as often
          as it is good), per visit of who uses each ticket once as browsers do, and per cache hit of
          1 KiB over kept connections, with one certificate of ECDSA P-256 made for the occasion
h2        the same per cache hit over HTTP/2, 32 streams on each of 16 connections, with TLS and without
monitors  CPU seconds per second that polling 5,000 monitors every 30 s takes, each by a connection and a
          handshake of its own, and the latest that a probe began after its time

Logs are off for everybody, nothing is written to disk but what nginx caches on a memory file system.
"""

import argparse
import json
import os
import re
import resource
import statistics
import subprocess
import sys
import urllib.request

from secure import h2, tls
from servers import (BIN, LOAD_CORE, SERVERS, Origin, Process, Server, clean_up, goal, load, present)


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


def monitors(_options):
    rows = []
    for scheme in ("http", "https"):
        done = subprocess.run([BIN / "bench.monitors", "5000", "30", "60", scheme], text=True,
                              capture_output=True, check=True).stdout
        rows.append({"server": f"afloat by {scheme}", **json.loads(done)})
    # Late by more than a second is late for a monitor of 5 s.
    for column, most in (("cores", 1), ("latest_ms", 1000), ("failed", 0), ("skipped", 0)):
        worst = max(rows, key=lambda row: row[column])
        reached = goal(worst["server"], rows, column, most)
        if not reached[1]:
            return rows, reached
    return rows, ("goal: cores at most 1, latest_ms at most 1000, nothing failed or skipped: reached", True)


def table(rows):
    columns = list(rows[0])
    cells = [columns] + [[str(row[c]) for c in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def main():
    benches = {"hits": hits, "idle": idle, "overhead": overhead, "fanout": fanout, "tls": tls,
               "h2": h2, "monitors": monitors}
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=benches, help="all of them unless told")
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


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        clean_up()
