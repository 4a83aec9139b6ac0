"""People are told of an outage and of its end, by mail once they said yes twice, and by webhooks
whose signature holds; what another site sends for them is not done, and one click ends it."""

import email
import email.policy
import hashlib
import hmac
import json
import re
import socketserver
import subprocess
import threading
import time
from html import escape

import hostile
from harness import BINARY, Edge, Mortal, page, wait_until
from visiting import Visitor

KEY = "0123456789abcdef0123456789abcdef"
mails, calls = [], []


class MailServer(socketserver.StreamRequestHandler):
    def handle(self):
        to, lines = None, None
        self.wfile.write(b"220 test\r\n")
        for line in self.rfile:
            if lines is not None:
                if line != b".\r\n":
                    lines.append(line.removeprefix(b"."))
                    continue
                message = email.message_from_bytes(b"".join(lines), policy=email.policy.default)
                mails.append((to, message))
                lines = None
            elif line.startswith(b"RCPT"):
                to = line.split(b"<")[1].split(b">")[0].decode()
            elif line.startswith(b"DATA"):
                lines = []
            elif line.startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(b"354 go on\r\n" if lines is not None else b"250 fine\r\n")


class Receiver(socketserver.StreamRequestHandler):
    def handle(self):
        fields = {}
        self.rfile.readline()
        while (line := self.rfile.readline().decode().strip()):
            name, value = line.split(": ", 1)
            fields[name.lower()] = value
        calls.append((fields, self.rfile.read(int(fields["content-length"]))))
        self.wfile.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True


def serve(handler):
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def answer(connection, *_):
    connection.recv(65536)
    connection.sendall(page(b"hello", "Cache-Control: no-store\r\nConnection: close\r\n"))


def link_in(message, name):
    text = message.get_body(("plain",)).get_content()
    return re.search(rf"https://status\.example(/{name}\?token=[\w-]+&lang=\w+)", text)[1]


mortal = Mortal(answer)
settings = f"""sites: [{{hosts: [shop.example]}}]
status:
  name: Übung & Söhne
  url: https://status.example
  hosts: [status.example]
  incidents: {{calm: 1s}}
  notify:
    mail: {{server: "smtp://127.0.0.1:{serve(MailServer)}", from: status@example.com,
      to: [operators@example.com]}}
    webhooks: [{{url: "http://127.0.0.1:{serve(Receiver)}/hook", key: {KEY}}}]
    allow: [127.0.0.1]
    digest: 1s
    subscribe: true
"""
mortal.start()
with Edge(mortal, settings) as edge:
    visitor = Visitor(edge, host="status.example")
    status, fields, html = visitor.ask("/subscribe")
    assert status == 200 and 'action="/subscribe?lang=en"' in html and 'type="email"' in html, html
    assert "default-src 'none'" in fields["Content-Security-Policy"], fields
    assert len(fields.get_all("Content-Security-Policy")) == 1
    assert fields["Referrer-Policy"] == "same-origin" and "afloat-form" not in html
    assert "subscribe" in visitor.ask("/")[2]
    status, fields, html = visitor.ask("/subscribe", Accept_Language="ar")
    assert 'dir="rtl"' in html and 'action="/subscribe?lang=ar"' in html, html
    assert fields["Content-Language"] == "ar", fields
    assert "E-Mails anfordern" in visitor.ask("/subscribe?lang=de", Accept_Language="ar")[2]

    # Not for others, and not for what is no address.
    assert visitor.ask("/subscribe", {"email": "who@example.org"},
                       Sec_Fetch_Site="cross-site")[0] == 403
    assert visitor.ask("/subscribe", {"email": "a@b.example\r\nBcc: c@d.example"})[0] == 400
    status, _, html = visitor.ask("/subscribe", {"email": "who@example.org"})
    assert status == 200, html
    wait_until(lambda: mails, "the mail to confirm came")
    to, message = mails.pop()
    assert to == message["To"].addresses[0].addr_spec == "who@example.org"
    assert "Übung & Söhne" in message["Subject"], message["Subject"]
    confirm = link_in(message, "confirm")
    status, _, html = visitor.ask(confirm)
    assert status == 200 and f'action="{escape(confirm)}"' in html, html
    french = confirm.replace("lang=en", "lang=fr")
    assert f'<a href="{escape(french.removeprefix("/confirm"))}" hreflang="fr"' in html, html
    assert "Envoyez-moi" in visitor.ask(french)[2]
    assert visitor.ask(confirm, {}, Sec_Fetch_Site="cross-site")[0] == 403
    assert visitor.ask(confirm, {})[0] == 200
    assert not mails

    # An outage: the operators, the subscriber and the program hear of it.
    mortal.stop()

    def visited(condition):
        """The site is judged by its visits, so there have to be some meanwhile."""
        def visit_and_look():
            edge.ask(b"GET / HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
            time.sleep(0.1)
            return condition()
        return visit_and_look

    wait_until(visited(lambda: len({to for to, _ in mails}) == 2 and calls), "people were told")
    told = dict(mails)
    assert set(told) == {"operators@example.com", "who@example.org"}, told.keys()
    message = told["who@example.org"]
    text = message.get_body(("plain",)).get_content()
    assert "https://status.example/incident/" in text and "shop.example" in text, text
    assert "shop.example" in message.get_body(("html",)).get_content()
    assert message["From"].addresses[0].display_name == "Übung & Söhne"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert told["operators@example.com"]["List-Unsubscribe"] is None

    fields, body = calls[0]
    moment, signature = (part.split("=")[1] for part in fields["afloat-signature"].split(","))
    expected = hmac.new(KEY.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(signature, expected)
    incident = json.loads(body)["incident"]
    assert incident["resolved_at"] is None and "shop.example" in str(incident["components"]), body

    # What a mail provider sends when its user has had enough: from elsewhere, without a cookie.
    target = message["List-Unsubscribe"].strip("<>").removeprefix("https://status.example")
    assert visitor.ask(target)[0] == 200
    assert visitor.ask(target, {"List-Unsubscribe": "One-Click"},
                       Sec_Fetch_Site="cross-site")[0] == 200

    mails.clear()
    mortal.start()
    wait_until(visited(lambda: any(json.loads(body)["incident"]["resolved_at"] for _, body in calls)
                       and any("Resolved" in message["Subject"] for _, message in mails)),
               "its end was told")
    assert "who@example.org" not in {to for to, _ in mails}

    # Who writes markup into an incident has it in no field of a mail, and as text in its body.
    mails.clear()
    subprocess.run([BINARY, "incident", "open", hostile.MARK, "--text", hostile.MARK + "\nZz: 1\n.\n",
                    "--component", "shop.example", "--state", edge.folder / "state"], check=True,
                   capture_output=True)
    wait_until(lambda: any("zz/onzz" in str(message["Subject"]) for _, message in mails),
               "what is hostile was told")
    for _, message in mails:
        assert message["Zz"] is None and not message.defects, message
        assert hostile.MARK in message["Subject"] and "\n" not in message["Subject"], message
        assert hostile.MARK in message.get_body(("plain",)).get_content()
        html = hostile.Document(never=())  # a mail's style is in its elements
        html.feed(message.get_body(("html",)).get_content())
        html.close()
        assert hostile.MARK in html.text and not html.open, html.text
    wait_until(lambda: any(json.loads(body)["incident"]["title"] == hostile.MARK
                           for _, body in calls), "the program was told, too")
    assert len({fields["afloat-delivery"] for fields, _ in calls}) == len(calls)
mortal.stop()
