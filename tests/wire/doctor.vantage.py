"""A vantage: what it tells, whom it refuses, and that it cannot be sent where a stranger wants.

The site is at 127.0.0.3, the one address it may connect to beside public ones. Whoever connects to
the traps, at other addresses of this machine, was sent there."""

import concurrent.futures
import hashlib
import hmac
import http.client
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

from harness import (BINARY, Backend, Edge, Listener, Nobody, PATIENCE_SECONDS, Vantage, page,
                     wait_until)

KEY = "0123456789abcdef0123456789abcdef"
SITE = "127.0.0.3"


def ticket(url, key=KEY, expiry=None, nonce=None, method="GET", path="/.afloat/look"):
    expiry = int(time.time()) + 60 if expiry is None else expiry
    nonce = os.urandom(16) if nonce is None else nonce
    parts = [b"afloat ticket 1", method.encode(), path.encode(), url.encode(), b"%d" % expiry,
             nonce]
    text = b"".join(b"%d:%s" % (len(part), part) for part in parts)
    signature = hmac.new(key.encode(), text, hashlib.sha256).hexdigest()
    return {"Afloat-Ticket": f"{expiry} {nonce.hex()} {signature}"}


def ask(address, url, fields=None, source="127.0.0.1", method="GET"):
    """Status, fields and JSON of the answer."""
    connection = http.client.HTTPConnection(*address, timeout=PATIENCE_SECONDS,
                                            source_address=(source, 0))
    query = "" if url is None else "?url=" + urllib.parse.quote(url, safe="")
    connection.request(method, "/.afloat/look" + query, headers=fields or {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert len(content) < 1 << 20, len(content)
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status, answer.headers, json.loads(content)


def signed(address, url):
    return ask(address, url, ticket(url))


pages = {"/": page(b"<title>hello</title>")}
site = Listener(SITE, pages=pages)
port = site.port
traps = [Listener("127.0.0.1", port), Listener("127.0.0.2", port)]
if socket.has_ipv6:
    try:
        traps.append(Listener("::1", port))
    except OSError:
        pass
pages["/huge"] = page(b"<title>" + b"\x01" * 900_000 + b"</title>",
                      "".join(f"ETag{n}: {'x' * 1000}\r\n" for n in range(40))
                      + f"Server: {'y' * 8000}\r\nETag: {'z' * 8000}\r\n")
for i, trap in enumerate(["127.0.0.1", "127.0.0.2", "[::1]", "localhost", "[::ffff:127.0.0.2]"]):
    pages[f"/to{i}"] = page(b"", f"Location: http://{trap}:{port}/\r\n", "302 Found")
home = f"http://{SITE}:{port}/"
pages["/hop"] = page(b"", "Location: /\r\n", "302 Found")

settings = f"""vantage:
  enabled: true
  name: here
  keys: [{KEY}]
  allow: [{SITE}]
  ports: [{port}]
  control: ""
  canaries: ["{home}"]
  looks: 16
  keep: 1h
  per_client: {{requests: 1, interval: 1h, burst: 3}}
  total: {{requests: 1, interval: 1h, burst: 5}}
"""

# Where it must not go: the traps, and what every machine has around it. In all notations.
CORPUS = [f"{scheme}://{host}:{port}/" for scheme in ("http", "https") for host in (
    "127.0.0.1", "127.0.0.2", "localhost", "127.2", "127.0.2", "2130706434", "0x7f000002",
    "0x7f.0.0.2", "0177.0.0.2", "017700000002", "127.0.0.2.", "0.0.0.0", "[::]", "[::1]",
    "[::ffff:127.0.0.2]", "[::ffff:7f00:2]", "[0:0:0:0:0:ffff:127.0.0.2]", "[::127.0.0.2]",
    "[64:ff9b::127.0.0.2]", "[64:ff9b:1::7f00:2]", "[2002:7f00:2::]", "[2001:0:7f00:2::]",
    "[fe80::1]", "[fe80::1%25lo]", "[fc00::1]", "[ff02::1]", "\uff11\uff12\uff17.0.0.2",
    "127\u30020\u30020\u30022", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1",
    "169.254.169.254", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1",
    "user@127.0.0.2", f"{SITE}@127.0.0.2", f"{SITE}:80@127.0.0.2", f"127.0.0.2#@{SITE}",
    "127.0.0.2%00.example.org", "127.0.0.2\t", "127.0.0.2\r\nX: y")]
CORPUS += [f"http://{SITE}:{number}/" for number in (22, 25, 6379, 0, 65536, 70000)]
CORPUS += [f"{scheme}://127.0.0.2:{port}/" for scheme in ("ftp", "gopher", "file", "dict", "ws")]
CORPUS += ["file:///etc/passwd", "unix:/run/x", f"http:///127.0.0.2:{port}/", "//", ":", "http://",
           "\x00", "a" * 2049]

with Edge(Backend(lambda *_: page(b"")), settings) as edge:
    # What it tells.
    status, _, facts = signed(edge.address, home)
    assert status == 200, facts
    assert (facts["vantage"], facts["verdict"], facts["conclusive"]) == ("here", "OK", True), facts
    assert facts["target"]["url"] == home
    assert facts["attempts"] == [{**facts["attempts"][0], "address": f"{SITE}:{port}",
                                  "reach": "good"}], facts
    # Once for all who ask for the same within the time.
    before = site.count
    assert signed(edge.address, home)[2] == facts
    assert site.count == before
    together = home + "?together"
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: signed(edge.address, together), range(16)))
    assert {answer[0] for answer in answers} == {200}
    assert len({json.dumps(answer[2]) for answer in answers}) == 1
    ledger = edge.status()["ledger"]
    assert ledger["vantage_looks"] == 2 and ledger["vantage_shared"] == 16, ledger

    # Whatever the site sends, the answer is bounded (see ask).
    assert signed(edge.address, home + "huge")[0] == 200

    # It does not go there: refused before or, where names decide, with nothing reached.
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for url, (status, _, answer) in zip(CORPUS, pool.map(
                lambda url: signed(edge.address, url), CORPUS)):
            assert status in (400, 403) or not any(
                "reach" in attempt for attempt in answer.get("attempts", [])), (url, answer)
            if status == 200:  # nor does it tell what inner names stand for
                assert "127.0.0" not in json.dumps(answer.get("names", {})), (url, answer)
    assert signed(edge.address, home + "hop")[2]["answers"]["usual"]["url"] == home
    for i in range(5):  # nor by a redirect
        status, _, facts = signed(edge.address, home + f"to{i}")
        usual = facts["answers"]["usual"]
        assert status == 200 and usual["outcome"] in ("unreached", "leads_nowhere"), facts
    assert [trap.count for trap in traps] == [0] * len(traps)

    # Who signs, what and when.
    url = home + "?signed"
    good = ticket(url)
    now = int(time.time())
    for bad in (ticket(url, key="f" * 32), ticket(url + "&"), ticket(url, method="POST"),
                ticket(url, path="/.afloat/lock"), ticket(url, expiry=now - 3600),
                ticket(url, expiry=now + 3600), ticket(url, expiry=1 << 62),
                {"Afloat-Ticket": good["Afloat-Ticket"][:-1]}, {"Afloat-Ticket": "1 2 3"},
                {"Afloat-Ticket": ""}):
        status, _, answer = ask(edge.address, url, bad)
        assert status == 403 and "ticket" in answer["error"], (bad, answer)
    assert ask(edge.address, url, good)[0] == 200
    status, _, answer = ask(edge.address, url, good)
    assert status == 403 and "before" in answer["error"], answer

    # Who does not is held to a rate of his own, and to one of all.
    limited = edge.status()["ledger"]["vantage_limited"]
    statuses = [ask(edge.address, home, source="127.0.1.1")[0] for _ in range(4)]
    assert statuses == [200, 200, 200, 429], statuses
    assert [ask(edge.address, home, source="127.0.1.2")[0] for _ in range(3)] == [200, 200, 429]
    status, fields, answer = ask(edge.address, home, source="127.0.1.3")
    assert status == 429 and 0 < int(fields["Retry-After"]) <= 3600, (status, fields)
    assert edge.status()["ledger"]["vantage_limited"] == limited + 3
    assert signed(edge.address, home)[0] == 200  # not he who signs

    # It goes on after a reload, though nothing of the settings that it was made of is left.
    edge.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "is in force" in (edge.folder / "error.log").read_text(), "it is reloaded")
    status, _, facts = signed(edge.address, home + "?reloaded")
    assert status == 200 and facts["vantage"] == "here", facts

    assert ask(edge.address, home, method="POST")[0] == 405
    assert ask(edge.address, None)[0] == 400
    assert b" 404 " in edge.get("/.afloat/looks")[0]
    edge.await_quiet()

