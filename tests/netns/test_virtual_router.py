"""What a master has beside its addresses: an IPv6 MAC address of the virtual router, routes, announcements at a pace of choice."""
import re

import pytest
from conftest import open_testbed
from director import Director
from neighbours import ask_anew
from process import wait_until
from topology import one_lan
from traffic import Capture
from vrrp_cases import CASES, addresses, all_owned_by, enable_ipv6, lvsd_text

MAC6 = "00:00:5e:00:02:33"
SIX = [case for case in CASES if case.name == "three_ipv6"]


@pytest.fixture
def lan():
    with open_testbed() as testbed:
        yield one_lan(testbed, servers=0)


def test_ipv6_has_its_own_virtual_mac_address(lan):
    enable_ipv6([lan.client, *lan.directors])
    lan.client.ip("route", "add", "2001:db8::/64", "dev", "eth0")
    vip = SIX[0].owned
    capture = Capture(lan.client, "eth0", "ip6")
    master = Director(lan.lvs1, lvsd_text(SIX, lan.lvs1, lan.lvs2, 150, "virtual_mac = yes")).start()
    Director(lan.lvs2, lvsd_text(SIX, lan.lvs2, lan.lvs1, 100, "virtual_mac = yes")).start()
    wait_until(lambda: all_owned_by(lan.directors, lan.lvs1, SIX), 15, "lvs1 to be master")
    assert ask_anew(lan.client, vip) == MAC6
    master.stop()
    wait_until(lambda: all_owned_by(lan.directors, lan.lvs2, SIX), 5, "lvs2 to be master")
    assert ask_anew(lan.client, vip) == MAC6
    text = capture.stop().text("-e")
    adverts = re.findall(r"(\S+) > 33:33:00:00:00:12, .*VRRPv3, Advertisement", text)
    assert adverts and set(adverts) == {MAC6}, text
    assert "ff:fe00" not in lan.lvs2.ip("-6", "addr", "show", "dev", "vrrp6.51").stdout, "an identifier made of the MAC address"


def route_text(host, peer, priority, lines):
    return (f"[node lvs1]\naddress = 10.0.0.2\n[node lvs2]\naddress = 10.0.0.3\n[vrrp front]\ninterface = eth0\nvirtual_router_id = 51\npriority = {priority}\npriority@{peer.name} = {250 - priority}\nadvert_interval = 200ms\n"
            f"virtual_address = 10.0.0.100/24\n{lines}\n")


def routes(host):
    return [line.split()[0] for line in host.ip("route", "show", "proto", "112").stdout.splitlines()]


def test_routes_come_and_go_with_the_mastership(lan):
    lines = "virtual_route = 192.0.2.0/24 via=10.0.0.1 src=10.0.0.100\nvirtual_route = 198.51.100.0/24 metric=7\nvirtual_route = 203.0.113.0/24 via=10.0.0.1"
    lan.lvs1.ip("route", "add", "203.0.113.0/24", "via", "10.0.0.9")
    one = Director(lan.lvs1, route_text(lan.lvs1, lan.lvs2, 150, lines)).start()
    two = Director(lan.lvs2, route_text(lan.lvs2, lan.lvs1, 100, lines)).start()
    ours = ["192.0.2.0/24", "198.51.100.0/24"]
    wait_until(lambda: routes(lan.lvs1) == ours, 10, lambda: f"the routes on lvs1; {routes(lan.lvs1)}")
    assert routes(lan.lvs2) == [] and "192.0.2.0/24 via=10.0.0.1 src=10.0.0.100" in one.ctl("vrrp", "front").stdout
    lan.lvs1.ip("route", "del", "198.51.100.0/24")
    wait_until(lambda: routes(lan.lvs1) == ours, 1, "the route to be put back", every=0.01)
    one.write(route_text(lan.lvs1, lan.lvs2, 150, lines.splitlines()[0]))
    one.ctl("reload")
    wait_until(lambda: routes(lan.lvs1) == ours[:1], 2, "the other route to be gone")
    one.stop()
    wait_until(lambda: len(routes(lan.lvs2)) == 3 and routes(lan.lvs1) == [], 3, "the routes to move")
    assert "10.0.0.9" in lan.lvs1.ip("route", "show", "203.0.113.0/24").stdout, "somebody else's route is left alone"
    two.die()
    wait_until(lambda: "192.0.2.0/24" not in routes(lan.lvs2), 3, "the route to end with its source address's lease")


def test_a_burst_has_the_pace_that_is_configured(lan):
    capture = Capture(lan.client, "eth0", "arp and src host 10.0.0.100")
    Director(lan.lvs1, route_text(lan.lvs1, lan.lvs2, 150, "garp_count = 4\ngarp_interval = 300ms\ngarp_repeat_delay = 0s")).start()
    wait_until(lambda: len(capture.text("-tt").splitlines()) >= 4, 10, "four announcements")
    times = [float(line.split()[0]) for line in capture.stop().text("-tt").splitlines()]
    assert len(times) == 4 and all(later - earlier > 0.29 for earlier, later in zip(times, times[1:])), times
    assert addresses(lan.lvs1)
