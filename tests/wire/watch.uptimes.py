"""Both uptimes of a site agree within a thousandth with what those know who brought it about: the
visitors' with what a load generator of its own counted, copies among it; the servers' with when
their origin was killed and revived, or began and ceased to answer nothing but errors."""

import http.client
import itertools
import re
import socket
import sys
import threading
import time

from harness import BUILD, PATIENCE_SECONDS, Edge, Mortal, page, read_to_end
from visiting import Visitor

THOUSANDTH = 0.001
# A share of half a minute: 30 ms late is a thousandth, and a sanitizer with other tests beside it is
# later than that. What visitors got is counted, so it is held to the thousandth in every build.
SERVERS = THOUSANDTH if BUILD in ("dev", "release") else 3 * THOUSANDTH
PER_SECOND = 160 if BUILD in ("dev", "release") else 80
THREADS = 8
SEEN = 10
KEPT = "Cache-Control: max-age=1, stale-if-error=60\r\n"
NEVER_KEPT = "Cache-Control: no-store\r\n"


class Origin:
    """At most times it answers; besides, every other answer may be an error, or every one."""

    def __init__(self):
        self.errors_of_two, self.answers = 0, itertools.count()
        self.mortal = Mortal(self.serve)

    def err(self, of_two):
        self.errors_of_two = of_two

    def serve(self, connection):
        path = connection.recv(65536).split(b" ")[1]
        if next(self.answers) % 2 < self.errors_of_two:
            status = "503 Service Unavailable"
        else:
            status = "404 Not Found" if path.startswith(b"/missing") else "200 OK"
        connection.sendall(page(b"hello", KEPT if path.startswith(b"/seen") else NEVER_KEPT,
                                status))


class Load:
    """Visits pages that were seen before, that never were, and that there are not; counts what
    comes of it: answers, copies of long ago among them, and failures."""

    def __init__(self, edge):
        self.address, self.goes_on = edge.address, True
        self.counts = [[0, 0, 0] for _ in range(THREADS)]
        self.threads = [threading.Thread(target=self.run, args=[i]) for i in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE_SECONDS)
        counts, due = self.counts[number], time.monotonic() + number / PER_SECOND
        for visit in itertools.count(number):  # so that at any moment somebody asks the origin
            if not self.goes_on:
                break
            kind = ("seen", "new", "seen", "new", "missing")[visit % 5]
            page_number = visit % SEEN if kind == "seen" else f"{number}.{visit}"
            connection.request("GET", f"/{kind}/{page_number}", headers={"Host": "shop.example"})
            answer = connection.getresponse()
            answer.read()
            counts[0] += answer.status < 500
            counts[1] += answer.status < 500 and int(answer.headers["Age"] or 0) > 1
            counts[2] += answer.status >= 500
            due += THREADS / PER_SECOND
            time.sleep(max(0, due - time.monotonic()))
        connection.close()

    def end(self):
        self.goes_on = False
        for thread in self.threads:
            thread.join()
        return [sum(counts) for counts in zip(*self.counts)]


def read_metrics(edge):
    with socket.create_connection(edge.metrics_address) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        lines = read_to_end(connection)[0].decode().splitlines()
    return dict(line.rsplit(" ", 1) for line in lines if line.startswith("afloat_component_"))


def is_known(edge):
    return read_metrics(edge).get('afloat_component_state{component="shop.example"}') == "1"


class Span:
    """A time that was at least and at most so long, as far as this test was given its turn."""

    def __init__(self, begin):
        self.before = time.monotonic()
        begin()
        self.after = time.monotonic()

    def end(self, finish):
        before = time.monotonic()
        finish()
        self.least, self.most = before - self.after, time.monotonic() - self.before


def outage(begin, finish):
    span = Span(begin)
    time.sleep(3)
    span.end(finish)
    time.sleep(5)
    return span


def assert_agrees(told, least, most, tolerance=THOUSANDTH):
    assert least - tolerance <= told <= most + tolerance, (told, least, most)


def shown(edge, name):
    """What the page says, in hundredths of a percent."""
    html = Visitor(edge).ask("/.afloat/status")[2]
    return float(re.search(rf"{name}: <b>([\d.]+)%</b>", html)[1]) / 100


sys.setswitchinterval(.0005)  # for the moments of the truth
origin = Origin()
settings = """sites:
- hosts: [shop.example]
  lifelines: {hold: {enabled: false}}
status: {name: Example}
"""
origin.mortal.start()
with Edge(origin.mortal, settings) as edge:
    load = Load(edge)
    try:
        while not is_known(edge):
            time.sleep(.005)
        all_of_it = Span(lambda: None)
        time.sleep(5)
        killed = outage(origin.mortal.stop, origin.mortal.start)
        failed = outage(lambda: origin.err(2), lambda: origin.err(0))
        outage(lambda: origin.err(1), lambda: origin.err(0))  # some pages are no outage
    finally:
        answers, copies, failures = load.end()
    time.sleep(2)  # the last of it is told, and what was shown before is made anew
    metrics = {}
    all_of_it.end(lambda: metrics.update(read_metrics(edge)))
    visitors, servers = (float(metrics[
        f'afloat_component_{name}_ratio{{component="shop.example",days="1"}}'])
        for name in ("visitors_uptime", "uptime"))
    assert copies > 100 and failures > 100, (answers, copies, failures)
    truth = answers / (answers + failures)
    assert_agrees(visitors, truth, truth)
    assert_agrees(shown(edge, "Visitors"), truth, truth)
    assert_agrees(servers, 1 - (killed.most + failed.most) / all_of_it.least,
                  1 - (killed.least + failed.least) / all_of_it.most, SERVERS)
    assert_agrees(shown(edge, "Servers"), servers, servers)
print(f"# visitors {visitors:.4%}, {truth:.4%} in truth; servers {servers:.4%}, "
      f"{1 - (killed.most + failed.most) / all_of_it.most:.4%}")
