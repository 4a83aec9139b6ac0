"""The servers under test, the origin behind them, and what drives and measures them."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

TOP = pathlib.Path(__file__).resolve().parent.parent
BIN = TOP / "build" / "release"
CLK_TCK = os.sysconf("SC_CLK_TCK")
SERVER_CORE, LOAD_CORE = "0", "1"
SCRATCH = pathlib.Path(tempfile.mkdtemp(prefix="afloat-bench.", dir="/dev/shm"))


def free_port():
    with socket.socket() as attempt:
        attempt.bind(("127.0.0.1", 0))
        return attempt.getsockname()[1]


class Process:
    """A program and what it forks, stopped by its own process group."""

    def __init__(self, command, core=None, stdin=subprocess.DEVNULL, stdout=None, environment=None):
        pin = ["taskset", "-c", core] if core else []
        self.log = tempfile.TemporaryFile(dir=SCRATCH)
        self.process = subprocess.Popen(pin + [str(c) for c in command], stdin=stdin,
                                        stdout=stdout or self.log, stderr=self.log,
                                        start_new_session=True,
                                        env={**os.environ, **(environment or {})})

    def pids(self):
        children, found = {}, [self.process.pid]
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        for pid in found:
            found.extend(children.get(pid, []))
        return found

    def cpu_seconds(self):
        ticks = 0
        for pid in self.pids():
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / CLK_TCK

    def memory(self, field="VmRSS"):
        """Bytes, of all its processes; shared pages count once per process."""
        total = 0
        for pid in self.pids():
            found = re.search(rf"{field}:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/status").read_text())
            total += int(found[1]) * 1024 if found else 0
        return total

    def output(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def stop(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, number)
                self.process.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        self.log.close()


def afloat(port, origin, size):
    return [BIN / "afloat", "run", "--listen", f"127.0.0.1:{port}", "--origin",
            f"http://127.0.0.1:{origin}", "--threads", "1", "--memory", size,
            "--state", SCRATCH / "afloat-state"]


def nginx_behind(name, origin, listeners, more=""):
    """listeners: what its listen directives say; more: further directives for HTTP."""
    folder = SCRATCH / name
    folder.mkdir(exist_ok=True)
    (folder / "nginx.conf").write_text(f"""
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log crit;
user root;
worker_rlimit_nofile 20000;
events {{ worker_connections 10100; }}
http {{
  access_log off; sendfile on; tcp_nodelay on; keepalive_timeout 1h; keepalive_requests 1000000000;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e; open_file_cache max=1000 inactive=1h;
  proxy_cache_path {folder}/cache levels=1:2 keys_zone=c:64m max_size=1g inactive=1h use_temp_path=off;
  {more}
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 8; }}
  server {{
    {" ".join(f"listen {listener} backlog=4096;" for listener in listeners)}
    location / {{
      proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_cache c; proxy_cache_lock on; proxy_cache_lock_timeout 1h; proxy_cache_lock_age 1h;
    }}
  }}
}}
""")
    return ["/usr/sbin/nginx", "-c", folder / "nginx.conf"]


def nginx(port, origin, _size):
    return nginx_behind("nginx", origin, [f"127.0.0.1:{port}"])


def haproxy_behind(name, origin, listeners):
    """listeners: what its bind lines say."""
    config = SCRATCH / f"{name}.cfg"
    binds = "\n".join(f"  bind {listener} backlog 4096" for listener in listeners)
    config.write_text(f"""
global
  nbthread 1
  maxconn 10100
  no strict-limits
  tune.maxaccept 256
defaults
  mode http
  timeout client 1h
  timeout http-keep-alive 1h
  timeout server 1h
  timeout connect 5s
cache c
  total-max-size 1024
  max-object-size 10000000
  max-age 3600
frontend f
{binds}
  http-request cache-use c
  default_backend b
backend b
  http-response cache-store c
  server s 127.0.0.1:{origin}
""")
    return ["/usr/sbin/haproxy", "-db", "-f", config]


def haproxy(port, origin, _size):
    return haproxy_behind("haproxy", origin, [f"127.0.0.1:{port}"])


# What Varnish writes to its shared log for a hit; there is no switch for all of it.
VARNISH_LOG = ",".join("-" + tag for tag in """Begin End Link ReqStart ReqMethod ReqURL ReqProtocol ReqHeader
    ReqUnset RespProtocol RespStatus RespReason RespHeader RespUnset VCL_call VCL_return VCL_use Hit
    Timestamp ReqAcct SessOpen SessClose Length Filters""".split())


def varnish(port, origin, size):
    folder = SCRATCH / "varnish"
    return ["/usr/sbin/varnishd", "-F", "-j", "none", "-n", folder, "-a", f"127.0.0.1:{port}", "-b",
            f"127.0.0.1:{origin}", "-s", f"malloc,{size}", "-p", f"vsl_mask={VARNISH_LOG}", "-p", "thread_pools=1", "-p", "thread_pool_max=10500",
            "-p", "timeout_idle=3600", "-t", "3600"]


def bare_epoll(port, _origin, _size):
    return [BIN / "bench.bare_epoll", port]


SERVERS = {"afloat": afloat, "nginx": nginx, "haproxy": haproxy, "varnish": varnish}


class Server(Process):
    """A server under test in front of the origin, up and with one object of 1 KiB in its cache."""

    def __init__(self, name, origin, size="1GB"):
        self.name, self.port, self.origin = name, free_port(), origin
        command = {**SERVERS, "bare epoll": bare_epoll}[name](self.port, origin.port, size)
        super().__init__(command, SERVER_CORE)
        try:
            self.warm()
        except RuntimeError:
            self.stop()
            raise

    def warm(self):
        deadline = time.monotonic() + 30
        while not self.answers():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not answer:\n{self.output()}")
            time.sleep(0.05)
        if self.name != "bare epoll":
            time.sleep(0.2)  # Varnish and HAProxy finish storing after they answered
            before = self.origin.count()
            self.get("/1024/hit")
            if self.origin.count() != before:
                raise RuntimeError(f"{self.name} does not cache")

    def answers(self):
        try:
            return len(self.get("/1024/hit")) == 1024
        except OSError:
            return False

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
            return response.read()


class Origin(Process):
    def __init__(self):
        self.port = free_port()
        super().__init__([BIN / "bench.origin", self.port], LOAD_CORE)
        for _ in range(100):
            try:
                self.count()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("the origin does not start")

    def count(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/count", timeout=10) as response:
            return int(response.read())


def load(*arguments, timeout=600):
    done = subprocess.run(["taskset", "-c", LOAD_CORE, BIN / "bench.load", *map(str, arguments)], text=True,
                          capture_output=True, timeout=timeout, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"load {arguments}: {done.stderr.strip()}")
    return done.stdout.strip()


def clean_up():
    shutil.rmtree(SCRATCH, ignore_errors=True)


def goal(name, rows, column, most):
    """None when the server was not there, or (text, reached)."""
    for row in rows:
        if row["server"] == name:
            reached = row[column] is not None and row[column] <= most
            return f"goal: {column} at most {most}: {'reached' if reached else 'missed'}", reached
    return None


def present(names):
    there = [n for n in names if n != "afloat" or (BIN / "afloat").exists()]
    if len(there) < len(names):
        print("bench: build/release/afloat is not there, so it is left out", file=sys.stderr)
    return there


