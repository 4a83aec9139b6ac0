"""The watchers: how each is set up with monitors, started, and asked what it holds to be down.

A monitor is (name, URL). Each watcher polls them every `interval` seconds; `patience` is how many
failures in a row it wants beyond the first, None for what the product does unless told."""

import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from servers import BIN, SCRATCH, TOP, Process, free_port  # noqa: E402

KUMA_VERSION = "2.0.0-dev.0"  # the one version that its author's package has on npm
KUMA = TOP / "build" / "peers" / "node_modules" / "uptime-kuma"


class Absent(RuntimeError):
    """The reason why a watcher is left out."""


def fetch(url, host=None, timeout=30):
    request = urllib.request.Request(url, headers={"Host": host} if host else {})
    with urllib.request.urlopen(request, timeout=timeout) as response:
        return response.read()


def wait_for(what, condition, seconds=90):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.1)
    raise RuntimeError(f"{what} does not come up")


class Watcher:
    name = ""

    def __init__(self, monitors, interval, patience=None, tag=""):
        self.monitors, self.interval, self.patience = monitors, interval, patience
        self.folder = SCRATCH / f"{self.name}{tag}"
        self.folder.mkdir()
        self.port, self.processes = free_port(), []

    def run(self, command, environment=None, folder=None):
        here = pathlib.Path.cwd()
        os.chdir(folder or self.folder)
        try:
            self.processes.append(Process(command, environment=environment))
        finally:
            os.chdir(here)

    def stop(self):
        for process in self.processes:
            process.stop()
        self.processes = []

    def cpu_seconds(self):
        """Of all its threads, to the nanosecond: ticks are too coarse for one page."""
        total = 0
        for process in self.processes:
            for pid in process.pids():
                for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                    total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def memory(self):
        """Bytes, each shared page counted once in all."""
        total = 0
        for process in self.processes:
            for pid in process.pids():
                for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1]) * 1024
        return total


class Afloat(Watcher):
    name = "afloat"
    hosts = {"status": "status.bench", "site": "site.bench"}

    def __init__(self, monitors, interval, patience=None, tag="", origin="http://127.0.0.1:9"):
        super().__init__(monitors, interval, patience, tag)
        lines = "\n".join(f"    {name}: {{url: \"{url}\", interval: {interval}s}}" for name, url in monitors)
        (self.folder / "afloat.yaml").write_text(
            f"listen: [\"127.0.0.1:{self.port}\"]\nstate: {self.folder}/state\n"
            f"log: {{error: {self.folder}/error.log}}\n"
            f"origins:\n  main:\n    backends: [\"{origin}\"]\n"
            f"sites:\n- hosts: [{self.hosts['site']}]\n  origin: main\n"
            f"status:\n  name: Bench\n  hosts: [{self.hosts['status']}]\n"
            + (f"  canaries: [\"{monitors[-1][1]}\"]\n  monitors:\n{lines}\n" if monitors else ""))

    @staticmethod
    def version():
        if not (BIN / "afloat").exists():
            raise Absent("build/release/afloat is not there")
        return subprocess.check_output([BIN / "afloat", "--version"], text=True).split()[1]

    def start(self):
        self.run([BIN / "afloat", "run", "--config", self.folder / "afloat.yaml"])
        wait_for("afloat", self.components)

    def components(self):
        summary = json.loads(fetch(f"http://127.0.0.1:{self.port}/api/v2/summary.json", self.hosts["status"]))
        return {c["name"]: c for c in summary["components"]}

    def down(self):
        return {name for name, c in self.components().items() if c["status"].endswith("_outage")}

    def ready(self):
        """This API has no word for what is not known yet but in the description."""
        found = self.components()
        return all(found[name]["status"] == "operational" and found[name]["description"] is None
                   for name, _ in self.monitors)


