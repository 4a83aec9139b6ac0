#!/usr/bin/python3
"""A real site behind afloat while its backend is killed, hangs, answers 503 and flaps.

nginx serves /usr/share/doc; the requests are those of a real access log, as fast as 10,000 in 45 s.
Paths of the log stand for files of the tree, always the same one for the same path, so that bodies are
real and can be compared byte by byte. Who asks for a page that any visitor got before must get it
again, whatever the backend does: one error, or one wrong byte, fails the test.

usage: replay.py BINARY      or: replay.py --direct, straight at nginx, which shows what it saves
The log is looked for in $AFLOAT_DATA, then in ../shared; without it the test is skipped (status 77).
"""

import collections
import contextlib
import hashlib
import http.client
import os
import pathlib
import queue
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
LOG = "semicomplete-2015.access.log"
TREE = pathlib.Path("/usr/share/doc")
HOST = "semicomplete.com"
SECONDS, VISITORS = 45, 96
LEAST_SAVED = 1000  # requests for seen pages while the backend was in trouble; fewer prove nothing
LINE = re.compile(r'\S+ \S+ \S+ \[[^]]*\] "(GET|HEAD|POST) (\S+)[^"]*" (\d+) (\d+|-) "([^"]*)" "([^"]*)"')

# What happens to the backend, in seconds from the start.
TROUBLE = [(7, "kill"), (12, "start"), (16, "stop"), (21, "continue"), (25, "503"), (29, "start"),
           (33, "kill"), (33.5, "start"), (34, "kill"), (34.5, "start"), (35, "kill"), (35.5, "start"),
           (39, "kill"), (43, "start")]


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def find_log():
    roots = [pathlib.Path(os.environ["AFLOAT_DATA"])] if "AFLOAT_DATA" in os.environ else []
    roots.append(TOP.parent / "shared")
    for root in roots:
        for path in (root / "traces" / LOG, root / LOG):
            if path.exists():
                return path
    return skip(f"{LOG} is neither in $AFLOAT_DATA nor in ../shared/traces")


class Backend:
    """nginx on a fixed free port, to be started and ended as often as needed. It is none that the
    kernel hands out: while nginx is away a connection of the edge's could get it, even one to it."""

    def __init__(self, scratch):
        self.scratch, self.process, self.healthy = scratch, None, False
        while True:
            self.port = random.randint(20000, 30000)
            with socket.socket() as attempt, contextlib.suppress(OSError):
                attempt.bind(("127.0.0.1", self.port))
                break

    def configure(self, sick):
        folder = self.scratch
        # Half of the tree goes stale every second, the other half is judged by its age.
        location = "return 503;" if sick else f"root {TREE}; location ~ [a-m]$ {{ expires 1s; root {TREE}; }}"
        (folder / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log crit; user root;
events {{ worker_connections 1000; }}
http {{
  access_log off; sendfile on; default_type text/plain;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{self.port}; {"location / { return 503; }" if sick else location} }}
}}
""")

    def signal(self, number):
        os.killpg(self.process.pid, number)

    def stop(self):
        if self.process:
            self.signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def start(self, sick=False):
        self.stop()
        self.configure(sick)
        for _ in range(100):  # the port may still belong to a worker that is dying
            self.process = subprocess.Popen(["/usr/sbin/nginx", "-c", self.scratch / "nginx.conf"],
                                            stderr=subprocess.DEVNULL, start_new_session=True)
            for _ in range(50):
                try:
                    socket.create_connection(("127.0.0.1", self.port), 1).close()
                    return
                except OSError:
                    if self.process.poll() is not None:
                        break
                    time.sleep(0.02)
            self.stop()
        raise RuntimeError("nginx does not start")

    def act(self, action):
        self.healthy = False
        if action == "kill":
            self.stop()
        elif action == "stop":
            self.signal(signal.SIGSTOP)
        elif action == "503":
            self.start(sick=True)
        else:
            if action == "continue":
                self.signal(signal.SIGCONT)
            else:
                self.start()
            self.healthy = True


class Site:
    """The files that the log's paths stand for."""

    def __init__(self):
        self.files = sorted(str(f.relative_to(TREE)) for f in TREE.rglob("*")
                            if f.is_file() and not f.is_symlink() and 0 < f.stat().st_size < 4 << 20)
        self.bodies = {}

    def url(self, target, status):
        path, _, query = target.partition("?")
        if status == "404":
            return "/not-in-the-tree" + urllib.parse.quote(path, "/%"), None
        number = int.from_bytes(hashlib.sha1(path.encode()).digest()[:8], "big") % len(self.files)
        file = self.files[number]
        return "/" + urllib.parse.quote(file) + ("?" + query if query else ""), file

    def body(self, file):
        if file not in self.bodies:
            self.bodies[file] = (TREE / file).read_bytes()
        return self.bodies[file]


