"""The benches tls and h2: what encryption and HTTP/2 cost, beside the servers from apt.

h2o and nghttpd have no cache; they serve the same 1 KiB from a file, which costs them no less than a
cache would. All have one thread, the same certificate and their own defaults otherwise, so that TLS 1.3
with AES is what everybody speaks.
"""

import re
import statistics
import subprocess
import sys
import time

from servers import (BIN, LOAD_CORE, SCRATCH, SERVER_CORE, Origin, Process, free_port, goal, haproxy_behind,
                     nginx_behind, present)

PATH = "/1024/hit"
CERTIFICATE, KEY = SCRATCH / "certificate.pem", SCRATCH / "key.pem"
STREAMS, CONNECTIONS = 32, 16


def make_certificate():
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-keyout", KEY, "-out", CERTIFICATE, "-days", "30", "-subj", "/CN=bench.example",
                    "-addext", "subjectAltName=DNS:bench.example,DNS:localhost,IP:127.0.0.1"],
                   check=True, capture_output=True)
    (SCRATCH / "both.pem").write_text(CERTIFICATE.read_text() + KEY.read_text())
    file = SCRATCH / "files" / PATH[1:]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"x" * 1024)


def afloat(port, plain, origin):
    config = SCRATCH / "afloat-secure.yaml"
    config.write_text(f"""
listen: ["127.0.0.1:{plain}"]
state: {SCRATCH}/afloat-secure
threads: 1
tls:
  listen: ["127.0.0.1:{port}"]
  certificates: [{{certificate: {CERTIFICATE}, key: {KEY}}}]
connections: {{requests: 1000000000}}
origins: {{main: {{backends: ["http://127.0.0.1:{origin}"]}}}}
""")
    return [BIN / "afloat", "run", "--config", config]


def nginx(port, plain, origin):
    return nginx_behind("nginx-secure", origin,
                        [f"127.0.0.1:{port} ssl http2", f"127.0.0.1:{plain} http2"],
                        f"ssl_certificate {CERTIFICATE}; ssl_certificate_key {KEY}; "
                        "ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:s:10m;")


def haproxy(port, plain, origin):
    return haproxy_behind("haproxy-secure", origin,
                          [f"127.0.0.1:{port} ssl crt {SCRATCH}/both.pem alpn h2,http/1.1",
                           f"127.0.0.1:{plain} proto h2"])


def h2o(port, plain, _origin):
    config = SCRATCH / "h2o.conf"
    config.write_text(f"""
num-threads: 1
user: root
error-log: {SCRATCH}/h2o.log
listen:
  host: 127.0.0.1
  port: {port}
  ssl: {{certificate-file: {CERTIFICATE}, key-file: {KEY}, ocsp-update-interval: 0}}
listen: {{host: 127.0.0.1, port: {plain}}}
hosts:
  default:
    paths: {{/: {{file.dir: {SCRATCH}/files}}}}
""")
    return ["/usr/bin/h2o", "-c", config]


def nghttpd(port, _plain, _origin):
    return ["/usr/sbin/nghttpd", "-a", "127.0.0.1", "-d", SCRATCH / "files", port, KEY, CERTIFICATE]


def nghttpd_plain(_port, plain, _origin):
    return ["/usr/sbin/nghttpd", "-a", "127.0.0.1", "--no-tls", "-d", SCRATCH / "files", plain]


SERVERS = {"afloat": afloat, "nginx": nginx, "haproxy": haproxy, "h2o": h2o}


class SecureServer(Process):
    """A server under test, which answers over TLS at its port and without at plain."""

    def __init__(self, name, command, origin, with_tls=True):
        self.name, self.port, self.plain = name, free_port(), free_port()
        super().__init__(command(self.port, self.plain, origin.port), SERVER_CORE)
        url = f"https://127.0.0.1:{self.port}{PATH}" if with_tls else f"http://127.0.0.1:{self.plain}{PATH}"
        for _ in range(200):
            # nghttpd speaks nothing but HTTP/2, so h2load asks.
            if re.search(r"\b1 2xx", h2load(url, "-n1", "-c1")):
                time.sleep(0.2)  # HAProxy finishes storing after it answered
                return
            time.sleep(0.05)
        raise RuntimeError(f"{name} does not answer:\n{self.output()}")


def h2load(url, *arguments):
    return subprocess.run(["taskset", "-c", LOAD_CORE, "h2load", *arguments, url], text=True,
                          capture_output=True, check=False).stdout


def hits_over_http1(server, seconds):
    done = subprocess.run(["taskset", "-c", LOAD_CORE, "wrk", "-t1", "-c64", f"-d{seconds}s",
                           f"https://127.0.0.1:{server.port}{PATH}"], text=True, capture_output=True,
                          check=True).stdout
    if re.search(r"Non-2xx|Socket errors", done):
        raise RuntimeError(f"{server.name} answered wrongly:\n{done}")
    return int(re.search(r"(\d+) requests in", done)[1])


