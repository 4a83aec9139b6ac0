"""Visits to the status page and its neighbours, for the wire tests of the watch."""

import http.client
import http.cookies
import json
import re
import urllib.parse

from harness import PATIENCE_SECONDS

HTML, JSON = "text/html", "application/json"


class Visitor:
    """A browser as far as it matters: keeps cookies, says where its forms come from."""

    def __init__(self, edge, source="127.0.0.1", host="shop.example"):
        self.edge, self.source, self.host, self.cookies = edge, source, host, {}

    def ask(self, path, form=None, method=None, **fields):
        """Status, fields and text; a form is sent by POST."""
        headers = {"Host": self.host, "Accept": HTML}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        body = None
        if form is not None:
            body = urllib.parse.urlencode(form, doseq=True)
            headers |= {"Content-Type": "application/x-www-form-urlencoded",
                        "Sec-Fetch-Site": "same-origin"}
        headers |= {name.replace("_", "-"): value for name, value in fields.items()}
        connection = http.client.HTTPConnection(*self.edge.address, timeout=PATIENCE_SECONDS,
                                                source_address=(self.source, 0))
        connection.request(method or ("GET" if body is None else "POST"), path, body,
                           {name: value for name, value in headers.items() if value is not None})
        answer = connection.getresponse()
        content = answer.read().decode()
        connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            cookie = http.cookies.SimpleCookie(line)
            for name, morsel in cookie.items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return answer.status, answer.headers, content

    def json(self, path):
        status, fields, content = self.ask(path, Accept=JSON)
        assert status == 200 and fields["Content-Type"].startswith("application/json"), content
        return json.loads(content)


def hidden(html, name):
    """The value of a hidden field of the first form that has it."""
    return re.search(f'name="{name}" value="([^"]*)"', html)[1]