# Off unless told otherwise.
with Edge(Backend(lambda *_: page(b"")), "") as edge:
    assert b" 404 " in edge.get("/.afloat/look?url=http%3A%2F%2Fexample.org%2F")[0]

# The command: keys from a file; a vantage whose canaries are not well says that it cannot tell.
nobody = Nobody()
with tempfile.NamedTemporaryFile("w") as keys:
    keys.write(f"# ours\n\n{KEY}\n")
    keys.flush()
    with Vantage("--name", "there", "--key", keys.name, "--allow", f"{SITE}/32", "--port",
                 str(port), "--canary", f"http://{nobody.address}/") as vantage:
        status, _, facts = signed(vantage.address, home)
        assert status == 200 and facts["vantage"] == "there", facts
        assert facts["conclusive"] is False, facts
        assert ask(vantage.address, home, ticket(home, key="e" * 32))[0] == 403
    with Vantage("--allow", f"{SITE}/32", "--port", str(port), "--canary", home) as vantage:
        status, _, facts = ask(vantage.address, home)
        assert status == 200 and facts["conclusive"] is True, facts
        assert ask(vantage.address, home, ticket(home))[0] == 403  # it has no key

# The visitor's side: his doctor asks one that sees the same, one that he asks too often, one that
# is not there, and one that is none.
with socket.socket() as dead:
    dead.bind((SITE, 0))
    url = f"http://{SITE}:{dead.getsockname()[1]}/"
    flags = ["--allow", f"{SITE}/32", "--port", str(dead.getsockname()[1]), "--canary"]
    with Vantage(*flags, home) as sees, Vantage(*flags, home) as busy:
        while ask(busy.address, url)[0] == 200:
            pass
        froms = ["%s:%d" % sees.address, "http://%s:%d/" % busy.address, nobody.address,
                 f"{SITE}:{port}"]
        parties = [f"--{party}=off" for party in ("resolver", "doh", "portal", "control")]
        done = subprocess.run([BINARY, "check", url, "--json", "--timeout", "2m", *parties,
                               *(f"--from={at}" for at in froms)], stdout=subprocess.PIPE,
                              timeout=PATIENCE_SECONDS, check=False)
        told = json.loads(done.stdout)
        vantages = told["facts"]["vantages"]
        assert [vantage["name"] for vantage in vantages] == froms, told
        assert vantages[0]["conclusive"] is True and vantages[0]["verdict"] != "OK", told
        assert vantages[0]["facts"]["attempts"][0]["reach"] == "refused", told
        assert "429" in vantages[1]["why_not"] and "not a vantage" in vantages[3]["why_not"], told
        assert all("facts" not in vantage for vantage in vantages[1:]), told
