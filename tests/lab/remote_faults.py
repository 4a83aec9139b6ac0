"""What is wrong at the other end: the site's names, its machines, its certificate, its answers, and
the CDN in front of it. What error pages say is in page_faults.py."""

import random
import socket
import struct

from door import Answer, Door
from fault import ALIKE, GET, HEAD, SHOP, WHOLE, Fault, rules
from world import healthy

VISITOR = ("203.0.113.7", "2001:db8:7::10")  # as others see him
CERTIFICATE = ("curl -s --max-time 4 -o /dev/null -w '%{exitcode} %{errormsg}\\n' {url}; "
               "openssl s_client -connect www.site.test:443 -servername www.site.test </dev/null "
               "2>&1 | grep -E 'Verify return code|Verification error'")
OLD = b"<title>shop.test</title><h1>The page of last week</h1>"


def mute(connection, over):
    over.wait(30)


def reset(connection, over):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def garbage(connection, over):
    connection.recv(65536)
    connection.sendall(random.Random(1).randbytes(3000))


def speak_plainly(connection, over):
    """As a server whose port 443 was never told of TLS."""
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


def go_away(connection, over):
    """An empty SETTINGS, then GOAWAY with INTERNAL_ERROR."""
    connection.recv(65536)
    connection.sendall(bytes.fromhex("000000040000000000") + bytes.fromhex(
        "000008070000000000" "00000000" "00000002"))
    connection.recv(65536)


def settle_and_wait(connection, over):
    """An empty SETTINGS, and nothing more."""
    connection.recv(65536)
    connection.sendall(bytes.fromhex("000000040000000000"))
    over.wait(30)


def around(request):
    return Answer(302, {"Location": f"https://{request.host}{request.path}"})


def to_and_fro(request):
    """TLS sends to the page without, that to the page with it."""
    other = "http" if request.scheme == "https" else "https"
    return Answer(301, {"Location": f"{other}://{request.host}{request.path}"})


def to_nowhere(request):
    return Answer(302, {"Location": "https://gone.site.test/"})


def slowly(request):
    answer = healthy(request)
    answer.delay = 20
    return answer


def by_drops(request):
    answer = healthy(request)
    page = answer.content
    answer.content, answer.pause = (page[at:at + 50] for at in range(0, len(page), 50)), 1
    return answer


def broken_off(request):
    answer = healthy(request)
    answer.length = len(answer.content)
    answer.content = answer.content[:5000]
    return answer


def endless(request):
    def pieces():
        while True:
            yield b"<p>and so on" * 1000
    return Answer(200, {}, pieces(), pause=0.01)


def cookie_breaks(request):
    """Well for who comes first, and broken for who comes back with what he was given."""
    if "session=" in request.fields.get("cookie", ""):
        return Answer(500, {}, b"<h1>Internal Server Error</h1>")
    answer = healthy(request)
    answer.fields["Set-Cookie"] = "session=8f3a; Path=/; HttpOnly"
    return answer


def is_fetched_anew(request):
    return "?" in request.path or "no-cache" in request.fields.get("cache-control", "")


def kept_too_long(request):
    """A CDN that goes on sending what should have gone days ago."""
    if request.host != "shop.test" or request.scheme == "http":
        return healthy(request)
    if is_fetched_anew(request):
        answer = healthy(request)
        answer.fields.update({"Cache-Status": "edge; fwd=request; fwd-status=200", "ETag": '"2"'})
        return answer
    return Answer(200, {"Cache-Control": "max-age=60", "Age": "604800", "ETag": '"1"',
                        "Last-Modified": "Mon, 02 Mar 2020 08:00:00 GMT",
                        "Cache-Status": "edge; hit; ttl=-604740"}, OLD)


def kept_error(request):
    """A CDN that has kept an error, while the site is well again."""
    if request.host != "shop.test" or request.scheme == "http" or is_fetched_anew(request):
        return healthy(request)
    return Answer(503, {"Age": "3400", "Cache-Status": "edge; hit; ttl=200"},
                  b"<h1>503 Service Unavailable</h1>")


def out_of_order(request):
    """A place of a CDN that is broken for all its customers."""
    return Answer(503, {"Server": "edge", "X-Served-By": "edge-near-1"},
                  b"<h1>Error 503 Service Unavailable</h1><p>edge-near-1 has no capacity</p>")


