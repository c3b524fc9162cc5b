"""Directors of every kind between a maker of packets and a counter, for ./dev bench forwarding and new-flows.

    processor 0: the maker (XDP test run of live frames), the counter      processor 1: the director
      g ── packets ──► f director b ── packets ──► s        under nat and what stands beside it
      g ── packets ──► f director ── back by f ──► g        under dr

All four ends are veth whose NAPI runs in threads, so that the director's work can be told from that of the ends: the threads of f
and b and the engine's have processor 1 for themselves, and their CPU time is what a packet costs.
"""
import os
import subprocess
import sys
import time
from dataclasses import dataclass

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "netns"))

from director import Director, binary  # noqa: E402  (after the path is set)
from process import wait_until  # noqa: E402

VIP, PORT = "10.0.0.100", 7777
SERVER, DR_SERVER = "10.1.0.11", "10.0.0.11"
ENDS, DIRECTOR = 0, 1  # processors
MOST_LOSS = 0.01


@dataclass
class Passage:
    """What one run showed."""

    made: int
    seconds: float
    arrived: int
    cpu_ns: int

    @property
    def loss(self):
        return 1 - self.arrived / self.made if self.made else 1

    @property
    def ns(self):
        return self.cpu_ns / max(self.arrived, 1)

    @property
    def kpps(self):
        return self.arrived / self.seconds / 1e3


class Dialogue:
    """A program that answers each line by one."""

    def __init__(self, host, argv):
        self.process = subprocess.Popen(host.inside(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        bufsize=1)
        self.pid = self.process.pid
        if self.process.stdout.readline() != "ready\n":
            raise RuntimeError(f"{' '.join(argv)} did not start")

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the program that makes packets ended at: {line}")
        return answer.strip()

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)


def napi_threads(interface):
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/comm", encoding="ascii") as comm:
                    if comm.read().startswith(f"napi/{interface}-"):
                        found.append(int(name))
            except OSError:
                continue
    return found


def cpu_ns(pid):
    """CPU time of a process with all its threads: its clock (pid_to_clockid of the kernel's posix-cpu-timers)."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def hurry(pid, processor):
    """All threads of a process to one processor, before whatever else this machine does."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), {processor})
        os.setpriority(os.PRIO_PROCESS, int(thread), -20)
    try:
        with open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as group:
            group.write("-20")
    except OSError:
        pass  # a kernel thread, or a kernel without


