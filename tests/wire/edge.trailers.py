"""Fields after the content, from backends of both versions to visitors of both who take them."""

import h2.config
import h2.connection
import h2.events
from h2_backend import H2Backend
from harness import Backend, Edge

FORBIDDEN = ["Content-Length: 9", "Set-Cookie: a=b", "Cache-Control: max-age=9", "Host: other",
             "Transfer-Encoding: chunked", "Connection: close", "Authorization: x", "Age: 9",
             "Content-Type: text/evil", "Location: /", "Vary: *", "Link: </a>; rel=preload"]
ASKED = []


def http1_answer(connection, head, rest):
    ASKED.append(head.lower())
    lines = FORBIDDEN + ["X-Check: 42", "ETag:\"late\"", "Server-Timing: db;dur=5"]
    keep = "max-age=60" if "/kept" in head else "no-store"
    connection.sendall(f"HTTP/1.1 200 OK\r\nCache-Control: {keep}\r\nTrailer: X-Check\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n".encode()
                       + "".join(line + "\r\n" for line in lines).encode() + b"\r\n")
    return True


def http2_answer(session, stream, fields, content):
    ASKED.append(" ".join(f"{name}: {value}" for name, value in fields.items()))
    keep = "max-age=60" if "/kept" in fields[":path"] else "no-store"
    session.head(stream, [(":status", "200"), ("cache-control", keep)])
    session.data(stream, b"hello")
    if "/bad" in fields[":path"]:
        session.head(stream, [(":status", "200"), ("x-check", "42")], True)
    elif "/upper" in fields[":path"]:
        session.head(stream, [("X-Check", "42")], True)
    else:
        session.head(stream, [("x-check", "42"), ("etag", '"late"'), ("server-timing", "db;dur=5"),
                              ("set-cookie", "a=b"), ("age", "9")], True)


def ask1(edge, path, more=""):
    answer, _ = edge.ask(f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close{more}\r\n\r\n".encode())
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), head
    return head.decode().lower(), rest


def ask2(edge, path, *fields):
    """Content and trailer, over HTTP/2 with prior knowledge."""
    client = h2.connection.H2Connection(config=h2.config.H2Configuration(header_encoding="latin-1"))
    content, trailer, error = b"", None, None
    with edge.connect() as connection:
        client.initiate_connection()
        client.send_headers(1, [(":method", "GET"), (":scheme", "http"), (":authority", "h"),
                                (":path", path), *fields], end_stream=True)
        connection.sendall(client.data_to_send())
        while True:
            received = connection.recv(65536)
            assert received
            for event in client.receive_data(received):
                if isinstance(event, h2.events.DataReceived):
                    content += event.data
                elif isinstance(event, h2.events.TrailersReceived):
                    trailer = event.headers
                elif isinstance(event, h2.events.StreamReset):
                    return content, trailer, event.error_code
                elif isinstance(event, h2.events.StreamEnded):
                    return content, trailer, error
            connection.sendall(client.data_to_send())


def check(edge):
    taken = ", TE\r\nTE: trailers"
    _, rest = ask1(edge, "/a", taken)
    assert rest.startswith(b"5\r\nhello\r\n0\r\n") and rest.endswith(b"\r\n\r\n"), rest
    lines = rest.decode().lower().replace(": ", ":").split("\r\n")[3:-2]
    assert lines == ["x-check:42", 'etag:"late"', "server-timing:db;dur=5"], lines
    assert "te: trailers" in ASKED[-1], ASKED[-1]
    head, rest = ask1(edge, "/b")
    assert b"x-check" not in rest.lower() and b"hello" in rest, rest
    assert "te: trailers" not in ASKED[-1]
    ask1(edge, "/kept", taken)
    _, rest = ask1(edge, "/kept", taken)
    assert b"x-check" not in rest.lower() and b"hello" in rest
    content, trailer, error = ask2(edge, "/c", ("te", "trailers"))
    assert content == b"hello" and error is None
    assert trailer == [("x-check", "42"), ("etag", '"late"'), ("server-timing", "db;dur=5")], trailer
    content, trailer, error = ask2(edge, "/d")
    assert content == b"hello" and trailer is None and error is None


with Edge(Backend(http1_answer)) as edge_:
    check(edge_)
    edge_.await_quiet()
with Edge(H2Backend(http2_answer), "    http2: prior_knowledge\n") as edge_:
    check(edge_)
    for path_ in ("/bad", "/upper"):
        answer_, _ = edge_.ask(f"GET {path_} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        assert b" 503 " in answer_[:20] or not answer_.endswith(b"0\r\n\r\n"), answer_
    edge_.await_quiet()
