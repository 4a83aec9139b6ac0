#!/usr/bin/python3
"""The fault laboratory: ./dev lab [FAULT]... plays a visitor's machine, his home, his provider, a
CDN and a site in network namespaces of their own, with a known fault in it.

Without a FAULT all are meant. One FAULT and nothing else opens a shell on the visitor's machine.
In CMD {url} is what the visitor asks for; {second}, {doh}, {captive}, {control} and {vantage} are
whom it may ask besides. What CMD says is held against the truth: by "verdict" if it prints JSON, by
its exit status otherwise (0 nobody's fault, 1 the site's, 2 the visitor's, 3 in between).
"""

import argparse
import os
import pathlib
import sys

import nest

EXIT_USAGE = 64
BINARY = pathlib.Path(__file__).resolve().parents[2] / "build" / "release" / "afloat"
DOCTOR = (f"{BINARY} check {{url}} --json --resolver {{second}} --doh {{doh}} --portal {{captive}} "
          "--control {control} --from {vantage}")
VANTAGE = (f"exec {BINARY} vantage --listen :8888 --state $STATE --allow 198.51.100.0/24 "
           "--allow 2001:db8::/32 --canary https://well.public.test/")


def parse(known):
    parser = argparse.ArgumentParser(prog="./dev lab", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="*", metavar="FAULT")
    parser.add_argument("--list", action="store_true", help="the faults, whose they are, and what")
    parser.add_argument("--proof", action="store_true", help="is each fault what it says it is?")
    parser.add_argument("--peers", action="store_true", help="what curl and others say of each")
    parser.add_argument("--command", metavar="'CMD {url}'", help="run it in each, and judge it")
    parser.add_argument("--doctor", action="store_true",
                        help="the same with this afloat's check and vantage, of the release build")
    parser.add_argument("--table", metavar="FILE", type=pathlib.Path,
                        help="what was said, as a table at the end of this document")
    parser.add_argument("--vantage", metavar="CMD",
                        help="run it on the vantage meanwhile; it is to listen at port 8888")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path, help="what was said, as JSON")
    parser.add_argument("--jobs", type=int, default=2 * os.cpu_count(), metavar="N",
                        help="how many worlds at a time; they mostly wait")
    options = parser.parse_args()
    if options.doctor:
        options.command, options.vantage = options.command or DOCTOR, options.vantage or VANTAGE
    unknown = [name for name in options.faults if name not in known]
    if unknown:
        print(f"lab: no fault '{unknown[0]}'; --list names them", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    return options


def show_list(faults):
    for fault in faults:
        print(f"{fault.name:30} {fault.side:8} {fault.verdict:16} {fault.what}")
    print(f"{len(faults)} worlds, {len([f for f in faults if f.verdict != 'OK'])} of them with a "
          "fault")


def work(options, faults):
    """Inside the nest."""
    import certificates  # needs what the nest has
    import proof
    import trial
    certificates.make()
    if options.proof:
        return 0 if proof.passes(faults, options.jobs) else 1
    if options.peers or options.command:
        return 0 if trial.run(options, faults) else 1
    return trial.open_shell(faults[0])


def main():
    import catalogue
    options = parse(catalogue.BY_NAME)
    faults = [catalogue.BY_NAME[name] for name in options.faults] or catalogue.ALL
    has_work = options.proof or options.peers or options.command or len(options.faults) == 1
    if options.list or not has_work:
        show_list(faults)
        return 0
    return work(options, faults) if nest.is_inside() else nest.run_inside()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
