"""What a scenario came to, as numbers, as a table on the terminal, and as docs/campaign.md."""

import collections
import datetime
import os
import pathlib
import platform

import peers
import scenarios

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
SLOW_MS, LATE_MS = 2000, 100
COLUMNS = {  # heading: (key, what it means)
    "visits": ("visits", "requests of visitors"),
    "failed": ("failed_seen", "visits that failed, of pages that had been served before"),
    "slow": ("slow_seen", "of these pages: first byte after more than 2 s, without failing"),
    "p50": ("p50_seen", "of these pages: ms to the first byte where the visit did not fail, median"),
    "p99": ("p99_seen", "and at the slowest hundredth"),
    "new failed": ("failed_new", "visits that failed, of pages never seen, pages made for each visit, and writes"),
    "new slow": ("slow_new", "of these: first byte after more than 2 s"),
    "new p99": ("p99_new", "of these: ms to the first byte at the slowest hundredth"),
    "5xx": ("5xx", "of all that failed: an answer of 500 or above"),
    "cut off": ("reset", "refused, reset or closed without an answer"),
    "none": ("timeout", "nothing came for 30 s"),
    "body": ("body", "content short, stalled for 10 s, or wrong; or another status"),
    "origin": ("origin", "requests that reached an origin"),
    "meanwhile": ("origin_in", "of them, those from the first fault to the last"),
    "visits then": ("visits_in", "visits in that time"),
    "most": ("most", "most of them for one page"),
}


def percentile(values, part):
    values = sorted(values)
    return round(values[min(len(values) - 1, int(len(values) * part))], 1) if values else None


def failure(visit):
    """The kind of failure that the visitor saw, or None."""
    kinds = {"refused": "reset", "reset": "reset", "closed": "reset", "timeout": "timeout", "short": "body",
             "stalled": "body", "wrong": "body", "garbled": "body", "broken": "reset"}
    if visit["outcome"] == "status":
        return "5xx" if visit["status"] >= 500 else "body"
    return kinds.get(visit["outcome"])


def trouble(scenario):
    """From the first fault to the last; all of it where there is but one."""
    at = [action[0] for action in scenario.actions]
    return (min(at), max(at)) if at and min(at) < max(at) else (0, scenario.seconds)


def summarize(scenario, visits, hits, late_ms):
    counted = [v for v in visits if v["method"] != "HOLD"]
    seen = {s.kind for s in scenario.streams if s.count} if scenario.warm else set()
    result = {name: 0 for name in ("5xx", "reset", "timeout", "body")}
    for part, visited in (("seen", [v for v in counted if v["kind"] in seen]),
                          ("new", [v for v in counted if v["kind"] not in seen])):
        failed = [failure(v) for v in visited if failure(v)]
        first = [v["first_ms"] for v in visited if not failure(v)]
        for kind in failed:
            result[kind] += 1
        result[f"failed_{part}"], result[f"slow_{part}"] = len(failed), sum(ms > SLOW_MS for ms in first)
        result[f"p50_{part}"], result[f"p99_{part}"] = percentile(first, 0.5), percentile(first, 0.99)
    pages = collections.Counter(hit[2] for hit in hits)
    bodies = collections.Counter(hit[2] for hit in hits if hit[1] == "POST" and hit[4] == "whole")
    begin, end = trouble(scenario)
    lags = [v["lag_ms"] for v in visits]
    result.update(
        visits=len(counted), origin=len(hits), most=max(pages.values(), default=0),
        duplicates=sum(n - 1 for n in bodies.values() if n > 1),
        uploads_wrong=sum(hit[4] == "wrong" for hit in hits),
        visits_in=sum(begin <= v["at"] < end for v in counted), origin_in=sum(begin <= hit[0] < end + 0.2 for hit in hits),
        statuses=collections.Counter(str(v["status"]) for v in counted),
        outcomes=collections.Counter(f"{v['kind']} {v['outcome']}" for v in counted),
        saved_by=collections.Counter(v["cache"].split("detail=")[1] for v in counted if "detail=" in v["cache"]),
        lag_ms=percentile(lags, 0.99), late_ms=round(late_ms, 1),
        counts=percentile(lags, 0.99) < LATE_MS and late_ms < 3 * LATE_MS)
    result["samples"] = [{k: v[k] for k in ("at", "method", "path", "outcome", "status", "first_ms", "total_ms", "cache")}
                         for v in counted if failure(v)][:20]
    if scenario.goodput:
        kind, begin, end, capacity = scenario.goodput
        done = sum(1 for v in counted if v["kind"] == kind and not failure(v)
                   and begin <= v["at"] + v["total_ms"] / 1000 < end)
        result["goodput"] = round(done / (end - begin) / capacity, 2)
    if scenario.by_kind:
        every, bad = (collections.Counter(v["kind"] for v in counted if f(v)) for f in (lambda v: True, failure))
        result["by_kind"] = {kind: f"{bad[kind]} of {every[kind]}" for kind in every}
    return result


def cells(name, result):
    if "left_out" in result:
        return [name, "–", result["left_out"]]
    return [name] + [figure(result[key]) for key, _ in COLUMNS.values()]


def figure(value):
    return "–" if value is None else str(round(value)) if isinstance(value, float) and value >= 10 else str(value)


