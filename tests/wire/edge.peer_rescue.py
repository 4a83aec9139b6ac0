"""What only another edge of the site holds is served here when the backend fails; also while a
sibling hangs. Strangers learn nothing by asking like a sibling, and the secret goes nowhere else."""

import signal

import harness

SECRET = "a-secret-between-edges-only"
failing = False
heads = []


def answer(connection, head, _rest):
    heads.append(head.lower())
    if failing:
        return False
    if " /private" in head:
        fields = b"Cache-Control: private\r\n"
    elif " /fresh" in head:
        fields = b"Cache-Control: max-age=600\r\n"
    else:
        fields = b""  # without freshness: kept for failures alone
    connection.sendall(b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 5\r\n\r\nhello")
    return True


def settings(peers, deadline="20s"):
    siblings = ", ".join('"http://%s:%d"' % edge.address for edge in peers)
    origin = f"  siblings: {{backends: [{siblings}]}}\n" if peers else ""
    of_site = "origin: siblings, " if peers else ""
    return ("    retry: {attempts: 1}\n" + origin
            + "threads: 1\n"  # each remembers by itself what siblings did not have
            + "sites: [{lifelines: {hold: {enabled: false}, peer_rescue: {deadline: "
            + deadline + f"}}}}, peers: {{{of_site}secret: {SECRET}}}}}]\n")


def ask(edge, path, fields=b"", method=b"GET"):
    answer_, in_order = edge.ask(method + b" " + path + b" HTTP/1.1\r\nHost: h\r\n" + fields
                                 + b"Connection: close\r\n\r\n")
    assert in_order, answer_
    return answer_


def ledger(edge):
    return edge.status()["ledger"]


backend = harness.Backend(answer)
with harness.Edge(backend, settings([])) as hung, harness.Edge(backend, settings([])) as holder, \
        harness.Edge(backend, settings([hung, holder])) as asker, \
        harness.Edge(backend, settings([hung], "50ms")) as lonely:
    for path in (b"/kept", b"/fresh", b"/private", b"/late"):
        assert b" 200 " in ask(holder, path)
    failing = True

    # A copy past its lifetime, one that is fresh, and only the head of one.
    first = ask(asker, b"/kept")
    assert first.startswith(b"HTTP/1.1 200 ") and first.endswith(b"hello"), first
    assert b"\r\nAge: " in first and b"detail=peer-rescue" in first, first
    assert ask(asker, b"/fresh").startswith(b"HTTP/1.1 200 ")
    assert ask(asker, b"/late", method=b"HEAD").startswith(b"HTTP/1.1 200 ")
    assert ledger(asker)["saved_peer_rescue"] == 3
    assert ledger(holder)["peers_served"] == 3

    # It is held now: nobody is asked again.
    assert b"detail=stale-if-error" in ask(asker, b"/kept")
    assert ledger(asker)["peers_asked"] == 3

    # What is nobody's, or one visitor's, is nobody's here either; for a while they are not asked
    # for it again.
    for path in (b"/private", b"/nowhere", b"/nowhere"):
        assert ask(asker, path).startswith(b"HTTP/1.1 50"), path
    assert ask(asker, b"/kept-too", b"Cookie: a=b\r\n").startswith(b"HTTP/1.1 50")
    assert ledger(asker)["peers_asked"] in (5, 6)  # the while may be over on a slow machine

    # A stranger is a visitor, whatever he writes.
    for peer in (b"", b"Afloat-Peer: http wrong-" + SECRET.encode() + b"\r\n"):
        stranger = ask(holder, b"/kept", b"Cache-Control: only-if-cached\r\n" + peer)
        assert stranger.startswith(b"HTTP/1.1 504 "), stranger
    sibling = ask(holder, b"/kept", b"Afloat-Peer: http " + SECRET.encode() + b"\r\n")
    assert sibling.startswith(b"HTTP/1.1 200 "), sibling
    sibling = ask(holder, b"/nowhere", b"Afloat-Peer: http " + SECRET.encode() + b"\r\n")
    assert sibling.startswith(b"HTTP/1.1 404 "), sibling

    # One of them hangs: the other one's copy comes all the same, and without another one the wait
    # has an end.
    failing = False
    assert b" 200 " in ask(holder, b"/hung")
    failing = True
    hung.process.send_signal(signal.SIGSTOP)
    assert b"detail=peer-rescue" in ask(asker, b"/hung")
    assert ask(lonely, b"/hung").startswith(b"HTTP/1.1 50")
    assert ledger(lonely)["peers_asked"] == 1
    hung.process.send_signal(signal.SIGCONT)

assert not [head for head in heads if SECRET in head or "afloat-peer" in head]
