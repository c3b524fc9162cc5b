"""Mastership by command: failover and maintenance move it without a loss, keep it where it was put, and never leave the addresses alone."""
import pytest
from conftest import open_pair
from director import Settings
from process import stays, wait_until
from topology import wait_for_owner
from traffic import Probe, failures

ADVERT = 0.2
MASTER_DOWN = 3 * ADVERT + (256 - 100) * ADVERT / 256


def settings(site):
    return Settings(site, advert_interval="200ms")


@pytest.fixture(scope="module")
def site():
    with open_pair("dr", settings=settings) as made:
        yield made


def attention(director):
    return [f"{entry['level']} {entry['subject']}" for entry in director.overview().get("attention", [])]


def test_a_failover_moves_the_addresses_and_they_stay_there(site):
    probe = Probe(site.client, "udp", site.vip, 7, 0.002).wait_answered()
    said = site.pair[0].ctl("failover", "front", "--reason", "firmware").stdout
    assert "front: handed over in" in said and "10.0.0.3 has taken over" in said
    stays(lambda: site.owners() == ["lvs2"], 3 * MASTER_DOWN, "lvs2 alone, though lvs1 has the higher priority")
    assert "gave way by command" in site.pair[0].ctl("vrrp", "front").stdout
    assert "failover by root: firmware" in site.pair[0].ctl("vrrp", "front").stdout
    assert "is not master here (BACKUP)" in site.pair[0].ctl("failover", check=False).stdout

    site.pair[1].ctl("failover")
    wait_for_owner(site, site.lvs1, MASTER_DOWN)
    stays(lambda: site.owners() == ["lvs1"], 2 * MASTER_DOWN, "lvs1 alone")
    assert failures(probe.stop()) == []


def test_what_cannot_be_done_is_said(site):
    assert site.pair[0].ctl("failover", "frnt", check=False).returncode == 5
    site.pair[1].die()
    probe = Probe(site.client, "udp", site.vip, 7, 0.002).wait_answered()
    alone = site.pair[0].ctl("failover", check=False)
    assert alone.returncode == 1
    assert "nobody has taken over; it goes on as master, and nothing was lost" in alone.stdout
    refused = site.pair[0].ctl("maintenance", "on", check=False)
    assert refused.returncode == 6 and "nobody else takes over front" in refused.stderr
    stays(lambda: site.owners() == ["lvs1"], MASTER_DOWN, "lvs1 alone")
    assert failures(probe.stop()) == []
    site.pair[1].revive()


def test_maintenance_keeps_a_director_from_being_master_until_it_ends(site):
    probe = Probe(site.client, "udp", site.vip, 7, 0.002).wait_answered()
    said = site.pair[0].ctl("maintenance", "on", "--reason", "NIC firmware").stdout
    assert "front: maintenance by root: NIC firmware; 10.0.0.3 has taken over" in said
    assert "undo: lvsctl maintenance off" in said
    wait_until(lambda: site.owners() == ["lvs2"], 2, "lvs2 alone to own it")
    assert failures(probe.stop()) == []
    assert attention(site.pair[0]) == ["MAINT lvsd"]

    site.pair[0].kill_room("vrrp")
    site.pair[0].stop()
    site.pair[0].revive()
    assert "by root: NIC firmware" in site.pair[0].ctl("maintenance").stdout
    site.pair[1].die()
    wait_until(lambda: site.owners() == [], 2, "the dead director's lease to end")
    stays(lambda: site.owners() == [], 2 * MASTER_DOWN, "nobody: the other director is in maintenance")
    site.pair[0].ctl("maintenance", "off")
    wait_for_owner(site, site.lvs1, MASTER_DOWN + 1)
    assert attention(site.pair[0]) == []
    site.pair[1].revive()


def test_maintenance_ends_by_itself(site):
    site.pair[0].ctl("maintenance", "on", "--for", "2s")
    wait_until(lambda: site.owners() == ["lvs2"], 2, "lvs2 alone to own it")
    wait_for_owner(site, site.lvs1, 2 + 2 * MASTER_DOWN + 2)
    assert "no maintenance" in site.pair[0].ctl("maintenance").stdout
