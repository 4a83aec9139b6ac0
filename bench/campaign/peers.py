"""The nine servers of the campaign: how each is started in front of its origins, reloaded and purged."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

from parts import Program
from servers import BIN

HERE = pathlib.Path(__file__).resolve().parent
CANNOT = NotImplementedError  # the reason becomes a dash with a footnote


def fill(name, server):
    """A file of peers/ with its words replaced; see peers/README.md."""
    kinds = {"one": len(server.origins) == 1, "many": len(server.origins) > 1,
             "named": bool(server.resolver), "numbered": not server.resolver}
    host, port = server.address.split(":")
    words = {"listen": server.address, "listen_host": host, "listen_port": port, "folder": str(server.folder),
             "resolver": server.resolver or ""}
    lines = []
    for line in (HERE / "peers" / name).read_text().splitlines():
        there = True
        while found := re.match(r"@(one|many|named|numbered)@ ?", line):
            there, line = there and kinds[found[1]], line[found.end():]
        if not there:
            continue
        repeats = server.origins if re.search(r"@(origin|origin_host|number)@", line) else [None]
        for number, origin in enumerate(repeats, 1):
            own = dict(words)
            if origin:
                own.update(origin=origin, origin_host=origin.split(":")[0],
                           origin_port=origin.split(":")[1], number=str(number))
            lines.append(re.sub(r"@(\w+)@", lambda m, own=own: own[m[1]], line))
    return "\n".join(lines) + "\n"


class Server:
    """A server in front of origins ("host:port" each). resolver: where names are looked up, when the
    origins are names; limits: a command that the server is started through."""
    name = product = ""
    patience_seconds = 15

    def __init__(self, folder, address, origins, resolver=None, limits=()):
        self.folder, self.address, self.origins, self.resolver = folder, address, origins, resolver
        self.limits = list(limits)
        if resolver:
            (folder / "resolv.conf").write_text(f"nameserver {resolver.split(':')[0]}\n")
            self.limits += ["unshare", "--mount", "sh", "-c",
                            f"mount --bind {folder}/resolv.conf /etc/resolv.conf && exec \"$@\"", "sh"]
        self.process = None
        self.prepare()

    def prepare(self):
        """Writes its settings."""

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def start(self):
        self.process = Program([*self.limits, *self.command()], environment=self.environment())

    def await_listening(self):
        host, port = self.address.split(":")
        end = time.monotonic() + self.patience_seconds
        while time.monotonic() < end:
            if self.process.process.poll() is not None:
                break
            try:
                socket.create_connection((host, int(port)), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"{self.name} does not start:\n{self.process.output()[-2000:]}")

    def stop(self):
        if self.process:
            self.process.stop()
            self.process = None

    def kill(self):
        self.process.kill()
        self.process = None

    def reload(self):
        raise CANNOT("cannot reload")

    def purge_all(self):
        raise CANNOT("cannot purge")

    def ledger(self):
        return None

    def tell(self, *command):
        done = subprocess.run([str(c) for c in command], text=True, capture_output=True, timeout=20,
                              check=False, env={**os.environ, **self.environment()})
        if done.returncode != 0:
            raise RuntimeError(f"{self.name}: {' '.join(map(str, command))}: {done.stdout}{done.stderr}")
        return done.stdout


class Afloat(Server):
    """Nothing beyond --listen and --origin; where its state goes is said as systemd says it."""
    name, product = "afloat", "afloat"

    def command(self):
        return [BIN / "afloat", "run", "--listen", self.address,
                *[word for origin in self.origins for word in ("--origin", f"http://{origin}")]]

    def environment(self):
        return {"STATE_DIRECTORY": str(self.folder)}

    def reload(self):
        os.kill(self.process.process.pid, signal.SIGHUP)

    def purge_all(self):
        self.tell(BIN / "afloat", "purge", "--all", "--state", self.folder)

    def status(self):
        return json.loads(self.tell(BIN / "afloat", "status", "--json", "--state", self.folder))

    def ledger(self):
        """What afloat says of the requests whose straight way failed."""
        status = self.status()
        return {**{key: status["ledger"][key] for key in ("strayed", "visitor_errors", "cut", "gave_up")},
                **status["averted"]["by_lifeline"]}


class Nginx(Server):
    product, settings = "nginx", ""

    def prepare(self):
        (self.folder / "nginx.conf").write_text(fill(self.settings, self))

    def command(self):
        return ["/usr/sbin/nginx", "-c", self.folder / "nginx.conf"]

    def reload(self):
        self.tell("/usr/sbin/nginx", "-c", self.folder / "nginx.conf", "-s", "reload")

    def purge_all(self):  # what there is without a subscription: the files, which is hard
        for child in (self.folder / "cache").iterdir():
            shutil.rmtree(child, ignore_errors=True)


class NginxFirst(Nginx):
    name, settings = "nginx-first", "nginx-first.conf"


class NginxExpert(Nginx):
    name, settings = "nginx-expert", "nginx-expert.conf"


class Varnish(Server):
    product, settings, storage = "varnish", "", "malloc,256m"

    def prepare(self):
        (self.folder / "site.vcl").write_text(fill(self.settings, self))

    def command(self):
        return ["/usr/sbin/varnishd", "-F", "-j", "none", "-n", self.folder / "work", "-a", self.address,
                "-f", self.folder / "site.vcl", "-s", self.storage]

    def admin(self, *words):
        return self.tell("varnishadm", "-n", self.folder / "work", *words)

    def reload(self):
        self.admin("vcl.load", "again", self.folder / "site.vcl")
        self.admin("vcl.use", "again")

    def purge_all(self):
        self.admin("ban", "req.url", "~", ".")


class VarnishFirst(Varnish):
    name, settings = "varnish-first", "varnish-first.vcl"


class VarnishExpert(Varnish):
    name, settings, storage = "varnish-expert", "varnish-expert.vcl", "malloc,1g"

    def purge_all(self):
        host, port = self.address.split(":")
        with socket.create_connection((host, int(port)), 5) as connection:
            connection.sendall(b"PURGE / HTTP/1.1\r\nHost: campaign.test\r\nConnection: close\r\n\r\n")
            if b" 200 " not in connection.recv(4096).split(b"\r\n")[0]:
                raise RuntimeError("varnish does not purge")


class Haproxy(Server):
    product, settings = "haproxy", ""

    def prepare(self):
        (self.folder / "haproxy.cfg").write_text(fill(self.settings, self))

    def command(self):
        return ["/usr/sbin/haproxy", "-W", "-db", "-f", self.folder / "haproxy.cfg"]

    def reload(self):
        os.kill(self.process.process.pid, signal.SIGUSR2)

    def purge_all(self):
        raise CANNOT("its cache has no purge")


class HaproxyFirst(Haproxy):
    name, settings = "haproxy-first", "haproxy-first.cfg"


class HaproxyExpert(Haproxy):
    name, settings = "haproxy-expert", "haproxy-expert.cfg"


class TrafficServer(Server):
    product, settings = "trafficserver", ""
    folders = {"sysconfdir": "etc", "datadir": "var", "localstatedir": "var", "runtimedir": "run", "logdir": "log",
               "cachedir": "cache"}

    def prepare(self):
        shutil.copytree("/etc/trafficserver", self.folder / "etc")
        for name in set(self.folders.values()):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "runroot.yaml").write_text(
            f"prefix: {self.folder}\nexec_prefix: /usr\nbindir: /usr/bin\nsbindir: /usr/bin\nincludedir: /usr/include\n"
            "libdir: /usr/lib/trafficserver\nlibexecdir: /usr/lib/trafficserver/modules\n"
            + "".join(f"{key}: {self.folder / name}\n" for key, name in self.folders.items()))
        etc = self.folder / "etc"
        (etc / "storage.config").write_text(f"{self.folder}/cache 256M\n")  # the package's size
        lines = fill(self.settings, self).splitlines()
        own = [l for l in lines if l.startswith("CONFIG")]
        parents = " ".join(l.removeprefix("PARENT ") for l in lines if l.startswith("PARENT"))
        if len(self.origins) > 1:  # as parent.config's page has it for origins
            own.append("CONFIG proxy.config.http.no_dns_just_forward_to_parent INT 1")  # origins.test is no name
            own.append("CONFIG proxy.config.http.uncacheable_requests_bypass_parent INT 0")
            (etc / "parent.config").write_text(f'dest_domain=. parent="{";".join(self.origins)}" round_robin=strict '
                                               f"go_direct=false parent_is_proxy=false {parents}\n")
        target = self.origins[0] if len(self.origins) == 1 else "origins.test"
        (etc / "remap.config").write_text(f"map / http://{target}/\n")
        names = {l.split()[1] for l in own}
        kept = [l for l in (etc / "records.config").read_text().splitlines()
                if len(l.split()) < 2 or l.split()[1] not in names]
        (etc / "records.config").write_text("\n".join(kept + own) + "\n")
        if os.geteuid() == 0:  # it does not stay root
            subprocess.run(["chown", "-R", "trafficserver", self.folder], check=True)

    def command(self):
        return ["/usr/bin/traffic_manager"]

    def environment(self):
        return {"TS_RUNROOT": str(self.folder)}

    def reload(self):
        self.tell("traffic_ctl", "config", "reload")

    def purge_all(self):  # objects of older generations are not looked at any more
        self.tell("traffic_ctl", "config", "set", "proxy.config.http.cache.generation", "2")
        self.tell("traffic_ctl", "config", "reload")


class TrafficServerFirst(TrafficServer):
    name, settings = "trafficserver-first", "trafficserver-first.config"


class TrafficServerExpert(TrafficServer):
    name, settings = "trafficserver-expert", "trafficserver-expert.config"


ALL = {server.name: server for server in (Afloat, NginxFirst, NginxExpert, VarnishFirst, VarnishExpert, HaproxyFirst,
                                          HaproxyExpert, TrafficServerFirst, TrafficServerExpert)}
VERSIONS = {"afloat": [str(BIN / "afloat"), "--version"], "nginx": ["/usr/sbin/nginx", "-v"],
            "varnish": ["/usr/sbin/varnishd", "-V"], "haproxy": ["/usr/sbin/haproxy", "-v"],
            "trafficserver": ["/usr/bin/traffic_server", "-V"]}


def version(product):
    done = subprocess.run(VERSIONS[product], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    found = re.search(r"\d+\.\d+\.\d+", done.stdout)
    return found[0] if found else "?"
