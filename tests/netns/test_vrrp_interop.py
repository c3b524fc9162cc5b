"""Debian's keepalived, FRR and tshark against versions 2 and 3, IPv4 and IPv6, multicast and unicast, with and without a
password: one master each, held longer than the master down interval."""
import os
import re
import shutil
import time

import pytest
from conftest import open_testbed
from director import Director
from process import stays, wait_until
from servers import Keepalived
from topology import one_lan
from traffic import Capture
from vrrp_cases import CASES, all_owned_by, enable_ipv6, keepalived_text, lvsd_text

SKEW = (256 - 100) / 256
MASTER_DOWN = 3 + SKEW
FRR = "/usr/lib/frr"


@pytest.fixture
def site():
    with open_testbed() as testbed:
        made = one_lan(testbed, servers=0)
        enable_ipv6(made.directors)
        yield made


def lvsd(host, peer, priority, lines=""):
    return Director(host, lvsd_text(CASES, host, peer, priority, lines))


class KeepalivedOfAllCases(Keepalived):
    def __init__(self, host, peer, priority, lines=""):
        super().__init__(host, priority)
        self._path = keepalived_text(CASES, host, peer, priority, lines)


def wait_all(site, host, seconds):
    start = time.monotonic()
    wait_until(lambda: all_owned_by(site.directors, host), seconds, f"{host.name} to hold every address, alone", every=0.02)
    return time.monotonic() - start


def stays_all(site, host, what):
    stays(lambda: all_owned_by(site.directors, host), MASTER_DOWN + 1, f"{host.name} the only owner: {what}")


def discards(director, but=()):
    """Counters of refused packets that are not 0, by instance."""
    return {instance["name"]: refused for instance in director.ask("vrrp")["instances"]
            if (refused := {d["reason"]: d["packets"] for d in instance["discarded"]
                            if d["packets"] and d["reason"] not in but})}


def test_keepalived_is_the_backup_of_every_kind_and_takes_over(site):
    master = lvsd(site.lvs1, site.lvs2, 150).start()
    wait_all(site, site.lvs1, 15)
    KeepalivedOfAllCases(site.lvs2, site.lvs1, 100).start()
    stays_all(site, site.lvs1, "keepalived accepts all its advertisements")

    master.die()
    gap = wait_all(site, site.lvs2, MASTER_DOWN + 3)
    print(f"keepalived has taken over all {len(CASES)} after {gap * 1000:.0f} ms")
    assert gap < MASTER_DOWN + 0.7

    master.revive()
    wait_all(site, site.lvs1, 15)
    master.service.signal(15)
    gap = wait_all(site, site.lvs2, MASTER_DOWN)
    print(f"keepalived has taken over from a stopped lvsd after {gap * 1000:.0f} ms")
    assert gap < SKEW + 0.7


@pytest.mark.slow
def test_lvsd_is_the_backup_of_every_kind_and_takes_over(site):
    peer = KeepalivedOfAllCases(site.lvs1, site.lvs2, 150).start()
    wait_all(site, site.lvs1, 15)
    backup = lvsd(site.lvs2, site.lvs1, 100).start()
    stays_all(site, site.lvs1, "lvsd accepts all keepalived's advertisements")
    # Each side's unicast packets are no business of the other instances, and the reverse: nothing is refused.
    assert discards(backup) == {}

    peer.resign()
    gap = wait_all(site, site.lvs2, MASTER_DOWN)
    print(f"lvsd has taken over from a stopped keepalived after {gap * 1000:.0f} ms")
    assert gap < SKEW + 0.7
    peer.stop()

    peer.start()  # 150 preempts 100
    wait_all(site, site.lvs1, 15)
    stays_all(site, site.lvs1, "after its return")


@pytest.mark.slow
def test_nobody_preempts_who_must_not(site):
    KeepalivedOfAllCases(site.lvs2, site.lvs1, 100).start()
    wait_all(site, site.lvs2, 15)
    better = lvsd(site.lvs1, site.lvs2, 150, "preempt = no").start()
    stays_all(site, site.lvs2, "lvsd of higher priority does not preempt")
    better.stop()

    better = lvsd(site.lvs1, site.lvs2, 150).start()
    wait_all(site, site.lvs1, 15)
    better.stop()


@pytest.mark.slow
def test_tshark_finds_nothing_wrong_with_any_kind(site):
    capture = Capture(site.client, "eth0", "ip proto 112 or ip6 proto 112")
    inside = Capture(site.lvs2, "eth0", "ip proto 112 or ip6 proto 112")  # the unicast ones come here
    director = lvsd(site.lvs1, site.lvs2, 150).start()
    wait_all(site, site.lvs1, 15)
    wait_until(lambda: inside.text().count("prio 150") >= 2 * len(CASES), 15, "two advertisements of each")
    director.stop()
    wait_until(lambda: inside.text().count("prio 0") >= len(CASES), 5, "the resignation of each")
    capture.stop()
    inside.stop()
    fields = ["-e", "vrrp.version", "-e", "vrrp.virt_rtr_id", "-e", "vrrp.checksum.status", "-e", "vrrp.prio"]
    rows = site.client.run(["tshark", "-n", "-r", inside.path, "-Y", "vrrp", "-T", "fields", *fields], timeout=60).stdout
    lines = [line.split("\t") for line in rows.splitlines()]
    assert len(lines) >= 3 * len(CASES), rows
    wrong = [line for line in lines if line[2] not in ("1", "Good")]
    assert not wrong, f"checksums that tshark finds wrong: {wrong}"
    assert {(line[0], line[1]) for line in lines} == {(str(c.version), str(c.virtual_router_id)) for c in CASES}
    whole = site.client.run(["tshark", "-n", "-r", inside.path, "-V", "-Y", "vrrp"], timeout=60).stdout
    for complaint in ("Malformed", "[Expert Info", "incorrect", "Bad"):
        assert complaint not in whole, re.search(rf".*{re.escape(complaint)}.*", whole)[0]


