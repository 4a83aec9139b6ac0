"""Markup, scripts and line ends in every field that somebody fills in, from the settings to the
request's own head: whatever shows them again shows text, in every format."""

import http.client
import json
import socket
import subprocess
import urllib.parse

import hostile
from harness import BINARY, Edge, Mortal, page, read_to_end, wait_until
from visiting import HTML, JSON, Visitor, hidden

MARK, ATTACKS, SPLITTING = hostile.MARK, hostile.ATTACKS, hostile.SPLITTING
OPERATOR = "/operator"
hashed = subprocess.run([BINARY, "hash-password"], input="correct horse\n", text=True,
                        capture_output=True, check=True).stdout.strip()


def serve(connection):
    """A server that is watched, and says what it likes."""
    connection.recv(65536)
    head = (f"HTTP/1.1 500 {MARK}\r\nLocation: javascript:alert(1)\r\nServer: {MARK}\r\n"
            f"Content-Type: text/html\r\nX-{'Zz'}: 1\r\nConnection: close\r\n\r\n")
    connection.sendall(head.encode() + MARK.encode())


def settings_of(status):
    """JSON is YAML."""
    return "sites: [{hosts: [shop.example], lifelines: {hold: {enabled: false}}}]\nstatus: " + \
        json.dumps(status) + "\n"


def log_in(visitor):
    assert visitor.ask(OPERATOR + "/login", {"name": "anna", "password": "correct horse"})[0] == 303
    return hidden(visitor.ask(OPERATOR)[2], "proof")


def look_at_all(edge, anna, ids):
    """Every page and document there is, of the operator's too."""
    seen, visitor = set(), Visitor(edge)
    own = Visitor(edge, host="status.example")
    names = ["", "history", "history?month=1", "subscribe", "feed.atom", "calendar.ics", "badge.svg",
             "badge.svg?type=uptime", "badge/shop.example.svg", "badge/evil.svg?type=uptime",
             "component/shop.example", "component/evil", "component/evil?days=7", "logo", "nothing"]
    names += [f"incident/{id_}" for id_ in ids]
    names += [f"api/v2/{name}.json" for name in (
        "summary", "status", "components", "incidents", "incidents/unresolved",
        "scheduled-maintenances", "scheduled-maintenances/active",
        "scheduled-maintenances/upcoming")]
    for name in names:
        status, fields, content = own.ask("/" + name)
        seen.add(hostile.check_answer(fields, content))
        for language in ("en", "ar"):
            status, fields, content = visitor.ask("/.afloat/" + (name or "status"),
                                                  Accept_Language=language)
            hostile.check_answer(fields, content)
    for name in ["", "/audit"] + [f"/incident/{id_}" for id_ in ids]:
        status, fields, content = anna.ask(OPERATOR + name)
        assert status == 200, name
        hostile.check_answer(fields, content)
    assert seen >= {"text/html", "application/json", "application/atom+xml", "text/calendar",
                    "image/svg+xml"}, seen


def check_metrics(edge):
    with socket.create_connection(edge.metrics_address) as connection:
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        text = read_to_end(connection)[0].decode()
    for line in text.split("\r\n\r\n", 1)[1].splitlines():
        assert line.startswith(("afloat_", "# HELP afloat_", "# TYPE afloat_")), line


