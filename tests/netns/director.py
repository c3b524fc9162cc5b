"""lvsd on a host: its configuration, its life under the service manager, lvsctl. Used by tests, demo and benchmarks."""
import json
import os
import signal
import subprocess
from dataclasses import dataclass, field

from process import alive, send_signal, wait_until
from service import Service
from topology import INSIDE_VIP

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ROOMS = ("vrrp", "healthcheck", "ipvs")
SANITIZERS = {
    # Leaks are looked for by the unit tests: the leak checker cannot trace processes that changed their user.
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0:exitcode=86",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=86",
    "TSAN_OPTIONS": "halt_on_error=0:exitcode=86",
}
SANITIZER_WORDS = ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "UndefinedBehaviorSanitizer", "runtime error:")


def binary(*names):
    """A program of the build under test: LVSD_BUILD_DIR, else the release build."""
    build = os.environ.get("LVSD_BUILD_DIR", os.path.join(ROOT, "build", "release"))
    path = os.path.join(build, *names)
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path} is not built: ./dev build")
    return path


@dataclass
class Settings:
    """What a test changes about the common configuration of its site; text() writes the file."""

    site: object
    advert_interval: str = "1s"
    scheduler: str = "wrr"
    weights: list = field(default_factory=list)  # by server; default 1 each
    servers: list = None                         # names in use; default all
    check: str = "type = http\npath = /healthz\ninterval = 500ms\ntimeout = 300ms\nrise = 2\nfall = 2"
    priorities: tuple = (150, 100)
    listeners: tuple = ("tcp 10.0.0.100:80",)
    echo: str = "rr"                             # scheduler of a second service, TCP and UDP echo on port 7; "": none
    global_lines: str = ""
    vrrp_lines: str = ""
    extra: str = ""

    def text(self):
        site = self.site
        parts = [f"[global]\nbackend = engine\n{self.global_lines}\n",
                 "[node lvs1]\naddress = 10.0.0.2\n", "[node lvs2]\naddress = 10.0.0.3\n",
                 self._vrrp("front", "eth0", 51, f"{site.vip}/24")]
        if site.back:
            parts.append(self._vrrp("inside", "eth1", 52, f"{INSIDE_VIP}/24"))
            parts.append("[sync_group both]\nmember = front, inside\n")
        if self.check:
            parts.append(f"[check alive]\n{self.check}\n")
        listen = "\n".join(f"listen = {listener}" for listener in self.listeners)
        parts.append(f"[virtual_server web]\n{listen}\nscheduler = {self.scheduler}\nmethod = {site.method}\n"
                     f"{'check = alive' if self.check else ''}\n{self._servers()}\n")
        if self.echo:
            parts.append(f"[virtual_server echo]\nlisten = tcp {site.vip}:7\nlisten = udp {site.vip}:7\n"
                         f"scheduler = {self.echo}\nmethod = {site.method}\n{self._servers(weighted=False)}\n")
        return "\n".join([*parts, self.extra])

    def _vrrp(self, name, interface, virtual_router_id, address):
        return (f"[vrrp {name}]\ninterface = {interface}\nvirtual_router_id = {virtual_router_id}\n"
                f"priority = {self.priorities[0]}\npriority@lvs2 = {self.priorities[1]}\n"
                f"advert_interval = {self.advert_interval}\nvirtual_address = {address}\n{self.vrrp_lines}\n")

    def _servers(self, weighted=True):
        lines = []
        for index, server in enumerate(self.site.servers):
            if self.servers is None or server.name in self.servers:
                weight = f" weight={self.weights[index]}" if weighted and self.weights else ""
                lines.append(f"real_server = {server.name} {self.site.server_address(index)}{weight}")
        return "\n".join(lines)


