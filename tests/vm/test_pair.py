"""Inside the virtual machine: a pair of one director with backend = kernel and one with the engine shares its connections by IPVS's own
protocol, and they survive the failover either way. And the kernel's sync daemons are as configured, with ipvsadm as the judge."""
import json
import os
import sys

import pytest

from director import Director, Settings, start_pair
from process import wait_until
from servers import Echo, start_nginx
from topology import Testbed, one_lan, two_lans

HELD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "netns", "held.py")
CONNECTIONS = int(os.environ.get("LVSD_CONNECTIONS", "200"))

# Every packet of a client is told: a connection that is silent from its third on is known too.
SHARED = """
[sync]
protocol = ipvs
interface = eth0
id = 7
{role}

[kernel]
sysctl = sync_threshold 0 1
"""


def settings(site, *kernels, role=""):
    """`kernels`: the directors with kernel IPVS; the others have the engine."""
    return Settings(site, advert_interval="200ms", check="", extra=SHARED.format(role=role),
                    global_lines="\n".join(f"backend@{name} = kernel" for name in kernels))


def known(director, backend):
    """How many established connections to the echo service it has."""
    if backend == "kernel":
        lines = director.host.run(["cat", "/proc/net/ip_vs_conn"]).stdout.splitlines()
        return sum(1 for line in lines if line.startswith("TCP") and " 0007 " in line and "ESTABLISHED" in line)
    return (director.ask("vs") or {}).get("connection_entries", 0)


def hold(site, count):
    held = site.client.start([sys.executable, HELD, f"{site.vip}:7:{count}"], "held")
    wait_until(lambda: "open " in held.output() or not held.running(), 120, "the connections to be open")
    assert "open " in held.output(), held.output()
    return held


def lost(held):
    held.signal(15)
    wait_until(lambda: "{" in held.output(), 120, "the verdict on the connections")
    verdict = json.loads(held.output().splitlines()[-1])
    print(verdict)
    return {name: group["lost"] for name, group in verdict.items() if group["lost"]}


@pytest.mark.parametrize("method", ["nat", "dr"])
@pytest.mark.parametrize("kernel", ["lvs1", "lvs2"], ids=["kernel_to_engine", "engine_to_kernel"])
def test_long_connections_survive(method, kernel):
    with Testbed() as bed:
        site = (one_lan if method == "dr" else two_lans)(bed, 2)
        start_nginx(site)
        site.echo = [Echo(server) for server in site.servers]
        site.pair = start_pair(site, settings(site, kernel))
        backend = "engine" if kernel == "lvs1" else "kernel"
        held = hold(site, CONNECTIONS)
        wait_until(lambda: known(site.pair[1], backend) >= CONNECTIONS, 60,
                   lambda: f"lvs2 to know them: {known(site.pair[1], backend)}\n" + "\n".join(d.ctl("sync").stdout for d in site.pair))
        print("\n".join(d.ctl("sync").stdout for d in site.pair))
        site.pair[0].die()
        wait_until(lambda: site.lvs2.has_address(site.vip), 30, "lvs2 to take over")
        assert not lost(held), site.pair[1].ctl("sync").stdout


def daemons(host):
    return host.run(["ipvsadm", "-L", "--daemon"]).stdout.splitlines()


def alone(host, role, settings_lines):
    service = "[virtual_server web]\nlisten = tcp 10.0.0.100:80\nmethod = nat\nreal_server = rs1 10.1.0.11\n"
    return (f"[node {host.name}]\naddress = 10.0.0.2\n[global]\nbackend = kernel\n{settings_lines}\n[sync]\nprotocol = ipvs\n"
            f"interface = eth0\nid = 7\nttl = 3\nport = 9000\ngroup = 224.0.0.88\nmax_length = 1400\nrole = {role}\n{service}")


LINE = "{} sync daemon (mcast=eth0, syncid=7, maxlen=1400, group=224.0.0.88, port=9000, ttl=3)"


def test_the_kernels_daemons_are_those_of_the_configuration_and_are_repaired():
    with Testbed() as bed:
        host = bed.host("lvs1")
        host.ip("link", "add", "eth0", "type", "dummy")
        host.ip("addr", "add", "10.0.0.2/24", "dev", "eth0")
        host.ip("link", "set", "eth0", "up")
        director = Director(host, alone(host, "both", "on_stop = remove")).start()
        both = [LINE.format("master"), LINE.format("backup")]
        wait_until(lambda: daemons(host) == both, 10, lambda: f"both daemons: {daemons(host)}")
        assert director.ctl("ipvsadm", "-L", "--daemon").stdout == host.run(["ipvsadm", "-L", "--daemon"]).stdout
        host.run(["ipvsadm", "--stop-daemon", "master"])
        wait_until(lambda: daemons(host) == both, 10, lambda: f"the repair: {daemons(host)}")
        director.write(alone(host, "backup", "on_stop = remove"))
        assert director.ctl("reload").returncode == 0
        assert daemons(host) == [LINE.format("backup")]
        assert "backup" in director.ctl("sync").stdout
        assert director.stop() == 0
        assert daemons(host) == []


def test_the_daemons_follow_the_vrrp_role():
    with Testbed() as bed:
        site = two_lans(bed, 2)
        start_nginx(site)
        lvs1, lvs2 = start_pair(site, settings(site, "lvs1", "lvs2", role="role = vrrp\nvrrp = front"))
        words = lambda director: [line.split()[0] for line in daemons(director.host)]  # noqa: E731
        wait_until(lambda: (words(lvs1), words(lvs2)) == (["master"], ["backup"]), 15, "a daemon for each role")
        lvs1.ctl("failover")
        wait_until(lambda: (words(lvs1), words(lvs2)) == (["backup"], ["master"]), 15,
                   lambda: f"the daemons to change with the roles: {words(lvs1)} {words(lvs2)}")
