"""Debian's keepalived as the other router, and tcpdump as the judge of what we send."""
import re
import time

import pytest
from conftest import open_testbed
from director import Director, Settings
from process import stays, wait_until
from servers import Keepalived
from topology import one_lan, wait_for_owner
from traffic import Capture, arp_answerers

SKEW = (256 - 100) / 256
MASTER_DOWN = 3 + SKEW


@pytest.fixture
def site():
    with open_testbed() as testbed:
        made = one_lan(testbed, servers=0)
        made.rs = testbed.host("rs1")
        made.front.attach(made.rs, "eth0", "10.0.0.11/24")
        yield made


def settings(site, **changes):
    """VRRP is the subject: one service, whose server is not checked."""
    return Settings(site, check="", echo="", extra="", **changes)


def lvsd(site, host, **changes):
    text = settings(site, **changes).text().replace("method = dr\n", "method = dr\nreal_server = rs1 10.0.0.11\n", 1)
    return Director(host, text)


def measured(site, host, seconds, event):
    start = time.monotonic()
    event()
    wait_until(lambda: host.has_address(site.vip), seconds, f"{host.name} to take over", every=0.005)
    return time.monotonic() - start


def test_keepalived_is_lvsds_backup_and_takes_over(site):
    master = lvsd(site, site.lvs1).start()
    wait_for_owner(site, site.lvs1, 15)
    Keepalived(site.lvs2, 100).start()
    stays(lambda: site.owners() == ["lvs1"], MASTER_DOWN + 1, "lvsd the only owner: keepalived accepts its adverts")

    gap = measured(site, site.lvs2, MASTER_DOWN + 1, master.die)
    print(f"keepalived takes over from a dead lvsd after {gap * 1000:.0f} ms")
    assert gap < MASTER_DOWN + 0.2

    master.revive()
    wait_for_owner(site, site.lvs1, 15)
    gap = measured(site, site.lvs2, MASTER_DOWN + 1, lambda: master.service.signal(15))
    print(f"keepalived takes over from a stopped lvsd after {gap * 1000:.0f} ms")
    assert gap < SKEW + 0.3


def test_lvsd_is_keepaliveds_backup_and_takes_over(site):
    peer = Keepalived(site.lvs1, 150).start()
    wait_for_owner(site, site.lvs1, 15)
    backup = lvsd(site, site.lvs2).start()
    stays(lambda: site.owners() == ["lvs1"], MASTER_DOWN + 1, "keepalived the only owner: lvsd accepts its adverts")
    assert backup.ask("vrrp")["instances"][0]["master_address"] == "10.0.0.2"

    gap = measured(site, site.lvs2, SKEW + 1, peer.resign)
    print(f"lvsd takes over from a stopped keepalived after {gap * 1000:.0f} ms")
    assert gap < SKEW + 0.3

    peer.stop()
    peer.start()
    wait_for_owner(site, site.lvs1, 15)
    peer.kill()
    gap = measured(site, site.lvs2, MASTER_DOWN + 1, lambda: None)
    assert gap < MASTER_DOWN + 0.2


def test_lvsd_preempts_keepalived_of_lower_priority(site):
    Keepalived(site.lvs2, 100).start()
    wait_for_owner(site, site.lvs2, 15)
    lvsd(site, site.lvs1).start()
    wait_for_owner(site, site.lvs1, 15)
    stays(lambda: site.owners() == ["lvs1"] and arp_answerers(site.client, site.vip, seconds=0.5) == {site.lvs1.mac()},
          MASTER_DOWN + 1, "lvsd the only owner")


def test_tcpdump_decodes_our_advertisements_without_complaint(site):
    capture = Capture(site.client, "eth0", "ip proto 112 or arp")
    director = lvsd(site, site.lvs1).start()
    wait_for_owner(site, site.lvs1, 15)
    wait_until(lambda: capture.text("-vv").count("VRRPv3, Advertisement") >= 3, 10, "three advertisements")
    director.stop()
    wait_until(lambda: "prio 0" in capture.text("-vv"), 5, "the advertisement of priority 0")
    text = capture.stop().text("-vv", "-e")
    adverts = re.findall(r"^\d.*\n.*10\.0\.0\.2 > 224\.0\.0\.18: .*$", text, re.MULTILINE)
    assert adverts
    for advert in adverts:
        assert "01:00:5e:00:00:12" in advert and "ttl 255" in advert and "proto VRRP (112)" in advert
        assert re.search(r"10\.0\.0\.2 > 224\.0\.0\.18: VRRPv3, Advertisement, vrid 51, prio (150|0), intvl 100cs, "
                         r"length 12, addrs: 10\.0\.0\.100$", advert), advert
    for complaint in ("bad", "invalid", "truncated", "[|", "wrong", "incorrect"):
        assert complaint not in text.lower(), f"tcpdump says {complaint!r}:\n{text}"
    assert re.search(r"(Announcement|Request who-has|Reply) 10\.0\.0\.100", text), "gratuitous ARP"
