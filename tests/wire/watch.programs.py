"""Without a status page: programs are told of the site whose host they ask, and of no other; people
see the site's own state as ever."""

from harness import Backend, Edge, page, wait_until
from visiting import JSON, Visitor

API = "/.afloat/api/v2/"
backend = Backend(lambda connection, *_: connection.sendall(page(b"hello")))
settings = """sites: [{hosts: [shop.example]}, {hosts: [secret.example]}]
"""
with Edge(backend, settings) as edge:
    shop, secret = Visitor(edge), Visitor(edge, host="secret.example")
    nobody = Visitor(edge, host="nobody.example")
    assert shop.ask("/")[0] == 200 and secret.ask("/")[0] == 200
    wait_until(lambda: shop.json(API + "status.json")["status"]["description"]
               == "All Systems Operational", "the site is well")
    summary = shop.json(API + "summary.json")
    assert [component["name"] for component in summary["components"]] == ["shop.example"], summary
    assert summary["status"] == {"indicator": "none", "description": "All Systems Operational"}
    assert summary["page"]["name"] == "shop.example" and summary["incidents"] == [], summary
    for name in ("status", "components", "incidents", "incidents/unresolved",
                 "scheduled-maintenances"):
        assert shop.json(f"{API}{name}.json")["page"]["name"] == "shop.example", name
    for path in (API + "summary.json", "/.afloat/feed.atom", "/.afloat/calendar.ics",
                 "/.afloat/badge.svg"):
        status, _, content = shop.ask(path)
        assert status == 200 and "secret.example" not in content, path
    assert shop.ask("/.afloat/badge/secret.example.svg")[0] == 404
    assert nobody.ask(API + "summary.json", Accept=JSON)[0] == 421
    # All else is as it was.
    assert "shop.example" in shop.ask("/.afloat/status")[2]
    for path in ("history", "events", "operator", "subscribe", "report", "push/x", "nothing"):
        assert shop.ask("/.afloat/" + path)[0] == 404, path
