#!/usr/bin/python3
"""Builds and runs every test, or those with NAME in their name.

A test is one cmocka case, one .vtc file, one scenario, one lint, one fuzz target and so on, each in
the builds that it is for. Its name says where it lives: unit.ROOM.PROGRAM.CASE (tests/unit),
wire.ROOM.WHAT (tests/wire), sim.SCENARIO (sim/), lint.WHAT (tools/lint.py), fuzz.TARGET
(tests/fuzz), docs.WHAT, demo.script, bench.campaign and lab.proof (each the harness's proof of
itself), lab.doctor, browser.page, browser.status, real.replay, real.cache_tests, real.kernel_tls, package.deb. Output goes to
build/test/, and to the terminal only when a test fails. The last line is
"N passed, N failed[, N skipped]".
"""

import argparse
import concurrent.futures
import glob
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
LOGS = TOP / "build" / "test"
BUILDS = ["dev", "asan", "tsan"]
JOBS = os.cpu_count() or 2
WHOLE_PROCESS = ["asan", "tsan"]  # of a server under a sanitizer, dev finds nothing more; --build dev runs it there
SIM_SEEDS = {"release": 200, "asan": 20}
FUZZ_SECONDS = 5
SKIPPED = 77  # the exit status of a test that cannot run here, as varnishtest and automake have it
COLOURS = sys.stdout.isatty() and "NO_COLOR" not in os.environ

SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=0:abort_on_error=0:exitcode=99",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
    "LSAN_OPTIONS": "exitcode=99",
    "TSAN_OPTIONS": "second_deadlock_stack=1:exitcode=99",
}


class Tally:
    """Counts results and prints the bad ones as they come."""

    def __init__(self):
        self.passed, self.failed, self.skipped = 0, [], 0

    def add(self, name, outcome, note="", log=None):
        if outcome == "passed":
            self.passed += 1
            return
        if outcome == "skipped":
            self.skipped += 1
            print(paint("33", f"    skipped {name}: {note}"), flush=True)
            return
        self.failed.append(name)
        print(paint("31", f"    FAILED  {name}: {note}"), flush=True)
        if log and os.path.exists(log):
            lines = open(log, errors="replace").read().splitlines()
            # Of a build, what the compiler complains of.
            lines = [l for l in lines if re.search(r"\b(error|undefined reference)\b", l)] \
                if name.startswith("build.") or name == "lint.analyze" else lines
            print("\n".join("      | " + line[:300] for line in lines[-60:]))
            print(f"      all of it: {os.path.relpath(log, TOP)}", flush=True)


def paint(colour, text):
    return f"\033[{colour}m{text}\033[0m" if COLOURS else text


class Step:
    """A headline with the time it took, around a group of tests."""

    started = time.monotonic()

    def __init__(self, tally, title):
        self.tally, self.title = tally, title

    def __enter__(self):
        self.at = time.monotonic()
        self.before = (self.tally.passed, len(self.tally.failed))
        minutes, seconds = divmod(int(self.at - Step.started), 60)
        print(paint("1", f"[{minutes:2}:{seconds:02}] {self.title}"), flush=True)

    def __exit__(self, *_):
        passed = self.tally.passed - self.before[0]
        failed = len(self.tally.failed) - self.before[1]
        print(f"    {passed} passed, {failed} failed in {time.monotonic() - self.at:.0f} s", flush=True)


