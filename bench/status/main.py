#!/usr/bin/python3
"""Measures afloat's status page beside Uptime Kuma, Prometheus with the blackbox exporter, and monit:
./dev bench status [--only MEASURE] [--peers A,B] [--json]

detection  seconds from a death (half refuse connections, half answer 500) to the watcher's telling it; all
           watchers poll the same servers every 20 s, which is the least that Uptime Kuma takes; each once as it
           decides unless told, and once with two failures in a row. "afloat edge" has the dead origin behind it,
           and ten visits a second.
alarms     how many of healthy servers are told as down, when 1 % and 5 % of the requests are hung up on
memory     at 1,000 monitors every 60 s: PSS of all its processes, CPU of a check
page       what Chromium fetches for the status page of 49 monitors, through a counter of bytes, and the CPU
           time that the watcher spends on it
database   bytes of a monitor after a year, at a check a minute

Uptime Kuma comes from npm into build/peers, without its scripts. What is not installed is left out and named.
All of it takes 25 minutes, half of them Uptime Kuma's start with 1,000 monitors.
"""

import argparse
import concurrent.futures
import json
import pathlib
import random
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import costs  # noqa: E402
import peers  # noqa: E402
from servers import clean_up  # noqa: E402
from target import Farm  # noqa: E402

INTERVAL = 20  # the least that Uptime Kuma takes
VARIANTS = {"afloat": [("afloat", None)], "uptime-kuma": [("uptime-kuma", None), ("uptime-kuma, no retry", 0)],
            "prometheus": [("prometheus", 0), ("prometheus, two rounds", 1)],
            "monit": [("monit", 0), ("monit, two rounds", 1)]}


def start(kinds, monitors, interval=INTERVAL):
    """Every variant of every kind, all of them started and each monitor found well."""
    running = {}
    try:
        for kind in kinds:
            for number, (label, patience) in enumerate(VARIANTS[kind.name]):
                running[label] = kind(monitors, interval, patience, tag=str(number))
                running[label].start()
    except BaseException:
        stop(running)
        raise
    return running


def stop(running):
    for watcher in running.values():
        watcher.stop()


def visit(edge):
    try:
        peers.fetch(f"http://127.0.0.1:{edge.port}/{random.random()}", edge.hosts["site"], 30)
    except OSError:
        pass


def visits(edge, goes_on):
    """Ten begin each second, whether earlier ones are answered or not."""
    while goes_on.is_set():
        threading.Thread(target=visit, args=(edge,), daemon=True).start()
        time.sleep(0.1)


def edge_delays(farm, deaths):
    """One edge after the other, whose origin dies under traffic."""
    delays = []
    for number in range(deaths):
        origin = farm.target()
        edge = peers.Afloat([], INTERVAL, tag=f"-edge{number}", origin=origin.url)
        goes_on = threading.Event()
        goes_on.set()
        visitor = threading.Thread(target=visits, args=(edge, goes_on))
        try:
            edge.start()
            visitor.start()
            time.sleep(5 + random.random())
            began = time.monotonic()
            origin.die(number % 2 == 0)
            while not edge.down():
                if time.monotonic() - began > 60:
                    raise RuntimeError("the edge does not tell")
                time.sleep(0.02)
            delays.append(time.monotonic() - began)
        finally:
            goes_on.clear()
            if visitor.ident:
                visitor.join()
            edge.stop()
    return delays


def settle(running, seconds=180):
    for label, watcher in running.items():
        peers.wait_for(f"all well in {label}", watcher.ready, seconds)