def ledger(result):
    """afloat's own account beside what the visitors saw: each request that strayed was saved once, or failed."""
    own = collections.Counter(result["ledger"])
    saved = {key.removeprefix("saved_"): own[key] for key in own if key.startswith("saved_")}
    failed = own["visitor_errors"] + own["cut"]
    left = sum(n for what, n in result["outcomes"].items() if what.endswith((" stalled", " timeout")))
    seen = result["failed_seen"] + result["failed_new"] - left
    text = f"ledger: {own['strayed']} strayed"
    if saved:
        text += ", saved by " + ", ".join(f"{key.replace('_', '-')} {count}" for key, count in saved.items())
    text += f"; failed {failed}"
    if own["strayed"] != sum(saved.values()) + failed + own["gave_up"]:
        text += ": **does not balance**"
    if failed != seen:
        text += f": **visitors saw {seen}**"
    return text + (f"; {left} visitors lost their patience" if left else "")


def extras(result):
    """What only some scenarios have, in words."""
    said = []
    if result.get("goodput") is not None:
        said.append(f"goodput {result['goodput']:.0%} of capacity")
    if result.get("by_kind"):
        said.append("failed: " + ", ".join(f"{kind} {text}" for kind, text in result["by_kind"].items()))
    if result.get("memory_mb"):
        said.append(f"{result['memory_mb']} MB of memory at most")
    if result.get("duplicates"):
        said.append(f"{result['duplicates']} writes done twice")
    if result.get("uploads_wrong"):
        said.append(f"{result['uploads_wrong']} writes arrived wrong")
    if result.get("ledger"):
        said.append(ledger(result))
    if result.get("counts") is False:
        said.append(f"the harness was late (visitors by {result['lag_ms']} ms, faults by {result['late_ms']} ms): "
                    "does not count")
    return ", ".join(said)


def show(scenario, results):
    print(f"\n{scenario.name}: {scenario.title}")
    lines = [["", *COLUMNS]] + [cells(name, result) for name, result in results.items()]
    widths = [max(len(line[i]) for line in lines if len(line) > 3) for i in range(len(lines[0]))]
    for line, more in zip(lines, ["", *map(extras, results.values())]):
        print("  ".join(cell.rjust(width) if i else cell.ljust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))), more, flush=True)


def about(options, kinds):
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(next(line for line in file if line.startswith("MemTotal")).split()[1])
    return {"date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "seed": options.seed,
            "machine": f"{os.cpu_count()} cores, {memory // 2**20} GB, Linux {platform.release().split('-')[0]} "
                       f"{platform.machine()}",
            "versions": {product: peers.version(product) for product in dict.fromkeys(k.product for k in kinds)}}


# --- docs/campaign.md ---

HEAD = """# The campaign

<!-- Written by ./dev campaign --write; changes belong in bench/campaign/. -->

What visitors see when the origin fails: afloat as it comes, with nothing but `--listen` and `--origin`, beside servers from Debian 12,
each with a first guide's settings and with an expert's ([bench/campaign/peers](../bench/campaign/peers/), with a reason for each
line). All of them run at the same time, each with its own origins and its own visitors, who keep to the same schedule whatever is
answered, and check every byte. Figures are as measured, whosever they are.

{versions}. {date}, seed {seed}, {machine}.
Again: `./dev campaign --seed {seed} --write`; one scenario: `./dev campaign --only hang`.

Before it began, the harness proved itself: straight to a healthy origin no visit failed, straight to one that spoils half of its
answers in ten ways exactly those failed that it had spoiled.

## At a glance

Visits that failed, `+` those that waited for more than 2 s for the first byte: of pages that had been served before, and after the
bar of all others (never seen, made for each visit, writes), which without the origin can only wait or fail. A dash: it cannot do
that, and below is why. An asterisk: the harness was late, so that it does not count.
"""


def short(result):
    if "left_out" in result:
        return "–"
    def part(name):
        failed, slow = result[f"failed_{name}"], result[f"slow_{name}"]
        return f"{failed}" + (f"+{slow}" if slow else "")
    return f"{part('seen')} \\| {part('new')}" + ("" if result["counts"] else " \\*")


def row(cells_of_row):
    return "| " + " | ".join(cells_of_row) + " |"


def document(head, kinds, results):
    names = [kind.name for kind in kinds]
    product = {"afloat": "afloat", "nginx": "nginx", "varnish": "Varnish", "haproxy": "HAProxy",
               "trafficserver": "Apache Traffic Server"}
    lines = [HEAD.format(
        versions=", ".join(f"{product[name]} {version}" for name, version in head["versions"].items()),
        date=head["date"], seed=head["seed"], machine=head["machine"])]
    lines += [row(["scenario", *names]), row(["---"] * (1 + len(names)))]
    for name, result in results.items():
        lines.append(row([f"[{name}](#{name})", *[short(result[n]) for n in names]]))
    lines += ["", "## Each scenario", "", "Columns:", ""]
    lines += [f"- *{heading}*: {meaning}" for heading, (_, meaning) in COLUMNS.items()]
    for name, result in results.items():
        scenario = scenarios.BY_NAME[name]
        lines += ["", f"### {name}", "", scenario.title + ".", *([scenario.note] if scenario.note else []), "",
                  row(["", *COLUMNS]), row(["---"] + ["--:"] * len(COLUMNS))]
        footnotes = []
        for server in names:
            if "left_out" in result[server]:
                footnotes.append(f"{server}: {result[server]['left_out']}.")
                lines.append(row([server] + ["–"] * len(COLUMNS)))
                continue
            if extras(result[server]):
                footnotes.append(f"{server}: {extras(result[server])}.")
            lines.append(row(cells(server, result[server])))
        if footnotes:
            lines += ["", " ".join(footnotes)]
    return "\n".join(lines) + "\n"


def write(options, kinds, results):
    (TOP / "docs" / "campaign.md").write_text(document(about(options, kinds), kinds, results))
