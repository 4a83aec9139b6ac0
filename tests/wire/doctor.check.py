"""afloat check, as a user and as a script call it, against sites on the loopback that fail in ways
of their own. Whose fault it is in a whole network is what the fault laboratory tests."""

import contextlib
import gzip
import json
import os
import pathlib
import subprocess
import sys
import threading

import jsonschema

from harness import AT_ONCE, Backend, Edge, Nobody, reset

SCHEMA = json.loads((pathlib.Path(__file__).resolve().parents[2] / "docs"
                     / "check.schema.json").read_text())
SIDES = {"fine": 0, "site": 1, "yours": 2, "between": 3, "unknown": 4}
PAGE = b"<title>A page</title><p>What people come for."
CLEAR = b"\x1b[2J\x1b]0;owned\x07\xc2\x9b31m\xe2\x80\xae"
over = threading.Event()


def whole(status, body, *fields):
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Length: {len(body)}\r\n".encode()
    return head + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


ANSWERS = {
    "/well": whole(200, PAGE, b"Server: lab"),
    "/gone": whole(404, b"no such page"),
    "/login": whole(401, b"", b"WWW-Authenticate: Basic realm=x"),
    "/broken": whole(500, b"<h1>Internal Server Error</h1>"),
    "/nginx": whole(502, b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center>"
                    b"<h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n"
                    b"</body>\r\n</html>\r\n", b"Server: nginx/1.22.1"),
    "/later": whole(503, b"", b"Retry-After: 1800"),
    "/told": whole(504, b"", b"Proxy-Status: edge.example; error=connection_timeout"),
    "/cut": b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nhalf of it",
    "/garbage": b"\x00\x01\x02 this is no HTTP \xff\xfe\r\n\r\n",
    "/loop": whole(302, b"", b"Location: /loop"),
    "/nowhere": whole(302, b"", b"Location: http://[oops/"),
    "/mailto": whole(302, b"", b"Location: mailto:webmaster@example.org"),
    "/escapes": whole(503, b"<title>" + CLEAR + b"</title>", b"Server: " + CLEAR,
                      b"Proxy-Status: " + CLEAR, b"Cache-Status: " + CLEAR),
    "/nul": whole(500, b"\x00" * 5000, b"Server: a\x00b"),
    "/head": b"HTTP/1.1 500 Whatever\r\n" + b"X-Field: value\r\n" * 700000 + b"\r\n",
    "/line": b"HTTP/1.1 500 Whatever\r\nX-Field: " + b"v" * 10000000 + b"\r\n\r\n",
    "/bomb": whole(200, gzip.compress(bytes(50 << 20)), b"Content-Encoding: gzip"),
}
EXPECTED = {  # verdict, rule
    "/well": ("OK", "fine"), "/gone": ("OK", "fine"), "/login": ("OK", "fine"),
    "/broken": ("ORIGIN_DOWN", "error"), "/nginx": ("ORIGIN_DOWN", "error"),
    "/later": ("ORIGIN_OVERLOAD", "error"), "/told": ("ORIGIN_DOWN", "error"),
    "/cut": ("ORIGIN_DOWN", "no-answer"), "/garbage": ("ORIGIN_DOWN", "no-answer"),
    "/loop": ("ORIGIN_DOWN", "no-answer"), "/nowhere": ("ORIGIN_DOWN", "no-answer"),
    "/mailto": ("ORIGIN_DOWN", "no-answer"), "/reset": ("ORIGIN_DOWN", "no-answer"),
    "/mute": ("ORIGIN_SLOW", "no-answer"), "/escapes": ("ORIGIN_DOWN", "error"),
    "/nul": None, "/head": ("ORIGIN_DOWN", "no-answer"), "/line": ("ORIGIN_DOWN", "no-answer"),
    "/bomb": ("ORIGIN_DOWN", "no-answer"), "/endless": ("ORIGIN_DOWN", "no-answer"),
    "/state": ("CLIENT_STATE", "returning"), "/flaky": ("ORIGIN_DOWN", "cached-error"),
    "/programs": ("OK", "only-browsers"), "/blocked": ("BLOCKED_YOU", "blocked"),
}


def say(connection, head, _):
    path = head.split(" ")[1].split("?")[0]
    if path == "/reset":
        reset(connection)
    elif path == "/mute":
        over.wait(30)
    elif path == "/endless":
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not over.is_set():
            connection.sendall(b"<p>and so on" * 5000)
    elif path == "/state":
        if "session=" in head:
            connection.sendall(whole(500, b"oh"))
        else:
            connection.sendall(whole(200, PAGE, b"Set-Cookie: session=8f3a; Path=/"))
    elif path == "/flaky":
        anew = "no-cache" in head or "?" in head.split(" ")[1]
        connection.sendall(whole(200 if anew else 500, PAGE))
    elif path == "/programs":
        connection.sendall(whole(200 if "Mozilla" in head else 406, PAGE))
    elif path == "/blocked":
        connection.sendall(whole(403, b"no"))
    else:
        connection.sendall(ANSWERS.get(path, ANSWERS["/gone"]))
    return False


def check(*words, environment=None):
    return subprocess.run([sys.argv[1], "check", *words], capture_output=True, timeout=60,
                          check=False, env=environment)


