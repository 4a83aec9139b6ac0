#!/usr/bin/python3
"""afloat on a kernel that encrypts (kTLS): Debian's, booted in qemu with nothing but busybox around.

The kernel of most machines that tests run on lacks the module or may not load it, so this one
comes by apt-get download into build/kernel, is unpacked there and never installed. Visitors are here,
outside, so whatever the kernel sends is read by an OpenSSL that knows nothing of it.

usage: kernel_tls.py BINARY      skipped (status 77) without qemu, busybox or the kernel's package
"""

import contextlib
import gzip
import http.client
import os
import pathlib
import platform
import random
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
KERNELS = TOP / "build" / "kernel"
PACKAGE = "linux-image-cloud-amd64"
QEMU = "qemu-system-x86_64"
BOOT_SECONDS, PATIENCE_SECONDS = 90, 30
MODULES = ["virtio_pci", "virtio_net", "ghash_generic", "seqiv", "ctr", "gcm", "tls"]
GUEST_PORTS = {"origin": 8000, "kernel": 443, "kernel_metrics": 9001, "off": 444, "off_metrics": 9002}
LARGE = random.Random(1).randbytes(5 << 20)
SMALL = b"a small page\n"

INIT = """#!/bin/sh
PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
ip link set lo up
for module in MODULES; do insmod /modules/$module; done
ip address add 10.0.2.15/24 dev eth0
ip link set eth0 up
ulimit -n 4096
httpd -p 8000 -h /www
for name in kernel off; do
    { afloat run --config /$name.yaml; echo "afloat $name ended: $?"; } >/dev/console 2>&1 &
done
wait
"""

SETTINGS = """
listen: ["127.0.0.1:{plain}"]
state: /state-{name}
threads: 2
metrics: {{listen: "0.0.0.0:{metrics}"}}
log: {{error: /dev/console}}
tls:
  listen: ["0.0.0.0:{port}"]
  certificates: [{{certificate: /cert.pem, key: /key.pem}}]
  kernel: {kernel}
origins: {{main: {{backends: ["http://127.0.0.1:8000"]}}}}
"""

TLS_STAT = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
cat /proc/net/tls_stat
"""


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def find_kernel():
    """The folder that the kernel's package is unpacked in."""
    KERNELS.mkdir(parents=True, exist_ok=True)
    if not list(KERNELS.glob("*.deb")):
        depends = subprocess.run(["apt-cache", "depends", PACKAGE], capture_output=True, text=True,
                                 check=False).stdout
        name = re.search(r"Depends: (linux-image-\S+)", depends)
        if not name:
            skip(f"apt knows no {PACKAGE}")
        if subprocess.run(["apt-get", "download", "--quiet", name[1]], cwd=KERNELS, check=False,
                          stdout=subprocess.DEVNULL).returncode != 0:
            skip(f"apt-get download {name[1]} failed")
    package = sorted(KERNELS.glob("*.deb"))[-1]
    folder = package.with_suffix("")
    if not folder.exists():
        unpacked = folder.with_suffix(".unpacking")
        shutil.rmtree(unpacked, ignore_errors=True)
        subprocess.run(["dpkg", "-x", package, unpacked], check=True)
        unpacked.rename(folder)
    return folder


class Archive:
    """An initramfs: cpio, the "newc" kind."""

    def __init__(self):
        self.bytes, self.count, self.folders = bytearray(), 0, set()

    def entry(self, name, mode, content=b""):
        self.count += 1
        name = name.encode() + b"\0"
        fields = [self.count, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0]
        self.bytes += b"070701" + b"".join(b"%08X" % field for field in fields) + name
        self.bytes += b"\0" * (-len(self.bytes) % 4) + content
        self.bytes += b"\0" * (-len(self.bytes) % 4)

    def folder(self, name):
        if name not in self.folders and name not in ("", "."):
            self.folder(os.path.dirname(name))
            self.folders.add(name)
            self.entry(name, 0o040755)

    def file(self, name, content, mode=0o755):
        name = name.lstrip("/")
        self.folder(os.path.dirname(name))
        self.entry(name, 0o100000 | mode, content)

    def link(self, name, target):
        self.folder(os.path.dirname(name))
        self.entry(name, 0o120777, target.encode())

    def packed(self):
        self.entry("TRAILER!!!", 0)
        return gzip.compress(bytes(self.bytes), 1)


def make_certificate(folder):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-keyout", folder / "key.pem", "-out",
                    folder / "cert.pem", "-days", "3650", "-subj", "/CN=example.org"], check=True, capture_output=True)