class Site:
    """One director with its ends. What it does is left to the kinds below."""

    method = "nat"
    engine = False
    begins_by = ("udp", "tcp")  # protocols whose flows have to begin before their middle can be measured
    address = VIP

    def __init__(self, testbed, number):
        self.testbed = testbed
        self.number = number
        self.front, self.back, self.maker_side, self.counter_side = (f"{letter}{number}" for letter in "fbgs")
        self.ends = testbed.host(f"ends{number}")
        self.host = testbed.host(f"lvs{number}")
        self._lay()
        self.prepare()
        self.maker = self._end(self.maker_side, self.front)
        self.counter = self._end(self.counter_side, self.back)
        if self.method == "dr":
            self.counter = self.maker

    def _lay(self):
        for far, near, octet in ((self.maker_side, self.front, 0), (self.counter_side, self.back, 1)):
            self.host.ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", self.ends.namespace)
            for host, name, last in ((self.host, near, 2), (self.ends, far, 11)):
                host.run(["ethtool", "-K", name, "gro", "on"])
                host.ip("link", "set", name, "up")
                host.ip("addr", "add", f"10.{octet}.0.{last}/24", "dev", name)
            for host, name in ((self.host, near), (self.ends, far)):
                host.run(["sh", "-c", f"echo 1 > /sys/class/net/{name}/threaded"])
        mac = self.ends.mac
        self.host.ip("neigh", "replace", DR_SERVER, "lladdr", mac(self.maker_side), "dev", self.front, "nud", "permanent")
        self.host.ip("neigh", "replace", SERVER, "lladdr", mac(self.counter_side), "dev", self.back, "nud", "permanent")
        self.host.ip("route", "add", "10.64.0.0/16", "via", DR_SERVER)
        for key in ("ip_forward=1", "conf.all.rp_filter=0", "conf.default.rp_filter=0", f"conf.{self.front}.rp_filter=0",
                    f"conf.{self.back}.rp_filter=0", "conf.all.send_redirects=0"):
            self.host.run(["sysctl", "-qw", f"net.ipv4.{key}"])

    def _end(self, interface, near):
        return Dialogue(self.ends, [binary("tests", "bench", "forwarding_traffic"), "end", interface, self.address,
                                    str(PORT), self.host.mac(near)])

    def prepare(self):
        """Before packets: whatever forwards them."""

    def flows_wanted(self, protocol, flows):
        """Before flows of this protocol are begun."""

    def workers(self):
        """Processes on the director's processor beside its NAPI threads."""
        return []

    def pin(self):
        threads = []
        for interface, processor in ((self.front, DIRECTOR), (self.back, DIRECTOR), (self.maker_side, ENDS),
                                     (self.counter_side, ENDS)):
            found = napi_threads(interface)
            for pid in found:
                hurry(pid, processor)
                if processor == ENDS:
                    os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(1))  # the maker lets them through
            threads += found if processor == DIRECTOR else []
        for pid in self.workers():
            hurry(pid, DIRECTOR)
        hurry(self.maker.pid, ENDS)
        return [*threads, *self.workers()]

    def unpin(self):
        """What goes on in here while another one is measured stays with the ends."""
        for pid in self.workers():
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(thread), {ENDS})

    def send(self, protocol, phase, flows, rate, count, pick="chance"):
        pids = self.pin()
        arrived, spent = int(self.counter.ask("count")), sum(map(cpu_ns, pids))
        made, seconds = self.maker.ask(f"send {protocol} {phase} {pick} {flows} {int(rate)} {int(count)}").split()
        time.sleep(0.02)  # what is in the rings
        spent = sum(map(cpu_ns, pids)) - spent
        passage = Passage(int(made), float(seconds), int(self.counter.ask("count")) - arrived, spent)
        self.unpin()
        return passage

    def begin(self, protocol, flows, rate=300_000):
        """All flows are in their middle afterwards."""
        self.flows_wanted(protocol, flows)
        if protocol not in self.begins_by:
            return
        self.counter.ask("answer on")
        phases = ["syn", "data"] if protocol == "tcp" else ["data"] * 6
        for _ in range(8):
            for phase in phases:
                passage = self.send(protocol, phase, flows, rate, max(flows, 64), pick="turn")
            if passage.loss < 0.002 and self.has(protocol, flows):
                break
            rate = max(rate * 0.6, 50_000)
        self.counter.ask("answer off")

    def resume(self, protocol, flows):
        """Flows that were idle while others were measured may have lost their places in the fast path."""
        for _ in range(5):
            if self.has(protocol, flows):
                break
            self.send(protocol, "data", flows, 200_000, max(flows, 64), pick="turn")

    def has(self, _protocol, _flows):
        """Whether all flows are where they are to be measured."""
        return True

    def end(self):
        for dialogue in {self.maker, self.counter}:
            dialogue.end()


class PlainForwarding(Site):
    begins_by = ()
    address = SERVER


class Nft(Site):
    """DNAT by nftables with connection tracking."""

    def prepare(self):
        self.host.run(["nft", f"add table ip bench; add chain ip bench pre {{ type nat hook prerouting priority -100; }}; "
                       f"add rule ip bench pre ip daddr {VIP} udp dport {PORT} dnat to {SERVER}; "
                       f"add rule ip bench pre ip daddr {VIP} tcp dport {PORT} dnat to {SERVER}"])
        for key in ("udp_timeout=3600", "udp_timeout_stream=3600", "tcp_be_liberal=1"):
            self.host.run(["sysctl", "-qw", f"net.netfilter.nf_conntrack_{key}"])


