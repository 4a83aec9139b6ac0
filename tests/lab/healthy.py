"""Nothing is wrong, in several ways: never to be called a fault."""

from door import Answer, Door
from fault import GET, HEAD, SHOP, WHOLE, Fault, rules
from world import healthy


def with_a_cookie(request):
    answer = healthy(request)
    answer.fields["Set-Cookie"] = "session=1; Path=/"
    return answer


def sometimes_an_error(request):
    """A site on which other pages fail, as pages do."""
    return healthy(request) if request.path == "/" else Answer(404, {}, b"<h1>Not Found</h1>")


def look(name, what, url, sees, **more):
    more.setdefault("probe", GET)
    return Fault(name, what, "OK", url=url, sees=sees, **more)


VERSION = HEAD.replace("%{errormsg}", "%{http_version} %{remote_ip}") + "{url}"
ALL = [
    look("healthy-http1", "A healthy site that speaks HTTP/1.1 alone.", "https://www.site.test/",
         r"^200 0 1\.1 ", doors={"site": Door(healthy, protocols=("http/1.1",))}, probe=VERSION),
    look("healthy-http2", "A healthy site over HTTP/2.", "https://www.site.test/", r"^200 0 2 ",
         probe=VERSION),
    look("healthy-plain", "A healthy site without TLS.", "http://plain.site.test/", r"^200 0 1\.1 ",
         probe=VERSION),
    look("healthy-ipv4-only", "A healthy site with IPv4 alone.", "https://four.site.test/",
         r"^200 0 2 198\.51\.100\.10", probe=VERSION),
    look("healthy-ipv6-only", "A healthy site with IPv6 alone.", "https://six.site.test/",
         r"^200 0 2 2001:db8:10::10", probe=VERSION),
    look("healthy-visitor-without-ipv6", "A healthy site with both, a visitor with IPv4 alone.",
         "https://www.site.test/", r"^200 0 2 198\.51\.100\.1[01]", probe=VERSION,
         make={"visitor": "ip -6 address flush dev eth0 scope global"}),
    look("healthy-redirect", "A healthy site, asked without TLS, that sends to TLS.",
         "http://www.site.test/", r"(?s)^HTTP/1.1 301.*https://www\.site\.test/", probe=WHOLE),
    look("healthy-cdn", "A healthy site behind a CDN.", SHOP, r"^200 0 2 198\.51\.100\.80",
         probe=VERSION.replace("curl", "curl -4")),
    look("healthy-cookie", "A healthy site that gives cookies and takes them.",
         "https://www.site.test/", r"(?s)^200 0 .*\n200 0 ", doors={"site": Door(with_a_cookie)},
         probe=HEAD + "{url}; " + HEAD + "-b session=1 {url}"),
    look("healthy-but-no-favicon", "A healthy page of a site that lacks others.",
         "https://www.site.test/", r"(?s)^200 0 .*\n404 0 ",
         doors={"site": Door(sometimes_an_error)}, probe=HEAD + "{url}; " + HEAD + "{url}none"),
    look("healthy-second-resolver-blocked", "A healthy site, and a home that lets nobody ask a "
         "second resolver.", "https://www.site.test/", r"^200 0 ",
         make={"router": rules("forward", "ip daddr 198.51.100.53 "
                               "meta l4proto { tcp, udp } th dport 53 drop")}),
]