class Director:
    """lvsd on one host of a site, with a run directory, a configuration file and a log of its own."""

    def __init__(self, host, config, restart=True, watchdog=10.0):
        self.host = host
        self.name = host.name
        self.run_dir = host.testbed.path(f"{host.name}-run")
        self.state_dir = host.testbed.path(f"{host.name}-state")
        self.config_path = host.testbed.path(f"{host.name}.conf")
        self.log_path = host.testbed.path(f"{host.name}-lvsd.log")
        self.socket = os.path.join(self.run_dir, "lvsd.sock")
        self.killed = set()  # rooms that a test has killed: their restarts are expected
        self.lvsd = binary("daemon", "lvsd")
        self.lvsctl = binary("daemon", "ctl", "lvsctl")
        os.makedirs(self.run_dir, exist_ok=True)
        self.write(config)
        notify = host.testbed.path(f"{host.name}-notify")
        os.makedirs(notify, exist_ok=True)
        self.service = Service(
            host.inside([self.lvsd, "--config", self.config_path, "--node", host.name, "--run-dir", self.run_dir,
                         "--state-dir", self.state_dir, "--foreground"]),
            self.log_path, notify, restart=restart, restart_delay=0.1, watchdog=watchdog,
            environment=dict(os.environ, LVSD_SECCOMP="kill", **SANITIZERS), leftovers=self.processes)
        host.testbed.services.append(self)

    # Life.

    def write(self, config):
        """The configuration on disk, complete at once; takes effect by reload() or start()."""
        text = config.text() if isinstance(config, Settings) else config
        with open(self.config_path + ".new", "w", encoding="utf-8") as new:
            new.write(text)
        os.rename(self.config_path + ".new", self.config_path)

    def start(self, ready_within=30):
        self.service.start().wait_ready(ready_within)
        return self

    def stop(self):
        """SIGTERM, as systemctl stop; the wait status of the supervisor."""
        return self.service.stop()

    def die(self):
        """The whole machine is dead for lvsd: SIGKILL of every process, and nobody starts it again."""
        self.service.restart = False
        for pid in [self.service.pid, *self.processes()]:
            if pid:
                send_signal(pid, signal.SIGKILL)
        wait_until(lambda: not self.processes(), 5, f"lvsd on {self.name} to be dead")

    def revive(self):
        """After die() or stop(): a new start."""
        self.service.stop()
        self.service.restart = True
        return self.start()

    def abandon(self):
        self.service.abandon()

    def processes(self):
        return self.host.pids(self.lvsd)

    def hup(self):
        self.service.reload()

    def kill_room(self, room):
        """SIGKILL of one of ROOMS; its pid."""
        pid = self.room_pid(room)
        assert pid, f"{room} does not run on {self.name}"
        self.killed.add(room)
        send_signal(pid, signal.SIGKILL)
        return pid

    def kill_supervisor(self):
        """SIGKILL of the supervisor alone: its rooms die with it, the service manager starts it again."""
        pid = self.service.pid
        send_signal(pid, signal.SIGKILL)
        return pid

    # Questions.

    def ctl(self, *arguments, check=True, timeout=30):
        """lvsctl against this director."""
        done = subprocess.run([self.lvsctl, "--socket", self.socket, *arguments], capture_output=True, text=True,
                              timeout=timeout, stdin=subprocess.DEVNULL, env=dict(os.environ, **SANITIZERS))
        if check and done.returncode != 0:
            raise AssertionError(f"lvsctl {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def ask(self, *arguments):
        """lvsctl -j, decoded; None while lvsd is not reachable."""
        done = self.ctl("-j", *arguments, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def overview(self):
        return self.ask("status") or {}

    def rooms(self):
        return {room["name"]: room for room in self.overview().get("rooms", [])}

    def room_pid(self, room):
        """The pid of one of ROOMS, 0 while it does not run."""
        status = self.rooms().get(room, {})
        return status.get("pid", 0) if status.get("state") == "running" else 0

    def server(self, name, service="web"):
        """What the table says about one real server; {} while unknown."""
        table = self.ask("vs") or {}
        return next((server for entry in table.get("services", []) if entry["name"] == service
                     for server in entry["servers"] if server["name"] == name), {})

    def server_state(self, name, service="web"):
        return self.server(name, service).get("state", "")

    def fingerprint(self):
        return self.overview().get("config", {}).get("fingerprint", "")

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def sanitizer_reports(self):
        return [line for line in self.log().splitlines() if any(word in line for word in SANITIZER_WORDS)]

    # Waiting.

    def wait_servers(self, states, seconds=20, service="web"):
        """Until the real servers are in these states: {"rs1": "up", …}."""
        wait_until(lambda: all(self.server_state(name, service) == state for name, state in states.items()), seconds,
                   lambda: f"{self.name}: {states}; now { {name: self.server_state(name, service) for name in states} }",
                   every=0.05)

    def wait_room_back(self, room, old_pid, seconds=15):
        """Until the room runs again with another pid."""
        return wait_until(lambda: self.room_pid(room) not in (0, old_pid) and alive(self.room_pid(room)), seconds,
                          lambda: f"{room} on {self.name} to be back; {self.rooms().get(room)}", every=0.05)


def start_pair(site, settings=None, **options):
    """Both directors with one file, lvs1 master, every server up on both."""
    settings = settings or Settings(site)
    pair = [Director(host, settings, **options) for host in site.directors]
    for director in pair:
        director.service.start()
    for director in pair:
        director.service.wait_ready(30)
    wait_until(lambda: site.owners() == ["lvs1"], 30, lambda: f"lvs1 to be the only owner; owners: {site.owners()}")
    up = {server.name: "up" for server in site.servers if settings.servers is None or server.name in settings.servers}
    for director in pair:
        director.wait_servers(up)
    return pair