def handshakes(server, seconds, kind):
    done = subprocess.run(["taskset", "-c", LOAD_CORE, BIN / "bench.handshake", str(server.port), PATH, kind,
                           str(seconds)], text=True, capture_output=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{server.name}: {done.stderr.strip()}")
    return int(done.stdout)


def hits_over_http2(server, seconds, url):
    done = h2load(url, f"-c{CONNECTIONS}", f"-m{STREAMS}", "-t1", "-D", str(seconds), "--warm-up-time=0")
    found = re.search(r"(\d+) succeeded, (\d+) failed", done)
    # Those that are under way when the time is over count as neither.
    if not found or int(found[2]) > CONNECTIONS * STREAMS or int(found[1]) == 0:
        raise RuntimeError(f"{server.name} answered wrongly:\n{done}")
    return int(found[1])


def measure(servers, kinds, options):
    """CPU microseconds by (kind, server), each the median of interleaved rounds; and the spread."""
    figures = {}
    for number in range(-1, options.rounds):  # the first one warms up
        for kind, (work, asked) in kinds.items():
            for server in servers:
                if asked is not None and server.name not in asked:
                    continue
                seconds = options.seconds if number >= 0 else 1
                before = server.cpu_seconds()
                count = work(server, seconds)
                spent = server.cpu_seconds() - before
                if number >= 0:
                    figures.setdefault((kind, server.name), []).append(spent / count * 1e6)
        if number >= 0 and sys.stderr.isatty():
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    return figures


def rows_of(figures, kind):
    medians = {name: statistics.median(values) for (of, name), values in figures.items() if of == kind}
    best = min(figure for name, figure in medians.items() if name != "afloat")
    return [{"what": kind, "server": name, "cpu_us": round(figure, 2),
             "spread_us": [round(min(figures[kind, name]), 2), round(max(figures[kind, name]), 2)],
             "ratio_to_best_peer": round(figure / best, 3),
             "ratio_to_haproxy": round(figure / medians["haproxy"], 3)}
            for name, figure in sorted(medians.items(), key=lambda item: item[1])]


def goals(rows, wanted):
    """Of several goals one text, and whether all are reached."""
    found = [goal("afloat", [row for row in rows if row["what"] == kind], column, most)
             for kind, column, most in wanted]
    found = [(f"{kind}: {text}", reached) for (kind, _, _), (text, reached)
             in zip(wanted, filter(None, found))]
    return ("\n".join(text for text, _ in found), all(reached for _, reached in found)) if found else None


def tls(options):
    make_certificate()
    origin, servers = Origin(), []
    kinds = {"full handshake": (lambda server, seconds: handshakes(server, seconds, "full"), None),
             "resumed handshake": (lambda server, seconds: handshakes(server, seconds, "resumed"), None),
             "returning visitor": (lambda server, seconds: handshakes(server, seconds, "returning"), None),
             "hit, kept connection": (hits_over_http1, None)}
    try:
        for name in present(list(SERVERS)):
            servers.append(SecureServer(name, SERVERS[name], origin))
        figures = measure(servers, kinds, options)
    finally:
        for process in servers + [origin]:
            process.stop()
    rows = [row for kind in kinds for row in rows_of(figures, kind)]
    return rows, goals(rows, [(kind, "ratio_to_best_peer", 0.95) for kind in kinds])


def h2(options):
    make_certificate()
    origin, servers = Origin(), []
    def over_tls(server, seconds):
        return hits_over_http2(server, seconds, f"https://127.0.0.1:{server.port}{PATH}")
    def over_tcp(server, seconds):
        return hits_over_http2(server, seconds, f"http://127.0.0.1:{server.plain}{PATH}")
    names = present(list(SERVERS))
    kinds = {"hit, TLS": (over_tls, names + ["nghttpd"]), "hit, no TLS": (over_tcp, names + ["nghttpd "])}
    try:
        for name in names:
            servers.append(SecureServer(name, SERVERS[name], origin))
        servers.append(SecureServer("nghttpd", nghttpd, origin))
        servers.append(SecureServer("nghttpd ", nghttpd_plain, origin, with_tls=False))
        figures = measure(servers, kinds, options)
    finally:
        for process in servers + [origin]:
            process.stop()
    figures = {(kind, name.strip()): values for (kind, name), values in figures.items()}
    rows = []
    for kind in kinds:
        of_kind = rows_of(figures, kind)
        nghttpd_us = next(row["cpu_us"] for row in of_kind if row["server"] == "nghttpd")
        for row in of_kind:
            row["ratio_to_nghttpd"] = round(row["cpu_us"] / nghttpd_us, 3)
        rows += of_kind
    return rows, goals(rows, [(kind, column, most) for kind in kinds
                              for column, most in (("ratio_to_nghttpd", 1), ("ratio_to_haproxy", 0.55))])
