"""HTTP/2: what each breach of RFC 9113 (and RFC 7541, 8441) is answered with, and what is none.

A case is its section, what is sent behind the connection preface, and the verdicts that the RFC
allows: a status, "reset CODE" (a stream error, after which the connection serves another request),
"goaway CODE" (a connection error, after which it ends), "fine" (nothing happens to the stream, and
another one is served), "closed".
"""

import re

from harness import Backend, Edge, read_to_end
from http2 import (ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, GET, GOAWAY, HEADERS, PADDED, PING,
                   POST, PREFACE, PRIORITIZED, PRIORITY, PRIORITY_UPDATE, PUSH_PROMISE, RST_STREAM,
                   SETTINGS, WINDOW_UPDATE, Visitor, block, data, frame, head, integer, literal, ping,
                   reset_stream, settings, window_update)

OPEN = END_HEADERS                 # flags of a head with content to come
PROTOCOL, CLOSED = "goaway PROTOCOL_ERROR", "goaway STREAM_CLOSED"
SIZE, FLOW = "goaway FRAME_SIZE_ERROR", "goaway FLOW_CONTROL_ERROR"
COMPRESSION = "goaway COMPRESSION_ERROR"
MALFORMED = "reset PROTOCOL_ERROR"
GET_BLOCK = block(GET)
PROBE = 301                        # the stream of the request that must still be served
HANG = [(":method", "POST"), (":scheme", "http"), (":path", "/hang"), (":authority", "h")]
CASES = []


def case(section, *pieces, verdict, stream=1, probe=True):
    CASES.append((section, pieces, verdict, stream, probe))


def fields(*changes, base=GET, drop=()):
    """GET's fields with some dropped and some behind them."""
    return [f for f in base if f[0] not in drop] + list(changes)


def field_case(section, verdict, *changes, drop=(), base=GET):
    case(section, head(1, fields(*changes, drop=drop, base=base)), verdict=verdict)


# --- 4. Frames ---
case("4.1 unknown type", frame(0x16, 0, 0, b"12345678"), head(1), verdict="200")
case("4.1 unknown type on a stream", head(1, flags=OPEN), frame(0x16, 0, 1, b"x"),
     data(1, end=True), verdict="200")
case("4.1 unknown flags", ping(flags=0x16), head(1), verdict="200")
case("4.1 reserved bit", frame(PING, 0, 0x80000000, b"pingping"), head(1), verdict="200")
case("4.2 DATA of 16384", head(1, POST, OPEN), data(1, b"x" * 16384, True), verdict="200")
case("4.2 DATA of 16385", head(1, POST, OPEN), data(1, b"x" * 16385), verdict=SIZE, probe=False)
case("4.2 HEADERS of 16385", frame(HEADERS, 5, 1, GET_BLOCK + b"x" * (16385 - len(GET_BLOCK))),
     verdict=SIZE, probe=False)
case("4.2 SETTINGS of 16386", frame(SETTINGS, 0, 0, b"\0" * 16386), verdict=SIZE, probe=False)
case("4.3 broken block", frame(HEADERS, 5, 1, b"\xff\xff\xff\xff\xff\xff\xff"),
     verdict=COMPRESSION, probe=False)
case("4.3 block ends within a field", frame(HEADERS, 5, 1, GET_BLOCK + b"\0\x05ab"),
     verdict=COMPRESSION, probe=False)
case("4.3 PRIORITY within a block", frame(HEADERS, END_STREAM, 1, GET_BLOCK),
     frame(PRIORITY, 0, 1, b"\0\0\0\0\xff"), verdict=PROTOCOL, probe=False)
case("4.3 HEADERS within a block", frame(HEADERS, END_STREAM, 1, GET_BLOCK), head(3),
     verdict=PROTOCOL, probe=False)
case("4.3 unknown frame within a block", frame(HEADERS, END_STREAM, 1, GET_BLOCK),
     frame(0x16, 0, 1, b"x"), verdict=PROTOCOL, probe=False)