def open_incidents(edge, anna, proof):
    """By form and by command; the texts are told as they were written."""
    written = []
    for attack in ATTACKS:
        form = {"proof": proof, "title": attack, "text": attack, "state": "investigating",
                "impact": "major", "component": "evil", "eta": ""}
        status, _, html = anna.ask(OPERATOR + "/incident", form)
        assert status == 303, html
        written.append(attack)
    subprocess.run([BINARY, "incident", "open", MARK, "--text", MARK, "--component", "evil",
                    "--state", edge.folder / "state"], check=True, capture_output=True)
    for attack in SPLITTING:
        form = {"proof": proof, "title": attack, "text": "x", "state": "investigating",
                "impact": "major", "component": "evil", "eta": ""}
        status, fields, html = anna.ask(OPERATOR + "/incident", form)
        assert status in (303, 422), (attack, status)
        hostile.check_answer(fields, html) if status == 422 else None
        for name in ("text", "eta", "state", "impact", "component"):
            status, fields, html = anna.ask(OPERATOR + "/incident", form | {"title": "x", name: attack})
            assert status in (303, 422), (attack, name)
            hostile.check_answer(fields, html) if status == 422 else None
    told = Visitor(edge).json("/.afloat/api/v2/incidents/unresolved.json")["incidents"]
    names = {incident["name"] for incident in told}
    assert set(written) <= names, set(written) - names
    for incident in told[-len(ATTACKS):]:
        change = {"proof": proof, "title": incident["name"], "state": "resolved", "impact": "minor",
                  "text": MARK, "eta": ""}
        assert anna.ask(f"{OPERATOR}/incident/{incident['id']}", change)[0] == 303
        assert anna.ask(f"{OPERATOR}/incident/{incident['id']}",
                        {"proof": proof, "postmortem": "\n\n".join(ATTACKS)})[0] == 303
    return [incident["id"] for incident in told]


def announce_windows(edge, anna, proof):
    window = {"proof": proof, "title": "Work", "text": "", "begin": "2030-07-01T02:00",
              "duration": "2h", "zone": "UTC", "rule": "", "component": "shop.example"}
    for attack in ATTACKS + SPLITTING:
        for name in ("title", "text", "begin", "duration", "zone", "rule", "component"):
            begin = "2026-12-31T02:00" if name in ("title", "text") else window["begin"]
            status, fields, html = anna.ask(OPERATOR + "/window",
                                            window | {"begin": begin, name: attack})
            assert status in (303, 422), (attack, name, status)
            hostile.check_answer(fields, html) if status == 422 else None
    told = Visitor(edge).json("/.afloat/api/v2/scheduled-maintenances.json")
    assert MARK in {window["name"] for window in told["scheduled_maintenances"]}, told


def send_raw(edge, target, more):
    """As bytes, for what no client sends. Whether it was understood at all is not asked here."""
    request = f"GET {target} HTTP/1.1\r\n{more}Connection: close\r\n\r\n"
    answer, _ = edge.ask(request.encode("latin-1", "replace"))
    head, _, content = answer.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    fields = http.client.HTTPMessage()
    for line in lines[1:]:
        name, value = line.split(":", 1)
        fields[name] = value.strip()
    assert "Zz" not in fields and "onzz" not in head.decode("latin-1"), lines
    if fields["Transfer-Encoding"] is None and fields["Content-Type"]:
        hostile.check_answer(fields, content.decode())


def ask_oddly(edge):
    """What comes with requests: paths, queries, hosts and what proxies would add."""
    for attack in ATTACKS + SPLITTING:
        quoted = urllib.parse.quote(attack, safe="")
        bare = attack.replace("\r", "").replace("\n", "").replace("\0", "").replace(" ", "")
        for text in (quoted, bare.encode("ascii", "ignore").decode()):
            for target in (f"/{text}", f"/.afloat/{text}", f"/.afloat/component/{text}",
                           f"/.afloat/incident/{text}", f"/.afloat/badge/{text}.svg",
                           f"/.afloat/status?lang={text}", f"/.afloat/history?month={text}",
                           f"/.afloat/report?outcome={text}", f"/.afloat/confirm?token={text}",
                           f"/.afloat/unsubscribe?token={text}", f"/.afloat/push/{text}",
                           f"/.afloat/api/v2/{text}.json", f"/.afloat/operator/{text}",
                           f"/.afloat/badge.svg?type={text}"):
                for kind in (HTML, JSON):
                    send_raw(edge, target, f"Host: shop.example\r\nAccept: {kind}\r\n")
        plain = attack.replace("\r\n", " ")
        for path in ("/gone", "/.afloat/status", "/.afloat/subscribe", OPERATOR):
            send_raw(edge, path, f"Host: {plain}\r\n")
            send_raw(edge, path, f"Host: {'status' if path == OPERATOR else 'shop'}.example\r\nAccept: text/html\r\n"
                     + "".join(f"{name}: {plain}\r\n" for name in (
                         "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded",
                         "X-Request-Id", "Afloat-Request", "Referer", "User-Agent", "Cookie",
                         "Accept-Language", "Origin", "X-Original-URL", "Via")))


