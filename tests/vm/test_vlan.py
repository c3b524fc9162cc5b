"""Inside the virtual machine, whose kernel has the 8021q module: virtual servers on VLAN devices, the engine on these and on their trunk.

    client ──┐                 VLAN 10: 10.0.10.0/24, clients and the servers of dr
    lvs1   ──┼── trunk         VLAN 20: 10.0.20.0/24, the servers of nat
    rs1    ──┘
"""
import pytest

from director import Director
from process import wait_until
from servers import Echo
from topology import Testbed

DR_VIP, NAT_VIP = "10.0.10.100", "10.0.10.101"
CONFIG = f"""
[node lvs1]
address = 10.0.10.2

[engine]
interface = eth0, eth0.10, eth0.20

[virtual_server direct]
listen = tcp {DR_VIP}:7
listen = udp {DR_VIP}:7
method = dr
real_server = rs1 10.0.10.11

[virtual_server translated]
listen = tcp {NAT_VIP}:7
listen = udp {NAT_VIP}:7
method = nat
real_server = rs1 10.0.20.11
"""


def add_vlan(host, number, address):
    name = f"eth0.{number}"
    host.ip("link", "add", "link", "eth0", "name", name, "type", "vlan", "id", str(number))
    host.ip("link", "set", name, "up")
    host.ip("addr", "add", address, "dev", name)


def trunk(testbed):
    lan = testbed.lan("trunk")
    hosts = {}
    for octet, name in ((200, "client"), (2, "lvs1"), (11, "rs1")):
        host = hosts[name] = testbed.host(name)
        lan.attach(host, "eth0", f"10.0.0.{octet}/24")
        for number in (10, 20) if name != "client" else (10,):
            add_vlan(host, number, f"10.0.{number}.{octet}/24")
        # On a wire tags stand in the frames, and checksums are complete.
        host.run(["ethtool", "-K", "eth0", "txvlan", "off", "tx", "off"])
        lan.host.run(["ethtool", "-K", name, "txvlan", "off"])
    return hosts


@pytest.fixture(scope="module")
def hosts():
    with Testbed() as testbed:
        made = trunk(testbed)
        rs1, lvs1 = made["rs1"], made["lvs1"]
        rs1.sysctl("net.ipv4.conf.all.arp_ignore", 1)
        rs1.ip("addr", "add", f"{DR_VIP}/32", "dev", "lo")
        rs1.ip("route", "add", "10.0.10.0/24", "via", "10.0.20.2", "src", "10.0.20.11", "table", "20")
        rs1.ip("rule", "add", "from", "10.0.20.11", "table", "20")
        for vip in (DR_VIP, NAT_VIP):
            lvs1.ip("addr", "add", f"{vip}/32", "dev", "eth0.10")
        Echo(rs1)
        made["director"] = Director(lvs1, CONFIG, watchdog=None).start(ready_within=60)
        wait_until(lambda: all(one.get("xdp_mode") for one in interfaces(made)), 30, lambda: interfaces(made), every=0.5)
        yield made


def interfaces(hosts):
    return (hosts["director"].ask("vs") or {}).get("interfaces") or [{}]


def answer(hosts, kind, address):
    """Who answers: by TCP with a greeting, by UDP with its name and what it got."""
    stream = "SOCK_STREAM" if kind == "tcp" else "SOCK_DGRAM"
    script = (f"import socket\ns = socket.socket(socket.AF_INET, socket.{stream})\ns.settimeout(10)\ns.connect(('{address}', 7))\n"
              "s.send(b'ready')\nprint(s.recv(100).decode().strip())")
    return hosts["client"].run(["/usr/bin/python3", "-c", script], check=False, timeout=60).stdout.strip()


@pytest.mark.parametrize("address", [DR_VIP, NAT_VIP])
@pytest.mark.parametrize("kind", ["tcp", "udp"])
def test_a_virtual_server_on_a_vlan_device_is_served(hosts, kind, address):
    assert answer(hosts, kind, address) == "rs1 ready"


def test_the_trunk_leaves_tagged_frames_to_the_kernel_and_counts_them(hosts):
    seen = {one["name"]: one for one in interfaces(hosts)}
    assert seen["eth0"]["received"] == 0 and seen["eth0.10"]["received"] > 0 and seen["eth0.20"]["received"] > 0, seen
    assert seen["eth0"]["tagged"] > 0, seen


def test_a_trunk_that_loses_its_tags_is_said(hosts):
    """veth takes a tag off when its other end leaves it beside the frame."""
    seen = {one["name"]: one for one in interfaces(hosts)}
    assert "ethtool -K IFNAME txvlan off" in seen["eth0"]["problem"]
    hosts["lvs1"].run(["ethtool", "-K", "eth0", "rxvlan", "off"])
    wait_until(lambda: interfaces(hosts)[0]["problem"] == "", 20, lambda: interfaces(hosts), every=0.5)
