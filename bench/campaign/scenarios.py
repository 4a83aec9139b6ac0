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
    jitter: float = None  # not Poisson, but that regular


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
    holds: int = 0  # connections that say nothing for 6 s, come from 1 s to 4 s
    by_kind: bool = False  # failures are told by kind of page
    memory: bool = False  # the most memory is told
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

HALF_BROKEN = "status code=500 permille=250; reset permille=250"
STALLS = "status code=500 permille=200; delay ms=2000 permille=250"  # the second rolls where the first did not: 20 %
ALIKE = "Both expert settings with checks ask `/health`; afloat has no probe unless told."


def one_of(count, word):
    """One of several backends fails in four ways."""
    many = dict(origins=count)
    return [
        Scenario(f"one-of-{word}-dead", f"One of {word} backends refuses connections for 8 s", 11, site(),
                 [(1, "refuse", 0), (9, "accept", 0)], **many),
        Scenario(f"one-of-{word}-hangs", f"One of {word} backends hangs for 8 s", 11, site(),
                 [(1, "freeze", 0), (9, "thaw", 0)], **many),
        Scenario(f"one-of-{word}-half-broken", f"One of {word} backends answers a quarter of its requests with 500 and "
                 "resets another quarter", 11, site(), faulty(HALF_BROKEN, 1, 9, 0), **many),
        Scenario(f"one-of-{word}-stalls", f"One of {word} backends answers 20 % of its requests with 500 and 20 % after "
                 "2 s", 11, site(), faulty(STALLS, 1, 9, 0), **many),
    ]


def cut(how, words):
    return Scenario(f"cut-{how}", f"30 % of all bodies {words} at a random offset", 10,
                    [Stream("big", 2), Stream("weak", 1), Stream("never", 10), Stream("warm", 20, 40)],
                    faulty(f"cut how={how} permille=300", 0.5, 9.5), by_kind=True,
                    note="`big` has a strong validator and ranges, `weak` neither; both are 1 to 2 MB and never seen "
                    "before. `never` is up to 8 KB.")


def restart(how, word):
    """No visitor comes while the server itself is away."""
    return Scenario(f"{word}-in-outage", f"The origin is dead from 1 s to 14 s, and at 2 s the server {how}", 17,
                    [*site(never=0, live=0, end=1.9), *site(never=0, live=0, begin=8)],
                    [(1, "refuse"), (2, "kill" if word == "kill" else "stop"), (2.1, "start"), (14, "accept")],
                    note="Nobody visits from 1.9 s to 8 s, so that the restart itself is not counted.")


LIES = [(0, "health", "500"), (3, "health", "301"), (6, "health", "stall"), (9, "health", "open"), (12, "health", "200")]

