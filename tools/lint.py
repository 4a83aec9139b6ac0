#!/usr/bin/python3
"""How the house reads, checked: tools/lint.py [CHECK]..., --list names the checks.

The text checks work on the source with comments and literals blanked out; what they cannot see
(macros that hide a call, calls through pointers) is left to reviewers.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
ROOMS = ["base", "io", "tls", "http", "conf", "cache", "origin", "edge", "doctor", "watch",
         "admin", "main"]
COLUMNS, FUNCTION_LINES, FILE_LINES = 100, 70, 800

# Functions longer than a screen, each with the reason why it is one.
LONG_FUNCTIONS = {}

# What takes a task first and does not suspend (io/task.h).
NOT_SUSPENDING = {"task_cancel", "task_wake", "task_loop", "task_now_ns", "task_is_cancelled",
                  "task_set_description"}

# What nobody calls, where it is allowed all the same, and what to use.
BANNED = [
    (r"strcpy|strncpy|strcat|strncat|sprintf|vsprintf|gets", (), "struct text"),
    (r"strtok|strtok_r", (), "slice_cut"),
    (r"atoi|atol|atoll|strtol|strtoul|strtoll|strtoull", (), "slice_parse_u64"),
    (r"alloca", (), "the arena"),
    (r"malloc|calloc|realloc|free|strdup|strndup|asprintf|vasprintf|aligned_alloc|posix_memalign",
     ("src/base/memory.c",), "base/memory.h"),
    (r"time|gettimeofday|clock_gettime|clock",
     ("src/base/log.c", "src/io/epoll", "src/io/real", "src/base/clock"),
     "io_now_ns and io_wall_ms of the seam"),
    (r"rand|random|srand|getrandom|drand48|arc4random", ("src/io/epoll", "src/io/real"),
     "base/random.h, seeded through the seam"),
    (r"localtime|gmtime|ctime|asctime|setlocale", (), "http's dates, or the _r functions"),
    (r"assert|abort", ("src/base/invariant.c",), "invariant()"),
]


class Source:
    """A C file as text, and as code: comments, strings and characters blanked, lines kept."""

    TOKEN = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)

    def __init__(self, path):
        self.path = path
        self.name = str(path.relative_to(TOP))
        self.text = path.read_text()
        self.code = self.TOKEN.sub(self.blank, self.text)

    @staticmethod
    def blank(match):
        token = match[0]
        keep = token[0] if token[0] in "\"'" else ""
        inside = "".join("\n" if c == "\n" else " " for c in token[len(keep):len(token) - len(keep)])
        return keep + inside + keep

    def line_of(self, offset):
        return self.code.count("\n", 0, offset) + 1

    def functions(self):
        """(name, parameters, body, first line, lines) of each function defined here. The house's
        braces make this easy: a function's are in column 0."""
        pattern = re.compile(r"^(?!#)[A-Za-z_][\w \t*]*?\b(\w+)\(([^{};]*)\)[^{};]*\n\{\n(.*?)^\}", re.M | re.S)
        for match in pattern.finditer(self.code):
            first = self.line_of(match.start())
            yield match[1], match[2], match[3], first, self.line_of(match.end()) - first + 1


def sources(*folders):
    files = [f for folder in folders for kind in ("*.c", "*.h") for f in (TOP / folder).rglob(kind)]
    return [Source(f) for f in sorted(files)]


ALL = ("src", "sim", "tests/unit", "tests/fuzz", "bench", "tools")


def layers():
    """a room includes only itself and the rooms before it"""
    for source in sources("src"):
        room = source.path.relative_to(TOP / "src").parts[0]
        if room not in ROOMS:
            yield f"{source.name}: '{room}' is no room; the rooms are {' '.join(ROOMS)}"
            continue
        for match in re.finditer(r'^#include "([^"]+)"', source.text, re.M):
            used = match[1].split("/")[0]
            line = source.line_of(match.start())
            if used not in ROOMS or not (TOP / "src" / match[1]).exists():
                yield f"{source.name}:{line}: {match[1]}: name it from src/, as in \"base/slice.h\""
            elif ROOMS.index(used) > ROOMS.index(room):
                yield f"{source.name}:{line}: {room} must not know {used}, which stands above it"