case("4.3 PING within a block", frame(HEADERS, END_STREAM, 1, GET_BLOCK), ping(),
     verdict=PROTOCOL, probe=False)

# --- 5.1 States of streams ---
case("5.1 idle: DATA", data(1, b"x", True), verdict=PROTOCOL, probe=False)
case("5.1 idle: RST_STREAM", reset_stream(1), verdict=PROTOCOL, probe=False)
case("5.1 idle: WINDOW_UPDATE", window_update(1, 100), verdict=PROTOCOL, probe=False)
case("5.1 idle: CONTINUATION", frame(CONTINUATION, END_HEADERS, 1, GET_BLOCK),
     verdict=PROTOCOL, probe=False)
case("5.1 idle: PRIORITY", frame(PRIORITY, 0, 5, b"\0\0\0\0\xff"), head(7), verdict="200", stream=7)
case("5.1 half-closed: DATA", head(1, HANG), data(1, b"x"),
     verdict=f"{CLOSED}|reset STREAM_CLOSED", probe=False)
case("5.1 half-closed: HEADERS", head(1, HANG), head(1),
     verdict=f"{CLOSED}|reset STREAM_CLOSED", probe=False)
case("5.1 half-closed: CONTINUATION", head(1, HANG),
     frame(CONTINUATION, END_HEADERS, 1, GET_BLOCK), verdict=f"{CLOSED}|{PROTOCOL}", probe=False)
case("5.1 half-closed: WINDOW_UPDATE", head(1), window_update(1, 5), verdict="200")
case("5.1 half-closed: PRIORITY", head(1), frame(PRIORITY, 0, 1, b"\0\0\0\0\xff"), verdict="200")
case("5.1 closed by us: RST_STREAM again", head(1, POST, OPEN), reset_stream(1), reset_stream(1),
     verdict="fine", stream=3)
case("5.1 closed by us: WINDOW_UPDATE", head(1, POST, OPEN), reset_stream(1), window_update(1, 9),
     verdict="fine", stream=3)
case("5.1 closed by us: PRIORITY", head(1, POST, OPEN), reset_stream(1),
     frame(PRIORITY, 0, 1, b"\0\0\0\0\xff"), verdict="fine", stream=3)
case("5.1 closed by us: DATA", head(1, POST, OPEN), reset_stream(1), data(1, b"x"),
     verdict=f"fine|{CLOSED}|reset STREAM_CLOSED", probe=True)
case("5.1 closed by us: HEADERS", head(1, POST, OPEN), reset_stream(1), head(1),
     verdict=f"{CLOSED}|reset STREAM_CLOSED|{PROTOCOL}", probe=False)
case("5.1 closed by us: CONTINUATION", head(1, POST, OPEN), reset_stream(1),
     frame(CONTINUATION, END_HEADERS, 1, GET_BLOCK), verdict=f"{CLOSED}|{PROTOCOL}", probe=False)
case("5.1.1 even stream", head(2), verdict=PROTOCOL, stream=2, probe=False)
case("5.1.1 stream 0", head(0), verdict=PROTOCOL, probe=False)
case("5.1.1 lower stream than before", head(5), head(3), verdict=PROTOCOL, stream=3, probe=False)
case("5.1.1 streams left out", head(9), verdict="200", stream=9)

# --- 5.3 and RFC 9218: priorities ---
case("5.3 HEADERS depends on itself", frame(HEADERS, 5 | PRIORITIZED, 1, b"\0\0\0\1\xff" + GET_BLOCK),
     verdict=f"200|{PROTOCOL}", probe=False)
case("5.3 HEADERS with a priority",
     frame(HEADERS, 5 | PRIORITIZED, 1, b"\x80\0\0\0\xff" + GET_BLOCK), verdict="200")
case("5.3 PRIORITY depends on itself", head(1, POST, OPEN), frame(PRIORITY, 0, 1, b"\0\0\0\1\xff"),
     data(1, end=True), verdict=f"200|{PROTOCOL}", probe=False)
