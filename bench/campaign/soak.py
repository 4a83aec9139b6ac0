"""An hour, or as long as told, of afloat alone under modest load and random faults, and what is left of it in the
process afterwards: memory, descriptors, connections, requests and fetches under way."""

import os
import random
import time

import peers
import report
import scenarios
from scenarios import Scenario, Stream
from trial import Run

FAULTS = [  # an action, and the one that ends it
    (("refuse",), ("accept",)), (("freeze",), ("thaw",)),
    *[(("faults", text), ("faults", "")) for text in (
        "status code=500", "status code=503 after=2", scenarios.HALF_BROKEN, scenarios.STALLS, "garbage permille=500",
        "cut how=end permille=300", "cut how=reset permille=300", "cut how=stall permille=100", "delay ms=700", "close",
        "stall permille=100")],
    (("capacity", "20 queue"), ("capacity", "0 queue")), (("capacity", "10 shed"), ("capacity", "0 queue")),
    (("idle", "100 5"), ("idle", "60000 0")),
]
QUIET_SECONDS = 40  # longer than anybody is held, and than connections to backends rest


def plan(seconds, seed):
    """One fault after another, with pauses, on one of two backends or on both."""
    dice, actions, at = random.Random(f"soak {seed}"), [], 2.0
    while at < seconds - 12:
        begin, end = dice.choice(FAULTS)
        which = dice.choice([(), (0,), (1,)])
        if begin[0] == "idle":
            which = ()
        length = dice.uniform(0.5, 10)
        actions += [(at, *begin, *which), (at + length, *end, *which)]
        at += length + dice.uniform(0.5, 5)
    streams = [Stream("warm", 25, 60), Stream("asset", 10, 60), Stream("never", 8), Stream("live", 4), Stream("big", 0.3),
               Stream("post", 2, method="POST")]
    return Scenario("soak", "random faults", seconds, streams, actions, origins=2, memory=True)


def footprint(server):
    """What the process holds now; memory is what the copies do not explain."""
    status = server.status()
    proc = f"/proc/{server.process.process.pid}"
    return {"beyond_copies_mb": round((server.process.memory() - status["cache"]["bytes"]) / 2**20, 1),
            "descriptors": len(os.listdir(f"{proc}/fd")), "threads": len(os.listdir(f"{proc}/task")), **status["now"]}


def passes(minutes, options, network):
    """True when nothing is left of it."""
    scenario = plan(minutes * 60, options.seed)
    run = Run(scenario, peers.Afloat, 1, options, network, None)
    try:
        run.set_up()
        time.sleep(QUIET_SECONDS)
        before = footprint(run.server)
        result = run.measure(time.monotonic_ns() + 500_000_000)
        time.sleep(QUIET_SECONDS)
        after = footprint(run.server)
    finally:
        run.tear_down()
    print(f"soak of {minutes:g} minutes, seed {options.seed}: {len(scenario.actions) // 2} faults, {result['visits']} visits, "
          f"failed {result['failed_seen']} of pages served before, {result['failed_new']} of others; "
          f"{report.extras(result)}")
    print(f"before {before}\nafter  {after}")
    # What grows with the number of copies and what the allocator keeps is bounded; tasks and descriptors are none.
    flat = (after["beyond_copies_mb"] < before["beyond_copies_mb"] + 64 and after["threads"] == before["threads"]
            and after["descriptors"] <= before["descriptors"] + 4
            and not any(after[what] for what in ("connections", "active_requests", "tunnels", "flights")))
    print("flat" if flat else "not flat", flush=True)
    return flat
