"""A long content takes the only connection that the pool allows: who asks for something else waits
until it is over instead of being told that there is an error."""

import threading

import harness

SETTINGS = """    pool: {connections: 1}
sites: [{lifelines: {hold: {time: 10m}}}]
"""
GO = threading.Event()


def answer(connection, head, _):
    if head.split()[1] == "/long":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nlong")
        GO.wait()
        connection.sendall(b"over")
    else:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew")
    return True


with harness.Edge(harness.Backend(answer), SETTINGS) as edge_:
    answers = {}
    long_ = edge_.connect()
    long_.sendall(b"GET /long HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    received = b""
    while not received.endswith(b"long"):
        received += long_.recv(65536)
    new = threading.Thread(target=lambda: answers.update(new=edge_.get("/new")[0]), daemon=True)
    new.start()
    harness.wait_until(lambda: edge_.status()["origins"][0]["connection_refusals"] > 0, "it is full")
    harness.wait_until(lambda: edge_.status()["origins"][0]["waiting"] > 0, "it waits")
    GO.set()
    assert harness.read_to_end(long_)[0].endswith(b"over")
    long_.close()
    new.join()
    assert answers["new"].startswith(b"HTTP/1.1 200 "), answers
    assert edge_.status()["ledger"]["visitor_errors"] == 0