case("9218 PRIORITY_UPDATE before the request",
     frame(PRIORITY_UPDATE, 0, 0, b"\0\0\0\1u=1, i"), head(1), verdict="200")
case("9218 PRIORITY_UPDATE of garbage",
     frame(PRIORITY_UPDATE, 0, 0, b"\0\0\0\1;;;=="), head(1), verdict="200")
case("9218 PRIORITY_UPDATE on a stream", frame(PRIORITY_UPDATE, 0, 1, b"\0\0\0\1u=1"),
     verdict=PROTOCOL, probe=False)
case("9218 PRIORITY_UPDATE for stream 0", frame(PRIORITY_UPDATE, 0, 0, b"\0\0\0\0u=1"),
     verdict=PROTOCOL, probe=False)
case("9218 PRIORITY_UPDATE too short", frame(PRIORITY_UPDATE, 0, 0, b"\0\0\1"),
     verdict=SIZE, probe=False)
case("9218 a Priority field", head(1, more=[("priority", "u=0, i")]), verdict="200")
case("9218 a Priority field of garbage", head(1, more=[("priority", "u=99, x=(")]), verdict="200")

# --- 6.1 DATA ---
case("6.1 stream 0", data(0, b"x"), verdict=PROTOCOL, probe=False)
case("6.1 padded", head(1, POST, OPEN), frame(DATA, 1 | PADDED, 1, b"\2ab\0\0"), verdict="200")
case("6.1 nothing but padding", head(1, POST, OPEN), frame(DATA, PADDED, 1, b"\2\0\0"),
     data(1, b"x", True), verdict="200")
case("6.1 more padding than frame", head(1, POST, OPEN), frame(DATA, 1 | PADDED, 1, b"\5ab\0\0"),
     verdict=PROTOCOL, probe=False)
case("6.1 padded and empty", head(1, POST, OPEN), frame(DATA, 1 | PADDED, 1, b""),
     verdict=f"{SIZE}|{PROTOCOL}", probe=False)
# --- 6.2 HEADERS ---
case("6.2 padded", frame(HEADERS, 5 | PADDED, 1, b"\2" + GET_BLOCK + b"\0\0"), verdict="200")
case("6.2 more padding than frame", frame(HEADERS, 5 | PADDED, 1, b"\xff" + GET_BLOCK),
     verdict=PROTOCOL, probe=False)
case("6.2 too short for its priority", frame(HEADERS, 5 | PRIORITIZED, 1, b"\0\0\0"),
     verdict=SIZE, probe=False)
# --- 6.3 PRIORITY ---
case("6.3 stream 0", frame(PRIORITY, 0, 0, b"\0\0\0\1\xff"), verdict=PROTOCOL, probe=False)
case("6.3 of 4 bytes", head(1, POST, OPEN), frame(PRIORITY, 0, 1, b"\0\0\0\1"),
     verdict=f"reset FRAME_SIZE_ERROR|{SIZE}", probe=False)
# --- 6.4 RST_STREAM ---
case("6.4 stream 0", reset_stream(0), verdict=PROTOCOL, probe=False)
case("6.4 of 3 bytes", head(1, POST, OPEN), frame(RST_STREAM, 0, 1, b"\0\0\0"),
     verdict=SIZE, probe=False)
case("6.4 unknown code", head(1, POST, OPEN), reset_stream(1, 0xffffffff), verdict="fine", stream=3)
# --- 6.5 SETTINGS ---
case("6.5 acknowledgement with content", frame(SETTINGS, ACK, 0, b"\0" * 6), verdict=SIZE, probe=False)
case("6.5 on a stream", frame(SETTINGS, 0, 1, b""), verdict=PROTOCOL, probe=False)
case("6.5 of 3 bytes", frame(SETTINGS, 0, 0, b"\0\3\0"), verdict=SIZE, probe=False)
case("6.5 acknowledgement nobody asked for", frame(SETTINGS, ACK, 0), frame(SETTINGS, ACK, 0), head(1),
     verdict=f"200|{PROTOCOL}", probe=False)
