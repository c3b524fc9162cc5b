"""Hosts and LANs made of network namespaces: the one topology library of tests, demo and benchmarks.

    with Testbed() as testbed:
        site = one_lan(testbed, servers=3)          # DR: everybody on 10.0.0.0/24
        site = two_lans(testbed, servers=3)         # NAT: clients on 10.0.0.0/24, servers on 10.1.0.0/24
        site.client.run(["curl", "http://10.0.0.100/"])

Namespaces are called PREFIX PID - HOST (lvsd4711-lvs1). Leaving the `with` removes every process, namespace and file,
also after an exception, SIGTERM or SIGHUP; what a killed run left behind is removed by the next one. A bridge lives in a
namespace of its own, so that taking down a port is the death of a cable and not of an interface.
"""
import json
import os
import re
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field

from process import Process, alive, send_signal, wait_until

FRONT_VIP = "10.0.0.100"
INSIDE_VIP = "10.1.0.1"


def command(argv, check=True, timeout=30, **options):
    """Runs a command to its end; its words are part of the error when it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=timeout, stdin=subprocess.DEVNULL, **options)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


class Host:
    """One namespace with its interfaces."""

    def __init__(self, testbed, name):
        self.testbed = testbed
        self.name = name
        self.namespace = f"{testbed.tag}-{name}"
        command(["ip", "netns", "add", self.namespace])
        self.sysctl("net.ipv6.conf.all.disable_ipv6", 1)  # MLD reports and DAD are real traffic
        self.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        self.ip("link", "set", "lo", "up")

    def inside(self, argv):
        """The command line that runs argv in here. exec all the way: the pid is the program's own."""
        return ["ip", "netns", "exec", self.namespace, *argv]

    def run(self, argv, check=True, timeout=30):
        return command(self.inside(argv), check=check, timeout=timeout)

    def start(self, argv, name):
        """A process in here that ends with the test bed at the latest."""
        process = Process(self.inside(argv), self.testbed.path(f"{self.name}-{name}.log"))
        self.testbed.processes.append(process)
        return process

    def ip(self, *arguments, check=True):
        return command(["ip", "-n", self.namespace, *arguments], check=check)

    def sysctl(self, key, value):
        self.run(["sysctl", "-qw", f"{key}={value}"])

    def addresses(self, interface=None):
        """IPv4 addresses without prefix length, of one interface or of all."""
        arguments = ["-j", "-4", "addr", "show"] + (["dev", interface] if interface else [])
        done = self.ip(*arguments, check=False)
        links = json.loads(done.stdout or "[]")
        return [info["local"] for link in links for info in link.get("addr_info", [])]

    def addresses_v6(self):
        """IPv6 addresses that others can reach."""
        links = json.loads(self.ip("-j", "-6", "addr", "show", check=False).stdout or "[]")
        return [info["local"] for link in links for info in link.get("addr_info", [])
                if info.get("scope") == "global"]

    def enable_ipv6(self, interface, *addresses):
        """Addresses that work at once: duplicate address detection is off."""
        self.sysctl(f"net.ipv6.conf.{interface}.accept_dad", 0)
        self.sysctl(f"net.ipv6.conf.{interface}.disable_ipv6", 0)
        for address in addresses:
            self.ip("-6", "addr", "add", address, "dev", interface, "nodad")

    def has_address(self, address):
        return address in self.addresses()

    def mac(self, interface="eth0"):
        return json.loads(self.ip("-j", "link", "show", "dev", interface).stdout)[0]["address"]

    def pids(self, program=None):
        """Processes in here; `program` narrows to those that run this executable."""
        found = [int(pid) for pid in command(["ip", "netns", "pids", self.namespace], check=False).stdout.split()]
        return [pid for pid in found if program is None or executable(pid) == os.path.realpath(program)]


