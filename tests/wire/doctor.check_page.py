"""The check page: is it down for everyone, or only for me? For whom it looks, what it says, that
nothing a stranger wrote is markup there, and its limits.

The site that the edge serves is at 127.0.0.3 for the public, and the edge may connect there."""

import html.parser
import http.client
import json
import socket
import tempfile
import urllib.parse

from harness import Backend, Edge, Listener, Nobody, PATIENCE_SECONDS, Vantage, page

KEY = "0123456789abcdef0123456789abcdef"
SITE, FOREIGN = "127.0.0.3", "127.0.0.4"
HTML, JSON, TEXT = "text/html", "application/json", "text/plain"
VOID = {"meta", "input", "br"}


class Outline(html.parser.HTMLParser):
    """What elements there are, that they are closed in order, and where they lead."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.addresses, self.value = [], [], [], None
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert not any(name.startswith("on") for name in names) and len(set(names)) == len(names)
        fields = dict(attrs)
        self.addresses += [fields[name] for name in ("href", "src", "action") if name in fields]
        self.value = fields.get("value") if tag == "input" else self.value
        self.tags.append(tag)
        if tag not in VOID and tag != "path":
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID and tag != "path":
            assert self.open.pop() == tag, tag


def ask(edge, url=None, accept=HTML, method="GET", source="127.0.0.1", path="check"):
    """Status, fields and content; of HTML, what every one of these pages has to be."""
    connection = http.client.HTTPConnection(*edge.address, timeout=PATIENCE_SECONDS,
                                            source_address=(source, 0))
    query = "" if url is None else "?" + urllib.parse.urlencode({"url": url})
    connection.request(method, f"/.afloat/{path}{query}", headers={"Accept": accept})
    answer = connection.getresponse()
    content = answer.read().decode()
    connection.close()
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"].split(";")[0] == accept
    assert len(content) < 12288, len(content)
    if accept == HTML:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "form-action 'self'" in policy
        if method != "HEAD":
            outline = Outline(content)
            assert outline.addresses == ["/.afloat/check"], outline.addresses
            assert outline.tags.count("script") == 1 and outline.tags.count("label") == 1
    return answer.status, answer.headers, content


def asked(edge, url, **others):
    status, _, content = ask(edge, url, accept=JSON, **others)
    return status, json.loads(content)


pages = {"/": page(b"<title>hello</title>")}
HOSTILE = b"\"><script>alert(1)</script><img src=x onerror=alert(2)>\x1b[2J\x00\xff"
pages["/hostile"] = page(b"<title>" + HOSTILE + b"</title>" + HOSTILE,
                         f"Server: {HOSTILE[:40].decode()}\r\nRetry-After: <b>\r\n"
                         "Proxy-Status: \"<script>\"; error=connection_refused\r\n",
                         "503 <script>")
site = Listener(SITE, pages=pages)
foreign = Listener(FOREIGN, pages=pages)
with socket.socket() as place:
    place.bind((SITE, 0))
    refusing = place.getsockname()[1]

    def settings(more=""):
        return (f"sites:\n- hosts: [{SITE}, 127.0.0.9]\n"
                f"- {{}}\n"  # all other names lead here, and are not this edge's for that
                f"vantage:\n  enabled: true\n  name: here\n  control: \"\"\n  keep: 1h\n"
                f"  allow: [{SITE}, {FOREIGN}]\n  ports: [{site.port}, {foreign.port}, {refusing}]\n"
                f"  canaries: [\"{home}\"]\n{more}")

    home, elsewhere = f"http://{SITE}:{site.port}/", f"http://{FOREIGN}:{foreign.port}/"
    WIDE = ("  per_client: {requests: 1000, interval: 1s, burst: 1000}\n"
            "  total: {requests: 1000, interval: 1s, burst: 1000}\n")
    backend = Backend(lambda connection, *_: connection.sendall(page(b"")))

    with Edge(backend, settings(WIDE)) as edge:
        # The form alone, in all forms.
        status, _, content = ask(edge)
        assert status == 200 and "<form method=\"get\"" in content, content
        assert ask(edge, accept=TEXT)[0] == 200
        status, told = asked(edge, None)
        assert status == 400 and "?url=" in told["error"], told

        # Well from here.
        status, _, content = ask(edge, home)
        assert status == 200 and f"<h1>{SITE} is well</h1>" in content, content
        assert "it is only you" in content and "1 of 1" in content, content
        assert Outline(content).value == home
        status, told = asked(edge, home)
        assert status == 200 and told["answer"] == "well" and told["url"] == home, told
        assert [(place["name"], place["sight"], place["verdict"]) for place in told["places"]] \
            == [("here", "well", "OK")], told
        assert told["site"]["servers"] == {"total": 1, "healthy": 1}, told
        status, _, content = ask(edge, home, accept=TEXT)
        assert status == 200 and content.startswith(f"{SITE} is well.\n"), content
        status, fields, content = ask(edge, home, method="HEAD")
        assert status == 200 and content == "" and int(fields["Content-Length"]) > 1000
        ledger = edge.status()["ledger"]
        assert ledger["vantage_looks"] == 1 and ledger["vantage_shared"] == 3, ledger
        assert ledger["check_forms"] == 3, ledger
        # As a browser sends what was typed, with blanks around it.
        assert asked(edge, f"  {home} ")[1]["answer"] == "well"

        # Down.
        status, _, content = ask(edge, f"http://{SITE}:{refusing}/")
        assert status == 200 and f"<h1>{SITE} is down, as seen from here</h1>" in content, content
        assert "its server is not running" in content and "Do not restart" in content, content
        assert "Not well" in content

        # What others wrote.
        status, told = asked(edge, home + "hostile")
        assert status == 200 and told["answer"] == "down", told
        for url in (home + "hostile", home + "\"><script>alert(3)</script>", home + "?<b>&amp;'",
                    home + "\u202e\u2066", "\"><script>alert(4)</script>", "http://a'\"<b>/",
                    "javascript:alert(5)", "x" * 1900, "&" * 1900, "\x00\x1b[2J"):
            for accept in (HTML, JSON, TEXT):
                status, _, content = ask(edge, url, accept=accept)
                assert status in (200, 400, 403), (url, status)
                assert "\x1b" not in content and "\x00" not in content, (url, content)
                if accept == HTML:
                    assert "<script>alert" not in content and "<img" not in content, content

        # Whom it does not look for.
        before = foreign.count
        for url in (elsewhere, f"http://127.0.0.1:{site.port}/"):
            status, told = asked(edge, url)
            assert status == 403 and "none of them" in told["error"], (url, told)
        status, _, content = ask(edge, elsewhere)
        assert status == 403 and Outline(content).value == elsewhere
        assert foreign.count == before
        for url in ("http://", "ftp://x/", "http://user@h/", "a" * 3000):
            assert ask(edge, url)[0] == 400, url

        # One of its own that may not be looked at: then it says what it knows itself.
        status, told = asked(edge, f"http://127.0.0.9:{site.port}/")
        assert status == 200 and told["answer"] == "unknown", told
        assert "may not connect" in told["places"][0]["says"], told
        assert told["site"]["servers"]["healthy"] == 1, told

        status, fields, _ = ask(edge, home, method="POST")
        assert status == 405 and fields["Allow"] == "GET, HEAD"
        edge.await_quiet()

    # The edge knows more than it can see: nobody of the site answers it.
    with Edge(Nobody(), settings(WIDE)) as edge:
        edge.ask(f"GET / HTTP/1.1\r\nHost: {SITE}\r\nConnection: close\r\n\r\n".encode())
        for path, answer in ((f"http://127.0.0.9:{site.port}/", "down"), (home, "well")):
            told = asked(edge, path)[1]
            assert told["answer"] == answer and "down_since" in told["site"], told
        status, _, content = ask(edge, f"http://127.0.0.9:{site.port}/")
        assert "is down for everyone</h1>" in content and "0 of 1" in content, content

    # For all sites, and held to the vantage's rates.
    with Edge(backend, settings("  check_any: true\n  per_client: {requests: 1, interval: 1h, "
                                "burst: 2}\n")) as edge:
        told = asked(edge, elsewhere)[1]
        assert told["answer"] == "well" and "site" not in told, told
        assert asked(edge, "http://127.0.0.2/")[1]["answer"] == "unknown"
        status, fields, content = ask(edge, elsewhere)
        assert status == 429 and 0 < int(fields["Retry-After"]) <= 3600 and "Try again" in content
        assert ask(edge)[0] == 200  # the form is always there
        assert ask(edge, elsewhere, source="127.0.1.1")[0] == 200

    # Others are asked too: one that sees it, one that knows another key, one that is not there, and
    # one that may not look there.
    nobody = Nobody()
    ports = ["--port", str(site.port), "--port", str(refusing)]
    with tempfile.NamedTemporaryFile("w") as keys:
        keys.write(KEY)
        keys.flush()
        with Vantage("--key", keys.name, "--allow", SITE, "--canary", home, *ports) as sees, \
                Vantage("--canary", home, *ports) as strict, Edge(backend, settings(
                    WIDE + f"""  others:
    sees: {{url: "http://{sees.at}", key: {KEY}}}
    stranger: {{url: "http://{sees.at}", key: {KEY[::-1]}}}
    dead: {{url: "http://{nobody.address}", key: {KEY}}}
    strict: {{url: "http://{strict.at}"}}
""")) as edge:
            for url, answer in ((home, "well"), (f"http://{SITE}:{refusing}/", "down")):
                told = asked(edge, url)[1]
                sight = {"well": "well", "down": "bad"}[answer]
                assert told["answer"] == answer, told
                assert [(place["name"], place["sight"]) for place in told["places"]] == [
                    ("here", sight), ("sees", sight), ("stranger", "unknown"),
                    ("dead", "unknown"), ("strict", "unknown")], told
                assert "could not be asked" in told["places"][3]["says"], told
            content = ask(edge, home)[2]
            assert "from here and from 1 other place" in content, content
            assert Outline(content).tags.count("tr") == 6
            assert nobody.address not in content and sees.at not in content
            content = ask(edge, f"http://{SITE}:{refusing}/")[2]
            assert "is down for everyone</h1>" in content, content
            # Where this edge may not look, others may.
            told = asked(edge, f"http://127.0.0.9:{site.port}/")[1]
            assert [place["sight"] for place in told["places"]] == ["unknown"] * 5, told
            edge.await_quiet()

# Not there unless the vantage is.
with Edge(backend) as edge:
    assert b" 404 " in edge.get("/.afloat/check")[0]