case("6.5.2 ENABLE_PUSH 2", settings((2, 2)), verdict=PROTOCOL, probe=False)
case("6.5.2 ENABLE_PUSH 1", settings((2, 1)), head(1), verdict="200")
case("6.5.2 INITIAL_WINDOW_SIZE too large", settings((4, 1 << 31)), verdict=FLOW, probe=False)
case("6.5.2 MAX_FRAME_SIZE too small", settings((5, 16383)), verdict=PROTOCOL, probe=False)
case("6.5.2 MAX_FRAME_SIZE too large", settings((5, 1 << 24)), verdict=PROTOCOL, probe=False)
case("6.5.2 MAX_FRAME_SIZE largest", settings((5, (1 << 24) - 1)), head(1), verdict="200")
case("6.5.2 unknown", settings((0xff, 7)), head(1), verdict="200")
case("6.5.2 HEADER_TABLE_SIZE 0", settings((1, 0)), head(1), verdict="200")
case("6.5.2 HEADER_TABLE_SIZE largest", settings((1, 0xffffffff)), head(1), verdict="200")
case("8441 ENABLE_CONNECT_PROTOCOL 2", settings((8, 2)), verdict=PROTOCOL, probe=False)
case("9218 NO_RFC7540_PRIORITIES 2", settings((9, 2)), verdict=PROTOCOL, probe=False)
# --- 6.6 PUSH_PROMISE ---
case("6.6 from a client", head(1, POST, OPEN),
     frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + GET_BLOCK), verdict=PROTOCOL, probe=False)
# --- 6.7 PING ---
case("6.7 on a stream", frame(PING, 0, 1, b"pingping"), verdict=PROTOCOL, probe=False)
case("6.7 of 6 bytes", frame(PING, 0, 0, b"pingpi"), verdict=SIZE, probe=False)
case("6.7 acknowledgement", ping(flags=ACK), head(1), verdict="200")
# --- 6.8 GOAWAY ---
case("6.8 on a stream", frame(GOAWAY, 0, 1, b"\0" * 8), verdict=PROTOCOL, probe=False)
case("6.8 of 4 bytes", frame(GOAWAY, 0, 0, b"\0" * 4), verdict=SIZE, probe=False)
case("6.8 and the answer still comes", head(1), frame(GOAWAY, 0, 0, b"\0" * 8), verdict="200",
     probe=False)
# --- 6.9 WINDOW_UPDATE ---
case("6.9 by 0", window_update(0, 0), verdict=PROTOCOL, probe=False)
case("6.9 by 0 on a stream", head(1, POST, OPEN), window_update(1, 0),
     verdict=f"{MALFORMED}|{PROTOCOL}", probe=False)
case("6.9 of 3 bytes", frame(WINDOW_UPDATE, 0, 0, b"\0\0\1"), verdict=SIZE, probe=False)
case("6.9.1 beyond 2^31-1", window_update(0, 0x7fffffff), window_update(0, 0x7fffffff),
     verdict=FLOW, probe=False)
case("6.9.1 beyond 2^31-1 on a stream", head(1, POST, OPEN), window_update(1, 0x7fffffff),
     window_update(1, 0x7fffffff), verdict="reset FLOW_CONTROL_ERROR")
case("6.9.1 more than the stream's window", head(1, HANG, OPEN),
     *[data(1, b"x" * 16384) for _ in range(10)], verdict=f"{FLOW}|reset FLOW_CONTROL_ERROR",
     probe=False)
case("6.9.2 a change beyond 2^31-1", head(1, POST, OPEN), window_update(1, 0x7fffffff - 65535),
     settings((4, 0x7fffffff)), verdict=FLOW, probe=False)
