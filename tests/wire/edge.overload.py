"""A backend that works on one request at a time, and more visitors than it can serve: it is asked
few at once, and whoever waits is served; copies go out meanwhile."""

import threading
import time

import harness

SETTINGS = """    concurrency: {start: 2, least: 1}
    pool: {connections: 500}
"""
ONE, LOCK = threading.Lock(), threading.Lock()
INSIDE, MOST = [0], [0]


def answer(connection, head, _):
    path = head.split()[1]
    with LOCK:
        INSIDE[0] += 1
        MOST[0] = max(MOST[0], INSIDE[0])
    with ONE:
        time.sleep(.05)
    with LOCK:
        INSIDE[0] -= 1
    lifetime = 0 if path == "/copy" else 60
    connection.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=%d\r\nContent-Length: 4\r\n\r\nwell"
                       % lifetime)
    return True


def visit(edge, path, answers):
    whole = edge.get(path)[0]
    with LOCK:
        answers.append(whole)


with harness.Edge(harness.Backend(answer), SETTINGS) as edge_:
    assert b"well" in edge_.get("/copy")[0]
    answers_ = []
    threads = [threading.Thread(target=visit, args=[edge_, f"/new{i}", answers_])
               for i in range(40)]
    for thread in threads:
        thread.start()
    harness.wait_until(lambda: edge_.status()["origins"][0]["waiting"] > 5, "some wait")
    copy = edge_.get("/copy")[0]
    assert copy.startswith(b"HTTP/1.1 200"), copy
    for thread in threads:
        thread.join()
    assert len(answers_) == 40 and all(a.startswith(b"HTTP/1.1 200") for a in answers_)
    assert any(b"detail=hold" in a for a in answers_)
    # Two at first, and never many more: nothing here tells that it could be.
    assert MOST[0] <= 20, MOST
    origin = edge_.status()["origins"][0]
    assert origin["overloads"] >= 1 and origin["waiting"] == 0, origin
    assert edge_.status()["ledger"]["visitor_errors"] == 0
