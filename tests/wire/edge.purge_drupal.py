"""What Drupal's Varnish purgers send: the zero-configuration purger, which knows the edge by its
address, and a purger configured with the header Purge-Cache-Tags or Cache-Tags."""

from purging import Pages

HOST, OTHER = "site.example", "other.example"
TAGS = {"/node/1": "node:1 node_list rendered config:user.role.anonymous",
        "/node/12": "node:12 node_list rendered", "/projects/7": "node:7 node_list",
        "/our/projects": "rendered", "/plain": ""}
PAGES = {(HOST, path): f"Cache-Tags: {tags}\r\n" if tags else "" for path, tags in TAGS.items()}
PAGES[OTHER, "/node/1"] = "Purge-Cache-Tags: node:1|x\r\nSurrogate-Key: other node:1\r\n"
SITES = """sites:
  - {hosts: [site.example], origin: main}
  - {hosts: [other.example], origin: main}
"""
GUZZLE = b"User-Agent: Zero Config Purger\r\nAccept-Encoding: gzip\r\n"


def ban(path, fields=b"", host=b"127.0.0.1", method=b"BAN"):
    return method + b" " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n" + fields + GUZZLE + b"\r\n"


def having(*tags):
    return [key for key, line in PAGES.items()
            if set(tags) & set(line.partition(": ")[2].replace("|", " ").split())]


with Pages(PAGES, SITES) as site:
    # Tags are words: node:1 does not hit node:12, as Varnish's expressions do.
    site.expect(ban(b"/tags", b"Cache-Tags: node:7\r\n"), [(HOST, "/projects/7")])
    site.expect(ban(b"/tags", b"Cache-Tags: node:12 config:user.role.anonymous\r\n"),
                [(HOST, "/node/12"), (HOST, "/node/1")])
    # Known by its address only, the edge asks all sites that allow this client.
    site.expect(ban(b"/tags", b"Cache-Tags: node:1\r\n"), [(HOST, "/node/1"), (OTHER, "/node/1")])
    # With a host, that site alone; the form of other purgers: separated by pipes, or an expression.
    site.expect(ban(b"/", b"Purge-Cache-Tags: node:1|node:7\r\n", b"site.example"),
                [(HOST, "/node/1"), (HOST, "/projects/7")])
    site.expect(ban(b"/", b"Purge-Cache-Tags: node:1\r\n", b"other.example"), [(OTHER, "/node/1")])
    site.expect(ban(b"/", b"Cache-Tags: (^|\\s)node:12(\\s|$)\r\n", b"site.example"),
                [(HOST, "/node/12")])

    # URLs, wildcards, everything.
    site.expect(ban(b"/node/1", b"", b"site.example", b"PURGE"), [(HOST, "/node/1")])
    site.expect(ban(b"/.*projects.*", b"", b"site.example"),
                [(HOST, "/projects/7"), (HOST, "/our/projects")])
    site.expect(ban(b"/.*", b"", b"site.example"), [key for key in PAGES if key[0] == HOST])
    site.expect(ban(b"/node/12", b"", b"site.example", b"URIBAN"), [(HOST, "/node/12")])
    site.expect(ban(b"/tags", b"Cache-Tags: (\r\n"), [], status=400)

    # Visitors do not see them.
    answer = site.get(HOST, "/node/1")
    assert "Cache-Tags" not in answer and "Content-Type: text/html" in answer, answer
    answer = site.get(OTHER, "/node/1")
    assert "Purge-Cache-Tags" not in answer and "Surrogate-Key" not in answer, answer
