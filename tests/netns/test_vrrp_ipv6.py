"""IPv6 virtual routers between two lvsd: who answers, what is announced, a link-local address that comes late, the lease."""
import re

import pytest
from conftest import open_testbed
from director import Director
from process import stays, wait_until
from topology import one_lan
from traffic import Capture
from vrrp_cases import CASES, addresses, all_owned_by, enable_ipv6, link_local, lvsd_text

SIX = [case for case in CASES if case.name == "three_ipv6"]
VIP = SIX[0].owned
MASTER_DOWN = 3 + (256 - 100) / 256


@pytest.fixture
def site():
    with open_testbed() as testbed:
        made = one_lan(testbed, servers=0)
        enable_ipv6([made.client, *made.directors])
        made.client.ip("route", "add", "2001:db8::/64", "dev", "eth0")
        yield made


def lvsd(host, peer, priority, lines=""):
    return Director(host, lvsd_text(SIX, host, peer, priority, lines))


def role(director):
    return director.ask("vrrp")["instances"][0]["role"]


def resolved(client, address):
    """The MAC address that neighbour discovery finds now."""
    client.ip("neigh", "flush", "dev", "eth0")
    client.run(["ping", "-6", "-c1", "-W1", address], check=False)
    match = re.search(r"lladdr (\S+)", client.ip("-6", "neigh", "show", address, "dev", "eth0").stdout)
    return match[1] if match else None


def test_one_of_two_answers_and_the_other_takes_over(site):
    capture = Capture(site.client, "eth0", "ip6")
    master = lvsd(site.lvs1, site.lvs2, 150).start()
    backup = lvsd(site.lvs2, site.lvs1, 100).start()
    wait_until(lambda: all_owned_by(site.directors, site.lvs1, SIX), 15, "lvs1 to be master")
    assert resolved(site.client, VIP) == site.lvs1.mac()
    stays(lambda: all_owned_by(site.directors, site.lvs1, SIX), MASTER_DOWN + 1, "lvs1 the only owner")
    assert resolved(site.client, VIP) == site.lvs1.mac() and role(backup) == "backup"

    master.die()
    wait_until(lambda: VIP in addresses(site.lvs2), MASTER_DOWN + 1, "lvs2 to take over", every=0.01)
    wait_until(lambda: VIP not in addresses(site.lvs1), 2, "the dead owner's lease to end")
    assert resolved(site.client, VIP) == site.lvs2.mac()

    text = capture.stop().text("-vv", "-e")
    announced = re.findall(rf"neighbor advertisement, length 32, tgt is {VIP}, Flags \[(.*?)\]", text)
    assert "router, override" in announced, text[:2000]
    own = re.findall(rf"{link_local(site.lvs1)} > ff02::12: VRRPv3, Advertisement, vrid 51, prio 150, intvl 100cs", text)
    assert own and "hlim 255, next-header VRRP (112)" in text
    first = re.search(r"addrs\(2\): (\S+?),(\S+)", text)
    assert first[1].startswith("fe80::"), first[0]
    # The solicited-node group of the address is joined, and its switch is told.
    assert re.search(r"multicast listener report v2.*ff02::1:ff00:51", text), "a report of the solicited-node group"


def test_an_address_is_used_at_once_and_is_nobodys_source(site):
    lvsd(site.lvs1, site.lvs2, 150).start()
    wait_until(lambda: all_owned_by(site.directors, site.lvs1, SIX), 15, "lvs1 to be master")
    shown = site.lvs1.ip("-6", "addr", "show", "dev", "eth0").stdout
    line = next(line for line in shown.splitlines() if VIP in line)
    assert "tentative" not in line and "nodad" in line and "deprecated" in line, shown
    route = site.lvs1.ip("-6", "route", "get", "2001:db8::200").stdout
    assert VIP not in route, route


def test_without_a_link_local_address_it_waits_and_says_so(site):
    own = link_local(site.lvs1)
    site.lvs1.ip("addr", "del", f"{own}/64", "dev", "eth0")
    master = lvsd(site.lvs1, site.lvs2, 150).start()
    wait_until(lambda: role(master) == "fault", 10, "the fault")
    assert master.ask("vrrp")["instances"][0]["reason"] == "eth0 has no link-local address"
    site.lvs1.ip("addr", "add", f"{own}/64", "dev", "eth0", "nodad")
    wait_until(lambda: role(master) == "master", MASTER_DOWN + 3, "the mastership, once the address is there")
    site.lvs1.ip("addr", "del", f"{own}/64", "dev", "eth0")
    wait_until(lambda: role(master) == "fault" and VIP not in addresses(site.lvs1), 3, "the fault, and the address gone")


def test_what_is_not_accepted_is_answered_by_discovery_alone(site):
    director = lvsd(site.lvs1, site.lvs2, 150, "accept = no").start()
    wait_until(lambda: all_owned_by(site.directors, site.lvs1, SIX), 15, "lvs1 to be master")

    def answers():
        return site.client.run(["ping", "-6", "-c2", "-i0.2", "-W1", VIP], check=False).returncode == 0

    assert resolved(site.client, VIP) == site.lvs1.mac() and not answers()
    site.lvs1.run(["nft", "flush", "ruleset"])  # as a firewall's own reload does
    wait_until(lambda: "lvsd_accept" in site.lvs1.run(["nft", "list", "tables"]).stdout, 10, "the table to be back")
    assert not answers()
    director.write(lvsd_text(SIX, site.lvs1, site.lvs2, 150))
    director.ctl("reload")
    assert answers()
    assert "lvsd_accept" not in site.lvs1.run(["nft", "list", "tables"]).stdout