def sizes():
    """functions fit a screen, files a sitting, lines 100 columns"""
    for source in sources(*ALL):
        lines = source.text.splitlines()
        if len(lines) > FILE_LINES:
            yield f"{source.name}: {len(lines)} lines, at most {FILE_LINES}"
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS:
                yield f"{source.name}:{number}: {len(line)} columns, at most {COLUMNS}"
        for name, _, _, first, count in source.functions():
            if count > FUNCTION_LINES and name not in LONG_FUNCTIONS:
                yield f"{source.name}:{first}: {name} has {count} lines, at most {FUNCTION_LINES}"


def banned():
    """functions that have a better one here"""
    for source in sources("src"):
        for names, allowed, instead in BANNED:
            if source.name.startswith(allowed or ("-",)):
                continue
            for match in re.finditer(rf"(?<![\w.>])({names})\s*\(", source.code):
                yield f"{source.name}:{source.line_of(match.start())}: {match[1]}: use {instead}"


def marks():
    """no unfinished work, tabs or trailing blanks; headers are included once"""
    for source in sources(*ALL):
        for number, line in enumerate(source.text.splitlines(), 1):
            if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
                yield f"{source.name}:{number}: unfinished: do it, or take it out"
            if "\t" in line or line != line.rstrip():
                yield f"{source.name}:{number}: tab, or blank at the end"
        if not source.text.endswith("\n") or source.text.endswith("\n\n"):
            yield f"{source.name}: ends in exactly one newline"
        if source.path.suffix == ".h" and len(re.findall(r"^#pragma once$", source.text, re.M)) != 1:
            yield f"{source.name}: no #pragma once"
        if source.path.suffix in (".c", ".h") and not source.text.startswith("//"):
            yield f"{source.name}: opens with its job, in a comment"


def tasks():
    """a function that calls one that may suspend takes the task as its first parameter"""
    everything = sources("src")
    first_is_task = re.compile(r"\b(\w+)\(\s*struct task \*\w*\s*[,)]")
    suspending = {match[1] for source in everything for match in first_is_task.finditer(source.code)}
    suspending -= NOT_SUSPENDING
    for source in everything:
        if source.name.startswith("src/io/task"):
            continue  # the scheduler itself
        for name, parameters, body, first, _ in source.functions():
            if re.match(r"\s*struct task \*", parameters):
                continue
            for match in re.finditer(r"\b(\w+)\(\s*(\w+(?:(?:->|\.)\w+)*)\s*[,)]", body):
                called, argument = match[1], match[2]
                if called in suspending and re.search(r"\btask$", argument):
                    line = first + source.code[source.code.find(body):][:match.start()].count("\n") + 1
                    yield (f"{source.name}:{line}: {name} calls {called}, which may suspend: it "
                           "takes `struct task *task` first itself")
                    break


def enums():
    """switches over enums name every case, so that the compiler sees a forgotten one"""
    for source in sources("src"):
        for match in re.finditer(r"^( *)switch \(.*?\) \{\n(.*?)^\1\}", source.code, re.M | re.S):
            cases = re.findall(r"case ([A-Z][A-Z0-9_]*_[A-Z0-9_]+):", match[2])
            if cases and re.search(rf"^{match[1]}( {{4}})?default:", match[2], re.M):
                yield f"{source.name}:{source.line_of(match.start())}: default in a switch over an enum"


