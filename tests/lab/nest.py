"""A place of one's own for the whole laboratory: processes, mounts and networks that the kernel
takes away when its first process ends, however that happens. Nothing of the machine's own network
is seen in it, and nothing in it is seen from outside."""

import os
import pathlib
import signal
import subprocess
import sys

INSIDE = "AFLOAT_LAB_NEST"
SKIPPED = 77
AS_ROOT = [] if os.geteuid() == 0 else ["--map-root-user"]
APART = ["unshare", *AS_ROOT, "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
# /run is ours: the names of networks, the lab's files, and no name service cache of the machine.
FURNISH = "mount -t tmpfs none /run && mkdir /run/netns /run/lab && ip link set dev lo up && "
TRIAL = FURNISH + ("ip netns add trial && nft add table inet trial && "
                   "ip link add name trial0 type veth peer name trial1")


def refusal():
    """Why there can be no networks of one's own here; None where there can."""
    tried = subprocess.run([*APART, "sh", "-c", TRIAL], text=True, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    said = tried.stdout.strip().splitlines() or ["?"]
    return None if tried.returncode == 0 else said[-1]


def is_inside():
    return INSIDE in os.environ


def owner():
    """The process that the laboratory belongs to, as the machine counts."""
    return int(os.environ[INSIDE])


def has_users():
    """Whether there are others than root inside, which there are not when its owner was no root."""
    return "4294967295" in pathlib.Path("/proc/self/uid_map").read_text()


def run_inside():
    """Runs this program once more, in a nest, and returns its exit status. The nest goes with us:
    setpriv sees to it when we are killed, --kill-child hands it on."""
    reason = refusal()
    if reason:
        print(f"skipped: no networks of one's own here ({reason}); it takes root, or users' own "
              "namespaces")
        return SKIPPED
    command = ["setpriv", "--pdeathsig", "KILL", *APART, "sh", "-c", FURNISH + 'exec "$@"', "sh",
               sys.executable, *sys.argv]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    child = subprocess.Popen(command, env={**os.environ, INSIDE: str(os.getpid())})
    try:
        return child.wait()
    except KeyboardInterrupt:  # the terminal told those inside too
        return 128 + signal.SIGINT
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
