"""What is wrong at the visitor's end: his machine, his home, his provider. The site is well, and
from elsewhere it shows."""

from door import Answer, Door
from fault import HEAD, Fault, rules
from topology import HOME
from world import SECOND

NOWHERE = "198.51.100.66"  # the machine of parked names
TO_WELL = HEAD + "https://well.public.test/"
BOTH = TO_WELL + "; " + HEAD + "{url}"
LOSS = "ping -q -c 400 -i 0.005 -W 2 198.51.100.53"
CLOCK = ("there=$(curl -sSI --max-time 4 http://well.public.test/ | sed -n 's/^[Dd]ate: //p'); "
         "off=$(($(date +%s) - $(date -d \"$there\" +%s))); "
         "[ ${off#-} -gt 86400 ] && echo the clock is off; " + HEAD + "{url}")
REDIRECT = "redirect to :80"


def login(request):
    """A portal's page, for whatever is asked."""
    return Answer(200, {"Cache-Control": "no-store"},
                  b"<title>Hotel Wi-Fi</title><h1>Welcome, guest</h1><form>Room: <input></form>")


def to_login(request):
    if request.host == "portal.hotel.test":
        return login(request)
    return Answer(302, {"Location": f"http://portal.hotel.test/login?for={request.host}",
                        "Cache-Control": "no-store"})


def proxy_says(status, reason, fields=""):
    text = f"HTTP/1.1 {status} {reason}\r\n{fields}Content-Length: 0\r\n\r\n".encode()

    def answer(connection, over):
        connection.recv(65536)
        connection.sendall(text)
    return Door(accepted=answer)


def proxy(address):
    return {name: f"http://{address}" for name in ("http_proxy", "https_proxy", "HTTPS_PROXY")}


NETWORK = [
    Fault("no-link", "The cable is out, or the Wi-Fi is off.", "LOCAL_NET",
          make={"visitor": "ip link set dev eth0 down"},
          probe="ip -br link show dev eth0", sees=r"DOWN"),
    Fault("no-address", "There is a link, and the machine got no address.", "LOCAL_NET",
          make={"visitor": "ip address flush dev eth0"},
          probe="ip -br address show dev eth0", sees=r"^eth0@\S+ +UP *$"),
    Fault("link-local-only", "Nobody gave out addresses: the machine took 169.254.x.y.",
          "LOCAL_NET", make={"visitor": "ip address flush dev eth0; "
                           "ip address add 169.254.7.7/16 dev eth0 scope link"},
          probe="ip -br address show dev eth0", sees=r"UP +169\.254\.7\.7/16 *$"),
    Fault("no-default-route", "The machine has an address and no way out of its network.",
          "LOCAL_NET", make={"visitor": "ip route delete default; ip -6 route delete default"},
          probe="ip route get 198.51.100.10; ip -6 route get 2001:db8:10::10; "
                f"ping -c 1 -W 3 {HOME[4]}",
          sees=r"(?s)(unreachable.*){2} 1 received"),
    Fault("dead-gateway", "The router is switched off, or hangs: it answers nobody at home.",
          "LOCAL_NET", make={"router": "ip link set dev visitor arp off; "
                                       "ip address flush dev visitor"},
          probe=f"ping -c 1 -W 2 {HOME[4]}; ip neighbour show {HOME[4]}",
          sees=r"(?s) 0 received.*FAILED|INCOMPLETE"),
    Fault("dead-line", "The router is well, and its line to the provider is dead.", "ISP_PATH",
          also=("LOCAL_NET",), make={"router": "ip link set dev wan down"},
          probe=f"ping -c 1 -W 3 {HOME[4]}; ping -c 1 -W 2 {SECOND}",
          sees=r"(?s) 1 received.* 0 received"),
    Fault("blocked-443", "The router's firewall lets nothing out to port 443.", "LOCAL_NET",
          also=("ISP_PATH",), make={"router": rules("forward", "tcp dport 443 drop")},
          probe=TO_WELL + "; " + HEAD + "http://well.public.test/",
          sees=r"(?s)^000 28 .*\n301 0 "),
    Fault("own-firewall", "A firewall on the machine itself refuses connections to port 443.",
          "LOCAL_NET", also=("ISP_PATH",),
          make={"visitor": rules("output", "tcp dport 443 reject with tcp reset")},
          probe=TO_WELL + "; " + HEAD + "http://well.public.test/",
          sees=r"(?s)^000 7 .*\n301 0 "),
    Fault("lossy-5", "5 % of the packets to the visitor are lost.", "LOCAL_NET",
          also=("OK", "ISP_PATH"), felt=False, probe=LOSS,
          sees=r" ([1-9]|1[0-2])(\.\d+)?% packet loss",
          make={"router": rules("forward", 'oifname "visitor" numgen random mod 100 < 5 drop')}),
    Fault("lossy-30", "30 % of the packets to the visitor are lost.", "LOCAL_NET",
          also=("ISP_PATH",), felt=False, probe=LOSS,
          sees=r" (1[89]|2\d|3\d|4[0-2])(\.\d+)?% packet loss",
          make={"router": rules("forward", 'oifname "visitor" numgen random mod 100 < 30 drop')}),
    Fault("mtu-black-hole", "Large packets vanish on the line, and nobody says so.", "MTU",
          make={"provider": rules("forward", 'oifname "router" meta length > 1400 drop')},
          probe="ping -c 1 -W 3 -s 1300 198.51.100.10; ping -c 1 -W 2 -s 1472 198.51.100.10; "
                + HEAD + "{url}",
          sees=r"(?s) 1 received.* 0 received.*000 28 "),
]

