"""A backend whose name no server of names says anything about, not even that it does not exist. The
edge looks for servers where /etc/resolv.conf says, at port 53: the test makes a world of its own."""

import fcntl
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile

import harness

APART = ["unshare", "--map-root-user", "--mount", "--net"]
SET_INTERFACE_FLAGS, UP = 0x8914, 1  # netdevice(7)
SETTINGS = ("    timeouts: {connect: 300ms}\n"
            "    retry: {attempts: 1}\n")


class Named:
    address = "somewhere.test"


def proxy_status(answer):
    return next(line for line in answer.decode().split("\r\n")
                if line.lower().startswith("proxy-status: "))


def test_silence():
    with tempfile.TemporaryDirectory() as folder, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        fcntl.ioctl(silent, SET_INTERFACE_FLAGS, struct.pack("16sh14x", b"lo", UP))
        silent.bind(("127.0.0.1", 53))
        silent.settimeout(harness.PATIENCE_SECONDS)
        resolvers = pathlib.Path(folder) / "resolv.conf"
        resolvers.write_text("nameserver 127.0.0.1\n")
        subprocess.check_call(["mount", "--bind", resolvers, "/etc/resolv.conf"])
        with harness.Edge(Named, SETTINGS + harness.AT_ONCE) as edge:
            answer, _ = edge.get("/")
            assert answer.startswith(b"HTTP/1.1 503 "), answer
            assert proxy_status(answer).endswith(";error=dns_timeout"), answer
            assert b"somewhere" in silent.recv(512)
        subprocess.check_call(["umount", "/etc/resolv.conf"])


if len(sys.argv) > 3:
    test_silence()
elif subprocess.run([*APART, "true"], check=False, stderr=subprocess.DEVNULL).returncode != 0:
    print("skipped: no world of one's own here")
    sys.exit(77)
else:
    sys.exit(subprocess.call([*APART, sys.executable, *sys.argv, "apart"]))
