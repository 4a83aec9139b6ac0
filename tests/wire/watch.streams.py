"""Open pages are told of changes by streams, which are few: one network cannot have them all, whoever
finds none is told to come back, and a stream that ends makes room."""

import socket

from harness import PATIENCE_SECONDS, Backend, Edge, page, wait_until
from visiting import Visitor

PART = 10  # a twentieth
settings = f"""sites: [{{hosts: [shop.example]}}]
status: {{name: Example, streams: {20 * PART}}}
"""
backend = Backend(lambda connection, *_: connection.sendall(page(b"")))


def listen(edge, source):
    """A stream, and its status."""
    stream = socket.create_connection(edge.address, PATIENCE_SECONDS, (source, 0))
    stream.sendall(b"GET /.afloat/events HTTP/1.1\r\nHost: shop.example\r\n\r\n")
    head = b""
    while b"\r\n\r\n" not in head:
        head += stream.recv(4096)
    return stream, int(head.split()[1])


with Edge(backend, settings) as edge:
    # All of one /24 together.
    streams = [listen(edge, f"127.0.1.{1 + number % 200}") for number in range(PART)]
    assert {status for _, status in streams} == {200}
    status, fields, _ = Visitor(edge, "127.0.1.250").ask("/.afloat/events")
    assert status == 503 and int(fields["Retry-After"]) > 0, fields
    # Others are told of changes nonetheless, as many as there may be in all. Networks are told apart
    # by a hash: of twenty, one in a hundred times two share a place, and the second has none.
    networks, sharing = iter(range(2, 30)), 0
    while len(streams) < 20 * PART:
        network = next(networks)
        opened = [listen(edge, f"127.0.{network}.1") for _ in range(PART)]
        if {status for _, status in opened} == {503}:
            sharing += 1
            continue
        assert {status for _, status in opened} == {200}, [status for _, status in opened]
        streams += opened
    assert sharing <= 2, sharing
    stream, status = listen(edge, "127.0.200.1")
    stream.close()
    assert status == 503, status
    # Who goes makes room.
    streams.pop(0)[0].close()

    def finds_room():
        stream, status = listen(edge, "127.0.1.250")
        stream.close()
        return status == 200

    wait_until(finds_room, "there is room")
    for stream, _ in streams:
        stream.close()
