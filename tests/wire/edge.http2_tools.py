"""Programs that others wrote for HTTP/2: nghttp, h2load and curl, in the clear and over TLS."""

import re
import shutil
import subprocess
import sys
import tempfile

from harness import PATIENCE_SECONDS, Backend, digest, pattern
from secure import Authority, SecureEdge

LARGE = pattern(300000)
TOOLS = ("nghttp", "h2load", "curl")


def answer(connection, head, rest):
    length = re.search(r"(?i)\r\ncontent-length: (\d+)", head)
    chunked = "transfer-encoding: chunked" in head.lower()
    while length and len(rest) < int(length[1]) or chunked and not rest.endswith(b"0\r\n\r\n"):
        rest += connection.recv(65536)
    content = digest(rest).encode() if head.startswith("POST") else LARGE if "/large" in head else b"hello"
    connection.sendall(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Type: text/plain\r\n"
                       b"Content-Length: %d\r\n\r\n" % len(content) + content)
    return True


def run(*command, **more):
    done = subprocess.run([str(word) for word in command], capture_output=True, check=False,
                          timeout=PATIENCE_SECONDS, **more)
    assert done.returncode == 0, (command, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def curl(url, ca, file):
    options = ("curl", "-sS", "--http2" if ca else "--http2-prior-knowledge", *(("--cacert", ca) if ca else ()))
    version = ("-w", "%{http_version} %{http_code}")
    assert run(*options, *version, f"{url}/small") == b"hello2 200"
    assert run(*options, f"{url}/large") == LARGE
    assert run(*options, *version, "--data-binary", f"@{file}", f"{url}/post") == digest(LARGE).encode() + b"2 200"
    assert b"\r\nage: " in run(*options, "-i", "--compressed", f"{url}/small").lower()
    if ca:  # in the clear curl 7.88 makes but one transfer of a connection, with nghttpd as well
        several = [word for n in range(20) for word in ("-o", "/dev/null", f"{url}/{n}")]
        assert run(*options, *version, *several) == b"2 200" * 20
        assert run(*options, *version, "-Z", *several) == b"2 200" * 20
    else:  # Upgrade: h2c was given up (RFC 9113 section 3.1): the answer comes over HTTP/1.1
        assert run("curl", "-sS", "--http2", *version, f"{url}/small") == b"hello1.1 200"


def nghttp(url, ca, file):
    options = ("nghttp", "--no-verify-peer") if ca else ("nghttp",)
    assert run(*options, f"{url}/large") == LARGE
    assert run(*options, "-d", file, f"{url}/post") == digest(LARGE).encode()
    said = run(*options, "-nv", "--trailer", "x-check: 1", "-d", file, f"{url}/post", f"{url}/small")
    assert said.count(b":status: 200") == 2, said
    # Small windows, padding, and heads in continuations.
    assert run(*options, "-w", "12", "-W", "12", "-b", "64", f"{url}/large") == LARGE
    assert run(*options, "--continuation", f"{url}/small") == b"hello"


def h2load(url):
    said = run("h2load", "-n", 500, "-c", 5, "-m", 20, f"{url}/small", f"{url}/large").decode()
    assert "500 succeeded, 0 failed, 0 errored, 0 timeout" in said, said
    assert "status codes: 500 2xx, 0 3xx, 0 4xx, 0 5xx" in said, said
    assert "Application protocol: h2" in said, said


def main():
    found = [tool for tool in TOOLS if shutil.which(tool)]
    with Authority() as authority, tempfile.NamedTemporaryFile() as file:
        file.write(LARGE)
        file.flush()
        pair = authority.issue("site", ["localhost"], ip="127.0.0.1")
        with SecureEdge(Backend(answer), [pair]) as edge:
            for url, ca in ((f"http://127.0.0.1:{edge.address[1]}", None),
                            (f"https://127.0.0.1:{edge.secure_address[1]}", authority.ca)):
                if "curl" in found:
                    curl(url, ca, file.name)
                if "nghttp" in found:
                    nghttp(url, ca, file.name)
                if "h2load" in found:
                    h2load(url)
            edge.await_quiet()
    if len(found) < len(TOOLS):
        print("skipped:", ", ".join(set(TOOLS) - set(found)))
        sys.exit(77)


main()