def fill_in(edge):
    """Forms that anybody may send."""
    for number, attack in enumerate(ATTACKS + SPLITTING):
        visitor = Visitor(edge, f"127.{20 + number}.0.1", "status.example")
        for path, form in (("/report", {"token": attack}),
                           ("/report", {"token": "x", "component": attack}),
                           ("/subscribe", {"email": attack}),
                           ("/subscribe", {"email": attack + "@example.org"}),
                           (f"/confirm?token={urllib.parse.quote(attack)}", {}),
                           (OPERATOR + "/login", {"name": attack, "password": attack}),
                           (OPERATOR + "/incident", {"title": attack})):
            _, fields, content = visitor.ask(path, form)
            hostile.check_answer(fields, content) if content else None
            assert "zz" not in " ".join(fields.values()), fields


def check_config(edge, status):
    edge.configure(settings_of(status))
    told = subprocess.run([BINARY, "check-config", edge.file], text=True, capture_output=True)
    assert "\x1b" not in told.stdout + told.stderr, told
    return told.returncode, told.stdout + told.stderr


def refuse_settings(edge, status):
    """What cannot be shown is refused where it is written."""
    assert check_config(edge, status)[0] == 0
    for name in ("name", "url", "site", "support"):
        for attack in SPLITTING[:6]:
            code, told = check_config(edge, status | {name: "https://a.example/" + attack})
            assert code != 0 and f"status.{name}" in told, (name, attack, told)
    for name in ("title", "group", "url"):
        for attack in SPLITTING[:6]:
            evil = status["monitors"]["evil"] | {name: "https://a.example/" + attack}
            code, told = check_config(edge, status | {"monitors": {"evil": evil}})
            assert code != 0 and name in told, (name, attack, told)


mortal, evil = Mortal(lambda connection: connection.sendall(page(b"hello"))), Mortal(serve)
evil.start()
edge = Edge(mortal)
logo = edge.folder / "logo.svg"
logo.write_text('<svg xmlns="http://www.w3.org/2000/svg"><text>logo</text></svg>')
status = {
    "name": MARK, "site": f"https://www.example/{MARK}", "support": "javascript:alert(1)",
    "url": f"https://status.example/{MARK}", "hosts": ["status.example"], "logo": str(logo),
    "incidents": {"automatic": True}, "canaries": [],
    "monitors": {"evil": {"title": MARK, "group": MARK, "interval": "5s",
                          "url": f"http://{evil.address}/{MARK}"},
                 "push": {"title": ATTACKS[1], "push": "0123456789abcdef"}},
    "notify": {"subscribe": True,
               "mail": {"server": "smtp://127.0.0.1:9", "from": "status@example.org"}},
    "operators": {"people": {"anna": {"password": hashed}}},
}
refuse_settings(edge, status)
edge.configure(settings_of(status))
with edge:
    anna = Visitor(edge, host="status.example")
    proof = log_in(anna)
    ask_oddly(edge)
    fill_in(edge)
    ids = open_incidents(edge, anna, proof)
    announce_windows(edge, anna, proof)
    wait_until(lambda: anna.ask(OPERATOR + "/audit")[2].count("cannot log in") > 3, "it was noted")
    look_at_all(edge, anna, ids)
    subprocess.run([BINARY, "maintenance", "on", "--message", MARK, "--state",
                    edge.folder / "state"], check=True, capture_output=True)
    for kind in (HTML, JSON):
        _, fields, content = Visitor(edge).ask("/gone", Accept=kind)
        hostile.check_answer(fields, content)
        assert "zz" in content
    look_at_all(edge, anna, ids)
    check_metrics(edge)
    assert not any("\x1b" in line for line in (edge.folder / "error.log").read_text().splitlines())
