"""A real browser over HTTP/2: a page with all that belongs to it, content codings, a POST, a WebSocket.

The page checks itself and posts what it saw. Chromium goes nowhere but to this edge.
"""

import base64
import gzip
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

import brotli
from harness import Backend, digest
from secure import Authority, SecureEdge

PATIENCE_SECONDS = 100
TEXT = "".join(f"line {n} of what every coding must give back\n" for n in range(2000))
SMALL = TEXT[:20000]  # made while its first visitor waits
CODED = {"gzip": gzip.compress(TEXT.encode()), "br": brotli.compress(TEXT.encode()),
         "zstd": subprocess.run(["zstd", "-qc"], input=TEXT.encode(), check=True, capture_output=True).stdout}
PAGE = """<!doctype html><html lang="en"><title>checks itself</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css">
%s<img src="/dot.svg" alt="">
<script>
const report = {scripts: window.ran};
async function check(name, run) {
    try { report[name] = await run(); } catch (error) { report[name] = `failed: ${error}`; }
}
const text = async (path) => await (await fetch(path)).text();
const digest = async (bytes) => [...new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))]
    .map((byte) => byte.toString(16).padStart(2, '0')).join('');
const socket = () => new Promise((done, failed) => {
    const heard = [], web = new WebSocket(`wss://${location.host}/socket`);
    web.onopen = () => { web.send('one'); web.send('x'.repeat(200)); };
    web.onmessage = (event) => { heard.push(event.data.length); if (heard.length === 2) web.close(1000); };
    web.onclose = (event) => done([...heard, event.code]);
    web.onerror = () => failed('no socket');
});
addEventListener('load', async () => {
    const bytes = new Uint8Array(300000).map((_, n) => n * 31 %% 251);
    await check('style', () => getComputedStyle(document.body).color);
    for (const coding of ['gzip', 'br', 'zstd'])
        await check(coding, async () => digest(new TextEncoder().encode(await text(`/coded/${coding}`))));
    await check('made', async () => { // by the edge
        const answer = await fetch('/plain');
        return [answer.headers.get('content-encoding'), await digest(await answer.arrayBuffer())];
    });
    await check('post', async () => [await digest(bytes),
        await (await fetch('/post', {method: 'POST', body: bytes})).text()]);
    await check('twice', async () => [await text('/plain'), await text('/plain')].map((one) => one.length));
    await check('socket', socket);
    await check('protocols', () => ['navigation', 'resource'].flatMap((type) =>
        performance.getEntriesByType(type).map((entry) => [new URL(entry.name).pathname, entry.nextHopProtocol])));
    await fetch('/report', {method: 'POST', body: JSON.stringify(report)});
});
</script>""" % "".join(f"<script src=\"/{n}.js\"></script>\n" for n in range(12))
REPORTED, REPORT, SOCKETS = threading.Event(), {}, []


def take(connection, rest, size):
    while len(rest) < size:
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionError
        rest += piece
    return rest[:size], rest[size:]


def speak(connection, head, rest):
    """A WebSocket (RFC 6455) that says everything again."""
    SOCKETS.append(re.search(r"\r\nVia: ([^\r]*)", head)[1])
    key = re.search(r"(?i)\r\nsec-websocket-key: ([^\r]*)", head)[1]
    accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                       b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
    kind = 1
    while kind != 8:
        start, rest = take(connection, rest, 2)
        kind, size = start[0] & 15, start[1] & 127
        if size == 126:
            wide, rest = take(connection, rest, 2)
            size = int.from_bytes(wide, "big")
        mask, rest = take(connection, rest, 4)
        masked, rest = take(connection, rest, size)
        said = bytes(byte ^ mask[at % 4] for at, byte in enumerate(masked))
        length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
        connection.sendall(bytes([0x80 | kind]) + length + said)
    return False


def read_upload(connection, head, rest):
    length = re.search(r"(?i)\r\ncontent-length: (\d+)", head)
    return take(connection, rest, int(length[1]))[0]


def answer(connection, head, rest):
    path, fields = head.split(" ")[1], "Cache-Control: max-age=60\r\n"
    if path == "/socket":
        return speak(connection, head, rest)
    if path == "/report":
        REPORT.update(json.loads(read_upload(connection, head, rest)))
        REPORTED.set()
        kind, content = "text/plain", b""
    elif path == "/post":
        kind, content = "text/plain", digest(read_upload(connection, head, rest)).encode()
    elif path.startswith("/coded/"):
        fields += f"Content-Encoding: {path[7:]}\r\n"
        kind, content = "text/plain", CODED[path[7:]]
    elif path.endswith(".js"):
        kind, content = "text/javascript", b"window.ran = (window.ran || 0) + 1;\n"
    else:
        kind, content = {"/": ("text/html; charset=utf-8", PAGE.encode()),
                         "/style.css": ("text/css", b"body { color: rgb(1, 2, 3) }"),
                         "/dot.svg": ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
                         "/plain": ("text/plain", SMALL.encode())}[path]
    connection.sendall(f"HTTP/1.1 200 OK\r\n{fields}Content-Type: {kind}\r\n"
                       f"Content-Length: {len(content)}\r\n\r\n".encode() + content)
    return True


def browse(url):
    with tempfile.TemporaryDirectory(prefix="afloat-chromium-", ignore_cleanup_errors=True) as folder:
        browser = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-dev-shm-usage", "--ignore-certificate-errors", f"--user-data-dir={folder}",
             "--remote-debugging-port=0", url],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
        try:
            if not REPORTED.wait(PATIENCE_SECONDS):
                os.killpg(browser.pid, signal.SIGKILL)
                raise AssertionError(f"no report: {browser.stderr.read()[-3000:].decode()}")
        finally:
            if browser.poll() is None:
                os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()
            browser.stderr.close()


def check():
    whole = digest(TEXT.encode())
    version = int(re.search(r"(\d+)\.", subprocess.check_output(["chromium", "--version"], text=True))[1])
    assert REPORT["scripts"] == 12 and REPORT["style"] == "rgb(1, 2, 3)", REPORT
    assert REPORT["gzip"] == whole and REPORT["br"] == whole, REPORT
    assert REPORT["zstd"] == whole or version < 123, REPORT
    coding, made = REPORT["made"]
    assert coding in ("gzip", "br", "zstd") and made == digest(SMALL.encode()), REPORT
    assert REPORT["post"][0] == REPORT["post"][1], REPORT
    assert REPORT["twice"] == [len(SMALL)] * 2, REPORT
    assert REPORT["socket"] == [3, 200, 1000], REPORT
    protocols = dict(REPORT["protocols"])
    assert protocols["/"] == "h2" and len(protocols) >= 18, protocols
    asked = {path: protocol for path, protocol in protocols.items() if protocol}  # "": from its cache
    assert set(asked.values()) == {"h2"}, protocols
    assert SOCKETS == ["2 afloat"] or SOCKETS == ["1.1 afloat"], SOCKETS
    print(f"chromium {version}, {len(asked)} over h2, made here: {coding}, WebSocket came by {SOCKETS[0]}")


def main():
    if not shutil.which("chromium"):
        print("there is no chromium here")
        sys.exit(77)
    with Authority() as authority:
        pair = authority.issue("site", ["localhost"], ip="127.0.0.1")
        with SecureEdge(Backend(answer), [pair]) as edge:
            browse(f"https://127.0.0.1:{edge.secure_address[1]}/")
            check()


main()
