"""Nobody makes an edge ask where only it can reach: a webhook leads to no address that not everybody
can reach, however it is written, nor by a redirect; a monitor leads where its operator says, and
its redirects only to what everybody can reach, to no other scheme, and without what is secret."""

import base64
import json
import subprocess
import threading

from harness import BINARY, Edge, Listener, Nobody, wait_until
from visiting import Visitor

OWN, STRANGER = "127.0.0.9", "127.0.0.10"


class Server(Listener):
    """Remembers the heads of requests; leads away where a path is told to."""

    def __init__(self, address, port=0):
        self.heads, self.leads, self.guard = [], {}, threading.Lock()
        super().__init__(address, port)

    def serve(self, connection):
        with connection:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(65536)
                if not piece:
                    return
                head += piece
            head = head.decode("latin-1")
            path = head.split(" ")[1]
            with self.guard:
                self.heads.append(head)
            status = f"302 Found\r\nLocation: {self.leads[path]}" if path in self.leads else "200 OK"
            connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n"
                               "Connection: close\r\n\r\n".encode())

    def asked(self, path):
        with self.guard:
            return [head for head in self.heads if head.split(" ")[1] == path]


def forms_of_loopback(port):
    """The same machine in the ways that there are to write it."""
    return [f"http://{host}:{port}/" for host in (
        "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.0.0.1",
        "0", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[::]",
        "[64:ff9b::7f00:1]", "127.0.0.1.", "%6c%6f%63alhost", "①②⑦.0.0.1")]


def traps_at(port):
    traps = [Listener("127.0.0.1", port)]
    try:
        traps.append(Listener("::1", port))
    except OSError:
        pass  # there is no IPv6 here, or somebody has the port
    return traps


def settings_of(status):
    return "sites: [{hosts: [shop.example]}]\nstatus: " + json.dumps(status) + "\n"


def is_good(edge, status):
    edge.configure(settings_of(status))
    return subprocess.run([BINARY, "check-config", edge.file], capture_output=True).returncode == 0


def told_webhooks(edge, forms):
    """Those of them that the settings take; what is none is refused there already."""
    return [form for form in forms if is_good(edge, {"name": "x", "notify": {
        "webhooks": [{"url": form}]}})]


def all_at_one_port():
    """Both servers and the traps; other tests may have the port at some of these addresses."""
    for _ in range(20):
        try:
            own = Server(OWN)
            return own, Server(STRANGER, own.port), traps_at(own.port)
        except OSError:
            pass
    raise AssertionError("no port is free at all addresses")


own, stranger, traps = all_at_one_port()
outside = [f"http://{STRANGER}:{own.port}/key"]
schemes = ["file:///etc/passwd", "gopher://127.0.0.1/_x", f"ftp://127.0.0.1:{own.port}/",
           f"dict://127.0.0.1:{own.port}/x", f"ldap://127.0.0.1:{own.port}/", "javascript:1", "data:,x"]
tricks = [f"http://{OWN}:{own.port}@127.0.0.1:{own.port}/", f"//127.0.0.1:{own.port}/",
          f"http:\\\\127.0.0.1:{own.port}\\", f"http://127.0.0.1:{own.port}\\@{OWN}/",
          f"http://127.0.0.1:{own.port}#@{OWN}/", f"http:///127.0.0.1:{own.port}/"]
private = ["http://10.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://192.168.0.1/",
           "http://[fe80::1]/", "http://[fd00::1]/", "http://100.64.0.1/", "http://224.0.0.1/"]
leads = forms_of_loopback(own.port) + schemes + tricks + private
own.leads |= {f"/{number}": where for number, where in enumerate(leads)}
own.leads |= {"/key": outside[0], "/credentials": outside[0],
              "/hook": f"http://{STRANGER}:{own.port}/hooked",
              "/short": f"//{STRANGER}:{own.port}/key"}
monitors = {f"m{number}": {"url": f"http://{OWN}:{own.port}/{number}", "interval": "5s",
                           "expect_status": "200-599"} for number in range(len(leads))}
monitors |= {
    "key": {"url": f"http://{OWN}:{own.port}/key", "interval": "5s", "headers": ["Key: secret"]},
    "credentials": {"url": f"http://u:secret@{OWN}:{own.port}/credentials", "interval": "5s"},
    "short": {"url": f"http://u:secret@{OWN}:{own.port}/short", "interval": "5s",
              "headers": ["Key: secret"]},
}
edge = Edge(Nobody())
webhooks = told_webhooks(edge, forms_of_loopback(own.port) + tricks + private[:2])
assert len(webhooks) > 8 and not told_webhooks(edge, schemes), webhooks
status = {"name": "Example", "monitors": monitors, "allow": [f"{STRANGER}/32"],
          "notify": {"webhooks": [{"url": url} for url in webhooks[:15]]
                     + [{"url": f"http://{OWN}:{own.port}/hook"}],
                     "allow": [f"{OWN}/32", f"{STRANGER}/32"], "digest": "1s"}}
assert is_good(edge, status)
with edge:
    # Monitors: each twice, so that the first has come to its end.
    wait_until(lambda: all(len(own.asked(f"/{number}")) > 1 for number in range(len(leads))),
               "each redirect was met twice")
    wait_until(lambda: len(stranger.asked("/key")) > 3, "what is allowed is followed")
    basic = base64.b64encode(b"u:secret").decode()
    assert all("Key: secret" in head for head in own.asked("/key")), own.asked("/key")
    assert all(basic in head for head in own.asked("/credentials")), own.asked("/credentials")
    for head in stranger.asked("/key"):
        assert "secret" not in head and basic not in head and "Authorization" not in head, head
    assert len({head.split(" ")[1] for head in stranger.heads}) == 1, stranger.heads

    # Webhooks: nobody hears of an incident but who is allowed, and whom that one names does not.
    subprocess.run([BINARY, "incident", "open", "Broken", "--component", "shop.example", "--state",
                    edge.folder / "state"], check=True, capture_output=True)
    wait_until(lambda: own.asked("/hook"), "the allowed webhook is called")
    wait_until(lambda: edge.metric("afloat_notify_tried_again_total")
               + edge.metric("afloat_notify_failed_total") >= len(webhooks[:15]) + 1,
               "each of them was tried")
    assert not stranger.asked("/hooked")
    assert [trap.count for trap in traps] == [0] * len(traps)
    # And all of that is no news for those who read the page.
    assert "secret" not in Visitor(edge).ask("/.afloat/status")[2]
