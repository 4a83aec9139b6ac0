"""A program on the visitor's machine, in every fault: what it says, held against the truth."""

import concurrent.futures
import json
import os
import shlex
import subprocess
import time

import nest
import peers
import table
from fault import FINE, SIDES, THEIRS, YOURS
from world import PLACES, VANTAGE_PORT

EXIT_SIDES = {0: FINE, 1: THEIRS, 2: YOURS, 3: "between", None: "hung"}
UNKNOWN = "unknown"
PATIENCE_SECONDS = 30
AS_USER = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def fill(command, fault):
    """Its {words}, quoted for sh."""
    for word, value in {**PLACES, "url": fault.url}.items():
        command = command.replace("{" + word + "}", shlex.quote(value))
    return command


def verdict_of(done):
    """What it said, and whose fault it is then: by "verdict" of its JSON, or by its status."""
    try:
        said = json.loads(done.output)["verdict"]
        return said, SIDES.get(said, UNKNOWN)
    except (ValueError, KeyError, TypeError):
        side = EXIT_SIDES.get(done.status, UNKNOWN)
        return side, side


def is_right(fault, said):
    accepted = (fault.verdict, *fault.also)
    return said in accepted or said in [SIDES.get(code, UNKNOWN) for code in accepted]


def command_in(fault, its, command):
    """As an ordinary user, where the nest has any."""
    words = [*(AS_USER if nest.has_users() else []), "sh", "-c", fill(command, fault)]
    began = time.monotonic()
    done = fault.run(its, words, PATIENCE_SECONDS, apart=True)
    said, side = verdict_of(done)
    right = is_right(fault, said)
    print(f"  {'right' if right else 'WRONG'}  {fault.name:30} is {fault.verdict}, it said {said} "
          f"(status {done.status})", flush=True)
    return {"status": done.status, "said": said, "side": side, "right": right,
            "seconds": round(time.monotonic() - began, 2), "output": done.output[-4000:],
            "errors": done.errors[-1000:]}


def in_world(fault, number, options):
    row = {"what": fault.what, "verdict": fault.verdict, "also": list(fault.also),
           "side": fault.side, "url": fault.url}
    with fault.happen(number) as its:
        if options.vantage:
            its.start("vantage", ["sh", "-c", options.vantage], VANTAGE_PORT)
        if options.peers:
            row.update(peers.say(fault, its))
        if options.command:
            row["command"] = command_in(fault, its, options.command)
    return row


def tell(rows):
    """How often it was right, and the mistakes that must not be made. True when at least 29 of 30
    were right and none of the mistakes was one of those."""
    wrong = [(row["side"], row["command"]["side"]) for row in rows if not row["command"]["right"]]
    invented = sum(was == FINE for was, _ in wrong)
    summary = (f"{len(rows) - len(wrong)} of {len(rows)} right; {wrong.count((YOURS, THEIRS))} of "
               f"the visitor's faults blamed on the site, {wrong.count((THEIRS, YOURS))} of the "
               f"site's on the visitor, {invented} where there was none.")
    print("lab: " + summary)
    worst = invented or {(YOURS, THEIRS), (THEIRS, YOURS)} & set(wrong)
    return not worst and 30 * len(wrong) <= len(rows), summary


def run(options, faults):
    """Whether enough of what was said is right."""
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        rows = list(pool.map(lambda pair: in_world(pair[1], pair[0], options),
                             enumerate(faults, 1)))
    enough, summary = tell(rows) if options.command else (True, "")
    versions = peers.versions() if options.peers else {}
    named = {fault.name: row for fault, row in zip(faults, rows)}
    if options.table:
        table.write(options.table, named, versions, summary, options.jobs)
    if options.json:
        text = json.dumps({"versions": versions, "faults": named}, indent=1)
        options.json.write_text(text + "\n")
    return enough


def open_shell(fault):
    """One on the visitor's machine, for a person."""
    with fault.happen(1) as its:
        print(f"{fault.what} He asks for $URL, {fault.url}; exit ends it.", flush=True)
        words = its.visitor.command([*fault.then(), os.environ.get("SHELL", "sh")])
        wanted = {**os.environ, **fault.environment, "URL": fault.url, "PS1": "visitor$ "}
        return subprocess.run(words, check=False, env=wanted).returncode
