"""The scenarios: who visits what, and what happens meanwhile. Times are seconds from the first visitor on.

A stream is a Poisson process of visitors: `rate` a second between `begin` and `end`, each wanting one of `count`
pages of its kind (site.h), or with count 0 a page that nobody asked for before. Kinds whose pages were all fetched
once before the scenario began are `seen`. An action is (at, what, argument...), on the server or on its origins:

  faults TEXT [N]   capacity TEXT [N]   health TEXT [N]   idle TEXT   refuse [N]   accept [N]   freeze [N]   thaw [N]
  reload   purge   stop   kill   start   names ANSWER

N is the origin that is meant; without it, all.
"""

import dataclasses


@dataclasses.dataclass
class Stream:
    kind: str
    rate: float
    count: int = 0
    begin: float = 0
    end: float = None  # that of the scenario
    method: str = "GET"
    read: int = 0
    pause_ms: int = 0
    burst: int = 0  # instead of a rate: so many at once


@dataclasses.dataclass
class Scenario:
    name: str
    title: str
    seconds: float
    streams: list
    actions: list
    origins: int = 1
    warm: bool = True  # pages with a count are fetched once before
    before: list = dataclasses.field(default_factory=list)  # actions before the server starts
    named: bool = False  # the origin is a name
    descriptors: int = 0  # how many the server may have open
    long: bool = False  # only with --long
    goodput: tuple = None  # (kind, begin, end, capacity): answers a second beside what the origin can do
    note: str = ""


def site(never=10, live=5, **times):
    """A site's usual visitors."""
    streams = [Stream("warm", 45, 40, **times), Stream("asset", 15, 40, **times)]
    if never:
        streams.append(Stream("never", never, **times))
    if live:
        streams.append(Stream("live", live, **times))
    return streams


def outage(seconds, begin=1):
    return [(begin, "refuse"), (begin + seconds, "accept")]


def faulty(text, begin=1, end=9, *which):
    return [(begin, "faults", text, *which), (end, "faults", "", *which)]


HALF_BROKEN = "status code=500 permille=200; delay ms=2000 permille=200"

ALL = [
    Scenario("healthy", "Nothing is wrong", 8, site(), []),
    Scenario("refused-1s", "The origin refuses connections for 1 s", 5, site(), outage(1)),
    Scenario("refused-10s", "The origin refuses connections for 10 s", 14, site(), outage(10)),
    Scenario("hang", "The origin hangs for 8 s (stopped: connections open, nothing comes)", 12, site(),
             [(1, "freeze"), (9, "thaw")]),
    Scenario("500", "The origin answers everything with 500 for 8 s", 12, site(), faulty("status code=500")),
]
BY_NAME = {scenario.name: scenario for scenario in ALL}
