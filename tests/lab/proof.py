"""The laboratory proves itself. In a healthy world plain curl and dig succeed, from both ends, over
every protocol and family. In each fault the fault's own probe sees it, and sees nothing of the kind
in the healthy world; the visitor gets no good page; and from another network the site looks as the
fault's true verdict says."""

import concurrent.futures
import re
import time

import healthy
from fault import ALIKE, LOOK, WELL, Fault
from world import PLACES, SECOND, WELCOME

PAGES = ["https://www.site.test/", "https://shop.test/", "https://news.test/"]


def ways():
    """(what it is, script, what is in its output) of a healthy world."""
    for page in PAGES:
        for family in ("-4", "-6"):
            for version, said in (("--http1.1", "1.1"), ("--http2", "2")):
                yield (f"{page} {family} {version}",
                       "curl -sS --max-time 5 -w 'HTTP/%{http_version} ' "
                       f"{family} {version} {page}", rf"(?s){WELCOME}.*HTTP/{said} ")
    for page in ("http://plain.site.test/", "http://www.site.test/", "https://four.site.test/",
                 "https://six.site.test/", PLACES["control"]):
        yield page, LOOK.replace("{url}", page), WELCOME
    yield "captive", f"curl -sSi --max-time 5 {PLACES['captive']}", r"^HTTP/1.1 204 "
    yield "DoH", f"curl -sS --max-time 5 --doh-url {PLACES['doh']} {PAGES[0]}", WELCOME
    for server in ("", f" @{SECOND}", f" @{SECOND} +tcp"):
        yield (f"dig{server}", f"dig +short shop.test{server}",
               r"shop\.cdn\.test\.\n198\.51\.100\.80")
    yield "nobody's name", "dig nobody.test", "NXDOMAIN"
    yield "large packets", "ping -c 1 -W 5 -s 1472 198.51.100.10", " 1 received"


def of_health(machine):
    for what, script, sees in ways():
        done = machine.sh(script)
        if not re.search(sees, done.output):
            yield f"healthy world: {what} from the {machine.name}: {done.output[-300:]!r}"


def seen_from_elsewhere(fault, its):
    """A finding, or None, of what the vantage sees."""
    expected = fault.seen_from_elsewhere()
    if expected == ALIKE:
        said = its.vantage.sh(fault.text(fault.probe)).output
        return None if re.search(fault.sees, said) else f"the vantage sees none: {said[-400:]!r}"
    is_well, came = fault.look(its.vantage.sh)
    if is_well == (expected == WELL):
        return None
    return f"from the vantage it is not {expected}: {came!r}"


def of_fault(fault, number, well):
    """Findings of one fault, in a world of its own; well is a healthy one."""
    with fault.happen(number) as its, concurrent.futures.ThreadPoolExecutor(4) as pool:
        probed = pool.submit(fault.sh, its, fault.probe)
        elsewhere = pool.submit(seen_from_elsewhere, fault, its)
        looked = pool.submit(fault.look, lambda script: fault.sh(its, script))
        usual = pool.submit(well.visitor.sh, fault.text(fault.probe))
        if not re.search(fault.sees, probed.result().output):
            yield f"the probe does not see it: {probed.result().output[-400:]!r}"
        if fault.verdict != "OK" and re.search(fault.sees, usual.result().output):
            yield f"the probe sees it in a healthy world: {usual.result().output[-400:]!r}"
        if elsewhere.result():
            yield elsewhere.result()
        if fault.felt and looked.result()[0] != (fault.verdict == "OK"):
            yield f"for the visitor it is otherwise: {looked.result()[1]!r}"


def findings_of(fault, number, well):
    began = time.monotonic()
    try:
        found = list(of_fault(fault, number, well))
    except Exception as failure:  # the world did not come up: a finding like any
        found = [f"{type(failure).__name__}: {failure}"]
    print(f"  {'FAILED' if found else 'proved'}  {fault.verdict:16} {fault.name}  "
          f"({time.monotonic() - began:.1f} s)", flush=True)
    for finding in found:
        print(f"    {finding}", flush=True)
    return found


def passes(faults, jobs):
    began, usual = time.monotonic(), Fault("healthy", "", "OK")
    with usual.happen(0) as well, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        both = pool.map(lambda machine: list(of_health(machine)), (well.visitor, well.vantage))
        wrong = [finding for found in both for finding in found]
        for finding in wrong:
            print(finding, flush=True)
        every = list(pool.map(lambda pair: findings_of(pair[1], pair[0], well),
                              enumerate(faults, 1)))
    failed = sum(map(bool, every))
    controls = len([fault for fault in faults if fault in healthy.ALL])
    print(f"proof: {len(faults) - controls} faults and {controls} healthy worlds, {failed} not as "
          f"said, {len(wrong)} failures of health, {time.monotonic() - began:.0f} s", flush=True)
    return not wrong and not failed
