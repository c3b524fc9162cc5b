"""A client and a web server with a director of every kind between them, for ./dev bench connections and bulk. All on two processors.

    client ── front ── director ── back ── server      nat, fullnat, nft, HAProxy, nginx
    client ──┬── director                              dr; the three meet at a bridge
             └── server
    client ── server                                   no director
"""
import os
import re
import sys
from dataclasses import dataclass

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "netns"))

from director import Director  # noqa: E402  (after the path is set)
from forwarding_rig import run_first  # noqa: E402
from process import wait_until  # noqa: E402

VIP, SERVER, LOCAL = "10.0.0.100", "10.1.0.11", "10.1.0.2"
PORTS = (80, 5201)  # nginx, iperf3
NGINX = """\
daemon off;
master_process off;
pid {pid};
error_log stderr crit;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {pid}-b; proxy_temp_path {pid}-p; fastcgi_temp_path {pid}-f; uwsgi_temp_path {pid}-u; scgi_temp_path {pid}-s;
  server {{ listen 80 backlog=8192; location / {{ return 200 "ok\\n"; }} }}
}}
"""
WRK_REPORT = """\
function done(summary, latency)
  local e = summary.errors
  print(string.format("RESULT %d %d %d %d %d %d", summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
"""


def busy_seconds():
    """CPU time of all processors that was not idle."""
    with open("/proc/stat", encoding="ascii") as stat:
        fields = [int(word) for word in stat.readline().split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, _steal = fields
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def make_sites(testbed, names):
    """All at once, so that they can be measured in turn."""
    sites = {name: KINDS[name](testbed, number) for number, name in enumerate(KINDS) if name in names}
    run_first("self")
    for process in testbed.processes:
        run_first(process.pid)
    for site in sites.values():
        for pid in site.host.pids() if site.host else []:
            run_first(pid)
    return sites


@dataclass
class Requests:
    rate: float
    failed: int
    p50: float  # milliseconds
    p99: float
    p999: float
    cpu_us: float  # of the whole machine, a request


class Site:
    """No director; the kinds below put one between."""

    address = SERVER
    two_lans = False

    def __init__(self, testbed, number):
        self.testbed, self.number = testbed, number
        self.client, self.server = testbed.host(f"client{number}"), testbed.host(f"server{number}")
        self.host = None
        self.lay()
        for host in (self.client, self.host, self.server):
            if host:
                for key in ("net.ipv4.ip_local_port_range=1024 65535", "net.ipv4.tcp_tw_reuse=1",
                            "net.ipv4.tcp_max_tw_buckets=262144", "net.core.somaxconn=8192"):
                    host.run(["sysctl", "-qw", key])
        self.serve()
        self.prepare()
        wait_until(lambda: self.client.run(["curl", "-sfm1", f"http://{self.address}/"], check=False).returncode == 0, 15,
                   f"an answer through {type(self).__name__}")

    def join(self, one, name, other, other_name):
        one.ip("link", "add", name, "type", "veth", "peer", "name", other_name, "netns", other.namespace)
        for host, interface in ((one, name), (other, other_name)):
            host.ip("link", "set", interface, "up")

    def lay(self):
        self.join(self.client, "eth0", self.server, "eth0")
        self.client.ip("addr", "add", "10.1.0.200/24", "dev", "eth0")
        self.server.ip("addr", "add", f"{SERVER}/24", "dev", "eth0")

    def serve(self):
        path = self.testbed.path(f"nginx{self.number}.conf")
        with open(path, "w", encoding="ascii") as config:
            config.write(NGINX.format(pid=path + ".pid"))
        self.server.start(["nginx", "-c", path, "-p", self.testbed.directory], "nginx")
        self.server.start(["iperf3", "-s"], "iperf3")

    def prepare(self):
        """Whatever forwards."""

    def requests(self, clients, seconds, keep_alive=False):
        report = self.testbed.path("report.lua")
        if not os.path.exists(report):
            with open(report, "w", encoding="ascii") as script:
                script.write(WRK_REPORT)
        header = [] if keep_alive else ["-H", "Connection: close"]
        before = busy_seconds()
        done = self.client.run(["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "3s", *header, "-s", report,
                                f"http://{self.address}/"], timeout=seconds + 30)
        spent = busy_seconds() - before
        count, micros, failed, p50, p99, p999 = map(int, re.search(r"RESULT (.*)", done.stdout)[1].split())
        return Requests(count / micros * 1e6, failed, p50 / 1e3, p99 / 1e3, p999 / 1e3, spent / max(count, 1) * 1e6)

    def bulk(self, streams, seconds):
        """(Gbit/s, processors' seconds for each Gbit)."""
        before = busy_seconds()
        done = self.client.run(["iperf3", "-c", self.address, "-t", str(seconds), "-P", str(streams), "-f", "m"],
                               timeout=seconds + 30)
        spent = busy_seconds() - before
        last = [line for line in done.stdout.splitlines() if "receiver" in line and (streams == 1 or "SUM" in line)][-1]
        rate = float(re.search(r"([\d.]+) Mbits/sec", last)[1]) / 1e3
        return rate, spent / (rate * seconds)

    def end(self):
        """Before everything is removed."""


class Between(Site):
    """A director with a front and a back."""

    address = VIP

    def lay(self):
        self.host = self.testbed.host(f"lvs{self.number}")
        self.join(self.client, "eth0", self.host, "front")
        self.join(self.host, "back", self.server, "eth0")
        self.client.ip("addr", "add", "10.0.0.200/24", "dev", "eth0")
        self.server.ip("addr", "add", f"{SERVER}/24", "dev", "eth0")
        self.host.ip("addr", "add", "10.0.0.2/24", "dev", "front")
        self.host.ip("addr", "add", f"{VIP}/24", "dev", "front")
        self.host.ip("addr", "add", f"{LOCAL}/24", "dev", "back")
        self.server.ip("route", "add", "default", "via", LOCAL)
        self.host.sysctl("net.ipv4.ip_forward", 1)


class Nft(Between):
    def prepare(self):
        self.host.run(["nft", "add table ip bench; add chain ip bench pre { type nat hook prerouting priority -100; }; "
                       f"add rule ip bench pre ip daddr {VIP} tcp dport {{ {PORTS[0]}, {PORTS[1]} }} dnat to {SERVER}"])


class Haproxy(Between):
    def prepare(self):
        path = self.testbed.path(f"haproxy{self.number}.cfg")
        parts = ["global\n  nbthread 2\n  maxconn 8000\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n"
                 "  timeout server 60s\n"]
        parts += [f"listen p{port}\n  bind {VIP}:{port} backlog 8192\n  server rs1 {SERVER}:{port}\n" for port in PORTS]
        with open(path, "w", encoding="ascii") as config:
            config.write("".join(parts))
        self.host.start(["haproxy", "-db", "-f", path], "haproxy")


class NginxStream(Between):
    def prepare(self):
        path = self.testbed.path(f"stream{self.number}.conf")
        servers = "".join(f"  server {{ listen {VIP}:{port} backlog=8192 reuseport; proxy_pass {SERVER}:{port}; }}\n" for port in PORTS)
        with open(path, "w", encoding="ascii") as config:
            config.write("load_module /usr/lib/nginx/modules/ngx_stream_module.so;\ndaemon off;\nworker_processes 2;\n"
                         f"pid {path}.pid;\nerror_log stderr crit;\nevents {{ worker_connections 16384; }}\n"
                         f"stream {{\n{servers}}}\n")
        self.host.start(["nginx", "-c", path, "-p", self.testbed.directory], "stream")


CONFIG = """\
[global]
backend = engine
[node {node}]
address = 10.0.0.2
[engine]
interface = {interfaces}
fast_path = {fast_path}
{lines}
[virtual_server all]
{listen}
scheduler = rr
method = {method}
real_server = rs1 {server}
"""


class Lvsd(Between):
    method, fast_path, lines = "nat", "yes", ""
    interfaces, server_address = "front, back", SERVER

    def prepare(self):
        # As on hardware: senders finish their checksums, and receivers take what XDP sends.
        for host, interface in ((self.client, "eth0"), (self.server, "eth0")):
            host.run(["ethtool", "-K", interface, "tx", "off", "gro", "on"])
        self.director = Director(self.host, CONFIG.format(
            node=self.host.name, interfaces=self.interfaces, fast_path=self.fast_path, lines=self.lines, method=self.method,
            listen="\n".join(f"listen = tcp {VIP}:{port}" for port in PORTS), server=self.server_address), restart=False)
        self.director.start()

    def end(self):
        self.director.stop()


class LvsdEngine(Lvsd):
    fast_path = "no"


class LvsdFullnat(Lvsd):
    method = "fullnat"
    lines = "local_address = 10.1.0.50"

    def lay(self):
        super().lay()
        self.host.ip("addr", "add", "10.1.0.50/24", "dev", "back")


class LvsdDr(Lvsd):
    method = "dr"
    interfaces, server_address = "front", "10.0.0.11"

    def lay(self):
        lan = self.testbed.lan(f"lan{self.number}")
        self.host = self.testbed.host(f"lvs{self.number}")
        for key in ("arp_ignore=1", "arp_announce=2"):
            self.server.run(["sysctl", "-qw", f"net.ipv4.conf.all.{key}"])
        self.server.ip("addr", "add", f"{VIP}/32", "dev", "lo")
        lan.attach(self.client, "eth0", "10.0.0.200/24")
        lan.attach(self.host, "front", "10.0.0.2/24")
        lan.attach(self.server, "eth0", f"{self.server_address}/24")
        self.host.ip("addr", "add", f"{VIP}/24", "dev", "front")
        lan.host.run(["ethtool", "-K", self.host.name, "gro", "on"])


KINDS = {"no director": Site, "nft DNAT": Nft, "HAProxy, mode tcp": Haproxy, "nginx stream": NginxStream, "lvsd nat": Lvsd,
         "lvsd nat, engine only": LvsdEngine, "lvsd fullnat": LvsdFullnat, "lvsd dr": LvsdDr}