def executable(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
    except OSError:
        return ""


class Lan:
    """A bridge in a namespace of its own. Ports are named after their hosts."""

    def __init__(self, testbed, name, mac_octet):
        self.name = name
        self.mac_octet = mac_octet
        self.host = Host(testbed, name)
        self.hosts = []
        self.host.ip("link", "add", "bridge", "type", "bridge", "forward_delay", "0", "stp_state", "0",
                     "mcast_snooping", "0")
        self.host.ip("link", "set", "bridge", "up")

    def attach(self, host, interface, address):
        """Gives the host an interface on this LAN; address with prefix length."""
        self.hosts.append(host.name)
        mac = f"02:00:00:00:{self.mac_octet:02x}:{len(self.hosts):02x}"
        queues = ["numtxqueues", str(host.testbed.queues), "numrxqueues", str(host.testbed.queues)] if host.testbed.queues > 1 else []
        host.ip("link", "add", interface, "address", mac, *queues, "type", "veth",
                "peer", "name", host.name, *queues, "netns", self.host.namespace)
        self.host.ip("link", "set", host.name, "master", "bridge", "up")
        host.ip("link", "set", interface, "up")
        host.ip("addr", "add", address, "dev", interface)

    def cut(self, host):
        """The cable is dead; the host's own interface loses its carrier, as with a real switch port."""
        self.host.ip("link", "set", host.name, "down")

    def mend(self, host):
        self.host.ip("link", "set", host.name, "up")

    def silence(self, host):
        """Nothing gets through, but the carrier stays: a switch that died beyond the port."""
        self.host.run(["nft", f"add table netdev silence_{host.name}; "
                       f"add chain netdev silence_{host.name} in {{ type filter hook ingress device {host.name} "
                       f"priority 0; policy drop; }}"])
        self.host.ip("link", "set", host.name, "type", "bridge_slave", "flood", "off", "mcast_flood", "off",
                     "bcast_flood", "off", "learning", "off")
        self.host.run(["bridge", "fdb", "flush", "dev", host.name], check=False)

    def unsilence(self, host):
        self.host.run(["nft", f"delete table netdev silence_{host.name}"])
        self.host.ip("link", "set", host.name, "type", "bridge_slave", "flood", "on", "mcast_flood", "on",
                     "bcast_flood", "on", "learning", "on")


class Testbed:
    """Everything one run builds. A context manager: what is inside it is gone afterwards."""

    __test__ = False  # not a test class, whatever its name says to pytest

    def __init__(self, prefix=None, keep_files=None):
        self.prefix = prefix or os.environ.get("LVSD_NETNS_PREFIX", "lvsd")
        self.tag = f"{self.prefix}{os.getpid()}"
        self.directory = f"/tmp/{self.tag}"
        self.keep_files = bool(os.environ.get("LVSD_KEEP_FILES")) if keep_files is None else keep_files
        self.queues = 1  # of the interfaces that are attached from now on
        self.hosts = {}
        self.lans = {}
        self.processes = []
        self.services = []  # what has a stop() of its own: directors
        self._signals = {}

    def __enter__(self):
        remove_stale(self.prefix)
        os.makedirs(self.directory, exist_ok=True)
        os.chmod(self.directory, 0o755)
        for number in (signal.SIGTERM, signal.SIGHUP):
            self._signals[number] = signal.signal(number, _leave)
        return self

    def __exit__(self, *_):
        for number in self._signals:
            signal.signal(number, signal.SIG_IGN)  # the removal itself is not interrupted
        try:
            self.remove()
        finally:
            for number, handler in self._signals.items():
                signal.signal(number, handler)

    def path(self, name):
        return os.path.join(self.directory, name)

    def host(self, name):
        self.hosts[name] = Host(self, name)
        return self.hosts[name]

    def lan(self, name):
        self.lans[name] = Lan(self, name, mac_octet=len(self.lans) + 1)
        return self.lans[name]

    def remove(self):
        for service in self.services:
            service.abandon()
        for process in self.processes:
            process.kill()
        remove_namespaces(self.tag)
        if not self.keep_files:
            shutil.rmtree(self.directory, ignore_errors=True)


def _leave(number, _frame):
    raise SystemExit(128 + number)


def namespaces():
    return [line.split()[0] for line in command(["ip", "netns", "list"]).stdout.splitlines() if line]


def remove_namespaces(tag):
    """Kills what runs in the namespaces of one run, then deletes them."""
    mine = [name for name in namespaces() if name.startswith(tag + "-")]
    end = time.monotonic() + 5
    pids = []
    while time.monotonic() < end:
        pids = [int(pid) for name in mine for pid in command(["ip", "netns", "pids", name], check=False).stdout.split()]
        if not pids:
            break
        for pid in pids:
            send_signal(pid, signal.SIGKILL)
        time.sleep(0.02)
    for name in mine:
        command(["ip", "netns", "delete", name], check=False)


def remove_stale(prefix):
    """Removes what runs left behind whose process is dead (killed by SIGKILL or a timeout)."""
    found = {match[1] for match in (re.match(rf"{re.escape(prefix)}(\d+)-", name) for name in namespaces()) if match}
    found |= {match[1] for match in (re.fullmatch(rf"{re.escape(prefix)}(\d+)", name) for name in os.listdir("/tmp"))
              if match}
    for pid in found:
        if not alive(pid):
            remove_namespaces(f"{prefix}{pid}")
            shutil.rmtree(f"/tmp/{prefix}{pid}", ignore_errors=True)


@dataclass
class Site:
    """A director pair with its client and real servers."""

    testbed: Testbed
    method: str  # "dr", "nat"
    vip: str
    client: Host
    lvs1: Host
    lvs2: Host
    servers: list = field(default_factory=list)
    front: Lan = None
    back: Lan = None  # None on one LAN

    @property
    def directors(self):
        return [self.lvs1, self.lvs2]

    def server_address(self, index):
        return f"10.1.0.{11 + index}" if self.back else f"10.0.0.{11 + index}"

    def owners(self, address=None):
        """Directors that have the virtual IP configured."""
        return [host.name for host in self.directors if host.has_address(address or self.vip)]


def one_lan(testbed, servers=3):
    """Direct routing: client .200, directors .2 and .3, servers .11 …, virtual IP .100 on everybody's loopback.

        client ──┬── lvs1        the servers answer the client themselves
                 ├── lvs2
                 └── rs1 … rsN   (virtual IP on lo, silent in ARP)
    """
    site = _front(testbed, "dr")
    for index in range(servers):
        server = testbed.host(f"rs{index + 1}")
        server.sysctl("net.ipv4.conf.all.arp_ignore", 1)    # before the address exists: no window in which it answers
        server.sysctl("net.ipv4.conf.all.arp_announce", 2)
        server.ip("addr", "add", f"{site.vip}/32", "dev", "lo")
        site.front.attach(server, "eth0", f"{site.server_address(index)}/24")
        site.servers.append(server)
    return site


def two_lans(testbed, servers=3):
    """NAT: the servers' default gateway is the inside virtual IP, which follows the master.

        client ──┬── lvs1 ──┬── rs1 … rsN     front 10.0.0.0/24, virtual IP .100
                 └── lvs2 ──┘                 back  10.1.0.0/24, virtual IP .1
    """
    site = _front(testbed, "nat")
    site.back = testbed.lan("back")
    for index, director in enumerate(site.directors):
        site.back.attach(director, "eth1", f"10.1.0.{2 + index}/24")
        director.sysctl("net.ipv4.ip_forward", 1)  # the servers' other traffic is routed by the kernel
        director.sysctl("net.ipv4.conf.all.send_redirects", 0)
    for index in range(servers):
        server = testbed.host(f"rs{index + 1}")
        site.back.attach(server, "eth0", f"{site.server_address(index)}/24")
        server.ip("route", "add", "default", "via", INSIDE_VIP)
        site.servers.append(server)
    site.client.ip("route", "add", "10.1.0.0/24", "via", site.vip)
    return site


FRONT_VIP_V6 = "fd00::100"


def add_ipv6(site):
    """The same hosts with IPv6 beside: client fd00::200, directors ::2 and ::3, servers fd00::11 … or, with NAT,
    fd01::11 … behind the first director (fd01::2). The virtual address fd00::100 stands on the first director."""
    site.client.enable_ipv6("eth0", "fd00::200/64")
    for index, director in enumerate(site.directors):
        director.enable_ipv6("eth0", f"fd00::{2 + index}/64")
        if site.back:
            director.enable_ipv6("eth1", f"fd01::{2 + index}/64")
            director.sysctl("net.ipv6.conf.all.forwarding", 1)
    site.lvs1.ip("-6", "addr", "add", f"{FRONT_VIP_V6}/64", "dev", "eth0", "nodad")
    for index, server in enumerate(site.servers):
        server.enable_ipv6("eth0", f"{server_address_v6(site, index)}/64")
        if site.back:
            server.ip("-6", "route", "add", "default", "via", "fd01::2")
        else:
            server.enable_ipv6("lo", f"{FRONT_VIP_V6}/128")


def server_address_v6(site, index):
    return f"fd01::{11 + index}" if site.back else f"fd00::{11 + index}"


def _front(testbed, method):
    front = testbed.lan("front")
    site = Site(testbed, method, FRONT_VIP, testbed.host("client"), testbed.host("lvs1"), testbed.host("lvs2"), front=front)
    front.attach(site.client, "eth0", "10.0.0.200/24")
    for index, director in enumerate(site.directors):
        front.attach(director, "eth0", f"10.0.0.{2 + index}/24")
    return site


def wait_for_owner(site, host, seconds, address=None):
    """Until exactly this director holds the virtual IP."""
    wait_until(lambda: site.owners(address) == [host.name], seconds,
               lambda: f"{host.name} to be the only owner of {address or site.vip}; owners now: {site.owners(address)}")