PORTALS = [
    Fault("captive-redirect", "A portal sends every plain request to its login page, and refuses "
          "TLS.", "CAPTIVE", url="http://www.site.test/", doors={"router:80": Door(to_login)},
          names={"portal.hotel.test": [HOME[4]]},
          make={"router": rules("prerouting", f'iifname "visitor" tcp dport 80 {REDIRECT}',
                                kind="nat")
                + "; " + rules("forward", "tcp dport 443 reject with tcp reset")},
          probe="curl -sSi --max-time 4 http://captive.public.test/generate_204",
          sees=r"(?s)^HTTP/1.1 302 .*portal\.hotel\.test/login"),
    Fault("captive-rewrite", "A portal answers in the place of every site, over TLS too, with a "
          "certificate of its own.", "CAPTIVE",
          doors={"router": Door(login, "portal")},
          make={"router": rules("prerouting", f'iifname "visitor" tcp dport 80 {REDIRECT}',
                                'iifname "visitor" tcp dport 443 redirect to :443', kind="nat")},
          probe="curl -sSi --max-time 4 http://captive.public.test/generate_204; " + HEAD + "{url}",
          sees=r"(?s)^HTTP/1.1 200 .*Welcome, guest.*000 60 "),
    Fault("tls-interception", "A box opens all TLS and signs with an authority that nobody knows.",
          "TLS_INTERCEPT", doors={"router:443": Door(
              lambda request: Answer(200, {}, b"filtered"), "forged")},
          make={"router": rules("prerouting", 'iifname "visitor" tcp dport 443 redirect to :443',
                                kind="nat")},
          probe="openssl s_client -connect www.site.test:443 -servername www.site.test </dev/null "
                "2>&1 | grep -E 'issuer=|Verify return code'; " + TO_WELL,
          sees=r"(?s)issuer=O = Box in the Middle.*000 60 "),
]