def shell():
    """the scripts are clean POSIX sh"""
    scripts = [f for f in sorted((TOP / p) for p in ("dev", ".ci/run", "tools/install-packages", "tools/fuzz",
                                                   "tests/real/package", "tests/real/cache_tests",
                                                   "tools/demo/run")) if f.exists()
               and re.match(r"#!.*\b(ba)?sh\b", f.read_text().split("\n", 1)[0])]
    scripts += sorted(f for f in (TOP / "packaging" / "debian").glob("*") if f.name != "conffiles")
    found = subprocess.run(["shellcheck", "--format=gcc", *scripts], cwd=TOP, text=True,
                           stdout=subprocess.PIPE, check=False).stdout
    yield from found.splitlines()


def in_parallel(commands):
    """(command, output) of those that failed or said something."""
    def run(command):
        done = subprocess.run(command, cwd=TOP, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(run, commands)


def configure(preset):
    subprocess.run(["cmake", "--preset", preset], cwd=TOP, check=True, stdout=subprocess.DEVNULL)


def read_digest(path, known={}):
    if path not in known:
        known[path] = hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    return known[path]


def verdict_of(entry, settings):
    """A name for clang-tidy's verdict on a file: of all that it depends on, the file with what it
    includes, how it is compiled, the checks and the program."""
    command = shlex.split(entry["command"])
    at = command.index("-o")
    made = subprocess.run([*command[:at], *command[at + 2:], "-M"], cwd=entry["directory"],
                          stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode != 0:
        return None
    included = made.stdout.replace("\\\n", " ").split(":", 1)[1].split()
    seen = [settings, entry["command"].replace(str(TOP), "")]
    seen += [read_digest(os.path.join(entry["directory"], path)) for path in included]
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def tidy():
    """clang-tidy, with the checks of .clang-tidy"""
    configure("tsan")  # clang's compilation database: it does not know gcc's options
    database = json.loads((TOP / "build" / "tsan" / "compile_commands.json").read_text())
    entries = [e for e in database if e["file"].startswith(str(TOP / "src"))]
    settings = (TOP / ".clang-tidy").read_text() + subprocess.run(
        ["clang-tidy", "--version"], text=True, stdout=subprocess.PIPE, check=True).stdout
    # What was found well once is well: minutes become seconds where little has changed.
    well = pathlib.Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "afloat" / "tidy"
    well.mkdir(parents=True, exist_ok=True)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        verdicts = dict(zip((e["file"] for e in entries),
                            pool.map(lambda e: verdict_of(e, settings), entries)))
    files = sorted(f for f, v in verdicts.items() if not v or not (well / v).exists())
    commands = [["clang-tidy", "--quiet", "-p", "build/tsan", "--warnings-as-errors=*", f] for f in files]
    for file, (status, output) in zip(files, in_parallel(commands)):
        found = [l for l in output.splitlines() if re.search(r"(error|warning):", l)]
        yield from found
        if status != 0 and not found:
            yield output.strip()
        if status == 0 and not found and verdicts[file]:
            (well / verdicts[file]).touch()


def analyze():
    """gcc -fanalyzer"""
    configure("analyze")
    for status, output in in_parallel([["cmake", "--build", "build/analyze", "--target", "afloat", "--", "-k", "0"]]):
        if status != 0:
            yield output.strip()


CHECKS = [layers, sizes, banned, marks, tasks, enums, shell, tidy, analyze]


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(check.__name__ for check in CHECKS))
        return 0
    names = sys.argv[1:] or [check.__name__ for check in CHECKS]
    unknown = set(names) - {check.__name__ for check in CHECKS}
    if unknown:
        print(f"lint: no check {', '.join(sorted(unknown))}; see --list", file=sys.stderr)
        return 64
    failed = False
    for check in CHECKS:
        if check.__name__ not in names:
            continue
        findings = list(check())
        print(f"lint: {check.__name__}: {check.__doc__}: {len(findings) or 'no'} findings", flush=True)
        for finding in findings:
            print("  " + finding)
        failed = failed or bool(findings)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