def with_needs(modules, name, found):
    """The files of the module and of those it needs, in the order to load them."""
    if name in modules and modules[name] not in found:  # others are built in
        needs = re.search(rb"\0depends=([^\0]*)\0", modules[name].read_bytes())
        for need in needs[1].decode().split(",") if needs else []:
            with_needs(modules, need, found)
        found.append(modules[name])
    return found


def make_initramfs(binary, kernel, folder):
    archive = Archive()
    make_certificate(folder)
    busybox = shutil.which("busybox")
    archive.file("bin/busybox", pathlib.Path(busybox).read_bytes())
    for applet in ("sh", "mount", "ip", "insmod", "httpd", "cat", "printf"):
        archive.link(f"bin/{applet}", "busybox")
    archive.file("bin/afloat", binary.read_bytes())
    listed = subprocess.check_output(["ldd", binary], text=True)
    for library in re.findall(r"(/\S+) \(0x", listed):
        archive.file(library, pathlib.Path(library).read_bytes())
    modules = {f.stem.replace("-", "_"): f for f in (kernel / "lib/modules").rglob("*.ko")}
    files = []
    for name in MODULES:
        with_needs(modules, name, files)
    for file in files:
        archive.file(f"modules/{file.name}", file.read_bytes())
    archive.file("init", INIT.replace("MODULES", " ".join(file.name for file in files)).encode())
    for name, setting in (("kernel", "auto"), ("off", "off")):
        archive.file(f"{name}.yaml", SETTINGS.format(
            name=name, kernel=setting, plain=GUEST_PORTS[name] + 8000, port=GUEST_PORTS[name],
            metrics=GUEST_PORTS[f"{name}_metrics"]).encode())
    for name in ("cert.pem", "key.pem"):
        archive.file(name, (folder / name).read_bytes())
    archive.file("www/large", LARGE)
    archive.file("www/small", SMALL)
    archive.file("www/cgi-bin/tls_stat", TLS_STAT.encode())
    for name in ("proc", "sys", "dev", "tmp"):
        archive.folder(name)
    path = folder / "initramfs"
    path.write_bytes(archive.packed())
    return path


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Guest:
    """The machine; the addresses of its ports are in self.ports."""

    def __init__(self, binary, kernel):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="afloat-kernel-"))
        self.ports = {name: free_port() for name in GUEST_PORTS}
        forwards = "".join(f",hostfwd=tcp:127.0.0.1:{self.ports[name]}-:{port}"
                           for name, port in GUEST_PORTS.items())
        self.log = self.folder / "console"
        # Emulated: a machine that is virtual itself may offer KVM and then not run a guest.
        self.command = [
            QEMU, "-accel", "tcg", "-cpu", "max", "-m", "512", "-smp", "2",
            "-nographic", "-no-reboot", "-kernel", next((kernel / "boot").glob("vmlinuz-*")),
            "-initrd", make_initramfs(binary, kernel, self.folder),
            "-append", "console=ttyS0 quiet panic=-1", "-netdev", f"user,id=net{forwards}",
            "-device", "virtio-net-pci,netdev=net,romfile="]

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT)
        end = time.monotonic() + BOOT_SECONDS
        for name in ("kernel", "off"):
            while not self.answers(name):
                if time.monotonic() > end or self.process.poll() is not None:
                    self.__exit__(AssertionError)
                    raise AssertionError("the guest did not come up")
                time.sleep(.5)
        return self

    def __exit__(self, kind, *_):
        self.process.kill()
        self.process.wait()
        if kind is not None:
            print(self.log.read_text(errors="replace")[-6000:])
        shutil.rmtree(self.folder)

    # A forwarded port takes connections from the start, so only an answer tells.
    def answers(self, name):
        try:
            return self.metric(name, "tls_handshakes") >= 0
        except (OSError, http.client.HTTPException):
            return False

    def fetch(self, name, path):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[name], timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().read().decode()

    def metric(self, name, metric):
        text = self.fetch(f"{name}_metrics", "/metrics")
        return int(re.search(rf"^afloat_{metric}(?:_total)? (\d+)$", text, re.MULTILINE)[1])

    def sent_by_kernel(self):
        """How many connections the kernel has had keys of, ever."""
        text = self.fetch("origin", "/cgi-bin/tls_stat")
        return int(re.search(r"^TlsTxSw\s+(\d+)$", text, re.MULTILINE)[1])

    def connect(self, name="kernel", session=None, version=None, context=None):
        context = context or visitor(version)
        plain = socket.create_connection(("127.0.0.1", self.ports[name]))
        plain.settimeout(PATIENCE_SECONDS)
        return context.wrap_socket(plain, server_hostname="example.org", session=session,
                                   suppress_ragged_eofs=False)


