"""No request that two servers could read in two ways reaches the backend.

Each line of smuggling.requests is sent alone, with another request behind it, and cut in two at some
place in its head. What the backend received must be what the line says, to the byte: "-" is nothing.
An answer of "200+" leaves the connection open and the request behind is served; any other closes
it and what came behind is never looked at. "-" is no answer at all.
"""

import random
import socket

from harness import Edge, read_to_end
from smuggling import ASIDE, ASIDE_SEEN, Recorder, cases, decode, split_messages

SEED = 20251124
SETTINGS = "threads: 1\nsites: [{origin: main, forwarded: false}]\n"


def methods_of(sent):
    return [sent.lstrip(b"\r\n").split(b" ")[0].decode("latin-1"), "GET"]


def send(edge, pieces):
    with edge.connect() as visitor:
        visitor.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for piece in pieces:
                visitor.sendall(piece)
        except ConnectionError:
            pass
        answer, _ = read_to_end(visitor)
        return answer


def check(edge, records, name, pieces, wanted, seen):
    sent = b"".join(pieces)
    answer = send(edge, pieces)
    received = records.take(len(seen))
    statuses = [message[0] for message in split_messages(answer, methods_of(sent))]
    assert received == seen, f"{name}: the backend received {received} instead of {seen}, for {sent[:300]}"
    assert statuses == wanted, f"{name}: answered {statuses} instead of {wanted}: {answer[:300]}"


def run(edge, records, random_, case):
    name, text, answer, backend = case
    sent = decode(text)
    seen = [] if backend == "-" else [decode(part) for part in backend.split(" & ")]
    goes_on = answer.endswith("+")
    wanted = [] if answer == "-" else [int(status) for status in answer.rstrip("+").split()]
    if goes_on:
        wanted, seen = wanted + [200], seen + [ASIDE_SEEN]
    else:
        check(edge, records, name, [sent], wanted, seen)
    check(edge, records, name + ", one behind", [sent + ASIDE], wanted, seen)
    # A body may be on its way when its fault comes, so cut within the head only.
    end = sent.find(b"\r\n\r\n")
    cut = random_.randrange(1, end if end > 1 else len(sent))
    pieces = [sent[:cut], sent[cut:] + ASIDE]
    check(edge, records, f"{name}, cut at {cut}", pieces, wanted, seen)


def main():
    recorder, random_ = Recorder(), random.Random(SEED)
    corpus = cases("smuggling.requests", 4)
    failures = []
    with Edge(recorder, SETTINGS) as edge:
        for case in corpus:
            try:
                run(edge, recorder.records, random_, case)
            except AssertionError as failure:
                failures.append(str(failure))
                recorder.records.take(0)
        edge.await_quiet()
    print("\n".join(failures))
    print(f"{len(corpus)} requests, {len(failures)} failures")
    assert not failures


main()
