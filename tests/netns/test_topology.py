"""The test bed itself, shown with peers that are known to work: keepalived, nginx and nftables in the director's place.

What a test of lvsd later measures with these tools, they have measured here before; a wrong figure is then lvsd's.
"""
import os
import signal
import subprocess
import sys
import time

import pytest
from process import alive, stays, wait_until
from servers import Echo, Keepalived, get, start_nginx
from topology import Testbed, namespaces, one_lan, remove_stale, two_lans, wait_for_owner
from traffic import Capture, Probe, Wrk, arp_answerers, failures, longest_gap, served_again, shares, wrk

DOWN_INTERVAL = 3 * 1.0 + 156 / 256  # keepalived's backup below: priority 100, 1 s


@pytest.fixture(scope="module")
def lan(testbed):
    site = one_lan(testbed, servers=2)
    site.nginx = start_nginx(site)
    return site


@pytest.fixture
def bed():
    with Testbed(prefix="lvsdself") as made:
        yield made


def forward_like_dr(director, server):
    """A packet for the virtual IP goes on with other MAC addresses and nothing else changed: direct routing by nftables."""
    director.run(["nft", "add table netdev dr; add chain netdev dr in { type filter hook ingress device eth0 priority 0; }; "
                  f"add rule netdev dr in ip daddr 10.0.0.100 tcp dport {{7, 80}} ether daddr set {server.mac()} "
                  f"ether saddr set {director.mac()} fwd to eth0"])


def test_hosts_on_one_lan_reach_each_other_and_a_cut_cable_is_seen(lan):
    lan.client.run(["ping", "-c1", "-W1", "10.0.0.2"])
    lan.front.cut(lan.lvs1)
    assert lan.client.run(["ping", "-c1", "-W1", "10.0.0.2"], check=False).returncode != 0
    assert "NO-CARRIER" in lan.lvs1.ip("link", "show", "eth0").stdout
    lan.front.mend(lan.lvs1)
    wait_until(lambda: lan.client.run(["ping", "-c1", "-W1", "10.0.0.2"], check=False).returncode == 0, 5, "the cable")


def test_a_silenced_port_loses_packets_both_ways_but_keeps_the_carrier(lan):
    lan.front.silence(lan.lvs1)
    try:
        assert lan.client.run(["ping", "-c1", "-W1", "10.0.0.2"], check=False).returncode != 0
        assert lan.lvs1.run(["ping", "-c1", "-W1", "10.0.0.200"], check=False).returncode != 0
        assert "NO-CARRIER" not in lan.lvs1.ip("link", "show", "eth0").stdout
    finally:
        lan.front.unsilence(lan.lvs1)
    wait_until(lambda: lan.client.run(["ping", "-c1", "-W1", "10.0.0.2"], check=False).returncode == 0, 5, "the cable")


def test_servers_with_the_virtual_ip_on_lo_stay_silent_in_arp(lan):
    assert arp_answerers(lan.client, lan.vip) == set()
    lan.lvs1.ip("addr", "add", "10.0.0.100/24", "dev", "eth0")
    try:
        assert arp_answerers(lan.client, lan.vip) == {lan.lvs1.mac()}
        lan.lvs2.ip("addr", "add", "10.0.0.100/24", "dev", "eth0")
        assert arp_answerers(lan.client, lan.vip) == {lan.lvs1.mac(), lan.lvs2.mac()}, "a double owner is seen"
    finally:
        for director in lan.directors:
            director.ip("addr", "del", "10.0.0.100/24", "dev", "eth0", check=False)


def test_direct_routing_works_through_the_lan_and_every_probe_reads_it(lan):
    lan.lvs1.ip("addr", "add", "10.0.0.100/24", "dev", "eth0")
    forward_like_dr(lan.lvs1, lan.servers[0])
    Echo(lan.servers[0])
    try:
        load = wrk(lan.client, "http://10.0.0.100/", requests=2000)
        assert load.failed == 0 and load.requests >= 2000
        assert set(load.shares) == {"rs1"} and load.shares["rs1"] >= 2000
        probes = [Probe(lan.client, "http", lan.vip, 80, interval=0.01), Probe(lan.client, "tcp", lan.vip, 80),
                  Probe(lan.client, "hold", lan.vip, 7, interval=0.01)]
        for probe in probes:
            attempts = probe.wait_answered().stop()
            assert failures(attempts) == []
        assert set(shares(attempts)) == {"rs1"}
    finally:
        lan.lvs1.run(["nft", "delete table netdev dr"])
        lan.lvs1.ip("addr", "del", "10.0.0.100/24", "dev", "eth0")


def test_wrk_counts_what_failed(lan):
    running = Wrk(lan.client, "http://10.0.0.11/", seconds=4)
    wait_until(lambda: get(lan.client, "http://10.0.0.11/")[0] == 200, 5, "the server")
    lan.nginx[0].kill()
    load = running.finish()
    lan.nginx[0].start()
    assert load.failed > 0