def report(url, *words):
    """What it says as JSON, which is as its schema says, and its status what it says."""
    done = check(url, "--json", "--no-remote", "--timeout", "8s", *words)
    assert done.stderr == b"", done.stderr
    said = json.loads(done.stdout)
    jsonschema.validate(said, SCHEMA)
    assert done.returncode == SIDES[said["side"]], (done.returncode, said["side"])
    assert said["asked"] == [] and said["fault"].endswith("."), said
    return said


def verdicts(site):
    for path, expected in EXPECTED.items():
        said = report(site + path)
        if expected is not None:
            assert (said["verdict"], said["rule"]) == expected, (path, said)
    said = report(site + "/later")
    assert said["retry_at"] is not None, said
    nobody = Nobody()
    said = report(f"http://{nobody.address}/")
    assert (said["verdict"], said["rule"]) == ("ORIGIN_DOWN", "refused"), said
    said = report("https://" + site.removeprefix("http://"))
    assert said["verdict"] == "ORIGIN_DOWN", said  # it waits for the end of a head


def text(site):
    """Nothing but the result on a pipe, and nothing that does something to a terminal."""
    for path in ("/well", "/escapes", "/nul", "/garbage"):
        for locale in ("C", "C.UTF-8"):
            done = check(site + path, "--no-remote", "--explain", environment={"LC_ALL": locale})
            shown = done.stdout.decode("utf-8")
            assert not [c for c in shown if c != "\n" and (ord(c) < 32 or 126 < ord(c) < 160)], shown
            assert "\u202e" not in shown and "[2J" not in shown.replace("?[2J", ""), shown
            assert locale != "C" or shown.isascii(), shown
            assert "You" in shown and " ms\n" not in shown.split("Seen:")[0], shown
    done = check(site + "/well", "--no-remote")
    assert done.returncode == 0 and b"The site is well." in done.stdout, done.stdout
    done = check(site + "/state", "--no-remote")
    assert done.returncode == 2 and b"Firefox: " in done.stdout, done.stdout
    done = check(site + "/nginx", "--no-remote")
    assert b"Do not restart your router" in done.stdout, done.stdout


def on_a_terminal(url, **variables):
    ours, its = os.openpty()
    with subprocess.Popen([sys.argv[1], "check", url, "--no-remote"], stdout=its, stderr=its,
                          env={"LC_ALL": "C.UTF-8", **variables}) as process:
        os.close(its)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal's end reads
            while piece := os.read(ours, 65536):
                shown += piece
        os.close(ours)
    assert process.returncode == 1, shown
    return shown.decode()


def terminal(site):
    """Each step as it ends, then the result, in colours unless they are not wanted."""
    shown = on_a_terminal(site + "/nginx")
    progress, _, result = shown.partition("You")
    assert "asking for the page" in progress and " ms" in progress, shown
    assert "asking how it looks from elsewhere" not in progress, shown
    assert "Site" in result and "\x1b[31m" in result, shown
    shown = on_a_terminal(site + "/nginx", NO_COLOR="1")
    assert "asking for the page" in shown and "\x1b" not in shown, shown


def bad_words():
    for words, says in [((), b"expected a URL"), (("not a url",), b""), (("ftp://a/",), b""),
                        (("http://user:secret@a/",), b""), (("http://a:99999/",), b""),
                        (("http://",), b""), (("a", "--timeout", "0s"), b"--timeout"),
                        (("a", "--frobnicate"), b"no such flag")]:
        done = check(*words)
        assert done.returncode == 64 and done.stdout == b"", (words, done)
        assert done.stderr.startswith(b"afloat check: ") and says in done.stderr, done.stderr
        assert done.stderr.count(b"\n") == 1 and b"secret" not in done.stderr, done.stderr


def signatures(site):
    """A table of one's own in place of the one built in."""
    folder = pathlib.Path(sys.argv[1]).parent
    table = folder / "wire-signatures.txt"
    table.write_text((pathlib.Path(__file__).resolve().parents[2] / "src" / "doctor"
                      / "signatures.txt").read_text())
    try:
        said = report(site + "/nginx", "--signatures", str(table))
        assert said["verdict"] == "ORIGIN_DOWN", said
        table.write_text("this is no table\n")
        done = check(site + "/nginx", "--signatures", str(table))
        assert done.returncode == 70 and b"wire-signatures.txt" in done.stderr, done
        table.write_bytes(b"#" * (256 << 10) + b"\n")
        done = check(site + "/nginx", "--signatures", str(table))
        assert done.returncode == 70 and b"is larger than 256 KB" in done.stderr, done
    finally:
        table.unlink()
    done = check(site + "/nginx", "--signatures", "/nonexistent")
    assert done.returncode == 70 and b"/nonexistent" in done.stderr, done


def own_page():
    """afloat in front of a dead backend: its page and its fields say so themselves."""
    with Edge(Nobody(), AT_ONCE) as edge:
        said = report(f"http://{edge.address[0]}:{edge.address[1]}/page")
        assert said["verdict"] == "ORIGIN_DOWN", said
        assert "proxy_status" in said["facts"]["answers"]["usual"], said


def main():
    backend = Backend(say)
    site = f"http://{backend.address}"
    verdicts(site)
    text(site)
    terminal(site)
    bad_words()
    signatures(site)
    own_page()
    over.set()


main()