def detection(kinds, options):
    farm, rng = Farm(), random.Random(options.seed)
    victims = {f"m{i}": farm.target() for i in range(options.deaths)}
    monitors = [(name, victim.url) for name, victim in victims.items()] + [("well", farm.target().url)]
    running = start(kinds, monitors)
    pool = concurrent.futures.ThreadPoolExecutor(1)
    edges = pool.submit(edge_delays, farm, options.deaths) if peers.Afloat in kinds else None
    try:
        settle(running)
        due = sorted((rng.uniform(0, 60), name) for name in victims)
        began, died, told = time.monotonic(), {}, {label: {} for label in running}
        while time.monotonic() - began < 180 and (due or any(len(t) < len(victims) for t in told.values())):
            while due and time.monotonic() - began >= due[0][0]:
                _, name = due.pop(0)
                victims[name].die(int(name[1:]) % 2 == 0)
                died[name] = time.monotonic()
            for label, watcher in running.items():
                down, now = watcher.down(), time.monotonic()
                for name in (down & died.keys()) - told[label].keys():
                    told[label][name] = now - died[name]
            time.sleep(0.1)
        delays = {label: list(t.values()) for label, t in told.items()}
        if edges:
            delays["afloat edge"] = edges.result()
    finally:
        pool.shutdown()
        stop(running)
        farm.stop()
    return [{"watcher": label, "deaths": options.deaths, "told": len(d),
             "median_s": round(statistics.median(d), 2) if d else None, "worst_s": round(max(d), 2) if d else None}
            for label, d in delays.items()]


def alarms(kinds, options):
    """Each monitor has a server that is well, and a path that is not: seeded, one generator for each."""
    farm, rates = Farm(), (0.01, 0.05)
    lossy = {f"m{i}": farm.target(rates[i % 2], options.seed + i) for i in range(options.monitors)}
    monitors = [(name, target.url) for name, target in lossy.items()] + [("well", farm.target().url)]
    running = start(kinds, monitors)
    try:
        time.sleep(INTERVAL * 2)
        before, counts = {}, {label: {rate: 0 for rate in rates} for label in running}
        began = time.monotonic()
        while time.monotonic() - began < options.seconds:
            for label, watcher in running.items():
                down = watcher.down() & lossy.keys()
                for name in down - before.get(label, down):
                    counts[label][lossy[name].faults] += 1
                before[label] = down
            time.sleep(1)
    finally:
        stop(running)
        farm.stop()
    years = options.seconds * options.monitors / len(rates) / (365.25 * 86400)
    return [{"watcher": label, "faults": f"{rate:.0%}", "monitor_minutes": round(years * 525960),
             "alarms": count, "per_monitor_year": round(count / years)}
            for label, found in counts.items() for rate, count in found.items()]


MEASURES = {"detection": detection, "alarms": alarms, "memory": costs.memory, "page": costs.page,
            "database": costs.database}


def show(rows):
    columns = list(rows[0])
    cells = [columns] + [[str(row.get(c)) for c in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def main():
    parser = argparse.ArgumentParser(prog="./dev bench status", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=MEASURES, action="append")
    parser.add_argument("--peers", help="names, with commas between: " + ", ".join(peers.ALL))
    parser.add_argument("--json", action="store_true", help="one JSON object a measure")
    parser.add_argument("--deaths", type=int, default=10)
    parser.add_argument("--monitors", type=int, default=100, help="of the measure of alarms, half at each rate")
    parser.add_argument("--seconds", type=int, default=240, help="of the measure of alarms")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    kinds = []
    for name in options.peers.split(",") if options.peers else peers.ALL:
        try:
            print(f"{name} {peers.ALL[name].version()}", file=sys.stderr)
            kinds.append(peers.ALL[name])
        except KeyError:
            sys.exit(f"bench: what is '{name}'? {', '.join(peers.ALL)}")
        except peers.Absent as reason:
            print(f"bench: {name} is left out: {reason}", file=sys.stderr)
    for name in options.only or MEASURES:
        rows = MEASURES[name](kinds, options) or [{"watcher": "none of these has it"}]
        if options.json:
            print(json.dumps({"measure": name, "rows": rows}), flush=True)
        else:
            print(f"\n{name}")
            show(rows)
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        clean_up()