class Frr:
    """zebra and vrrpd in a host, IPv4 version 3. Its virtual address lives on a macvlan that somebody else has to make."""

    def __init__(self, host, priority, virtual_router_id=60, address="10.0.0.160"):
        self.host = host
        self.directory = host.testbed.path(f"{host.name}-frr")
        os.makedirs(self.directory, exist_ok=True)
        host.ip("link", "add", "vrrp4", "link", "eth0", "address",
                f"00:00:5e:00:01:{virtual_router_id:02x}", "type", "macvlan", "mode", "bridge")
        host.ip("addr", "add", f"{address}/24", "dev", "vrrp4")
        host.ip("link", "set", "vrrp4", "up")
        self.config = os.path.join(self.directory, "vrrpd.conf")
        with open(self.config, "w", encoding="ascii") as file:
            file.write(f"interface eth0\n vrrp {virtual_router_id} version 3\n vrrp {virtual_router_id} priority {priority}\n"
                       f" vrrp {virtual_router_id} advertisement-interval 1000\n vrrp {virtual_router_id} ip {address}\n")
        for path in (self.directory, self.config):
            shutil.chown(path, "frr", "frr")  # their own user, with their vty group
        self.processes = []

    def start(self):
        zserv = os.path.join(self.directory, "zserv.api")
        common = ["-u", "frr", "-g", "frr", "-z", zserv, "--vty_socket", self.directory]
        zebra = self.host.start([f"{FRR}/zebra", *common, "-f", "/dev/null", "-i", os.path.join(self.directory, "zebra.pid")],
                                "zebra")
        wait_until(lambda: os.path.exists(zserv), 15, lambda: f"zebra: {zebra.output()}")
        vrrpd = self.host.start([f"{FRR}/vrrpd", *common, "-f", self.config, "-i", os.path.join(self.directory, "vrrpd.pid")],
                                "vrrpd")
        self.processes = [vrrpd, zebra]
        return self

    def kill(self):
        for process in self.processes:
            process.kill()


def speakers(capture, since):
    """Sources of the advertisements (but resignations) that tcpdump has seen since a moment of its clock."""
    found = set()
    for line in capture.text("-tt", "-v").splitlines():
        if match := re.match(r"^(\d+\.\d+) ", line):
            moment = float(match[1])
        elif (match := re.search(r"(10\.0\.0\.\d+) > 224\.0\.0\.18: .*prio (\d+)", line)) and moment > since and match[2] != "0":
            found.add(match[1])
    return found


def frr_case(site, host):
    return Director(host, "[node lvs1]\naddress = 10.0.0.2\n[node lvs2]\naddress = 10.0.0.3\n[vrrp frr]\ninterface = eth0\n"
                          f"virtual_router_id = 60\npriority = {150 if host is site.lvs1 else 100}\n"
                          "virtual_address = 10.0.0.160/24\n")


def only_speaker(capture, address, seconds, what):
    start = time.time()
    stays(lambda: speakers(capture, start) <= {address}, seconds, f"{address} the only master: {what}")
    assert speakers(capture, start) == {address}


@pytest.mark.slow
def test_frr_is_the_backup_and_takes_over(site):
    capture = Capture(site.client, "eth0", "ip proto 112")
    master = frr_case(site, site.lvs1).start()
    wait_until(lambda: site.lvs1.has_address("10.0.0.160"), 15, "lvsd to be master")
    Frr(site.lvs2, 100).start()
    time_to_settle = time.time()
    wait_until(lambda: speakers(capture, time_to_settle) == {"10.0.0.2"}, 10, "an advertisement of lvsd")
    only_speaker(capture, "10.0.0.2", MASTER_DOWN + 1, "FRR accepts its advertisements")
    gone = time.time()
    master.die()
    wait_until(lambda: "10.0.0.3" in speakers(capture, gone), MASTER_DOWN + 3, "FRR to take over")


@pytest.mark.slow
def test_lvsd_is_frrs_backup_and_takes_over(site):
    capture = Capture(site.client, "eth0", "ip proto 112")
    peer = Frr(site.lvs1, 150).start()
    begun = time.time()
    wait_until(lambda: speakers(capture, begun) == {"10.0.0.2"}, 20, "FRR to be master")
    backup = frr_case(site, site.lvs2).start()
    only_speaker(capture, "10.0.0.2", MASTER_DOWN + 1, "lvsd accepts FRR's advertisements")
    assert discards(backup) == {}
    gone = time.monotonic()
    peer.kill()
    wait_until(lambda: site.lvs2.has_address("10.0.0.160"), MASTER_DOWN + 2, "lvsd to take over")
    assert time.monotonic() - gone < MASTER_DOWN + 0.7
