"""An origin that says of itself that it is in maintenance is left alone until it said it would be
back; a write it is asked about all the same; and once it is back everybody is served."""

import json
import threading

import harness

SETTINGS = """sites:
  - hosts: [h]
    lifelines: {maintenance: {after: 1s}, stale_if_error: {backoff_max: 100ms}}
"""
LOCK = threading.Lock()
RETRY_AFTER, SEEN = [None], []


def answer(connection, head, _):
    with LOCK:
        SEEN.append(head.split("\r\n")[0])
        retry_after = RETRY_AFTER[0]
    if retry_after is None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=0\r\nContent-Length: 4\r\n\r\nwell")
    else:
        connection.sendall(b"HTTP/1.1 503 No\r\nRetry-After: %d\r\nContent-Length: 6\r\n\r\nclosed"
                           % retry_after)
    return True


def says(retry_after):
    with LOCK:
        RETRY_AFTER[0] = retry_after


def seen():
    with LOCK:
        return len(SEEN)


def learn(edge):
    harness.wait_until(lambda: b"detail=maintenance" in edge.get("/page")[0], "it is learned")


def post(edge):
    return edge.ask(b"POST /form HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 3\r\n\r\na=b")[0]


with harness.Edge(harness.Backend(answer), SETTINGS) as edge_:
    assert b"well" in edge_.get("/page")[0]
    says(3600)
    learn(edge_)
    before = seen()
    for number in range(20):
        copy = edge_.get("/page")[0]
        assert copy.startswith(b"HTTP/1.1 200") and copy.endswith(b"well"), copy
        page = edge_.ask(b"GET /new%d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                         b"Accept: application/json\r\n\r\n" % number)[0]
        facts = json.loads(page.split(b"\r\n\r\n", 1)[1])
        assert page.startswith(b"HTTP/1.1 503") and facts["cause"] == "maintenance", page
        assert 3000 < facts["retry_after"] <= 3600 and "maintenance_until" in facts, facts
    assert seen() == before, SEEN[before:]
    harness.wait_until(lambda: b'"status":"under_maintenance"'
                       in edge_.get("/.afloat/api/v2/components.json")[0], "programs are told")
    origin = edge_.status()["origins"][0]
    assert origin["maintenance_until"] is not None and origin["maintenances"] == 1, origin
    assert edge_.status()["ledger"]["saved_maintenance"] >= 20
    # What becomes of a write the backend says itself.
    assert b"closed" in post(edge_)
    assert seen() == before + 1
    # The first thing that it takes again ends it.
    says(None)
    assert b"well" in post(edge_)
    assert b"well" in edge_.get("/new")[0]
    assert edge_.status()["origins"][0]["maintenance_until"] is None

    # Back when it said: nobody has to tell.
    says(1)
    learn(edge_)
    says(None)
    harness.wait_until(lambda: b"fwd=stale" in edge_.get("/page")[0], "it is asked again")
    assert edge_.status()["origins"][0]["maintenances"] == 2
