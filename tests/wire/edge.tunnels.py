"""Tunnels: Upgrade over HTTP/1.1, byte-exact both ways, half-closed, refused, cut, idle and limited."""

import base64
import contextlib
import hashlib
import socket
import struct
import threading
import time

from harness import BUILD, Backend, Edge, Nobody, digest, pattern, read_to_end, reset, wait_until

MEGABYTE = pattern(1 << 20)
ASK = (b"GET %s HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: %s\r\n"
       b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
ACCEPT = base64.b64encode(hashlib.sha1(
    b"dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
HEADS = []       # what the backend was asked
SEEN = {}        # what it received in a tunnel, by path
RELEASE = threading.Event()
ENDED = threading.Event()


def switch(connection, protocol="websocket", behind=b""):
    connection.sendall((f"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
                        f"Upgrade: {protocol}\r\nSec-WebSocket-Accept: {ACCEPT}\r\n"
                        f"X-Hop: kept\r\n\r\n").encode() + behind)


def echo(connection):
    while piece := connection.recv(65536):
        connection.sendall(piece)


def backend_answer(connection, head, rest):
    HEADS.append(head)
    path = head.split(" ")[1]
    kind = path.split("/")[1]
    if kind == "echo":
        switch(connection)
        connection.sendall(rest)
        echo(connection)
    elif kind == "behind":
        switch(connection, behind=b"first words")
        echo(connection)
    elif kind == "upload":      # reads to the end, then says what it was
        switch(connection)
        content = rest + read_to_end(connection)[0]
        connection.sendall(digest(content).encode())
    elif kind == "download":    # the visitor has ended already and still gets all
        switch(connection)
        assert read_to_end(connection) == (b"", True)
        connection.sendall(MEGABYTE)
    elif kind == "speaks":      # ends first, still listens
        switch(connection)
        connection.sendall(b"that was all")
        connection.shutdown(socket.SHUT_WR)
        SEEN[path] = read_to_end(connection)[0]
        ENDED.set()
    elif kind == "reset":
        switch(connection)
        connection.recv(1)
        reset(connection)
    elif kind == "hold":
        switch(connection)
        SEEN[path] = read_to_end(connection)
        ENDED.set()
    elif kind == "full":        # takes nothing until it is allowed to
        switch(connection)
        RELEASE.wait()
        SEEN[path] = digest(read_to_end(connection)[0])
        ENDED.set()
    elif kind == "other":
        switch(connection, "chat/2")
        echo(connection)
    elif kind == "wrong":
        switch(connection, "other")
        read_to_end(connection)
    elif kind == "dies":
        return False
    else:
        status = int(kind)
        connection.sendall(b"HTTP/1.1 %d Whatever\r\nContent-Length: 5\r\nCache-Control: max-age=60"
                           b"\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nhello" % status)
        return True
    return False


def read_head(connection):
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(1)
        assert piece, head
        head += piece
    return head.decode()


def receive_exactly(connection, size):
    pieces = []
    while size > 0:
        piece = connection.recv(min(size, 65536))
        assert piece, f"{size} bytes too few"
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


@contextlib.contextmanager
def tunnel(edge, path, protocol=b"websocket", behind=b""):
    with edge.connect() as connection:
        connection.sendall(ASK % (path.encode(), protocol) + behind)
        head = read_head(connection)
        assert head.startswith("HTTP/1.1 101 "), head
        yield connection, head


def frame(payload, opcode=1, final=True):
    """A WebSocket frame as a client sends it (RFC 6455 section 5.2)."""
    mask = b"\x01\x02\x03\x04"
    size = struct.pack("!B", 0x80 | len(payload)) if len(payload) < 126 \
        else struct.pack("!BH", 0x80 | 126, len(payload)) if len(payload) < 65536 \
        else struct.pack("!BQ", 0x80 | 127, len(payload))
    masked = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
    return bytes([(0x80 if final else 0) | opcode]) + size + mask + masked


def check_handshake(edge):
    with tunnel(edge, "/echo/a") as (connection, head):
        low = head.lower()
        assert f"sec-websocket-accept: {ACCEPT}".lower() in low, head
        assert "\r\nconnection: upgrade\r\n" in low and "\r\nupgrade: websocket\r\n" in low, head
        assert "x-hop: kept" in low and "cache-status: " in low and "connection: close" not in low
        assert "content-length" not in low and "transfer-encoding" not in low
        asked = HEADS[-1].lower()
        assert "\r\nconnection: upgrade\r\n" in asked + "\r\n" and "\r\nupgrade: websocket" in asked
        assert "sec-websocket-version: 13" in asked and "keep-alive" not in asked, asked
        message = frame(b"hel", 1, False) + frame(b"lo", 0) + frame(b"", 9)
        for byte in message:  # fragmented as finely as can be
            connection.sendall(bytes([byte]))
        assert receive_exactly(connection, len(message)) == message
        connection.sendall(frame(b"x" * 70000))
        assert receive_exactly(connection, len(frame(b"x" * 70000))) == frame(b"x" * 70000)
    wait_until(lambda: edge.status()["now"]["tunnels"] == 0, "the tunnel is gone")


def check_megabyte(edge):
    with tunnel(edge, "/echo/b") as (connection, _):
        thread = threading.Thread(target=connection.sendall, args=[MEGABYTE])
        thread.start()
        assert receive_exactly(connection, len(MEGABYTE)) == MEGABYTE
        thread.join()


def check_half_closes(edge):
    with tunnel(edge, "/upload/a") as (connection, _):
        connection.sendall(MEGABYTE)
        connection.shutdown(socket.SHUT_WR)
        assert read_to_end(connection) == (digest(MEGABYTE).encode(), True)
    with tunnel(edge, "/download/a") as (connection, _):
        connection.shutdown(socket.SHUT_WR)
        time.sleep(.2)  # at rest in between, half closed
        assert read_to_end(connection) == (MEGABYTE, True)
    ENDED.clear()
    with tunnel(edge, "/speaks/a") as (connection, _):
        assert read_to_end(connection) == (b"that was all", True)
        connection.sendall(b"and you heard me")
    assert ENDED.wait(60) and SEEN["/speaks/a"] == b"and you heard me"


def check_ends(edge):
    with tunnel(edge, "/reset/a") as (connection, _):
        connection.sendall(b"x")
        assert read_to_end(connection) == (b"", False), "a reset must arrive as one"
    ENDED.clear()
    with tunnel(edge, "/hold/a") as (connection, _):
        connection.sendall(b"bye")
        reset(connection)
    assert ENDED.wait(60) and SEEN["/hold/a"][1] is False
    ENDED.clear()
    with tunnel(edge, "/hold/b") as (connection, _):
        connection.sendall(b"bye")
    assert ENDED.wait(60) and SEEN["/hold/b"] == (b"bye", True)


def check_bytes_behind_heads(edge):
    with tunnel(edge, "/behind/a", behind=b"early words") as (connection, _):
        assert receive_exactly(connection, 22) in (b"first wordsearly words",)
    with tunnel(edge, "/echo/c", behind=MEGABYTE[:5000]) as (connection, _):
        assert receive_exactly(connection, 5000) == MEGABYTE[:5000]


def check_other_tokens(edge):
    with tunnel(edge, "/other/a", b"h2c, websocket, chat/2, HTTP/2.0") as (connection, head):
        assert "\r\nUpgrade: chat/2\r\n" in head
        assert "\r\nUpgrade: websocket,chat/2" in HEADS[-1], HEADS[-1]
        connection.sendall(b"ho")
        assert receive_exactly(connection, 2) == b"ho"


def check_ordinary_answers(edge):
    for status in (200, 400, 426):
        with edge.connect() as connection:
            for _ in range(2):  # never kept, and the connection goes on
                before = len(HEADS)
                connection.sendall(ASK % (b"/%d/a" % status, b"websocket"))
                head = read_head(connection)
                assert head.startswith(f"HTTP/1.1 {status} "), head
                assert "upgrade: " not in head.lower()
                assert receive_exactly(connection, 5) == b"hello"
                assert len(HEADS) == before + 1
    # Those that cannot ask: HTTP/1.0, another method, only another HTTP, no nomination.
    for request in (b"GET /200/b HTTP/1.0\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
                    b"POST /200/c HTTP/1.1\r\nHost: h\r\nConnection: upgrade, close\r\nUpgrade: websocket\r\n\r\n",
                    b"GET /200/d HTTP/1.1\r\nHost: h\r\nConnection: upgrade, close, HTTP2-Settings\r\n"
                    b"HTTP2-Settings: AAMAAABkAAQAAP__\r\nUpgrade: h2c\r\n\r\n",
                    b"GET /200/e HTTP/1.1\r\nHost: h\r\nConnection: close\r\nUpgrade: websocket\r\n\r\n"):
        answer, _ = edge.ask(request)
        assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"hello"), answer
        assert "upgrade" not in HEADS[-1].lower() and "http2-settings" not in HEADS[-1].lower()


def refused(edge, path):
    with edge.connect() as connection:
        connection.sendall(ASK % (path, b"websocket"))
        return read_head(connection)


def check_failures(edge, dead):
    before = len(HEADS)
    for path in (b"/dies/a", b"/wrong/a"):
        assert refused(edge, path).startswith("HTTP/1.1 503 ")
    assert len(HEADS) == before + 2, "never asked twice"
    head = refused(dead, b"/echo/x")
    assert head.startswith("HTTP/1.1 503 ") and "Retry-After: " in head, head


def check_back_pressure(edge):
    size, sent = 64 << 20, 0
    ENDED.clear()
    with tunnel(edge, "/full/a") as (connection, _):
        connection.settimeout(1)
        with contextlib.suppress(TimeoutError):
            while sent < size:
                sent += connection.send(MEGABYTE[:65536])
        assert sent < size, "somebody holds what nobody takes"
        edge.assert_memory_below(100)
        connection.settimeout(60)
        RELEASE.set()
    assert ENDED.wait(60)


def check_limit(edge):
    with tunnel(edge, "/hold/c"), tunnel(edge, "/hold/d"):
        head = refused(edge, b"/hold/e")
        assert head.startswith("HTTP/1.1 503 ") and "Retry-After: " in head, head
        assert edge.metric("afloat_tunnels_refused_total") == 1
        assert edge.status()["now"]["tunnels"] == 2
    wait_until(lambda: edge.status()["now"]["tunnels"] == 0, "they are gone")
    with tunnel(edge, "/echo/f"):
        pass


def check_idle(edge):
    ENDED.clear()
    with tunnel(edge, "/hold/g") as (connection, _):
        assert read_to_end(connection) == (b"", True)
    assert ENDED.wait(60)
    assert edge.metric("afloat_tunnels_idle_total") == 1


def check_drain(backend):
    with Edge(backend, "connections: {drain_timeout: 200ms}\n") as edge:
        with tunnel(edge, "/echo/z") as (connection, _):
            connection.sendall(b"still here")
            assert receive_exactly(connection, 10) == b"still here"
            edge.process.terminate()
            read_to_end(connection)
            wait_until(lambda: edge.process.poll() is not None, "it has ended")


def check_memory(backend, count):
    """What a tunnel at rest costs the edge; the kernel's part is not in it."""
    with Edge(backend, "threads: 1\n") as edge, contextlib.ExitStack() as stack:
        for half in range(2):  # what is pooled and reused is there after the first
            before = edge.memory_kb()
            for i in range(count):
                stack.enter_context(tunnel(edge, f"/hold/{half}-{i}"))
            time.sleep(.3)
        wait_until(lambda: edge.status()["now"]["tunnels"] == 2 * count, "all are open")
        each = (edge.memory_kb() - before) * 1024 // count
        print(f"a tunnel at rest: {each} bytes")
        assert BUILD != "dev" or each < 8192, each
        stack.close()
        edge.await_quiet()


BACKEND = Backend(backend_answer)
with Edge(Nobody()) as dead_edge, Edge(BACKEND) as edge_:
    check_handshake(edge_)
    check_megabyte(edge_)
    check_half_closes(edge_)
    check_ends(edge_)
    check_bytes_behind_heads(edge_)
    check_other_tokens(edge_)
    check_ordinary_answers(edge_)
    check_failures(edge_, dead_edge)
    check_back_pressure(edge_)
    edge_.await_quiet()
    assert edge_.metric("afloat_tunnels_total") > 10
    assert edge_.metric("afloat_tunnel_bytes_total") > 4 << 20
with Edge(BACKEND, "threads: 1\nconnections: {tunnels: 2}\n") as edge_:
    check_limit(edge_)
with Edge(BACKEND, "connections: {tunnel_idle_timeout: 1s}\n") as edge_:
    check_idle(edge_)
check_drain(BACKEND)
check_memory(BACKEND, 150)