class Bound(Site):
    """The XDP program that does nothing but rewrite (forwarding.bpf.c)."""

    begins_by = ()
    program = None

    def flows_wanted(self, protocol, flows):
        if self.program:
            self.program.end()
        dr = self.method == "dr"
        out, far = (self.front, self.maker_side) if dr else (self.back, self.counter_side)
        self.program = Dialogue(self.host, [binary("tests", "bench", "forwarding_traffic"), "rewrite", self.front, out,
                                            str(flows), protocol, VIP, str(PORT), SERVER, "0" if dr else str(PORT),
                                            self.ends.mac(far), self.host.mac(out)])

    def end(self):
        super().end()
        if self.program:
            self.program.end()


class BoundDr(Bound):
    method = "dr"


CONFIG = """\
[global]
backend = engine
[node {node}]
address = 10.0.0.2
[engine]
interface = {interfaces}
fast_path = {fast_path}
xdp_mode = {mode}
max_connections = {connections}
fast_path_flows = {places}
udp_timeout = 1h
[virtual_server all]
listen = udp {vip}:{port}
listen = tcp {vip}:{port}
scheduler = rr
method = {method}
real_server = rs1 {server}:{port}
"""


class Lvsd(Site):
    engine = True
    fast_path = "yes"
    mode = "native"
    most_flows = 1_000_000  # of one protocol at once

    def prepare(self):
        self.director = Director(self.host, CONFIG.format(
            node=self.host.name, interfaces=f"{self.front}, {self.back}", fast_path=self.fast_path, mode=self.mode,
            connections=max(self.most_flows * 5 // 4, 4096), places=max(self.most_flows * 5 // 2, 4096), vip=VIP, port=PORT,
            method=self.method, server=DR_SERVER if self.method == "dr" else SERVER), restart=False)
        self.director.start()
        self.room = wait_until(lambda: self.director.room_pid("ipvs"), 10, "the room of the engine")

    def workers(self):
        return [self.room]

    def has(self, protocol, flows):
        if self.fast_path == "no":
            return True
        ways = 2 if self.method == "nat" and protocol == "udp" else 1  # a server's SYN-ACK is not yet the middle
        return (self.director.ask("vs") or {}).get("fast_path_flows", 0) >= 0.995 * ways * flows

    def end(self):
        super().end()
        self.director.stop()


def lvsd(**attributes):
    return type("Lvsd", (Lvsd,), attributes)


def rate_within_loss(site, protocol, flows, seconds=0.15):
    """The most packets a second that a director takes while at most MOST_LOSS are lost."""
    flood = site.send(protocol, "data", flows, 0, 400_000)
    rate = max(flood.kpps * 1e3, 20_000)

    def passes(rate):
        return site.send(protocol, "data", flows, rate, rate * seconds).loss <= MOST_LOSS

    if passes(rate):
        for _ in range(10):
            if not passes(rate * 1.08):
                break
            rate *= 1.08
        return rate
    for _ in range(14):
        rate *= 0.92
        if passes(rate):
            break
    return rate


def make_sites(testbed, kinds):
    sites = {name: kind(testbed, number) for number, (name, kind) in enumerate(kinds.items())}
    wait_until(lambda: all(napi_threads(site.front) for site in sites.values()), 5, "NAPI threads")
    return sites


class LargeConnectionTracking:
    """Room for a million tracked connections, as an administrator of such a host gives it; put back afterwards."""

    KEYS = {"net.netfilter.nf_conntrack_max": 4 << 20, "net.netfilter.nf_conntrack_buckets": 1 << 20}

    def __enter__(self):
        subprocess.run(["modprobe", "-q", "nf_conntrack"], check=False)
        self.before = {key: subprocess.run(["sysctl", "-n", key], capture_output=True, text=True, check=True).stdout.strip()
                       for key in self.KEYS}
        for key, value in self.KEYS.items():
            subprocess.run(["sysctl", "-qw", f"{key}={value}"], check=True)

    def __exit__(self, *_):
        for key, value in self.before.items():
            subprocess.run(["sysctl", "-qw", f"{key}={value}"], check=False)