def only_for(clients, refuse):
    def answer(request):
        return refuse if request.client in clients else healthy(request)
    return answer


CLOUDFLARE_1020 = Answer(403, {"Server": "cloudflare", "CF-RAY": "8f2a1c9d7e6b5a40-FRA"}, b"""\
<!DOCTYPE html><title>Access denied | shop.test used Cloudflare to restrict access</title>
<h1>Error 1020</h1><h2>Access denied</h2>
<p>This website is using a security service to protect itself from online attacks.</p>
<!-- error code: 1020 -->error code: 1020""")
AKAMAI_DENIED = Answer(403, {"Server": "AkamaiGHost", "Mime-Version": "1.0"}, b"""\
<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD><BODY><H1>Access Denied</H1>
You don't have permission to access "http&#58;&#47;&#47;shop&#46;test&#47;" on this server.<P>
Reference&#32;&#35;18&#46;5c7a1202&#46;1764500000&#46;1a2b3c4d</BODY></HTML>""")
PLAIN_403 = Answer(403, {"Server": "nginx"}, b"<h1>403 Forbidden</h1>")

NAMES = [
    Fault("dns-nxdomain", "The site's name does not exist any more.", "SITE_DNS",
          names={"www.site.test": "nxdomain"}, probe="dig www.site.test | grep status; " + GET,
          sees=r"(?s)NXDOMAIN.*000 6 "),
    Fault("dns-servfail", "The site's servers of names are dead: every resolver fails.", "SITE_DNS",
          names={"www.site.test": "servfail"}, probe="dig www.site.test | grep status; " + GET,
          sees=r"(?s)SERVFAIL.*000 6 "),
    Fault("dns-silent", "Resolvers do not even answer for the site, as they wait for its servers.",
          "SITE_DNS", names={"www.site.test": "silent"},
          probe="dig +tries=1 +time=2 www.site.test; dig +short well.public.test",
          sees=r"(?s)(timed out|no servers could be reached).*198\.51\.100\.53"),
    Fault("dns-empty", "The site's name is there, and has no address.", "SITE_DNS",
          names={"www.site.test": []}, probe="dig www.site.test | grep -E 'status|ANSWER:'; " + GET,
          sees=r"(?s)NOERROR.*ANSWER: 0.*000 6 "),
    Fault("dns-private", "The site's name leads to a private address.", "SITE_DNS",
          also=("ORIGIN_DOWN",), names={"www.site.test": ["10.99.99.99"]},
          probe="dig +short www.site.test", sees=r"^10\.99\.99\.99"),
]

CONNECTIONS = [
    Fault("refused", "Nobody listens at the site: connections are refused.", "ORIGIN_DOWN",
          doors={"site": None}, sees=r"^000 7 .*(refused|Couldn't connect|Failed to connect)"),
    Fault("silent", "The site's machine takes no packet: no connection, no refusal.", "ORIGIN_DOWN",
          make={"site": rules("input", "tcp dport { 80, 443 } drop")},
          probe=HEAD + "{url}; dig +short www.site.test", sees=r"(?s)^000 28 .*198\.51\.100\.10"),
    Fault("accepts-and-is-mute", "The site accepts connections and says nothing.", "ORIGIN_DOWN",
          also=("ORIGIN_SLOW", "ORIGIN_TLS"), doors={"site": Door(accepted=mute)},
          probe="curl -sSv --max-time 4 {url} 2>&1 | grep -E 'Connected to|timed? ?out'",
          sees=r"(?s)Connected to.*\(28\) "),
    Fault("resets", "The site accepts connections and resets them.", "ORIGIN_DOWN",
          also=("ORIGIN_TLS",), doors={"site": Door(accepted=reset)}, sees=r"^000 (35|56) .*reset"),
    Fault("half-of-the-addresses", "Of the site's addresses every other is dead.", "ORIGIN_DOWN",
          vantage=ALIKE, felt=False,
          make={"site": rules("input", "ip daddr 198.51.100.11 tcp dport { 80, 443 } drop",
                              "ip6 daddr 2001:db8:10::11 tcp dport { 80, 443 } drop")},
          probe="for a in 198.51.100.10 198.51.100.11 [2001:db8:10::10] [2001:db8:10::11]; do "
                "curl -sS --max-time 3 -o /dev/null -w '%{http_code} %{exitcode}\\n' "
                "--connect-to ::$a: {url} 2>/dev/null; done",
          sees=r"^200 0\n000 28\n200 0\n000 28\n"),
    Fault("blocked-address", "The site's firewall drops this visitor's packets alone.",
          "BLOCKED_YOU", also=("ISP_PATH",),
          make={"site": rules("input", *(f"{ip} saddr {address} drop"
                                         for ip, address in zip(("ip", "ip6"), VISITOR)))},
          probe=HEAD + "{url}; " + HEAD + "https://well.public.test/",
          sees=r"(?s)^000 28 .*\n200 0 "),
]