class Kuma(Watcher):
    """Settings go straight into its database, as its own forms would write them. Its page's API is
    cached for a minute, so what it knows is read from the database, too."""
    name = "uptime-kuma"

    @staticmethod
    def version():
        if not shutil.which("node") or not shutil.which("npm"):
            raise Absent("node and npm are not installed")
        if not (KUMA.parent / "built").exists():
            Kuma.install()
        return KUMA_VERSION

    @staticmethod
    def install():
        """The package's scripts are not run; its one native module is built with npm's node-gyp."""
        print("bench: npm fetches and builds Uptime Kuma, some minutes", file=sys.stderr)
        home = KUMA.parent.parent
        home.mkdir(parents=True, exist_ok=True)
        (home / "package.json").write_text("{\"private\": true}\n")
        sqlite = KUMA.parent / "@louislam" / "sqlite3"
        with (home / "install.log").open("w") as log:
            try:
                subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev",
                                f"uptime-kuma@{KUMA_VERSION}"], cwd=home, stdout=log, stderr=log, check=True)
                root = pathlib.Path(subprocess.check_output(["npm", "root", "-g"], text=True).strip())
                tool = next(p for p in (root / "npm/node_modules/node-gyp/bin/node-gyp.js",
                                        pathlib.Path("/usr/share/nodejs/node-gyp/bin/node-gyp.js")) if p.exists())
                subprocess.run(["node", tool, "rebuild", "--nodedir=/usr", "--module_name=node_sqlite3",
                                f"--module_path={sqlite}/lib/binding/napi-v6-linux-x64"],
                               cwd=sqlite, stdout=log, stderr=log, check=True)
            except (subprocess.CalledProcessError, StopIteration) as error:
                raise Absent(f"it does not install, see {home}/install.log: {error}") from error
        # This package has its newer migrations one folder above the one where it looks for them.
        for patch in (KUMA / "db").glob("patch-*.sql"):
            if not (KUMA / "db" / "old_migrations" / patch.name).exists():
                shutil.copy(patch, KUMA / "db" / "old_migrations")
        (KUMA.parent / "built").touch()

    def database(self):
        return sqlite3.connect(self.folder / "kuma.db", timeout=30)

    def serve(self):
        self.run(["node", "server/server.js"], {
            "DATA_DIR": f"{self.folder}/", "UPTIME_KUMA_DB_TYPE": "sqlite", "UPTIME_KUMA_HOST": "127.0.0.1",
            "UPTIME_KUMA_PORT": str(self.port)}, KUMA)
        wait_for("Uptime Kuma", lambda: fetch(f"http://127.0.0.1:{self.port}/setup-database-info"))

    def start(self):
        self.serve()  # makes the tables
        self.stop()
        retries = 1 if self.patience is None else self.patience  # its form says 1
        with self.database() as database:
            database.execute("INSERT INTO user(id, username, password) VALUES(1, 'bench', 'x')")
            database.execute("INSERT INTO status_page(id, slug, title, icon, theme) "
                             "VALUES(1, 'bench', 'Bench', '/icon.svg', 'auto')")
            database.execute("INSERT INTO `group`(id, name, public, status_page_id) VALUES(1, 'All', 1, 1)")
            for number, (name, url) in enumerate(self.monitors, 1):
                database.execute(
                    "INSERT INTO monitor(id, name, user_id, interval, url, type, maxretries, retry_interval) "
                    "VALUES(?, ?, 1, ?, ?, 'http', ?, ?)",
                    (number, name, self.interval, url, retries, self.interval))
                database.execute("INSERT INTO monitor_group(monitor_id, group_id) VALUES(?, 1)", (number,))
        self.serve()

    def states(self):
        database = self.database()
        try:
            return dict(database.execute(
                "SELECT m.name, (SELECT status FROM heartbeat WHERE monitor_id = m.id ORDER BY id DESC LIMIT 1) "
                "FROM monitor m"))
        finally:
            database.close()

    def down(self):
        return {name for name, status in self.states().items() if status == 0}

    def ready(self):
        return all(status == 1 for status in self.states().values())