MACHINE = [
    Fault("proxy-refuses", "https_proxy names a proxy that is not there.", "PROXY",
          environment=proxy(f"{HOME[4]}:3128"),
          sees=rf"000 (7|97) Failed to connect to {HOME[4]} port 3128"),
    Fault("proxy-gone", "https_proxy names a proxy in a network that he is no longer in.", "PROXY",
          environment=proxy("192.168.7.77:3128"), sees=r"000 (7|28) .*(192\.168\.7\.77|timed out)"),
    Fault("proxy-no-name", "https_proxy names a proxy whose name nobody knows.", "PROXY",
          environment=proxy("proxy.office.test:3128"), sees=r"000 5 .*proxy\.office\.test"),
    Fault("proxy-502", "The proxy is there and cannot reach anybody.", "PROXY",
          doors={"router:3128": proxy_says(502, "Bad Gateway")},
          environment=proxy(f"{HOME[4]}:3128"), sees=r"000 56 .*CONNECT.*502"),
    Fault("proxy-407", "The proxy wants a password.", "PROXY",
          doors={"router:3128": proxy_says(407, "Proxy Authentication Required",
                                           'Proxy-Authenticate: Basic realm="office"\r\n')},
          environment=proxy(f"{HOME[4]}:3128"), sees=r"000 56 .*CONNECT.*407"),
    Fault("hosts-wrong", "/etc/hosts sends the name to another machine.", "HOSTS",
          hosts=f"{NOWHERE} www.site.test\n",
          probe="getent ahosts www.site.test; dig +short www.site.test",
          sees=rf"(?s)^{NOWHERE} .*198\.51\.100\.10"),
    Fault("hosts-loopback", "/etc/hosts sends the name to the machine itself.", "HOSTS",
          hosts="127.0.0.1 www.site.test\n",
          probe="getent ahosts www.site.test; " + HEAD + "{url}",
          sees=r"(?s)^127\.0\.0\.1 .*000 7 "),
    Fault("clock-ahead", "The machine's clock is 400 days ahead.", "CLOCK", clock="+400d",
          probe=CLOCK, sees=r"(?s)the clock is off.*000 60 .*expired"),
    Fault("clock-behind", "The machine's clock is eight years behind, as after an empty battery.",
          "CLOCK", clock="-2920d", probe=CLOCK, sees=r"(?s)the clock is off.*000 60 .*not yet"),
]

RESOLVER = [
    Fault("resolver-dead", "The provider's server of names does not answer.", "LOCAL_DNS",
          make={"resolver": rules("input", "meta l4proto { tcp, udp } th dport 53 drop")},
          probe=f"dig +tries=1 +time=2 www.site.test; dig +short www.site.test @{SECOND}",
          sees=r"(?s)(timed out|no servers could be reached).*198\.51\.100\.10"),
    Fault("resolver-none", "/etc/resolv.conf names no server.", "LOCAL_DNS", resolver="",
          probe="getent ahosts www.site.test || echo no address; grep nameserver /etc/resolv.conf "
                f"|| echo no server; dig +short www.site.test @{SECOND}",
          sees=r"(?s)no address.*no server.*198\.51\.100\.10"),
    Fault("resolver-servfail", "The provider's server of names fails for every name.", "LOCAL_DNS",
          lies={"*": "servfail"}, probe=f"dig www.site.test; dig +short www.site.test @{SECOND}",
          sees=r"(?s)status: SERVFAIL.*198\.51\.100\.10"),
    Fault("resolver-nxdomain", "The provider's server of names says of every name that it is not.",
          "LOCAL_DNS", lies={"*": "nxdomain"},
          probe=f"dig www.site.test; dig +short www.site.test @{SECOND}",
          sees=r"(?s)status: NXDOMAIN.*198\.51\.100\.10"),
    Fault("resolver-lies", "The provider's server of names has another address for the site.",
          "LOCAL_DNS", lies={"www.site.test": [NOWHERE]},
          probe=f"dig +short www.site.test; dig +short www.site.test @{SECOND}; " + HEAD + "{url}",
          sees=rf"(?s)^{NOWHERE}\n198\.51\.100\.10.*000 60 "),
    Fault("resolver-intercepted", "Whatever server of names is asked, the provider's answers, and "
          "denies the site; only DoH gets through.", "LOCAL_DNS", also=("ISP_PATH",),
          lies={"www.site.test": "nxdomain"},
          make={"provider": rules("prerouting", 'iifname "router" meta l4proto { tcp, udp } '
                                  "th dport 53 dnat ip to 203.0.113.53", kind="nat")},
          probe=f"dig www.site.test @{SECOND} | grep status; "
                "curl -sS --max-time 4 -o /dev/null -w '%{http_code}\\n' "
                "--doh-url https://dns.public.test/dns-query {url}",
          sees=r"(?s)NXDOMAIN.*200"),
]