def run(command, log, timeout, environment=None):
    """Returns the exit status; what it started is gone afterwards, also after a timeout."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=subprocess.STDOUT, cwd=TOP, start_new_session=True,
                                   env={**os.environ, **SANITIZERS, **(environment or {})})
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            output.write(b"\ntest.py: killed after %d seconds\n" % timeout)
            status = None
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
    return status


def verdict(status):
    if status is None:
        return "failed", "ran too long"
    if status == SKIPPED:
        return "skipped", ""
    return ("passed", "") if status == 0 else ("failed", f"exit status {status}")


class Tests:
    def __init__(self, name, builds):
        self.name, self.builds, self.wire_builds = name or "", builds or BUILDS, builds or WHOLE_PROCESS
        self.tally = Tally()
        self.built = {}
        self.ran = 0

    def wanted(self, name):
        # A dot goes before a whole word, so that "edge.x" finds unit.edge.x as well as wire.edge.x.
        return self.name in name

    def in_parallel(self, work, items, jobs=JOBS):
        """Runs work(item), which returns results, on every core; counts as they come."""
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for future in concurrent.futures.as_completed([pool.submit(work, i) for i in items]):
                for result in future.result():
                    self.ran += 1
                    self.tally.add(*result)

    def count(self, name, outcome, note="", log=None):
        self.ran += 1
        self.tally.add(name, outcome, note, log)

    # Builds the preset, once; true when all of it could be built. A build is a test of its own only
    # when it fails, except in a full run.
    def build(self, preset, *targets):
        key = (preset, targets)
        if key in self.built:
            return self.built[key]
        with Step(self.tally, f"build {preset} {' '.join(targets)}".rstrip()):
            # Not by the names of all targets: dozens of them are too long for the name of a file.
            log = LOGS / f"build.{preset}.{len(self.built)}.log"
            status = run(["cmake", "--preset", preset], log, 120)
            if status == 0:
                arguments = ["--target", *targets] if targets else []
                status = run(["cmake", "--build", f"build/{preset}", *arguments, "--", "-k", "0"],
                             log, 1200)
            if status != 0 or not self.name:
                self.count(f"build.{preset}", "passed" if status == 0 else "failed",
                           "does not build", log)
        self.built[key] = status == 0
        return status == 0

    def unit(self):
        sources = sorted(TOP.glob("tests/unit/*/*.c"))
        names = [f"unit.{source.parent.name}.{source.stem}" for source in sources]
        # The name may go on to one case, which runs with its program.
        names = [n for n in names if self.wanted(n) or self.name.startswith(n + ".")]
        for build in self.builds if names else []:
            self.build(build, *(names if self.name else []))
            with Step(self.tally, f"unit tests, {build}"):
                self.in_parallel(lambda name: unit_program(name, build), names)

    def wire(self):
        # ROOM.what.vtc or ROOM.what.py; a name without a dot is a module of theirs.
        files = [f for kind in ("vtc", "py") for f in sorted(TOP.glob(f"tests/wire/*.*.{kind}"))
                 if self.wanted("wire." + f.stem)]
        for build in self.wire_builds if files else []:
            self.build(build, *(["afloat"] if self.name else []))
            with Step(self.tally, f"wire tests, {build}"):
                self.in_parallel(lambda file: wire_test(file, build), files, 2 * JOBS) # they mostly wait

    def sim(self):
        # Scenarios are known to the program only; do not build it for a name that is not in sim/.
        room, _, word = self.name.rpartition(".")
        if room.startswith(("unit", "wire", "lint", "fuzz", "docs", "lab")):
            return
        if self.name[:3] != "sim" and not any(word in file.read_text()
                                              for file in TOP.glob("sim/**/*.c")):
            return
        for build, seeds in SIM_SEEDS.items():
            if build != "release" and build not in self.builds:
                continue
            self.build(build, *(["afloat-sim"] if self.name or build == "release" else []))
            program = f"build/{build}/afloat-sim"
            listed = subprocess.run([program, "--list"], cwd=TOP, capture_output=True, text=True,
                                    check=False) if (TOP / program).exists() else None
            if not listed or listed.returncode != 0 or not listed.stdout.strip():
                self.count(f"sim ({build})", "failed", "no list of scenarios")
                continue
            scenarios = [line.split()[0] for line in listed.stdout.splitlines()]
            if build == "release":
                scenarios.append("mutations") # none, but it runs like one
            scenarios = [s for s in scenarios if self.wanted("sim." + s)]
            with Step(self.tally, f"simulation, {build}, {seeds} seeds each"):
                self.in_parallel(lambda s: sim_scenario(s, program, build, seeds), scenarios)

    def lint(self):
        listed = subprocess.run([sys.executable, "tools/lint.py", "--list"], cwd=TOP, text=True,
                                stdout=subprocess.PIPE, check=True).stdout.split()
        names = [n for n in listed if self.wanted("lint." + n)]
        if not names:
            return
        with Step(self.tally, "lint"):
            for name in names:
                log = LOGS / f"lint.{name}.log"
                outcome, note = verdict(run([sys.executable, "tools/lint.py", name], log, 900))
                self.count(f"lint.{name}", outcome, note, log)

    def docs(self):
        checks = [c for c in ("settings", "schema", "check", "example") if self.wanted("docs." + c)]
        if not checks:
            return
        build = self.builds[0]
        self.build(build, *(["afloat"] if self.name else []))
        with Step(self.tally, "generated documentation"):
            for check in checks:
                log = LOGS / f"docs.{check}.log"
                status = run([sys.executable, "tools/docs.py", check, f"build/{build}/afloat"], log, 60)
                outcome, note = verdict(status)
                self.count(f"docs.{check}", outcome, note, log)

    def fuzz(self):
        targets = [f.stem for f in sorted(TOP.glob("tests/fuzz/*.c")) if self.wanted("fuzz." + f.stem)]
        if not targets:
            return
        self.build("fuzz", *([f"fuzz.{t}" for t in targets] if self.name else ["fuzzers"]))
        with Step(self.tally, f"fuzz targets, {FUZZ_SECONDS} s each"):
            self.in_parallel(fuzz_target, targets)

    # The ones that drive a whole process from a script; each needs the release binary.
    def scripts(self):
        scripts = {
            "demo.script": (["tools/demo/run", "--script"], 180, ["afloat", "demos"]),
            "bench.campaign": ([sys.executable, "bench/campaign/main.py", "--proof"], 300,
                               ["campaigns"]),
            "lab.proof": ([sys.executable, "tests/lab/main.py", "--proof"], 600, ["afloat"]),
            "lab.doctor": ([sys.executable, "tests/lab/main.py", "--doctor"], 900, ["afloat"]),
            "browser.page": (["tests/browser/run", "page"], 300, ["afloat", "demos"]),
            "browser.status": (["tests/browser/run", "status"], 600, ["afloat", "demos"]),
            "real.replay": ([sys.executable, "tests/real/replay.py", "build/release/afloat"], 300,
                            ["afloat"]),
            "real.cache_tests": (["sh", "tests/real/cache_tests", "build/release/afloat"], 300,
                                 ["afloat"]),
            "real.kernel_tls": ([sys.executable, "tests/real/kernel_tls.py",
                                 "build/release/afloat"], 300, ["afloat"]),
            "package.deb": (["sh", "tests/real/package", "build/package"], 300, None),
        }
        for name, (command, timeout, targets) in scripts.items():
            if not self.wanted(name):
                continue
            if targets:
                self.build("release", *targets)
            else:
                self.build("package", "package")
            link = TOP / "build" / "afloat"
            if not link.is_symlink():
                link.symlink_to("release/afloat")
            with Step(self.tally, name):
                log = LOGS / f"{name}.log"
                outcome, note = verdict(run(command, log, timeout))
                text = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
                self.count(name, outcome, note or (text[-1] if text else ""), log)
                if outcome == "passed" and text:
                    print(f"    {text[-1]}")

    def all(self):
        for step in (self.lint, self.unit, self.docs, self.wire, self.sim, self.fuzz, self.scripts):
            step()


def unit_program(name, build):
    program, log = TOP / "build" / build / name, LOGS / f"{name}.{build}.log"
    if not program.exists():
        return [(f"{name} ({build})", "failed", "not built")]
    status = run([program], log, 300, {"CMOCKA_MESSAGE_OUTPUT": "TAP"})
    results, reason = [], ""
    for line in log.read_text(errors="replace").splitlines():
        reason = line[9:] if line.startswith("skipped: ") else reason
        case = re.match(r"(not )?ok \d+ (# SKIP )?(?:- )?(\S+)", line)
        if case:
            # cmocka 1.1.5 says "not ok" of a skipped one.
            outcome = "skipped" if case[2] else "failed" if case[1] else "passed"
            note = reason if outcome == "skipped" else ""
            results.append((f"{name}.{case[3]} ({build})", outcome, note, log))
    # A crash or a sanitizer's finding after the last case, and a program without cases.
    if not results or (status != 0 and not any(r[1] == "failed" for r in results)):
        note = verdict(status)[1] or "no test cases in it"
        results.append((f"{name} ({build})", "failed", note, log))
    return results


def free_addresses(count):
    """Addresses nobody listens on: a loopback host of this test's own, ports below those the kernel
    hands out to others."""
    host = f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
    found = []
    while len(found) < count:
        port = random.randint(20000, 30000)
        with socket.socket() as attempt:
            try:
                attempt.bind((host, port))
            except OSError:
                continue
        if f"{host}:{port}" not in found:
            found.append(f"{host}:{port}")
    return found


def wire_test(file, build):
    name, binary = f"wire.{file.stem} ({build})", TOP / "build" / build / "afloat"
    log = LOGS / f"wire.{file.stem}.{build}.log"
    if not binary.exists():
        return [(name, "failed", "build/%s/afloat is not built" % build)]
    listen, listen2, listen3, dead = free_addresses(4)
    macros = {"afloat": binary, "listen": listen, "listen2": listen2, "listen3": listen3,
              "dead": dead, "build": build, "top": TOP}
    # A finding fails the test even when the process was killed or its exit status is not looked at.
    findings = LOGS / f"wire.{file.stem}.{build}.sanitizer"
    for old in glob.glob(f"{findings}.*"):
        os.unlink(old)
    environment = {key: f"{value}:log_path={findings}" for key, value in SANITIZERS.items()
                   if key != "LSAN_OPTIONS"}
    command = ["varnishtest", "-v", "-t", "120", *[f"-D{k}={v}" for k, v in macros.items()], file]
    if file.suffix == ".py":
        command = [sys.executable, file, binary, build]
    status = run(command, log, 150, environment)
    found = glob.glob(f"{findings}.*")
    if found:
        return [(name, "failed", "sanitizer report", found[0])]
    outcome, note = verdict(status)
    return [(name, outcome, note, log)]


def sim_scenario(scenario, program, build, seeds):
    log = LOGS / f"sim.{scenario}.{build}.log"
    what = "--mutations" if scenario == "mutations" else scenario
    outcome, note = verdict(run([program, "--seeds", str(seeds), what], log, 600))
    return [(f"sim.{scenario} ({build})", outcome, note, log)]


def fuzz_target(target):
    log = LOGS / f"fuzz.{target}.log"
    if not (TOP / "build" / "fuzz" / f"fuzz.{target}").exists():
        return [(f"fuzz.{target}", "failed", "not built")]
    outcome, note = verdict(run(["sh", "tools/fuzz", target, str(FUZZ_SECONDS)], log, 120,
                                {"FUZZ_SEED": "1"}))
    return [(f"fuzz.{target}", outcome, note, log)]


def main():
    parser = argparse.ArgumentParser(prog="./dev test", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", metavar="NAME")
    parser.add_argument("--build", action="append", choices=BUILDS, dest="builds",
                        help="only in this build; may be repeated")
    options = parser.parse_args()
    shutil.rmtree(LOGS, ignore_errors=True)
    tests = Tests(options.name, options.builds)
    tests.all()
    tally = tests.tally
    if tests.ran == 0:
        tally.add(options.name, "failed", "no test has this in its name")
    print()
    for name in tally.failed:
        print(paint("31", f"failed: {name}"))
    skipped = f", {tally.skipped} skipped" if tally.skipped else ""
    print(f"{tally.passed} passed, {len(tally.failed)} failed{skipped}", flush=True)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
