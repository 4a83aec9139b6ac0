"""What an attacker writes, and whether any of it is markup where it is shown: for the wire tests.

The marks are an element <zz>, an attribute onzz and a scheme of script. Each format is read as
strictly as its readers do; what is left of the marks must be text.
"""

import base64
import hashlib
import html.parser
import json
import re
import xml.etree.ElementTree

MARK = "\"'><zz/onzz=1>]]></title></script><!--"  # of use in a field of few bytes, too
ATTACKS = [MARK, "\"><script>alert(1)</script>", "'\"onmouseover=alert(1) onzz=1 x='",
           "javascript:alert(1)", "\" autofocus onfocus=alert(1) onzz=\"", "</textarea><zz>",
           "]]><zz xmlns=\"http://www.w3.org/1999/xhtml\"/>", "&lt;zz&gt;&#60;zz&#62;", "${zz}{{zz}}",
           "https://a.example/\"onzz=1<zz>", "&#x22;onzz=&#x22;"]
SPLITTING = ["a\r\nZz: 1\r\n\r\n<zz>", "a\nZz: 1\n", "a\rZz: 1", "a\0<zz>", "a\x1b[31m",
             "a\r\nEND:VEVENT\r\nZZ:1", "a\u2028b\x85c", "\u202e<zz>\u2066"]
VOID = {"meta", "link", "br", "input", "img", "hr", "wbr"}
NEVER = {"zz", "iframe", "object", "embed", "base", "frame", "applet"}


class Document(html.parser.HTMLParser):
    """Fails where it finds a mark as markup, or elements that do not nest."""

    def __init__(self, policy="", never=("style", "srcdoc")):
        super().__init__(convert_charrefs=True)
        self.policy, self.never, self.open, self.text = policy, never, [], ""

    def handle_starttag(self, tag, attributes):
        assert tag not in NEVER, tag
        names = [name for name, _ in attributes]
        assert len(set(names)) == len(names), (tag, attributes)
        for name, value in attributes:
            assert re.fullmatch(r"[a-z][a-zA-Z0-9:-]*", name), (tag, attributes)
            assert not name.startswith("on") and name not in self.never, (tag, attributes)
            if name in ("href", "src", "action", "formaction", "content", "xlink:href"):
                plain = re.sub(r"[\x00-\x20]", "", value or "").lower()
                assert not re.match(r"(java|vb)script:|data:(?!image/)", plain), (tag, attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open)
        self.open.pop()

    def handle_comment(self, data):
        raise AssertionError(data)

    def handle_data(self, data):
        assert "\0" not in data
        self.text += data
        if self.open and self.open[-1] in ("script", "style"):
            told = hashlib.sha256(data.encode()).digest()
            assert f"'sha256-{base64.b64encode(told).decode()}'" in self.policy, data


def check_html(content, policy):
    assert "default-src 'none'" in policy and "unsafe" not in policy, policy
    document = Document(policy)
    document.feed(content)
    document.close()
    assert not document.open, document.open
    assert not document.rawdata, document.rawdata
    return document.text


def check_xml(content):
    for element in xml.etree.ElementTree.fromstring(content).iter():
        tag = element.tag.rsplit("}", 1)[-1]
        assert tag not in NEVER | {"script", "foreignObject"}, tag
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on"), (tag, name)
            assert not re.match(r"\s*javascript:", value, re.I), (tag, name, value)
        if element.attrib.get("type") in ("html", "xhtml"):
            part = Document()
            part.feed(element.text or "")
            part.close()
            assert not part.open, part.open


def check_calendar(content):
    """RFC 5545 section 3.1; and only what ours has."""
    assert not re.search(r"(?<!\r)\n|\r(?!\n)|[\0-\x08\x0b\x0c\x0e-\x1f\x7f]", content)
    lines = content.replace("\r\n ", "").split("\r\n")
    assert lines.pop() == "" and all(len(line.encode()) <= 75 for line in content.split("\r\n"))
    known = {"BEGIN", "END", "VERSION", "PRODID", "CALSCALE", "METHOD", "UID", "DTSTAMP", "DTSTART",
             "DTEND", "DURATION", "SUMMARY", "DESCRIPTION", "URL", "STATUS", "RRULE", "SEQUENCE",
             "LAST-MODIFIED", "CREATED", "CATEGORIES", "LOCATION", "TRANSP", "TZID", "TZOFFSETFROM",
             "TZOFFSETTO", "TZNAME", "RDATE", "EXDATE", "NAME", "X-WR-CALNAME", "REFRESH-INTERVAL",
             "X-PUBLISHED-TTL", "SOURCE", "RECURRENCE-ID"}
    depth = []
    for line in lines:
        name = re.split("[;:]", line, 1)[0]
        assert ":" in line and name in known, line
        if name == "BEGIN":
            depth.append(line[6:])
        if name == "END":
            assert depth.pop() == line[4:], line
    assert not depth


def check_answer(fields, content):
    """By its type; the fields may be what nobody could have sent but us."""
    assert "Zz" not in fields and "zz" not in " ".join(fields.values()), fields
    kind = fields["Content-Type"].split(";")[0]
    assert fields["X-Content-Type-Options"] == "nosniff", fields
    if kind == "text/html":
        check_html(content, fields["Content-Security-Policy"])
    elif kind in ("application/json", "application/problem+json"):
        json.loads(content, parse_constant=lambda word: json.loads("!"))
    elif kind in ("application/atom+xml", "image/svg+xml"):
        check_xml(content)
    elif kind == "text/calendar":
        check_calendar(content)
    else:
        assert kind == "text/plain", kind
    return kind