# --- 6.10 CONTINUATION ---
case("6.10 several", frame(HEADERS, END_STREAM, 1, GET_BLOCK[:5]),
     frame(CONTINUATION, 0, 1, GET_BLOCK[5:20]), frame(CONTINUATION, END_HEADERS, 1, GET_BLOCK[20:]),
     verdict="200")
case("6.10 then something else", frame(HEADERS, END_STREAM, 1, GET_BLOCK),
     frame(CONTINUATION, 0, 1, block([("a", "b")])), data(1, b"x"), verdict=PROTOCOL, probe=False)
case("6.10 stream 0", frame(HEADERS, END_STREAM, 1, GET_BLOCK),
     frame(CONTINUATION, END_HEADERS, 0, b""), verdict=PROTOCOL, probe=False)
case("6.10 another stream", frame(HEADERS, END_STREAM, 1, GET_BLOCK),
     frame(CONTINUATION, END_HEADERS, 3, b""), verdict=PROTOCOL, probe=False)
case("6.10 after the end", head(1, POST, OPEN), frame(CONTINUATION, END_HEADERS, 1, b""),
     verdict=PROTOCOL, probe=False)
case("6.10 after the end of another", frame(HEADERS, 0, 1, GET_BLOCK),
     frame(CONTINUATION, END_HEADERS, 1, b""), frame(CONTINUATION, END_HEADERS, 1, b""),
     verdict=PROTOCOL, probe=False)
case("6.10 after DATA", head(1, POST, OPEN), data(1, b"x"),
     frame(CONTINUATION, END_HEADERS, 1, b""), verdict=PROTOCOL, probe=False)
# --- 8.1 Messages ---
case("8.1 trailers", head(1, POST, OPEN), data(1, b"x"),
     frame(HEADERS, 5, 1, block([("x-trailer", "1")])), verdict="200")
case("8.1 trailers without END_STREAM", head(1, POST, OPEN), data(1, b"x"),
     frame(HEADERS, END_HEADERS, 1, block([("x-trailer", "1")])), verdict=MALFORMED)
case("8.1 pseudo-header field in trailers", head(1, POST, OPEN), data(1, b"x"),
     frame(HEADERS, 5, 1, block([(":path", "/x")])), verdict=MALFORMED)
case("8.1 connection field in trailers", head(1, POST, OPEN), data(1, b"x"),
     frame(HEADERS, 5, 1, block([("transfer-encoding", "chunked")])), verdict=MALFORMED)
case("8.1.1 less than content-length", head(1, POST + [("content-length", "5")], OPEN),
     data(1, b"test", True), verdict=MALFORMED)
case("8.1.1 more than content-length", head(1, POST + [("content-length", "3")], OPEN),
     data(1, b"test", True), verdict=MALFORMED)
case("8.1.1 more than content-length, in pieces", head(1, POST + [("content-length", "3")], OPEN),
     data(1, b"te"), data(1, b"st", True), verdict=MALFORMED)
case("8.1.1 content-length without content", head(1, POST + [("content-length", "3")]),
     verdict=MALFORMED)
case("8.1.1 content-length of content", head(1, POST + [("content-length", "4")], OPEN),
     data(1, b"test", True), verdict="200")
for length in ("", "-1", "+4", "4, 4", "0x4", "04", "4.0", "18446744073709551620"):
    case(f"8.1.1 content-length {length!r}", head(1, POST + [("content-length", length)], OPEN),
         data(1, b"test", True), verdict=MALFORMED)
case("8.1.1 two of content-length", head(1, POST + [("content-length", "4")] * 2, OPEN),
     data(1, b"test", True), verdict=MALFORMED)
# --- 8.2 Fields ---
field_case("8.2.1 upper case", MALFORMED, ("X-TEST", "ok"))
field_case("8.2.1 empty name", MALFORMED, ("", "ok"))
for byte in (b"\0", b"\n", b"\r", b" ", b"\t", b":", b"\x7f", b"\x80", b"(", b'"', b"A"):
    field_case(f"8.2.1 {byte!r} in a name", MALFORMED, (b"x" + byte + b"y", "ok"))
