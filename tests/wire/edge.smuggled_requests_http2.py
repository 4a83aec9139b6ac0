"""No HTTP/2 request that would read differently in HTTP/1.1 reaches the backend.

Each line of smuggling.requests_http2 goes over a connection of its own. "GET" or "POST" among its
fields stands for the pseudo-header fields of a good request. Its content is a DATA frame for each
part, "-" is none, and a part that begins with "trailers " is a second HEADERS frame. The answer is a
status, or "reset", which is a stream error of type PROTOCOL_ERROR; the connection must go on behind
either. What the backend received must be what the line says, to the byte; "-" is nothing. Where content
turns out wrong at its end, the backend may have the beginning of a message without an end.
"""

import re

from harness import Edge
from http2 import CONTINUATION, END_HEADERS, END_STREAM, HEADERS, Visitor, block, data, frame, ping
from smuggling import ASIDE, ASIDE_SEEN, Recorder, cases, decode

PSEUDO = ":method: {} & :scheme: http & :authority: h & :path: /a"
SETTINGS = "threads: 1\nsites: [{origin: main, forwarded: false}]\n"
PING = 6


def fields_of(text):
    text = re.sub(r"\{([^{}]*)\*(\d+)\}", lambda match: match[1] * int(match[2]), text)
    text = re.sub(r"^(GET|POST)\b", lambda match: PSEUDO.format(match[1]), text)
    fields = [re.match(r"(:?[^:]*):(?: (.*))?$", part, re.S).groups("") for part in text.split(" & ")]
    return [(decode(name), decode(value)) for name, value in fields]


def headers(text, ends):
    """A HEADERS frame and as many CONTINUATIONs as it takes."""
    whole = block(fields_of(text))
    pieces = [whole[at:at + 16384] for at in range(0, len(whole), 16384)]
    frames = []
    for number, piece in enumerate(pieces, 1):
        flags = END_HEADERS if number == len(pieces) else 0
        frames.append(frame(CONTINUATION if frames else HEADERS,
                            flags | (END_STREAM if ends and not frames else 0), 1, piece))
    return b"".join(frames)


def frames_of(fields, content):
    parts = [] if content == "-" else content.split(" & ")
    frames = [headers(fields, not parts)]
    for number, part in enumerate(parts, 1):
        ends = number == len(parts)
        trailers = part.startswith("trailers ")
        frames.append(headers(part[9:], ends) if trailers else data(1, decode(part), ends))
    return b"".join(frames)


def run(edge, records, case):
    name, fields, content, wanted, backend = case
    allowed = [[] if one == "-" else [decode(one)] for one in backend.split(" or ")]
    with Visitor(edge) as visitor:
        visitor.send(frames_of(fields, content))
        answer = visitor.verdict().replace("reset PROTOCOL_ERROR", "reset")
        visitor.send(ping())
        alive = visitor.until(lambda kind, *_: kind == PING) is not None
    # Another request, so that what came before it has been accepted by now.
    assert edge.ask(ASIDE)[0].startswith(b"HTTP/1.1 200 "), name
    received = records.take(1)
    assert received[-1:] == [ASIDE_SEEN], f"{name}: last of all came {received}"
    assert received[:-1] in allowed, f"{name}: the backend received {received[:-1]} instead of {allowed}"
    assert answer == wanted, f"{name}: \"{answer}\" instead of \"{wanted}\""
    assert alive, f"{name}: the connection did not go on"


def main():
    recorder, failures = Recorder(), []
    corpus = cases("smuggling.requests_http2", 5)
    with Edge(recorder, SETTINGS) as edge:
        for case in corpus:
            try:
                run(edge, recorder.records, case)
            except AssertionError as failure:
                failures.append(str(failure))
        edge.await_quiet()
    print("\n".join(failures))
    print(f"{len(corpus)} requests, {len(failures)} failures")
    assert not failures


main()
