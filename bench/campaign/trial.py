"""One server through one scenario: origins, the server, its visitors, and the faults in time."""

import random
import shutil
import sys
import time

import report
from parts import Hole, Origin, Visitors
from servers import SCRATCH


def times(stream, end, dice):
    """When the visitors of a stream come."""
    if stream.burst:
        return [stream.begin] * stream.burst
    if stream.jitter is not None:
        count = int((end - stream.begin) * stream.rate)
        return [stream.begin + (i + 0.5) / stream.rate + dice.uniform(-stream.jitter, stream.jitter) for i in range(count)]
    found, at = [], stream.begin
    while (at := at + dice.expovariate(stream.rate)) < end:
        found.append(at)
    return found


def schedule(scenario, seed):
    """The visitors of a scenario: the same for every server."""
    dice, visits, number = random.Random(f"{seed} {scenario.name}"), [], 1000
    for stream in scenario.streams:
        for at in times(stream, scenario.seconds if stream.end is None else stream.end, dice):
            number += 1
            page = dice.randrange(stream.count) if stream.count else number
            visits.append((at, stream.method, f"/{stream.kind}/{page}", stream.read, stream.pause_ms))
    # Not all at once: they are to fill the server, not the harness.
    return visits + [(1 + 3 * i / scenario.holds, "HOLD", "-", 0, 6000) for i in range(scenario.holds)]


def warm_up(scenario):
    pages = sorted({(s.kind, n) for s in scenario.streams if s.method == "GET" for n in range(s.count)})
    visits = [(0.008 * i, "GET", f"/{kind}/{n}", 0, 0) for i, (kind, n) in enumerate(pages)]
    # Once more, for servers that store only then; and what expires has expired when it begins.
    return visits + [(0.5 + 0.008 * (len(pages) + i), *visit[1:]) for i, visit in enumerate(visits)]


class Run:
    """One server through one scenario."""

    def __init__(self, scenario, kind, index, options, network, names):
        self.scenario, self.kind, self.index, self.options = scenario, kind, index, options
        self.network, self.names = network, names
        self.origins, self.server, self.hole, self.late_ms = [], None, None, 0.0
        self.folder = SCRATCH / f"{kind.name}.{scenario.name}"

    def act(self, what, *arguments):
        if what in ("faults", "capacity", "health", "refuse", "accept", "freeze", "thaw", "idle", "change"):
            text = what in ("faults", "capacity", "health", "idle")
            which = arguments[1:] if text else arguments
            for origin in [self.origins[n] for n in which] if which else self.origins:
                if what == "freeze":
                    origin.freeze()
                elif what == "thaw":
                    origin.thaw()
                else:
                    origin.tell(f"{what} {arguments[0]}".rstrip() if text else what)
        elif what == "names":
            self.set_names(arguments[0])
        elif what in ("stop", "kill", "start", "reload"):
            getattr(self.server, what)()
        elif what == "purge":
            self.server.purge_all()
        else:
            raise ValueError(what)

    def name(self):
        return f"{self.kind.name}.test"

    def set_names(self, answer):
        """A list of numbers is the origins of these numbers; 99 is an address that never answers."""
        if not isinstance(answer, str):
            if 99 in answer:
                self.hole = self.hole or Hole(self.network.origin(self.index, 99))
            answer = [self.network.origin(self.index, n).split(":")[0] for n in answer]
        self.names.zone[self.name()] = answer

    def set_up(self):
        self.folder.mkdir(mode=0o755)
        for number in range(self.scenario.origins):
            self.origins.append(Origin(self.network.origin(self.index, number),
                                       self.network.control(self.index, number),
                                       self.options.seed * 100 + number))
        addresses, resolver = [origin.address for origin in self.origins], None
        if self.scenario.named:
            self.set_names([0])
            addresses, resolver = [f"{self.name()}:8000"], self.network.names()
        for action in self.scenario.before:
            self.act(*action)
        limits = []
        if self.scenario.descriptors:  # and no right to raise it
            limits = ["setpriv", "--inh-caps=-sys_resource", "--bounding-set=-sys_resource", "prlimit",
                      f"--nofile={self.scenario.descriptors}", "--"]
        self.server = self.kind(self.folder, self.network.server(self.index), addresses, resolver, limits)
        self.server.start()
        self.server.await_listening()
        if self.scenario.warm:
            self.warm()

    def warm(self):
        self.await_caching()
        bad = [r for r in self.visit(warm_up(self.scenario)) if r["outcome"] != "ok"]
        if bad:
            raise RuntimeError(f"{self.server.name} fails before anything is wrong: {bad[0]}")

    def visit(self, visits):
        return Visitors(self.server.address, visits, time.monotonic_ns() + 100_000_000).results()

    def await_caching(self):
        """Some listen before they can store."""
        for number in range(50):
            self.visit([(0, "GET", f"/asset/{9000 + number}", 0, 0)])
            time.sleep(0.1)
            for origin in self.origins:
                origin.tell("mark")
            self.visit([(0, "GET", f"/asset/{9000 + number}", 0, 0)])
            if not any(origin.tell("log") for origin in self.origins):
                return
        raise RuntimeError(f"{self.server.name} does not cache")

    def measure(self, start_ns):
        """Visits and faults from start_ns on, and what came of them."""
        for origin in self.origins:
            origin.tell("mark")
        restarts = any(action[1] == "start" for action in self.scenario.actions)
        before = None if restarts else self.server.ledger()
        lead = start_ns / 1e9 - time.monotonic()  # the origins' clocks began that much before the visitors'
        visitors = Visitors(self.server.address, schedule(self.scenario, self.options.seed), start_ns)
        ready = 0
        for at, *action in sorted(self.scenario.actions, key=lambda a: a[0]):
            due = max(start_ns / 1e9 + at, ready)  # a restart takes its time, and what follows waits for it
            time.sleep(max(0, due - time.monotonic()))
            self.late_ms = max(self.late_ms, (time.monotonic() - due) * 1000)
            self.act(*action)
            ready = time.monotonic()
        visits = visitors.results()
        hits = [[int(hit[0]) / 1000 - lead, *hit[1:]] for origin in self.origins for hit in origin.tell("log")]
        result = report.summarize(self.scenario, visits, hits, self.late_ms)
        if before:
            time.sleep(0.5)  # a request is entered when its connection is done with it
            after = self.server.ledger()
            result["ledger"] = {key: after[key] - before[key] for key in after if after[key] > before[key]}
        if self.scenario.memory:
            result["memory_mb"] = round(self.server.process.memory("VmHWM") / 2**20)
        return result

    def tear_down(self):
        for part in [*self.origins, self.server, self.hole]:
            if part:
                part.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def result(self, meeting):
        joined = False
        try:
            self.set_up()
            joined = True
            return self.measure(meeting.join())
        except NotImplementedError as reason:
            return {"left_out": str(reason)}
        except (RuntimeError, OSError) as error:
            print(f"{self.kind.name}: {error}", file=sys.stderr, flush=True)
            return {"left_out": f"did not run: {str(error).splitlines()[0]}"}
        finally:
            if not joined:
                meeting.leave()
            self.tear_down()