class Prometheus(Watcher):
    """The blackbox exporter looks, Prometheus asks it and has a rule; no page."""
    name = "prometheus"

    @staticmethod
    def version():
        for program in ("prometheus", "prometheus-blackbox-exporter"):
            if not shutil.which(program):
                raise Absent(f"{program} is not installed")
        done = subprocess.run(["prometheus", "--version"], text=True, capture_output=True, check=True)
        other = subprocess.run(["prometheus-blackbox-exporter", "--version"], text=True, capture_output=True,
                               check=True)
        return " + blackbox ".join((d.stdout + d.stderr).split("version ")[1].split()[0].split("+")[0].strip(",")
                                   for d in (done, other))

    def start(self):
        exporter = free_port()
        names = {url: name for name, url in self.monitors}
        wait = (self.patience or 0) * self.interval
        (self.folder / "targets.json").write_text(json.dumps(
            [{"targets": [url], "labels": {"monitor": name}} for url, name in names.items()]))
        (self.folder / "blackbox.yml").write_text(
            "modules:\n  http: {prober: http, timeout: 10s, http: {preferred_ip_protocol: ip4}}\n")
        (self.folder / "rules.yml").write_text(
            f"groups:\n- name: g\n  rules:\n  - {{alert: Down, expr: probe_success == 0, for: {wait}s}}\n")
        (self.folder / "prometheus.yml").write_text(f"""
global: {{scrape_interval: {self.interval}s, evaluation_interval: {self.interval}s}}
rule_files: [rules.yml]
scrape_configs:
- job_name: probes
  metrics_path: /probe
  params: {{module: [http]}}
  file_sd_configs: [{{files: [targets.json]}}]
  relabel_configs:
  - {{source_labels: [__address__], target_label: __param_target}}
  - {{target_label: __address__, replacement: "127.0.0.1:{exporter}"}}
""")
        self.run(["prometheus-blackbox-exporter", "--config.file=blackbox.yml",
                  f"--web.listen-address=127.0.0.1:{exporter}"])
        self.run(["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data",
                  f"--web.listen-address=127.0.0.1:{self.port}"])
        wait_for("Prometheus", lambda: self.ask("alerts") is not None)

    def ask(self, what):
        return json.loads(fetch(f"http://127.0.0.1:{self.port}/api/v1/{what}"))["data"]

    def down(self):
        return {a["labels"]["monitor"] for a in self.ask("alerts")["alerts"] if a["state"] == "firing"}

    def ready(self):
        found = self.ask("query?query=probe_success%3D%3D1")["result"]
        return len(found) == len(self.monitors)


class Monit(Watcher):
    name = "monit"

    @staticmethod
    def version():
        if not shutil.which("monit"):
            raise Absent("monit is not installed")
        return subprocess.check_output(["monit", "-V"], text=True).split("version ")[1].split()[0]

    def start(self):
        cycles = 1 + (self.patience or 0)
        lines = [f"set daemon {self.interval}", "set log monit.log", "set idfile id", "set statefile state",
                 "set pidfile pid", f"set httpd port {self.port} and use address 127.0.0.1 allow 127.0.0.1"]
        for name, url in self.monitors:
            port = url.rsplit(":", 1)[1].split("/")[0]
            lines.append(f"check host {name} with address 127.0.0.1\n"
                         f"  if failed port {port} protocol http with timeout 10 seconds"
                         f" for {cycles} cycles then alert")
        (self.folder / "monitrc").write_text("\n".join(lines).replace(
            " file ", " ").replace("set log ", f"set log {self.folder}/").replace(
            "idfile id", f"idfile {self.folder}/id").replace("statefile state", f"statefile {self.folder}/state")
            .replace("pidfile pid", f"pidfile {self.folder}/pid") + "\n")
        (self.folder / "monitrc").chmod(0o600)
        self.run(["monit", "-I", "-c", self.folder / "monitrc"])
        wait_for("monit", lambda: self.states() is not None)

    def states(self):
        tree = xml.etree.ElementTree.fromstring(fetch(f"http://127.0.0.1:{self.port}/_status?format=xml"))
        return {s.findtext("name"): (int(s.findtext("status")), s.findtext("port/responsetime"))
                for s in tree.iter("service") if s.get("type") == "4"}

    def down(self):
        return {name for name, (status, _) in self.states().items() if status != 0}

    def ready(self):
        return all(status == 0 and took is not None and float(took) >= 0 for status, took in self.states().values())


ALL = {kind.name: kind for kind in (Afloat, Kuma, Prometheus, Monit)}
