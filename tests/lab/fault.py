"""What a fault is. Each is one row in local_faults.py, remote_faults.py, page_faults.py or
healthy.py: what is so, whose it is, what the visitor asks for, how it is made and how it shows."""

import contextlib
import dataclasses
import pathlib

import world

SITE, SHOP = "https://www.site.test/", "https://shop.test/"
FINE, YOURS, BETWEEN, THEIRS = "nobody", "visitor", "between", "site"
SIDES = {  # of each verdict that the doctor can give: whose fault that is
    "OK": FINE, "LOCAL_NET": YOURS, "CAPTIVE": YOURS, "PROXY": YOURS, "HOSTS": YOURS,
    "CLOCK": YOURS, "LOCAL_DNS": YOURS, "LOCAL_V6": YOURS, "TLS_INTERCEPT": YOURS, "MTU": YOURS,
    "CLIENT_STATE": YOURS, "ISP_PATH": BETWEEN, "BLOCKED_YOU": BETWEEN, "CDN_POP": BETWEEN,
    "CDN_GLOBAL": BETWEEN, "CLIENT_PROTO": THEIRS, "SITE_DNS": THEIRS, "ORIGIN_DOWN": THEIRS,
    "ORIGIN_SLOW": THEIRS, "ORIGIN_TLS": THEIRS, "ORIGIN_OVERLOAD": THEIRS, "MAINTENANCE": THEIRS,
}
WELL, BAD, ALIKE = "well", "bad", "alike"
# One look at a page as most people's programs take it: the end of it is to be a good page.
LOOK = "curl -sSL --max-time 5 --max-filesize 1000000 {url}"
HEAD = "curl -s --max-time 4 -o /dev/null -w '%{http_code} %{exitcode} %{errormsg}\\n' "
GET = HEAD + "{url}"
WHOLE = "curl -sS --max-time 4 -i {url}"


@dataclasses.dataclass
class Fault:
    """Scripts are sh's; {url} is the visitor's URL in them. probe runs on the visitor's machine as
    a user's program would, and sees (a regular expression) is in what it says, and is not in a
    healthy world. vantage: what another network sees, WELL, BAD, or ALIKE, which is what the probe
    saw; unless told, what the verdict's side implies."""
    name: str
    what: str
    verdict: str  # the true one
    probe: str = GET
    sees: str = ""
    url: str = SITE
    also: tuple = ()  # verdicts that are no error either, for who cannot know better
    vantage: str = None
    felt: bool = True  # one look at the page is enough to meet it
    make: dict = dataclasses.field(default_factory=dict)  # machine: script, run there
    doors: dict = dataclasses.field(default_factory=dict)  # see World.open
    names: dict = dataclasses.field(default_factory=dict)  # what all servers of names say
    lies: dict = dataclasses.field(default_factory=dict)  # what the provider's says instead
    programs: dict = dataclasses.field(default_factory=dict)  # machine: words, while it lasts
    environment: dict = dataclasses.field(default_factory=dict)  # of the visitor's programs
    hosts: str = ""  # a line of the visitor's /etc/hosts
    resolver: str = world.RESOLVER  # in his /etc/resolv.conf
    clock: str = None  # how wrong it is, in faketime's words

    @property
    def side(self):
        return SIDES[self.verdict]

    def seen_from_elsewhere(self):
        return self.vantage or (BAD if self.side == THEIRS else WELL)

    def text(self, script):
        return script.replace("{url}", self.url)

    @contextlib.contextmanager
    def happen(self, number):
        """A world of its own in which it is so."""
        with world.World(f"{number}-{self.name}") as its:
            its.names.update(self.names)
            its.lies.update(self.lies)
            for place, door in self.doors.items():
                its.open(place, door)
            for machine, words in self.programs.items():
                its.start(machine, words, 80)
            for machine, script in self.make.items():
                its.make(machine, script)
            its.visitor.furnish(self.resolver, self.hosts)
            yield its

    def run(self, its, words, timeout=20, apart=False):
        """On the visitor's machine, with what is wrong with his environment and his clock."""
        return its.visitor.run([*self.then(), *words], self.environment, timeout, apart)

    def then(self):
        return ["faketime", "-f", self.clock] if self.clock else []

    def sh(self, its, script, timeout=20):
        return self.run(its, ["sh", "-c", self.text(script)], timeout)

    def look(self, sh):
        """Whether a good page comes where sh(script) runs, and what came."""
        done = sh(self.text(LOOK))
        return done.status == 0 and world.WELCOME in done.output, done.output[-200:]


def rules(hook, *lines, kind="filter"):
    """nftables' rules at a hook, as a script."""
    body = "; ".join(lines)
    priority = {"filter": 0, "nat": -100}[kind]
    return (f"nft 'table inet lab {{ chain {hook} {{ type {kind} hook {hook} priority {priority}; "
            f"{body}; }}; }}'")


def here(name):
    """A program of the release build."""
    return str(pathlib.Path(__file__).resolve().parents[2] / "build" / "release" / name)