ALL = [
    Scenario("healthy", "Nothing is wrong", 8, site(), []),
    Scenario("refused-1s", "The origin refuses connections for 1 s", 5, site(), outage(1)),
    Scenario("never-seen-3s", "A total outage of 3 s for pages never seen", 7, [Stream("never", 50)], outage(3)),
    Scenario("refused-10s", "The origin refuses connections for 10 s", 14, site(), outage(10)),
    Scenario("refused-30s", "The origin refuses connections for 30 s", 34, site(), outage(30)),
    Scenario("refused-300s", "The origin refuses connections for five minutes", 305, site(), outage(300), long=True),
    Scenario("hang", "The origin hangs for 8 s (stopped: connections open, nothing comes)", 12, site(),
             [(1, "freeze"), (9, "thaw")]),
    Scenario("500", "The origin answers everything with 500 for 8 s", 12, site(), faulty("status code=500")),
    Scenario("503-retry-after", "The origin answers everything with 503 and Retry-After: 5 for 15 s", 19, site(),
             faulty("status code=503 after=5", 1, 16)),
    Scenario("health-lies", "The site is well, and /health says 500, then 301, then nothing, then answers without an end",
             15, site(), LIES, note=ALIKE),
    Scenario("health-lies-two", "The same with two backends, both lying", 15, site(), LIES, origins=2, note=ALIKE),
    Scenario("fresh-start", "The server starts while /health says 500, and is reloaded at 4 s; two backends, both well", 8,
             site(), [(4, "reload")], before=[("health", "500")], warm=False, origins=2,
             note="Visitors come half a second after the port is open."),
    *one_of(2, "two"),
    *one_of(4, "four"),
    cut("end", "end early in good order"),
    cut("reset", "are cut off by a reset"),
    cut("stall", "stop coming"),
    Scenario("post-race", "Writes every 100 ms, to an origin that closes kept connections after 100 ms", 20,
             [Stream("post", 10, method="POST", jitter=0.005)], [(0, "idle", "100 5")],
             note="Its end arrives 5 ms after it has stopped reading, as over a network of 10 ms: what was sent meanwhile is "
             "answered with a reset, and was not processed."),
    Scenario("writes-3s", "Writes while the origin refuses connections for 3 s", 8, [Stream("post", 20, method="POST")],
             outage(3)),
    Scenario("purge-then-death", "Everything is purged, and as soon as that is done the origin is dead for 8 s", 12,
             site(never=0, live=0), [(2, "purge"), (2, "refuse"), (10, "accept")]),
    restart("is restarted", "restart"),
    restart("is killed (-9) and started", "kill"),
    Scenario("flapping", "The origin is dead for 400 ms, there for 400 ms, and so on for 8 s", 11, site(),
             [(1 + 0.4 * i, "accept" if i % 2 else "refuse") for i in range(20)]),
    Scenario("herd", "One page that everybody wants expires every 2 s and changes every 3 s; the origin makes five pages a second",
             12, [Stream("hot", 80, 1), Stream("asset", 10, 20)],
             [(0, "capacity", "5 queue"), (3, "change"), (6, "change"), (9, "change"), (12, "capacity", "0 queue")]),
    Scenario("recovery", "After an outage of 10 s the origin can do a tenth of what is asked of it", 21,
             [Stream("asset", 20, 20), Stream("never", 60)],
             [(1, "refuse"), (11, "capacity", "6 queue"), (11, "accept"), (26, "capacity", "0 queue")],
             goodput=("never", 16, 26, 6), note="Sixty never-seen pages a second, six of which it can make; goodput is from "
             "5 s after its return, for 10 s."),
    Scenario("half-capacity", "The origin does ten pages a second for 8 s, half of what it takes", 13,
             [Stream("warm", 30, 30), Stream("never", 10)],
             [(1, "capacity", "10 queue"), (9, "capacity", "0 queue")]),
    Scenario("brown-out", "The origin's answers take 5 ms, 50 ms, 0.5 s, 2 s, and 5 s for 4 s", 16, site(),
             [(0, "faults", "delay ms=5"), (2, "faults", "delay ms=50"), (4, "faults", "delay ms=500"),
              (6, "faults", "delay ms=2000"), (8, "faults", "delay ms=5000"), (12, "faults", "")]),
    Scenario("garbage", "The origin answers with what is no HTTP for 8 s", 12, site(), faulty("garbage")),
    Scenario("dns-moves", "The origin's name points to another address, and the old one refuses connections", 12, site(),
             [(2, "names", [1]), (2, "refuse", 0)], origins=2, named=True, note="Names have a TTL of 1 s, here and below."),
    Scenario("dns-fails", "The name of a well origin does not exist, then SERVFAIL, then the resolver is silent, 4 s each", 15,
             site(), [(1, "names", "nxdomain"), (5, "names", "servfail"), (9, "names", "silent"), (13, "names", [0])],
             before=[("idle", "300 0")], named=True, note="The origin closes idle connections after 300 ms."),
    Scenario("dns-dead-address", "The origin's name gets three addresses: one refuses, one never answers, one is well", 12,
             site(), [(2, "names", [1, 99, 0]), (10, "names", [0])], before=[("refuse", 1), ("idle", "300 0")], origins=2,
             named=True),
    Scenario("descriptors", "The server may have 512 descriptors open per process; 1200 connections come in 3 s and say nothing for 6 s",
             10, site(), [], holds=1200, descriptors=512),
    Scenario("overflow", "350 MB of pages never seen in 28 s, then the origin is dead for 5 s", 36,
             [*site(never=0), Stream("big", 8.5, end=28)], outage(5, 28), memory=True,
             note="afloat, Varnish and Traffic Server keep 256 MB as they come. afloat has no other limit here."),
    Scenario("slow-visitors", "Eight visitors read 8 MB that were never seen at 400 KB/s, and the origin dies meanwhile", 10,
             [*site(never=0, live=0), Stream("huge", 0, burst=8, begin=0.5, read=16384, pause_ms=40)],
             [(6, "refuse"), (9, "accept")], memory=True, by_kind=True),
]
BY_NAME = {scenario.name: scenario for scenario in ALL}
