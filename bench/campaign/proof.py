"""The harness proves itself: straight to a healthy origin nothing fails, straight to a faulty one exactly those
visits fail that the origin spoiled, and in the way it did. How long anything took is not judged."""

import time

from parts import Origin, Visitors

VISITS, PATIENCE_MS, DELAY_MS = 250, 10000, 2500
MIXED = ("status code=500 permille=80; close permille=80; reset permille=80; garbage permille=80; delay ms=2500 "
         "permille=80; cut how=end permille=80; cut how=reset permille=80; cut how=stall permille=40; stall permille=20")
EXPECTED = {  # the outcomes that each fault may have
    "status": {"status"}, "close": {"closed"}, "reset": {"reset"}, "garbage": {"garbled", "status", "wrong", "short", "closed"},
    # A reset also takes what had arrived and was not read yet, the head with it.
    "cut": {"short", "stalled", "reset", "closed"}, "stall": {"timeout"},
}


def visit(network, faults, kinds, seed):
    """What the visitors saw and what the origin says it did, by path."""
    origin = Origin(network.origin(250, 0), network.control(250, 0), seed)
    try:
        origin.tell(f"faults {faults}".rstrip())
        plan = [(0.01 * i, *kinds[i % len(kinds)](i), 0, 0) for i in range(VISITS)]
        seen = {v["path"]: v for v in Visitors(origin.address, plan, time.monotonic_ns() + 200_000_000,
                                                   PATIENCE_MS).results()}
        done = {path: (fault, content) for _, _, path, fault, content in origin.tell("log")}
        return seen, done
    finally:
        origin.stop()


def get(kind):
    return lambda number: ("GET", f"/{kind}/{number}")


def post(number):
    return "POST", f"/post/{number}"


def findings(network, seed):
    kinds = [get("warm"), get("weak"), get("never"), get("live"), post]
    seen, done = visit(network, "", kinds, seed)
    for path, said in seen.items():
        if said["outcome"] != "ok":
            yield f"healthy origin: {path} {said['outcome']}"
        if done.get(path) != ("none", "whole" if "post" in path else "-"):
            yield f"healthy origin: {path} reached it as {done.get(path)}"
    seen, done = visit(network, MIXED, [get("asset"), get("never"), get("weak")], seed)
    for path, said in seen.items():
        fault = done.get(path, ("lost", ""))[0]
        right = {"ok"} if fault in ("none", "delay") else EXPECTED.get(fault, set())
        if said["outcome"] not in right or (fault == "delay" and said["first_ms"] < DELAY_MS):
            yield f"faulty origin: {path} had {fault}, the visitor saw {said['outcome']} after {said['first_ms']} ms"


def passes(network, seed):
    found = list(findings(network, seed))
    for finding in found:
        print(finding)
    print(f"proof: {2 * VISITS} visits straight to the origin, {len(found)} that differ from what it did", flush=True)
    return not found