for byte in (b"\0", b"\n", b"\r", b"\x01", b"\x1f", b"\x7f", b"\r\n x"):
    field_case(f"8.2.1 {byte!r} in a value", MALFORMED, ("x-test", b"x" + byte + b"y"))
field_case("8.2.1 a value begins with space", MALFORMED, ("x-test", " x"))
field_case("8.2.1 a value begins with tab", MALFORMED, ("x-test", "\tx"))
field_case("8.2.1 a value ends with space", MALFORMED, ("x-test", "x "))
field_case("8.2.1 a value ends with tab", MALFORMED, ("x-test", "x\t"))
field_case("8.2.1 spaces within a value", "200", ("x-test", "a b\tc"))
field_case("8.2.1 a value of other bytes", "200", ("x-test", b"\xc3\xa9\xff"))
field_case("8.2.1 an empty value", "200", ("x-test", ""))
for name, value in (("connection", "keep-alive"), ("connection", "close"), ("keep-alive", "1"),
                    ("proxy-connection", "keep-alive"), ("transfer-encoding", "chunked"),
                    ("transfer-encoding", "gzip"), ("upgrade", "websocket"), ("te", "gzip"),
                    ("te", "trailers, deflate;q=0.5")):
    field_case(f"8.2.2 {name}: {value}", MALFORMED, (name, value))
field_case("8.2.2 te: trailers", "200", ("te", "trailers"))
field_case("8.2.3 cookies in crumbs", "200", ("cookie", "a=b"), ("cookie", "c=d"))
# --- 8.3 Pseudo-header fields ---
field_case("8.3 unknown", MALFORMED, base=[(":test", "ok")] + GET)
field_case("8.3 of an answer", MALFORMED, base=[(":status", "200")] + GET)
field_case("8.3 behind a field", MALFORMED, base=[("x-test", "1")] + GET)
for name in (":method", ":scheme", ":path"):
    field_case(f"8.3.1 without {name}", MALFORMED, drop=[name])
    field_case(f"8.3.1 empty {name}", MALFORMED, base=[(name, "") if f[0] == name else f for f in GET])
for name, value in GET:
    field_case(f"8.3.1 {name} twice", MALFORMED, base=[(name, value)] + GET)
field_case("8.3.1 without :authority", MALFORMED, drop=[":authority"])
field_case("8.3.1 host instead of :authority", "200", ("host", "h"), drop=[":authority"])
field_case("8.3.1 host like :authority", "200", ("host", "H"))
field_case("8.3.1 host unlike :authority", MALFORMED, ("host", "other"))
field_case("8.3.1 two hosts", MALFORMED, ("host", "h"), ("host", "h"))
for authority in ("", "user@h", "h:port", "h:80:80", "a b", "h/x", "h?x", "h#x", "[::1", "h,i", "a..b"):
    field_case(f"8.3.1 :authority {authority!r}", MALFORMED,
               base=[(n, authority if n == ":authority" else v) for n, v in GET])
for path in ("x", "*", "http://h/", "/a b", "/a\tb", "/a#b", "/\x7f", "/\0", "/a\r\nX: y", "/\xe9", "?x"):
    field_case(f"8.3.1 :path {path!r}", MALFORMED,
               base=[(n, path if n == ":path" else v) for n, v in GET])
for method in ("G T", "GET\r\n", "G:T", "G\0T", "GET /"):
    field_case(f"8.3.1 :method {method!r}", MALFORMED,
               base=[(n, method if n == ":method" else v) for n, v in GET])
for scheme in ("ftp", "http ", "h\0", "javascript", "://"):
    field_case(f"8.3.1 :scheme {scheme!r}", MALFORMED,
               base=[(n, scheme if n == ":scheme" else v) for n, v in GET])