TLS = [
    Fault("certificate-expired", "The site's certificate has expired.", "ORIGIN_TLS",
          doors={"site": Door(healthy, "expired")}, probe=CERTIFICATE, sees=r"^60 .*has expired"),
    Fault("certificate-of-another", "The certificate is for another name.", "ORIGIN_TLS",
          doors={"site": Door(healthy, "elsewhere")}, probe=CERTIFICATE,
          sees=r"(?s)^60 .*no alternative certificate subject name.*code: 0 \(ok\)"),
    Fault("certificate-self-signed", "The site signed its certificate itself.", "ORIGIN_TLS",
          doors={"site": Door(healthy, "self-signed")}, probe=CERTIFICATE,
          sees=r"^60 .*self.signed"),
    Fault("certificate-chain-short", "The site does not send the authority in between.",
          "ORIGIN_TLS", doors={"site": Door(healthy, "alone")}, probe=CERTIFICATE,
          sees=r"^60 .*unable to get local issuer"),
    Fault("no-tls-at-443", "The site speaks HTTP without TLS at port 443.", "ORIGIN_TLS",
          doors={"site:443": Door(accepted=speak_plainly)},
          sees=r"^000 35 .*(wrong version number|packet length|SSL)"),
    Fault("http2-goes-away", "Whoever speaks HTTP/2 is turned away at once; HTTP/1.1 is well.",
          "CLIENT_PROTO", doors={"site": Door(healthy, http2=go_away)}, vantage=ALIKE,
          probe=HEAD + "--http2 {url}; " + HEAD + "--http1.1 {url}",
          sees=r"(?s)^000 (16|92|56) .*\n200 0 "),
    Fault("http2-hangs", "Requests over HTTP/2 get no answer; HTTP/1.1 is well.", "CLIENT_PROTO",
          doors={"site": Door(healthy, http2=settle_and_wait)}, vantage=ALIKE,
          probe=HEAD + "--http2 {url}; " + HEAD + "--http1.1 {url}",
          sees=r"(?s)^000 28 .*\n200 0 "),
]

ANSWERS = [
    Fault("redirect-loop", "The page redirects to itself.", "ORIGIN_DOWN",
          doors={"site": Door(around)}, probe=HEAD + "-L {url}", sees=r"^302 47 "),
    Fault("redirect-to-and-fro", "TLS redirects to plain HTTP, and that to TLS.", "ORIGIN_DOWN",
          doors={"site": Door(to_and_fro)}, probe=HEAD + "-L {url}", sees=r"^301 47 "),
    Fault("redirect-to-a-dead-host", "The page redirects to a name that does not exist.",
          "ORIGIN_DOWN", also=("SITE_DNS",), doors={"site": Door(to_nowhere)},
          probe=HEAD + "-L {url}", sees=r"^302 6 .*gone\.site\.test"),
    Fault("slow", "The first byte of the answer takes 20 seconds.", "ORIGIN_SLOW",
          doors={"site": Door(slowly)},
          probe="curl -sS --max-time 4 -o /dev/null -w '%{time_appconnect} %{http_code} "
                "%{exitcode}\\n' {url}", sees=r"(?m)^0\.(?!000000)\d+ 000 28$|^[1-3]\.\d+ 000 28$"),
    Fault("slow-body", "The page comes at 50 bytes a second.", "ORIGIN_SLOW",
          doors={"site": Door(by_drops)}, sees=r"^200 28 "),
    Fault("broken-off", "The page breaks off in the middle.", "ORIGIN_DOWN",
          doors={"site": Door(broken_off)},
          probe=HEAD + "--http1.1 {url}; " + HEAD + "--http2 {url}",
          sees=r"(?s)^200 18 .*\n200 92 "),
    Fault("garbage", "What comes is no HTTP at all.", "ORIGIN_DOWN",
          doors={"site": Door(secured=garbage)}, probe=HEAD + "--http1.1 {url}; " + GET,
          sees=r"(?s)^000 (1|8|56) .*\n000 (1|16|52|56|92) "),
    Fault("endless", "The page does not end.", "ORIGIN_DOWN", also=("ORIGIN_SLOW", "UNKNOWN"),
          doors={"site": Door(endless)},
          probe="curl -sS --max-time 4 --max-filesize 1000000 -o /dev/null "
                "-w '%{http_code} %{exitcode} %{size_download}\\n' {url}; "
                "curl -sS --max-time 3 {url} | wc -c",
          sees=r"(?m)^200 (28|63) \d{6,}$"),
    Fault("cookie-breaks-it", "Well at the first visit; who comes back with its cookie gets a 500.",
          "CLIENT_STATE", felt=False, doors={"site": Door(cookie_breaks)},
          probe=HEAD + "{url}; " + HEAD + "-b session=8f3a {url}", sees=r"(?s)^200 0 .*\n500 0 "),
]