SIX = "https://six.site.test/"
HOPS = "; ping -c 1 -W 2 2001:db8:10::10; " + HEAD + "-4 https://www.site.test/"
V6 = [
    Fault("v6-black-hole", "IPv6 packets vanish at the provider; the site has both, so that it "
          "only seems slow.", "LOCAL_V6", also=("OK", "ISP_PATH"), felt=False,
          make={"provider": rules("forward", 'iifname "router" meta nfproto ipv6 drop')},
          probe=HEAD + "-6 {url}; " + HEAD + "-4 {url}", sees=r"(?s)^000 28 .*\n200 0 "),
    Fault("v6-only-black-hole", "The same, and the site has IPv6 alone.", "LOCAL_V6",
          also=("ISP_PATH",), url=SIX,
          make={"provider": rules("forward", 'iifname "router" meta nfproto ipv6 drop')},
          probe=HEAD + "{url}" + HOPS, sees=r"(?s)^000 28 .* 0 received.*\n200 0 "),
    Fault("v6-only-no-route", "The machine has an IPv6 address and no way out; the site has IPv6 "
          "alone.", "LOCAL_V6", also=("LOCAL_NET",), url=SIX,
          make={"visitor": "ip -6 route delete default"},
          probe="ip -6 route get 2001:db8:10::10; " + HEAD + "{url}; "
                + HEAD + "-4 https://www.site.test/",
          sees=r"(?s)unreachable.*000 7 .*\n200 0 "),
    Fault("v6-only-none", "The visitor has no IPv6 at all; the site has nothing else.", "LOCAL_V6",
          also=("LOCAL_NET",), url=SIX,
          make={"visitor": "ip -6 address flush dev eth0 scope global"},
          probe="ip -6 -br address show dev eth0 scope global; " + HEAD + "{url}; "
                + HEAD + "-4 https://www.site.test/",
          sees=r"(?s)^(eth0\S* +UP *\n)?000 7 .*\n200 0 "),
]

SITE_RANGE = "ip daddr { 198.51.100.10, 198.51.100.11 }"
PROVIDER = [
    Fault("isp-drops-site", "The provider has lost the way to the site, and to nobody else.",
          "ISP_PATH", probe=BOTH, sees=r"(?s)^200 0 .*\n000 28 ",
          make={"provider": "for a in 198.51.100.10 198.51.100.11 2001:db8:10::10 "
                            "2001:db8:10::11; do ip route add blackhole $a; done"}),
    Fault("isp-unreachable", "The provider says that the site cannot be reached.", "ISP_PATH",
          probe=TO_WELL + "; " + HEAD + "-4 {url}",  # over IPv6 the kernel listens a second later
          sees=r"(?s)^200 0 .*\n000 7 ",
          make={"provider": "for a in 198.51.100.10 198.51.100.11 2001:db8:10::10 "
                            "2001:db8:10::11; do ip route add unreachable $a; done"}),
    Fault("isp-resets-site", "A box at the provider resets what goes to the site.", "ISP_PATH",
          also=("BLOCKED_YOU",), probe=BOTH, sees=r"(?s)^200 0 .*\n000 (7|35|56) ",
          make={"provider": rules(
              "forward", f"{SITE_RANGE} tcp dport 443 reject with tcp reset",
              "ip6 daddr 2001:db8:10::/64 tcp dport 443 reject with tcp reset")}),
]

ALL = [*NETWORK, *PORTALS, *MACHINE, *RESOLVER, *V6, *PROVIDER]
