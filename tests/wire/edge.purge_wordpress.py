"""What WordPress's plugin "Proxy Cache Purge" (Varnish HTTP Purge) sends, through WordPress's
wp_remote_request, and Nginx Helper's requests."""

from purging import Pages

AGENT = b"User-Agent: WordPress/6.4; https://blog.example\r\nAccept: */*\r\nAccept-Encoding: deflate, gzip, br\r\n"
HOST, OTHER = "blog.example", "other.example"
PAGES = {(HOST, path): "" for path in (
    "/", "/2024/hello-world/", "/2024/hello-world/?p=1", "/2024/hello-world/feed/", "/about/")}
PAGES[OTHER, "/"] = ""
PAGES[OTHER, "/about/"] = ""


def purge(path, method, host=HOST):
    return (b"PURGE " + path.encode() + b" HTTP/1.1\r\nhost: " + host.encode()
            + b"\r\nX-Purge-Method: " + method.encode() + b"\r\n" + AGENT
            + b"Connection: close\r\n\r\n")


with Pages(PAGES, "") as site:
    # One page, as it is sent for each URL of a post that changed.
    site.expect(purge("/2024/hello-world/", "default"), [(HOST, "/2024/hello-world/")])
    site.expect(purge("/2024/hello-world/?p=1", "default"), [(HOST, "/2024/hello-world/?p=1")])
    site.expect(purge("/2024/hello-world/", "exact"), [(HOST, "/2024/hello-world/")])
    # The whole site: "Empty cache" in the toolbar.
    site.expect(purge("/.*", "regex"), [key for key in PAGES if key[0] == HOST])
    # A filter of the plugin may send others.
    site.expect(purge("/2024/.*", "regex"), [key for key in PAGES if "/2024/" in key[1]])
    site.expect(purge("/(about|none)/", "regex"), [(HOST, "/about/")])
    site.expect(purge("/about/", "default", OTHER), [(OTHER, "/about/")])
    # Nothing there is fine too, and so is a query of its own.
    site.expect(purge("/not-there/", "default"), [])
    site.expect(purge("/(", "regex"), [], status=400)

    # Nginx Helper: "using a GET request to PURGE/url", and PURGE with the ngx_cache_purge of Torden.
    helper = b" HTTP/1.1\r\nHost: " + HOST.encode() + b"\r\n" + AGENT + b"Connection: close\r\n\r\n"
    site.expect(b"GET /purge/2024/hello-world/" + helper, [(HOST, "/2024/hello-world/")])
    site.expect(b"GET /purge/2024/hello-world/feed/" + helper, [(HOST, "/2024/hello-world/feed/")])
    site.expect(b"GET /purge/not-there/" + helper, [], status=404)
    site.expect(b"PURGE /purgeall HTTP/1.1\r\nHost:blog.example\r\nAccept: */*\r\n\r\n",
                [key for key in PAGES if key[0] == HOST])
    site.expect(b"PURGE /2024/*" + helper, [key for key in PAGES if "/2024/" in key[1]])