def test_a_probe_measures_a_silence_of_known_length(lan):
    Echo(lan.lvs2)
    probe = Probe(lan.client, "udp", "10.0.0.3", 7).wait_answered()
    cut_at = time.monotonic()
    lan.front.silence(lan.lvs2)
    stays(lambda: True, 0.5, "the silence")
    lan.front.unsilence(lan.lvs2)
    mended_at = time.monotonic()
    probe.wait_answered_after(mended_at)
    wait_until(lambda: failures(probe.attempts()), 3, "a lost datagram to be given up")
    attempts = probe.stop()
    assert 0.4 < longest_gap(attempts) < mended_at - cut_at + 0.3
    assert 0.4 < served_again(attempts, cut_at) < mended_at - cut_at + 0.3
    assert failures(attempts, outside=[(cut_at - 1, mended_at + 1)]) == []


@pytest.mark.parametrize("death", ["sigkill", "cable", "sigterm"])
def test_keepalived_pair_fails_over_within_its_bound(bed, death):
    site = one_lan(bed, servers=0)
    routers = [Keepalived(site.lvs1, 150).start(), Keepalived(site.lvs2, 100).start()]
    wait_for_owner(site, site.lvs1, 15)
    for director in site.directors:
        director.sysctl("net.ipv4.ip_nonlocal_bind", 1)
        director.start([sys.executable, os.path.join(os.path.dirname(__file__), "echo.py"), director.name, "7",
                        site.vip], "echo")
    probe = Probe(site.client, "udp", site.vip, 7).wait_answered()

    event = time.monotonic()
    if death == "sigkill":
        routers[0].kill()
        site.lvs1.ip("addr", "del", "10.0.0.100/24", "dev", "eth0")  # a dead machine answers no ARP
    elif death == "cable":
        site.front.cut(site.lvs1)
    else:
        routers[0].stop()
    wait_until(lambda: site.lvs2.has_address(site.vip), DOWN_INTERVAL + 1, "the backup to take over")
    probe.wait_answered_after(time.monotonic())
    gap = served_again(probe.stop(), event)

    print(f"keepalived, {death}: served again after {gap * 1000:.0f} ms")
    assert gap < (156 / 256 if death == "sigterm" else DOWN_INTERVAL) + 0.15
    if death != "sigterm":
        assert gap > 2.0, "a gap shorter than keepalived's own timer means that the probe does not measure"
    assert arp_answerers(site.client, site.vip) == {site.lvs2.mac()}


def test_captured_advertisements_decode(bed):
    site = one_lan(bed, servers=0)
    capture = Capture(site.client, "eth0", "ip proto 112")
    Keepalived(site.lvs1, 150, advert_interval=0.1).start()
    wait_for_owner(site, site.lvs1, 10)
    wait_until(lambda: "VRRPv3, Advertisement" in capture.text("-vv"), 5, "an advertisement in the capture")
    assert "vrid 51, prio 150" in capture.stop().text("-vv")


def test_servers_behind_nat_reach_the_client_through_the_inside_virtual_ip(bed):
    site = two_lans(bed, servers=1)
    start_nginx(site)
    site.lvs1.ip("addr", "add", "10.0.0.100/24", "dev", "eth0")
    site.lvs1.ip("addr", "add", "10.1.0.1/24", "dev", "eth1")
    site.servers[0].run(["ping", "-c1", "-W2", "10.0.0.200"])
    site.lvs1.run(["nft", "add table ip nat; add chain ip nat pre { type nat hook prerouting priority dstnat; }; "
                   "add rule ip nat pre ip daddr 10.0.0.100 tcp dport 80 dnat to 10.1.0.11"])
    load = wrk(site.client, "http://10.0.0.100/", requests=2000)
    assert (load.failed, set(load.shares)) == (0, {"rs1"})


LEAVES_NAMESPACES = """
import os, sys, time
sys.path.insert(0, {here!r})
from process import wait_until
from topology import Testbed, one_lan
with Testbed(prefix="lvsdgone") as testbed:
    site = one_lan(testbed, servers=1)
    site.client.start(["sleep", "3600"], "sleep")
    pid = wait_until(site.client.pids, 10, "the process to be in its namespace")[0]
    print(testbed.tag, pid, flush=True)
    {end}
"""


def run_child(end):
    child = subprocess.Popen([sys.executable, "-c", LEAVES_NAMESPACES.format(here=os.path.dirname(os.path.abspath(__file__)),
                                                                            end=end)],
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    tag, pid = child.stdout.readline().split()
    return child, tag, int(pid)


def traces(tag, pid):
    return [name for name in namespaces() if name.startswith(tag)] + ([tag] if os.path.exists(f"/tmp/{tag}") else []) + (
        [pid] if alive(pid) else [])


@pytest.mark.parametrize("end, number", [("raise RuntimeError('a failing test')", None), ("time.sleep(60)", signal.SIGTERM),
                                         ("time.sleep(60)", signal.SIGINT), ("time.sleep(60)", signal.SIGHUP)])
def test_everything_is_removed_after_a_failure_or_a_signal(end, number):
    child, tag, pid = run_child(end)
    if number:
        child.send_signal(number)
    child.wait(15)
    assert traces(tag, pid) == []


def test_what_a_killed_run_left_is_removed_by_the_next_and_nothing_else():
    living, living_tag, _ = run_child("time.sleep(60)")
    dead, dead_tag, dead_pid = run_child("time.sleep(60)")
    dead.kill()
    dead.wait(5)
    assert traces(dead_tag, dead_pid)
    try:
        remove_stale("lvsdgone")
        assert traces(dead_tag, dead_pid) == []
        assert [name for name in namespaces() if name.startswith(living_tag)]
    finally:
        living.terminate()
        living.wait(15)