def visitor(version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def curl(guest, path, *words, name="kernel"):
    url = f"https://example.org:{guest.ports[name]}{path}"
    return subprocess.check_output(
        ["curl", "--silent", "--show-error", "--fail", "--insecure", "--max-time",
         str(PATIENCE_SECONDS), "--connect-to", f"::127.0.0.1:{guest.ports[name]}", *words, url])


def ask(connection, path, more=""):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: example.org\r\n{more}\r\n".encode())
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return answer.read()


# --- What is tested ---

def suites(guest):
    """Each suite that the kernel has, content of many records, byte by byte."""
    for words in (["--tls13-ciphers", "TLS_AES_128_GCM_SHA256"],
                  ["--tls13-ciphers", "TLS_AES_256_GCM_SHA384"],
                  ["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256"],
                  ["--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384"]):
        for protocol in ("--http1.1", "--http2"):
            before = guest.metric("kernel", "tls_kernel")
            assert curl(guest, "/large", protocol, *words) == LARGE, (protocol, words)
            assert guest.metric("kernel", "tls_kernel") == before + 1, (protocol, words)


def other_suites(guest):
    """A suite whose module the guest has not loaded is OpenSSL's work."""
    before = guest.metric("kernel", "tls_kernel")
    assert curl(guest, "/large", "--tls13-ciphers", "TLS_CHACHA20_POLY1305_SHA256") == LARGE
    assert guest.metric("kernel", "tls_kernel") == before


def keep_alive(guest):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with guest.connect(version=version) as connection:
            for _ in range(5):
                assert ask(connection, "/small") == SMALL
                assert ask(connection, "/large") == LARGE


def resumption(guest):
    """The ticket went through the kernel, as a record that is no content."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context, session = visitor(version), None
        for _ in range(3):
            with guest.connect(context=context, session=session) as connection:
                assert ask(connection, "/small") == SMALL
                assert connection.session_reused == (session is not None), version
                session = connection.session


def ends(guest):
    """close_notify comes behind the last byte; without it the read would raise. Also to a visitor
    who reads late, when all that lies between has filled up."""
    for pause in (0, 2):
        with guest.connect() as connection:
            connection.sendall(b"GET /large HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n")
            time.sleep(pause)
            content = b"".join(iter(lambda: connection.recv(65536), b""))
            assert content.split(b"\r\n\r\n", 1)[1] == LARGE, content[-500:]


class Interactive:
    """openssl s_client, which sends KeyUpdates when it is told so."""

    def __init__(self, guest):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{guest.ports['kernel']}", "-crlf",
             "-tls1_3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.text = ""

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def ask(self):
        self.say("GET /small HTTP/1.1\nHost: example.org\n")

    def await_text(self, pattern, count=1):
        end = time.monotonic() + PATIENCE_SECONDS
        while len(re.findall(pattern, self.text)) < count:
            assert time.monotonic() < end, f"waited in vain for {pattern} in:\n{self.text}"
            self.text += (self.process.stdout.read() or b"").decode(errors="replace")
            time.sleep(.05)


def key_updates(guest):
    """A visitor's new key of his own goes on; that he wants one of ours is an orderly end."""
    client = Interactive(guest)
    with client.process:
        client.await_text("Verify return code")
        client.ask()
        client.await_text(SMALL.decode(), 1)
        client.say("k")
        client.await_text("KEYUPDATE", 1)
        client.ask()
        client.await_text(SMALL.decode(), 2)
        client.say("K")
        client.await_text("closed")
        assert client.process.wait(PATIENCE_SECONDS) == 0, client.text
        assert not re.search("error:[0-9A-F]{8}|alert|bad record", client.text), client.text


def switched_off(guest):
    before = guest.sent_by_kernel()
    for protocol in ("--http1.1", "--http2"):
        assert curl(guest, "/large", protocol, name="off") == LARGE
    assert guest.sent_by_kernel() == before
    assert guest.metric("off", "tls_handshakes") == 2
    assert guest.metric("off", "tls_kernel") == 0


def main():
    binary = pathlib.Path(sys.argv[1]).resolve()
    if platform.machine() != "x86_64":
        skip("for x86-64 only")
    for program in (QEMU, "busybox", "curl", "openssl"):
        if not shutil.which(program):
            skip(f"no {program}")
    with Guest(binary, find_kernel()) as guest:
        print(f"booted, {time.monotonic() - STARTED:.0f} s")
        for test in (ends, suites, other_suites, keep_alive, resumption, key_updates, switched_off):
            at = time.monotonic()
            test(guest)
            print(f"{test.__name__}: {time.monotonic() - at:.1f} s", flush=True)
        used, known = guest.metric("kernel", "tls_kernel"), guest.sent_by_kernel()
        assert 0 < used <= known, (used, known)
    print(f"the kernel encrypted for {used} connections; {time.monotonic() - STARTED:.0f} s")


STARTED = time.monotonic()
main()