CDN = [
    Fault("cdn-place-bad", "The CDN's place that serves this visitor is broken; others are well.",
          "CDN_POP", url=SHOP, doors={"near": Door(out_of_order, "cdn")},
          probe=WHOLE + "; " + HEAD + "https://news.test/",
          sees=r"(?s)^HTTP/2 503.*near.*\n?503 0 "),
    Fault("cdn-place-silent", "The CDN's place that serves this visitor takes no packet.",
          "CDN_POP", also=("ISP_PATH",), url=SHOP,
          make={"near": rules("input", "tcp dport { 80, 443 } drop")},
          probe=HEAD + "{url}; " + HEAD + "https://news.test/", sees=r"(?s)^000 28 .*\n000 28 "),
    Fault("cdn-all-bad", "The CDN is broken everywhere, for all its customers.", "CDN_GLOBAL",
          url=SHOP, doors={"cdn": Door(out_of_order, "cdn")}, vantage=ALIKE,
          probe=WHOLE + "; " + HEAD + "https://news.test/", sees=r"(?s)^HTTP/2 503.*\n?503 0 "),
    Fault("stale-cache", "The CDN sends a page of last week; the site has a new one.", "CDN_GLOBAL",
          also=("OK",), url=SHOP, doors={"cdn": Door(kept_too_long, "cdn")}, vantage=ALIKE,
          probe=WHOLE + "; " + HEAD + "-H 'Cache-Control: no-cache' {url}",
          sees=r"(?s)age: 604800.*last week.*200 0 "),
    Fault("cached-error", "The CDN has kept an error; the site is well again.", "CDN_GLOBAL",
          url=SHOP, doors={"cdn": Door(kept_error, "cdn")}, vantage=ALIKE,
          probe=WHOLE + "; " + HEAD + "-H 'Cache-Control: no-cache' {url}",
          sees=r"(?s)^HTTP/2 503.*edge; hit.*\n?200 0 "),
    Fault("blocked-by-cloudflare", "The CDN refuses this visitor alone: Cloudflare's error 1020.",
          "BLOCKED_YOU", url=SHOP, doors={"cdn": Door(only_for(VISITOR, CLOUDFLARE_1020), "cdn")},
          probe=WHOLE, sees=r"(?s)^HTTP/2 403.*cf-ray.*error code: 1020"),
    Fault("blocked-by-akamai", "The CDN refuses this visitor alone: Akamai's Access Denied.",
          "BLOCKED_YOU", url=SHOP, doors={"cdn": Door(only_for(VISITOR, AKAMAI_DENIED), "cdn")},
          probe=WHOLE, sees=r"(?s)^HTTP/2 403.*AkamaiGHost.*Reference"),
    Fault("blocked-by-site", "The site answers this visitor alone with 403.", "BLOCKED_YOU",
          doors={"site": Door(only_for(VISITOR, PLAIN_403))}, probe=WHOLE,
          sees=r"(?s)^HTTP/2 403.*403 Forbidden"),
]

ALL = [*NAMES, *CONNECTIONS, *TLS, *ANSWERS, *CDN]
