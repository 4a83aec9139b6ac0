"""What FOSHttpCache (Symfony, Contao, Sulu, Ibexa), Magento 2 and users of vmod_xkey send."""

from purging import Pages

HOST, OTHER = "shop.example", "www.shop.example"
PAGES = {
    (HOST, "/p/17"): "X-Magento-Tags: cat_p_17,cat_p,store\r\n",
    (HOST, "/p/177"): "X-Magento-Tags: cat_p_177,cat_p,store\r\n",
    (HOST, "/c/3"): "X-Cache-Tags: c-3,list\r\n",
    (HOST, "/c/4"): "X-Cache-Tags: c-4,list\r\n",
    (HOST, "/x/1"): "xkey: a b\r\nxkey: c\r\n",
    (OTHER, "/x/1"): "xkey: a\r\n",
    (OTHER, "/style.css"): "",
}
FOS = b"User-Agent: GuzzleHttp/7\r\nX-Host: %s\r\nX-Url: %s\r\nX-Content-Type: %s\r\n"


def request(method, path, host, fields=b""):
    return method + b" " + path + b" HTTP/1.1\r\nHost: " + host.encode() + b"\r\n" + fields + b"\r\n"


with Pages(PAGES, "") as site:
    everything = FOS % (b".*", b".*", b".*")
    # FOSHttpCache in mode "ban": tags as an expression, quoted as PHP quotes.
    site.expect(request(b"BAN", b"/", HOST,
                        everything + b"X-Cache-Tags: (^|,)(c\\-3|c\\-9)(,|$)\r\n"), [(HOST, "/c/3")])
    site.expect(request(b"BAN", b"/", HOST, everything + b"X-Cache-Tags: (^|,)(list)(,|$)\r\n"),
                [(HOST, "/c/3"), (HOST, "/c/4")])
    # banPath, with hosts and a content type.
    site.expect(request(b"BAN", b"/", HOST, FOS % (b"^(shop.example)$", b"^/c/.*", b".*")),
                [(HOST, "/c/3"), (HOST, "/c/4")])
    site.expect(request(b"BAN", b"/", HOST, FOS % (b".*", b"^/x/", b"text/html")),
                [(HOST, "/x/1"), (OTHER, "/x/1")])
    site.expect(request(b"BAN", b"/", HOST, FOS % (b".*", b"^/x/", b"image/.*")), [])
    site.expect(request(b"BAN", b"/", HOST, everything), list(PAGES))
    site.expect(request(b"PURGE", b"/c/3", HOST), [(HOST, "/c/3")])

    # In mode "purgekeys".
    site.expect(request(b"PURGEKEYS", b"/", HOST, b"xkey-softpurge: b c\r\n"), [(HOST, "/x/1")])
    site.expect(request(b"PURGEKEYS", b"/", HOST, b"xkey-purge: a\r\n"),
                [(HOST, "/x/1"), (OTHER, "/x/1")])
    site.expect(request(b"PURGEKEYS", b"/", HOST, b"xkey-purge: c\r\nxkey-softpurge: nothing\r\n"),
                [(HOST, "/x/1")])
    site.expect(request(b"PURGEKEYS", b"/", HOST), [], status=400)
    # vmod_xkey's own example, and Fastly's form of it.
    site.expect(request(b"PURGE", b"/", HOST, b"xkey: b\r\n"), [(HOST, "/x/1")])
    site.expect(request(b"PURGE", b"/", HOST, b"Surrogate-Key: c\r\nFastly-Soft-Purge: 1\r\n"),
                [(HOST, "/x/1")])

    # Magento 2.
    site.expect(request(b"PURGE", b"/", HOST,
                        b"X-Magento-Tags-Pattern: ((^|,)cat_p_17(,|$))|((^|,)cat_p_99(,|$))\r\n"),
                [(HOST, "/p/17")])
    site.expect(request(b"PURGE", b"/", HOST, b"X-Magento-Tags-Pattern: .*\r\n"), list(PAGES))