field_case("8.3.1 :scheme https", "200", base=[(n, "https" if n == ":scheme" else v) for n, v in GET])
OPTIONS = [(":method", "OPTIONS"), (":scheme", "http"), (":path", "*"), (":authority", "h")]
field_case("8.3.1 OPTIONS *", "200", base=OPTIONS)
# --- 8.5 CONNECT, RFC 8441 ---
field_case("8.5 CONNECT", "405", base=[(":method", "CONNECT"), (":authority", "h:443")])
field_case("8.5 CONNECT without port", MALFORMED, base=[(":method", "CONNECT"), (":authority", "h")])
field_case("8.5 CONNECT with :path", MALFORMED,
           base=[(":method", "CONNECT"), (":authority", "h:443"), (":path", "/"), (":scheme", "http")])
field_case("8441 :protocol without CONNECT", MALFORMED, base=[(":protocol", "websocket")] + GET)
# --- What has a status ---
BIG = block([("x-test", "x" * 15000)])
case("10.5.1 a head that is too large", frame(HEADERS, END_STREAM, 1, GET_BLOCK),
     frame(CONTINUATION, 0, 1, BIG), frame(CONTINUATION, 0, 1, BIG),
     frame(CONTINUATION, END_HEADERS, 1, BIG), verdict="431")
case("10.5.1 a head that is just not", frame(HEADERS, END_STREAM, 1, GET_BLOCK),
     frame(CONTINUATION, 0, 1, BIG), frame(CONTINUATION, END_HEADERS, 1, BIG), verdict="200")
case("a target that is too long",
     frame(HEADERS, END_STREAM, 1, block([GET[0], GET[1], GET[3]])),
     frame(CONTINUATION, 0, 1, literal(":path", "/" + "x" * 16384)[:10000]),
     frame(CONTINUATION, END_HEADERS, 1, literal(":path", "/" + "x" * 16384)[10000:]), verdict="414")
case("too many fields", frame(HEADERS, END_STREAM, 1, GET_BLOCK),
     frame(CONTINUATION, END_HEADERS, 1, block([("x", "")] * 257)), verdict="431")
field_case("an unknown expectation", "417", ("expect", "miracles"))
# --- RFC 7541 ---
case("7541 2.3.3 an index that is not there", frame(HEADERS, 5, 1, GET_BLOCK + b"\xff\x70"),
     verdict=COMPRESSION, probe=False)
case("7541 6.1 index 0", frame(HEADERS, 5, 1, GET_BLOCK + b"\x80"), verdict=COMPRESSION, probe=False)
case("7541 4.2 table size update at the end", frame(HEADERS, 5, 1, GET_BLOCK + b"\x20"),
     verdict=COMPRESSION, probe=False)
case("7541 6.3 table size beyond the setting",
     frame(HEADERS, 5, 1, integer(4097, 5, 0x20) + GET_BLOCK), verdict=COMPRESSION, probe=False)
case("7541 6.3 table size 0", frame(HEADERS, 5, 1, b"\x20" + GET_BLOCK), verdict="200")
case("7541 5.2 Huffman padding of 8 bits", frame(HEADERS, 5, 1, GET_BLOCK + b"\0\x01x\x82\x1c\xff"[:3]
     + b"\x84\x1c\x64\xff\xff"), verdict=COMPRESSION, probe=False)
case("7541 5.2 Huffman padding of zeros", frame(HEADERS, 5, 1, GET_BLOCK + b"\0\x01x\x81\x18"),
     verdict=COMPRESSION, probe=False)
case("7541 5.2 EOS in a string", frame(HEADERS, 5, 1, GET_BLOCK + b"\0\x01x\x84\xff\xff\xff\xff"),
     verdict=COMPRESSION, probe=False)
case("7541 5.1 an integer without end", frame(HEADERS, 5, 1, GET_BLOCK + b"\0\x7f" + b"\x80" * 12),
     verdict=COMPRESSION, probe=False)
case("7541 6.2.1 literal that enters the table",
     frame(HEADERS, 5, 1, GET_BLOCK + b"\x40" + literal("x-a", "b")[1:]), verdict="200")
