"""One client may begin so many TLS handshakes in a second; the others do not notice."""

import socket
import ssl
import subprocess

from harness import Backend, Edge


def answer(connection, _, __):
    connection.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nContent-Length: 2\r\n\r\nhi")
    return True


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


port = free_port()
edge = Edge(Backend(answer))
subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-days", "2", "-subj", "/CN=h", "-addext", "subjectAltName=DNS:h",
                "-keyout", edge.folder / "key.pem", "-out", edge.folder / "cert.pem"],
               check=True, capture_output=True)
edge.configure(f"""tls:
  listen: ["127.0.0.1:{port}"]
  certificates: [{{certificate: {edge.folder}/cert.pem, key: {edge.folder}/key.pem}}]
clients: {{exempt: [], handshakes: 1}}
""")
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE


def shake_hands(source):
    try:
        with socket.create_connection(("127.0.0.1", port), source_address=(source, 0)) as plain:
            plain.settimeout(60)
            with context.wrap_socket(plain, server_hostname="h"):
                return True
    except (ConnectionError, ssl.SSLError):
        return False


with edge:
    # Ten at once, then one in a second: of 60 at the most as many more as seconds have passed.
    done = sum(shake_hands("127.9.1.1") for _ in range(60))
    assert 10 <= done < 60, done
    assert shake_hands("127.9.1.2")
    assert edge.status()["ledger"]["client_handshakes"] == 60 - done
