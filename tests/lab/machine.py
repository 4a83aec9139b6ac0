"""One machine of a world: a network namespace, with files of its own in /etc, and programs run in
it."""

import concurrent.futures
import contextlib
import ctypes
import dataclasses
import os
import pathlib
import signal
import subprocess

import certificates
import nest

NETWORK = 0x40000000  # CLONE_NEWNET
HOSTS = "127.0.0.1 localhost\n::1 localhost\n"
FILES = ("hosts", "resolv.conf", "nsswitch.conf")
libc = ctypes.CDLL(None, use_errno=True)


@dataclasses.dataclass
class Done:
    status: int  # None: it was killed, its time was over
    output: str
    errors: str


def ip(text, *options):
    """Commands of ip, one a line."""
    subprocess.run(["ip", *options, "-batch", "-"], input=text, text=True, check=True,
                   stdout=subprocess.PIPE)


def environment():
    """Ours without proxies: those of the machine are nothing to the laboratory."""
    kept = {n: value for n, value in os.environ.items() if not n.lower().endswith("_proxy")}
    return {**kept, "LC_ALL": "C"}


class Machine:
    def __init__(self, world_name, folder, name):
        self.name, self.folder = name, folder / name
        self.namespace = f"afloat-lab-{nest.owner()}-{world_name}-{name}"

    def within(self, work):
        """What work() returns when a thread does it in this network. Sockets that it makes stay
        there."""
        def enter():
            place = os.open(f"/run/netns/{self.namespace}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                if libc.setns(place, NETWORK) != 0:
                    raise OSError(ctypes.get_errno(), "setns")
            finally:
                os.close(place)
            return work()
        with concurrent.futures.ThreadPoolExecutor(1) as only:  # a thread that is not used again
            return only.submit(enter).result()

    def set(self, *settings):
        """Rows of /proc/sys/net; those that this kernel does not know are left out."""
        def write():
            for setting in settings:
                path, value = setting.split("=")
                with contextlib.suppress(FileNotFoundError):
                    pathlib.Path("/proc/sys/net", path).write_text(value)
        self.within(write)

    def furnish(self, resolver, hosts=""):
        """Gives it an /etc of its own: names, and the one authority that it trusts."""
        self.folder.mkdir(exist_ok=True)
        (self.folder / "hosts").write_text(HOSTS + hosts)
        (self.folder / "resolv.conf").write_text(f"nameserver {resolver}\n" if resolver else "")
        (self.folder / "nsswitch.conf").write_text("hosts: files dns\n")

    def command(self, words):
        """The words, run here: in its network, with its files bound over those of /etc."""
        inside = ["nsenter", f"--net=/run/netns/{self.namespace}"]
        if not self.folder.exists():
            return [*inside, *words]
        steps = [f"mount --bind {self.folder}/{name} /etc/{name}" for name in FILES]
        steps += [f"mount --bind {certificates.TRUSTED} /etc/ssl/certs", 'exec "$@"']
        return [*inside, "unshare", "--mount", "sh", "-c", " && ".join(steps), "sh", *words]

    def start(self, words, more=None, **streams):
        return subprocess.Popen(self.command(words), env={**environment(), **(more or {})},
                                stdin=subprocess.DEVNULL, start_new_session=True, **streams)

    def run(self, words, more=None, timeout=20, apart=False):
        """Runs it to its end, or to that of its time; more: of its environment. errors is a part of
        the output unless they are wanted apart."""
        process = self.start(words, more, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE if apart else subprocess.STDOUT)
        try:
            said = process.communicate(timeout=timeout)
            status = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            said, status = process.communicate(), None
        return Done(status, *((text or b"").decode(errors="replace") for text in said))

    def sh(self, script, **more):
        return self.run(["sh", "-c", script], **more)