case("7541 6.2.3 literal that never does",
     frame(HEADERS, 5, 1, GET_BLOCK + b"\x10" + literal("x-a", "b")[1:]), verdict="200")
case("7541 6.1 fields by index", frame(HEADERS, 5, 1, b"\x82\x86\x84" + literal(":authority", "h")),
     verdict="200")


def backend_answer(connection, head_, rest):
    lines = head_.lower().split("\r\n")
    if lines[0].startswith("post /hang "):
        connection.recv(1)         # until the edge leaves
        return False
    while "transfer-encoding: chunked" in lines and \
            not re.search(rb"(^|\r\n)0\r\n([^\r\n]+\r\n)*\r\n$", rest):
        rest += connection.recv(65536)
    length = sum(int(line[15:]) for line in lines if line.startswith("content-length:"))
    while len(rest) < length:
        rest += connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
    return True


def check(edge, section, pieces, expected, stream, probe):
    allowed = expected.split("|")
    with Visitor(edge) as visitor:
        visitor.send(*pieces)
        if "fine" in allowed:
            visitor.send(head(PROBE))
        got = visitor.verdict(stream, PROBE)
        assert got in allowed, f"{section}: {got} instead of {expected}: {visitor.frames}"
        if got.startswith("goaway"):
            assert visitor.until(lambda *_: False) is None
        elif probe and got != "fine":
            visitor.send(head(PROBE))
            assert visitor.status(PROBE) == 200, section


def check_prefaces(edge):
    for hello in (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", b"PRI * HTTP/2.0\r\n\r\n", b"PRI * HTTP/2.0\r\nX: y\r\n\r\n"):
        with edge.connect() as connection:
            connection.sendall(hello + b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            text, _ = read_to_end(connection)
            assert text.startswith(b"HTTP/1.1 505 "), text
    # Only at the very beginning of a connection.
    text, _ = edge.ask(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" + PREFACE + settings())
    assert text.startswith(b"HTTP/1.1 200 OK") and b"HTTP/1.1 505" in text, text
    for first in (head(1), ping(), window_update(0, 5)):
        with Visitor(edge, PREFACE + first) as visitor:
            assert visitor.verdict() in (PROTOCOL, "closed"), visitor.frames
    with Visitor(edge, b"") as visitor:       # byte by byte
        for byte in PREFACE + settings() + head(1):
            visitor.send(bytes([byte]))
        assert visitor.status(1) == 200


def check_acknowledgements(edge):
    with Visitor(edge) as visitor:
        visitor.send(ping(b"abcdefgh"), head(1))
        assert visitor.until(lambda *f: f == (SETTINGS, ACK, 0, b"")) is not None
        assert visitor.until(lambda *f: f == (PING, ACK, 0, b"abcdefgh")) is not None
        assert visitor.content(1) == b"hello"


def check_windows(edge):
    """6.9.2: the initial window counts for streams that are there already, and may get negative."""
    with Visitor(edge, PREFACE + settings((4, 3))) as visitor:
        visitor.send(head(1))
        assert visitor.until(lambda kind, *_: kind == DATA) == (DATA, 0, 1, b"hel")
        visitor.send(settings((4, 1)), window_update(1, 2), ping(b"12345678"))
        visitor.until(lambda *f: f == (PING, ACK, 0, b"12345678"))
        visitor.send(window_update(1, 1))
        assert visitor.until(lambda kind, *_: kind == DATA) == (DATA, 0, 1, b"l")
        visitor.send(settings((4, 2)))
        assert visitor.until(lambda kind, *_: kind == DATA) == (DATA, END_STREAM, 1, b"o")


def main():
    with Edge(Backend(backend_answer)) as edge:
        for one in CASES:
            check(edge, *one)
        check_prefaces(edge)
        check_acknowledgements(edge)
        check_windows(edge)
        edge.await_quiet()
        print(len(CASES), "cases")


main()
