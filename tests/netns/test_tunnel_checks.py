"""Health checks under the virtual address of servers behind tunnels: as their clients come, through the tunnel."""
import json

import pytest
from conftest import open_testbed
from director import Director
from process import wait_until
from servers import Decapsulator
from topology import FRONT_VIP_V6, add_ipv6, one_lan

TUNNELS = ("tunnel=ipip", "tunnel=gue tunnel_port=6080 tunnel_checksum=full", "tunnel=gre tunnel_checksum=full")


def configuration(vip):
    def servers(address):
        return "".join(f"real_server = rs{n} {address.format(10 + n)} {tunnel}\n" for n, tunnel in enumerate(TUNNELS, 1))

    return f"""
[node lvs1]
address = 10.0.0.2

[vrrp front]
interface = eth0
virtual_router_id = 51
advert_interval = 100ms
virtual_address = {vip}/24

[vrrp front6]
interface = eth0
virtual_router_id = 51
advert_interval = 100ms
virtual_address = {FRONT_VIP_V6}/64

[check under]
type = http
expect_status = 200
interval = 300ms
timeout = 250ms
fall = 2
rise = 1
through_vip = yes

[virtual_server web]
listen = tcp {vip}:80
method = tun
check = under
{servers("10.0.0.{}")}
[virtual_server web6]
listen = tcp [{FRONT_VIP_V6}]:80
method = tun
check = under
{servers("fd00::{}")}"""


@pytest.fixture(scope="module")
def site():
    with open_testbed() as testbed:
        made = one_lan(testbed)
        add_ipv6(made)
        made.lvs1.ip("-6", "addr", "del", f"{FRONT_VIP_V6}/64", "dev", "eth0")  # VRRP's, which nobody asks from
        made.lvs1.run(["ethtool", "-K", "eth0", "tx", "off"])  # as a real card: checksums are complete on the wire
        made.ends = [Decapsulator(server) for server in made.servers]
        made.daemons = {(server.name, address): listen(server, address)
                        for server in made.servers for address in (made.vip, FRONT_VIP_V6)}
        made.director = Director(made.lvs1, configuration(made.vip)).start()
        yield made


def listen(server, address):
    """A web server on the virtual address alone."""
    return server.start(["/usr/bin/python3", "-m", "http.server", "--bind", address, "80"],
                        f"http-{address}")


def verdicts(site):
    return {target["id"].removeprefix("under@"): target["verdict"] for target in site.director.ask("checks")["targets"]}


def expect(site, down=()):
    ids = [f"{at}:80 as {vip}" for n in (1, 2, 3)
           for at, vip in ((f"10.0.0.{10 + n}", site.vip), (f"[fd00::{10 + n}]", FRONT_VIP_V6))]
    wanted = {name: "down" if name in down else "up" for name in ids}
    wait_until(lambda: verdicts(site) == wanted, 20, lambda: f"{wanted}; now {verdicts(site)}")


def hooks(host):
    """What stands at traffic control's hooks of the interface."""
    return [one["kind"] for one in json.loads(host.run(["tc", "-j", "qdisc", "show", "dev", "eth0"]).stdout)]


def test_checks_reach_daemons_that_listen_on_the_virtual_address_alone(site):
    expect(site)
    for end, kind in zip(site.ends, ("ipip", "gue", "gre")):
        assert end.seen() == {f"{kind} over IPv4", f"{kind} over IPv6"}


def test_a_daemon_that_is_gone_fails_its_own_check_alone(site):
    expect(site)
    site.daemons["rs2", site.vip].stop()
    expect(site, down=[f"10.0.0.12:80 as {site.vip}"])
    site.daemons["rs2", site.vip] = listen(site.servers[1], site.vip)
    expect(site)


def test_a_server_that_lacks_the_address_is_down(site):
    site.servers[0].ip("addr", "del", f"{site.vip}/32", "dev", "lo")
    expect(site, down=[f"10.0.0.11:80 as {site.vip}"])
    site.servers[0].ip("addr", "add", f"{site.vip}/32", "dev", "lo")
    expect(site)


def test_a_hook_that_somebody_removed_comes_back(site):
    expect(site)
    site.lvs1.run(["tc", "qdisc", "del", "dev", "eth0", "clsact"])
    wait_until(lambda: "clsact" in hooks(site.lvs1), 10, "the hook to be back")
    expect(site)


def test_a_tunnel_that_does_not_end_in_the_server_is_seen(site):
    site.ends[2].process.stop()
    expect(site, down=[f"10.0.0.13:80 as {site.vip}", f"[fd00::13]:80 as {FRONT_VIP_V6}"])


def test_nothing_is_left_behind(site):
    assert "clsact" in hooks(site.lvs1)
    site.director.stop()
    assert "clsact" not in hooks(site.lvs1)
    assert "lvsd_through_vip" not in site.lvs1.run(["nft", "list", "tables"]).stdout
