"""One client may begin so many TLS handshakes in a second; the others do not notice."""

import socket
import ssl

from harness import Backend
from secure import Authority, SecureEdge, visitor


def answer(connection, _, __):
    connection.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 2\r\n\r\nhi")
    return True


def shake_hands(edge, source):
    try:
        with socket.create_connection(edge.secure_address, source_address=(source, 0)) as plain:
            plain.settimeout(60)
            with visitor().wrap_socket(plain, server_hostname="h"):
                return True
    except (ConnectionError, ssl.SSLError):
        return False


with Authority() as authority, SecureEdge(Backend(answer), [authority.issue("h", ["h"])],
                                          "clients: {exempt: [], handshakes: 1}\n") as edge_:
    # Ten at once, then one in a second: of 60 at the most as many more as seconds have passed.
    done = sum(shake_hands(edge_, "127.9.1.1") for _ in range(60))
    assert 10 <= done < 60, done
    assert shake_hands(edge_, "127.9.1.2")
    assert edge_.status()["ledger"]["client_handshakes"] == 60 - done
