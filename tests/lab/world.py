"""One world: a visitor's machine, his router, his provider, and the rest of the internet, as
networks of their own. What listens there are threads of ours, at sockets made in those networks."""

import base64
import contextlib
import os
import pathlib
import signal
import socket
import threading
import time

import door
import names
import nest
import topology
from machine import Machine, ip

NAMES = {
    "www.site.test": topology.TREE["site"][1],
    "plain.site.test": ["198.51.100.10"],
    "four.site.test": ["198.51.100.10"],
    "six.site.test": ["2001:db8:10::10"],
    "shop.test": "shop.cdn.test",
    "news.test": "news.cdn.test",
    "shop.cdn.test": topology.TREE["far"][1],
    "news.cdn.test": topology.TREE["far"][1],
    "dns.public.test": topology.TREE["public"][1],
    "captive.public.test": ["198.51.100.53"],
    "well.public.test": topology.TREE["public"][1],
}
VANTAGE_PORT = 8888
RESOLVER, SECOND = "203.0.113.53", "198.51.100.53"
PLACES = {  # whom the visitor may ask besides
    "second": SECOND, "doh": "https://dns.public.test/dns-query",
    "captive": "http://captive.public.test/generate_204", "control": "https://well.public.test/",
    "vantage": f"192.0.2.90:{VANTAGE_PORT}",
}
START_SECONDS = 30
WELCOME = "all is well at"
FILLING = b"".join(b"<p>Paragraph %d of what people come here for.</p>\n" % n for n in range(400))
NAT = ("table ip lab_nat { chain out { type nat hook postrouting priority 100; "
       "oifname wan masquerade; }; }")


def healthy(request):
    """A site's page; who comes without TLS is sent to it, unless the site has none."""
    if request.scheme == "http" and not request.host.startswith("plain."):
        return door.Answer(301, {"Location": f"https://{request.host}{request.path}"})
    head = (f"<!doctype html>\n<title>{request.host}</title>\n"
            f"<h1>{WELCOME} {request.host}</h1>\n").encode()
    fields = {"Cache-Control": "max-age=60", "ETag": '"1"', "Server": "lab"}
    return door.Answer(200, fields, head + FILLING)


def parking(request):
    page = f"<title>{request.host}</title><p>{request.host} may be for sale!"
    return door.Answer(200, {}, page.encode())


class World:
    """Comes up healthy; used in a with statement."""

    def __init__(self, name):
        self.folder, self.over = pathlib.Path("/run/lab", name), threading.Event()
        self.folder.mkdir()
        self.machines = {machine: Machine(name, self.folder, machine) for machine in topology.TREE}
        self.visitor, self.vantage = self.machines["visitor"], self.machines["vantage"]
        self.names, self.lies = dict(NAMES), {}
        self.listeners, self.servers, self.programs = {}, [], []

    def __enter__(self):
        self.build()
        self.visitor.furnish(RESOLVER)
        self.vantage.furnish(SECOND)
        self.serve_names("resolver", names.Zone(self.names, self.lies))
        self.serve_names("public", names.Zone(self.names))
        for place, certificate in (("site", "site"), ("cdn", "cdn")):
            self.open(place, door.Door(healthy, certificate))
        self.open("parked", door.Door(parking, "parked"))
        self.open("public", door.Door(self.answer_public, "public"))
        return self

    def __exit__(self, *_):
        self.over.set()
        for program in self.programs:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            program.wait()
        for one in (*self.listeners.values(), *self.servers):
            one.stop()
        ip("".join(f"netns delete {m.namespace}\n" for m in self.machines.values()))

    def build(self):
        ip("".join(f"netns add {m.namespace}\n" for m in self.machines.values()))
        for name, machine in self.machines.items():
            routes = int(bool(topology.below(name)))
            machine.set("ipv6/conf/all/accept_dad=0", "ipv6/conf/default/accept_dad=0",
                        f"ipv4/ip_forward={routes}", f"ipv6/conf/all/forwarding={routes}",
                        "ipv4/tcp_mtu_probing=0",  # the kernel's default
                        # Who asks twice in a second is told twice what cannot be reached.
                        "ipv4/icmp_ratelimit=0", "ipv6/icmp/ratelimit=0",
                        # As Debian has it: everybody may ping.
                        f"ipv4/ping_group_range=0 {2147483647 if nest.has_users() else 0}")
        ip("\n".join(topology.links(lambda name: self.machines[name].namespace)) + "\n")
        for name, machine in self.machines.items():
            ip("\n".join(topology.settings(name)) + "\n", "-n", machine.namespace)
        self.make("router", f"nft '{NAT}'")

    def make(self, machine, script):
        """Runs it there, and it has to succeed."""
        done = self.machines[machine].sh(script)
        if done.status != 0:
            raise RuntimeError(f"{script}: {done.output}")

    def serve_names(self, machine, zone):
        def sockets():
            datagrams = bound(socket.SOCK_DGRAM, 53)
            return datagrams, listen(53)
        self.servers.append(names.Server(zone, *self.machines[machine].within(sockets)))

    def open(self, place, what):
        """A door, or nothing, at a machine's ports: "site" is 80 and 443, "site:80" one; "cdn" both
        of its places."""
        machine, _, port = place.partition(":")
        for one in ("near", "far") if machine == "cdn" else (machine,):
            for number in [int(port)] if port else [80, 443]:
                if (one, number) in self.listeners:
                    self.listeners.pop((one, number)).stop()
                if what:
                    made = self.machines[one].within(lambda number=number: listen(number))
                    self.listeners[one, number] = door.Listener(what, made, number == 443,
                                                                self.over)

    def start(self, machine, words, port):
        """A program that listens at the port until the world ends; $STATE is a folder for it."""
        state, log = self.folder / f"{machine}.state", self.folder / f"{machine}.log"
        state.mkdir()
        with log.open("wb") as said:
            self.programs.append(self.machines[machine].start(words, {"STATE": str(state)},
                                                              stdout=said, stderr=said))
        end = time.monotonic() + START_SECONDS
        while not self.machines[machine].within(lambda: is_listening(port)):
            if self.programs[-1].poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{words} does not start: {log.read_text()}")
            time.sleep(0.02)

    def answer_public(self, request):
        if request.path.startswith("/dns-query"):
            return self.answer_doh(request)
        return door.Answer(204) if request.path == "/generate_204" else healthy(request)

    def answer_doh(self, request):
        """RFC 8484, POST and GET."""
        query = request.content
        if request.method == "GET":
            text = request.path.partition("dns=")[2].split("&")[0]
            query = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        said = names.Zone(self.names).answer(query)
        if said is None:
            return door.Answer(504)
        return door.Answer(200, {"Content-Type": "application/dns-message"}, said)


def bound(kind, port):
    """A socket for both families, in the network of the thread that calls."""
    made = socket.socket(socket.AF_INET6, kind)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(("::", port))
    return made


def listen(port):
    made = bound(socket.SOCK_STREAM, port)
    made.listen(64)
    return made


def is_listening(port):
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0
