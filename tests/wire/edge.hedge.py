"""A page that hangs at one of two backends is asked for at the other, too, and whoever answers is
taken; the first one's connection is closed, and nothing of it counts as a failure."""

import contextlib
import threading

from harness import Backend, Edge, read_to_end, wait_until

SETTINGS = """    balance: round_robin
    retry: {attempts: 2}
"""
ENOUGH = 60  # answers, so that it is known how long they take


class Site:
    """Two backends; the first never answers /hang."""

    def __init__(self):
        self.hanging, self.left = threading.Event(), threading.Event()
        first, second = Backend(self.answer_first), Backend(self.answer)
        self.address = f'{first.address}", "http://{second.address}'  # within the list

    def answer(self, connection, head, rest):
        connection.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nContent-Length: 2\r\n\r\nhi")
        return True

    def answer_first(self, connection, head, rest):
        if " /hang" not in head:
            return self.answer(connection, head, rest)
        self.hanging.set()
        with contextlib.suppress(ConnectionError):
            read_to_end(connection)
        self.left.set()
        return False


site = Site()
with Edge(site, SETTINGS) as edge:
    for i in range(ENOUGH):
        assert b" 200 " in edge.get(f"/{i}")[0]
    won = edge.status()["ledger"]["hedges_won"]
    saved = b""
    while not site.hanging.is_set():  # the backends take turns
        saved = edge.get("/hang")[0]
        assert b" 200 " in saved, saved
    assert b"detail=hedge" in saved, saved
    wait_until(site.left.is_set, "the loser's connection is closed")
    ledger = edge.status()["ledger"]
    assert ledger["hedges_won"] > won and ledger["hedges"] >= ledger["hedges_won"], ledger
    assert ledger["saved_hedge"] > 0 and ledger["origin_errors"] == 0, ledger
    origin = edge.status()["origins"][0]
    assert origin["extra_attempts"] >= 1 and origin["failures"] == 0, origin
    assert all(backend["healthy"] for backend in origin["backends"]), origin
