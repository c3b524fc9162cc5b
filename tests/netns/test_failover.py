"""The master dies in four ways: clients are served again within 3 × advert interval + skew + 50 ms, and there is one owner."""
import time

import pytest
from conftest import open_pair
from process import stays, wait_until
from topology import INSIDE_VIP, wait_for_owner
from traffic import Probe, arp_answerers, failures, longest_gap, served_again

ADVERT = 1.0
SKEW = (256 - 100) * ADVERT / 256          # the backup's priority is 100: RFC 9568 §6.1
MASTER_DOWN = 3 * ADVERT + SKEW
BOUND = MASTER_DOWN + 0.05
HANDOVER_BOUND = SKEW + 0.15               # priority 0 starts the backup's timer at the skew time


@pytest.fixture(params=["dr", "nat"])
def site(request):
    with open_pair(request.param) as made:
        yield made


@pytest.fixture
def lan():
    with open_pair("dr") as made:
        yield made


def sole_owner(site, host):
    """Longer than the master down interval: a silent second master would have come out by then."""
    stays(lambda: site.owners() == [host.name] and arp_answerers(site.client, site.vip, seconds=0.5) == {host.mac()},
          MASTER_DOWN + 1, lambda: f"{host.name} alone; owners {site.owners()}")
    if site.back:
        assert site.owners(INSIDE_VIP) == [host.name]


def fails_over(site, bound, kill):
    """The gap that clients see when `kill` ends lvs1's mastership."""
    probes = [Probe(site.client, mode, site.vip, port, interval, timeout=0.25).wait_answered()
              for mode, port, interval in (("udp", 7, 0.002), ("tcp", 80, 0.01))]
    event = time.monotonic()
    kill()
    wait_until(lambda: site.lvs2.has_address(site.vip), bound + 2, "lvs2 to take over")
    taken = time.monotonic()
    for probe in probes:
        probe.wait_answered_after(taken)
    gaps = [served_again(probe.stop(), event) for probe in probes]
    print(f"{site.method}: served again after {gaps[0] * 1000:.0f} ms (udp), {gaps[1] * 1000:.0f} ms (tcp); bound {bound * 1000:.0f} ms")
    assert min(gaps) <= bound, f"gaps {gaps}"
    assert max(gaps) <= bound + 0.25, f"gaps {gaps}: a connection attempt waits its own timeout"


def test_every_process_killed(site):
    fails_over(site, BOUND, site.pair[0].die)
    sole_owner(site, site.lvs2)

    probe = Probe(site.client, "tcp", site.vip, 80, 0.005, timeout=0.25).wait_answered()
    site.pair[0].revive()
    wait_for_owner(site, site.lvs1, MASTER_DOWN + 3)
    probe.wait_answered_after(time.monotonic() + 0.5)
    back_gap = longest_gap(probe.stop())
    print(f"{site.method}: longest gap when lvs1 takes over again: {back_gap * 1000:.0f} ms")
    assert back_gap < 0.5
    sole_owner(site, site.lvs1)


def test_cable_cut(lan):
    fails_over(lan, BOUND, lambda: lan.front.cut(lan.lvs1))
    sole_owner(lan, lan.lvs2)
    assert lan.pair[0].ask("vrrp")["instances"][0]["role"] == "fault"
    lan.front.mend(lan.lvs1)
    wait_for_owner(lan, lan.lvs1, MASTER_DOWN + 5)
    sole_owner(lan, lan.lvs1)


def test_switch_dead_beyond_the_port(lan):
    """lvs1 cannot see it: both are master until the path is back, then the lower priority gives up at once."""
    fails_over(lan, BOUND, lambda: lan.front.silence(lan.lvs1))
    assert arp_answerers(lan.client, lan.vip) == {lan.lvs2.mac()}
    lan.front.unsilence(lan.lvs1)
    wait_for_owner(lan, lan.lvs1, ADVERT + 1)
    sole_owner(lan, lan.lvs1)


def test_sigterm_hands_over_by_priority_0(site):
    fails_over(site, HANDOVER_BOUND, lambda: site.pair[0].service.signal(15))
    wait_until(lambda: site.pair[0].service.state == "inactive", 10, "lvs1's lvsd to end")
    assert site.pair[0].service.exits[-1][1] == 0, "exit status of a stop"
    assert not site.pair[0].processes()
    sole_owner(site, site.lvs2)


def test_the_backups_death_is_not_noticed(lan):
    probe = Probe(lan.client, "http", lan.vip, 80, 0.02).wait_answered()
    lan.pair[1].die()
    stays(lambda: lan.owners() == ["lvs1"], 2, "lvs1 alone")
    lan.pair[1].revive()
    stays(lambda: lan.owners() == ["lvs1"], MASTER_DOWN + 1, "lvs1 alone")
    assert failures(probe.stop()) == []