class Replay:
    def __init__(self, port, backend, site):
        self.port, self.backend, self.site = port, backend, site
        self.requests = queue.SimpleQueue()
        self.lock = threading.Lock()
        self.seen = {}  # url: entity tag, of what was received in full
        self.counts, self.errors = collections.Counter(), []
        self.latencies = []

    def fail(self, message):
        with self.lock:
            self.errors.append(f"{time.monotonic() - self.begin:6.2f} s: {message}")

    def load(self, log):
        for line in log.read_text(errors="replace").splitlines():
            match = LINE.match(line)
            if match:
                self.requests.put(match.groups())
        self.total = self.requests.qsize()

    def run(self):
        self.begin = time.monotonic()
        threads = [threading.Thread(target=self.visitor) for _ in range(VISITORS)]
        for thread in threads:
            thread.start()
        for due, action in TROUBLE:
            time.sleep(max(0, self.begin + due - time.monotonic()))
            self.backend.act(action)
        for thread in threads:
            thread.join()

    def visitor(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while True:
            try:
                request = self.requests.get_nowait()
            except queue.Empty:
                connection.close()
                return
            number = self.total - self.requests.qsize()
            time.sleep(max(0, self.begin + number * SECONDS / self.total - time.monotonic()))
            try:
                self.ask(connection, *request)
            except Exception as error:  # a visitor that dies would hide what it did not see
                self.fail(f"the visitor: {error!r}")
                connection.close()

    def send(self, connection, method, url, headers):
        """The response and its body. A kept connection may be closed by its server at any time: then,
        and only then, a client asks again (RFC 9112 section 9.3.1)."""
        while True:
            reused = connection.sock is not None
            try:
                connection.request(method, url, headers=headers)
                response = connection.getresponse()
            except (ConnectionError, http.client.RemoteDisconnected):
                connection.close()
                if not reused or method == "POST":
                    raise
                with self.lock:
                    self.counts["asked again"] += 1
                continue
            return response, response.read()

    def ask(self, connection, method, target, status, size, referer, agent):
        url, file = self.site.url(target, status)
        headers = {"Host": HOST, "User-Agent": agent, "Referer": referer}
        with self.lock:
            seen = url in self.seen
            tag = self.seen.get(url)
        if status == "304" and tag:
            headers["If-None-Match"] = tag
        if status == "206":
            headers["Range"] = f"bytes=0-{max(int(size), 1) - 1}"
        trouble = not self.backend.healthy
        begin = time.monotonic()
        try:
            response, body = self.send(connection, method, url, headers)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            response, body = None, error
        self.judge(method, url, file, seen, trouble or not self.backend.healthy, headers, response, body)
        with self.lock:
            self.latencies.append(time.monotonic() - begin)

    def judge(self, method, url, file, seen, trouble, headers, response, body):
        protected = seen and method != "POST"
        with self.lock:
            self.counts["requests"] += 1
            self.counts["seen before, in trouble"] += protected and trouble
        if response is None:
            # A page that nobody has yet can only break off honestly when its backend dies under it.
            if trouble and not protected and isinstance(body, http.client.IncompleteRead):
                with self.lock:
                    self.counts["broken off, for pages never seen"] += 1
            else:
                self.fail(f"{method} {url}: {body!r}{', seen before' if seen else ''}")
            return
        status = response.status
        if status >= 500:
            with self.lock:
                self.counts["honest pages for pages never seen"] += not protected
            if protected:
                self.fail(f"{method} {url}: {status}, seen before; {response.getheader('Cache-Status')}; "
                          f"{response.getheader('Proxy-Status')}")
            return
        if file is None or method != "GET":
            return
        self.compare(url, file, headers, response, body)

    def compare(self, url, file, headers, response, body):
        whole = self.site.body(file)
        if response.status == 200:
            if body != whole:
                self.fail(f"GET {url}: {len(body)} wrong bytes of {len(whole)}")
                return
            with self.lock:
                self.seen[url] = response.getheader("ETag")
        elif response.status == 206:
            last = int(headers["Range"].rpartition("-")[2])
            if body != whole[:last + 1]:
                self.fail(f"GET {url}: wrong range")
        elif response.status == 304:
            if "If-None-Match" not in headers:
                self.fail(f"GET {url}: 304 to a request without a condition")
        else:
            self.fail(f"GET {url}: {response.status}")

    def report(self):
        for error in self.errors[:30]:
            print(error)
        self.latencies.sort()
        quantiles = ", ".join(f"{name} {self.latencies[int(len(self.latencies) * q)] * 1000:.1f} ms"
                              for name, q in (("median", .5), ("99 %", .99), ("slowest", .99999)))
        for name, count in sorted(self.counts.items()):
            print(f"{count:6} {name}")
        print(f"latency: {quantiles}")
        saved = self.counts["seen before, in trouble"]
        if saved < LEAST_SAVED:
            print(f"only {saved} requests for pages seen before while the backend was in trouble, which proves nothing")
        print(f"replay: {self.counts['requests']} requests, {saved} for pages seen before while the backend was in "
              f"trouble: {len(self.errors)} errors")
        return not self.errors and saved >= LEAST_SAVED


def start_afloat(binary, backend, scratch):
    process = subprocess.Popen([binary, "run", "--listen", "127.0.0.1:0", "--origin",
                                f"http://127.0.0.1:{backend.port}", "--memory", "512MB", "--state", scratch / "state"],
                               stdout=subprocess.PIPE, text=True)
    for line in process.stdout:
        found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", line)
        if found:
            return process, int(found[1])
    raise RuntimeError("afloat did not start")


def main():
    log = find_log()
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="afloat-replay."))
    backend, afloat = Backend(scratch), None
    try:
        backend.act("start")
        port = backend.port
        if sys.argv[1] != "--direct":
            afloat, port = start_afloat(sys.argv[1], backend, scratch)
        replay = Replay(port, backend, Site())
        replay.load(log)
        replay.run()
        good = True
        if afloat:
            afloat.terminate()
            good = afloat.wait(60) == 0
            if not good:
                print(f"afloat ended with status {afloat.returncode}")
        return 0 if replay.report() and good else 1
    finally:
        backend.stop()
        if afloat and afloat.poll() is None:
            afloat.kill()
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
