#!/usr/bin/python3
"""afloat without any settings beside nginx, Varnish, HAProxy and Traffic Server, through the same faults:
./dev campaign [--only SCENARIO]... [--peers NAME,NAME] [--seed N] [--long] [--json FILE] [--write]

First the harness proves itself. Then each scenario runs once, all servers at the same time, each with origins and
visitors of its own; the visitors' schedules are the same. afloat's ledger is held against what its visitors saw.
--write makes docs/campaign.md of it. --soak MINUTES is another thing: afloat alone, random faults, nothing left.
"""

import argparse
import concurrent.futures
import json
import pathlib
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import peers  # noqa: E402
import proof  # noqa: E402
import report  # noqa: E402
import scenarios  # noqa: E402
import soak  # noqa: E402
from parts import Names, Network  # noqa: E402
from trial import Run  # noqa: E402
from servers import SCRATCH, clean_up  # noqa: E402


class Meeting:
    """Where the servers of a scenario wait for each other: all start measuring at the same instant, and those that
    left are not waited for."""

    def __init__(self, count):
        self.changed, self.expected, self.here, self.start_ns = threading.Condition(), count, 0, 0

    def leave(self):
        with self.changed:
            self.expected -= 1
            self.changed.notify_all()

    def join(self):
        with self.changed:
            self.here += 1
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.here >= self.expected)
            self.start_ns = self.start_ns or time.monotonic_ns() + 500_000_000
            return self.start_ns


def run_scenario(scenario, kinds, options, network, names):
    meeting = Meeting(len(kinds))
    runs = [Run(scenario, kind, 1 + i, options, network, names) for i, kind in enumerate(kinds)]
    with concurrent.futures.ThreadPoolExecutor(len(runs)) as pool:
        futures = {run.kind.name: pool.submit(run.result, meeting) for run in runs}
        return {name: future.result() for name, future in futures.items()}


def parse():
    parser = argparse.ArgumentParser(prog="./dev campaign", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="SCENARIO", choices=scenarios.BY_NAME)
    parser.add_argument("--peers", help="names, with commas between; all unless told")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--long", action="store_true", help="longer outages too")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path)
    parser.add_argument("--write", action="store_true", help="docs/campaign.md")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="afloat alone under random faults, and what it left")
    parser.add_argument("--list", action="store_true", help="names of scenarios and servers")
    parser.add_argument("--proof", action="store_true", help="only the harness's own proof")
    return parser.parse_args()


def main():
    options = parse()
    if options.list:
        for scenario in scenarios.ALL:
            print(f"{scenario.name:24} {scenario.title}")
        print("servers:", ", ".join(peers.ALL))
        return 0
    SCRATCH.chmod(0o711)  # some servers do not stay root
    network = Network()
    if not proof.passes(network, options.seed):
        return 1
    if options.proof:
        return 0
    if options.soak:
        return 0 if soak.passes(options.soak, options, network) else 1
    kinds = [peers.ALL[name] for name in (options.peers.split(",") if options.peers else peers.ALL)]
    wanted = [scenarios.BY_NAME[n] for n in options.only] if options.only else \
        [s for s in scenarios.ALL if options.long or not s.long]
    names = Names(network.names()) if any(s.named for s in wanted) else None
    results = {}
    for scenario in wanted:
        results[scenario.name] = run_scenario(scenario, kinds, options, network, names)
        report.show(scenario, results[scenario.name])
    if names:
        names.stop()
    if options.json:
        options.json.write_text(json.dumps({"about": report.about(options, kinds), "scenarios": results}, indent=1))
    if options.write:
        report.write(options, kinds, results)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        clean_up()
