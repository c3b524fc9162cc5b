"""The virtual router's own MAC address between two lvsd with services: who speaks and answers with it, before and after a failover."""
import re

import pytest
from conftest import open_site
from director import Settings, start_pair
from neighbours import ask_anew, neighbour
from process import stays, wait_until
from traffic import Capture, Probe, failures

MAC4 = "00:00:5e:00:01:33"


def links(host):
    return host.ip("-d", "link", "show", "type", "macvlan").stdout


@pytest.fixture(scope="module")
def pair():
    with open_site("dr", servers=1) as site:
        site.pair = start_pair(site, Settings(site, vrrp_lines="virtual_mac = yes"))
        yield site


def test_the_master_speaks_and_answers_with_the_virtual_mac_address(pair):
    capture = Capture(pair.client, "eth0", "arp or ip proto 112")
    assert ask_anew(pair.client, pair.vip) == MAC4
    # The interface below neither answers for the address, nor asks in its name.
    pair.lvs1.ip("neigh", "flush", "dev", "eth0")
    pair.lvs1.run(["ping", "-c1", "-W1", "-I", pair.vip, pair.client.addresses("eth0")[0]])
    stays(lambda: neighbour(pair.client, pair.vip) == MAC4, 2.5, "the virtual MAC address at the client", every=0.05)
    # And the link does not answer for the interface's own address.
    assert ask_anew(pair.client, "10.0.0.2") == pair.lvs1.mac()
    text = capture.stop().text("-e")
    adverts = re.findall(r"(\S+) > 01:00:5e:00:00:12, .*VRRPv3, Advertisement", text)
    assert adverts and set(adverts) == {MAC4}, text
    answers = re.findall(rf"(\S+) > .* Reply {pair.vip} is-at (\S+),", text)
    assert answers and set(answers) == {(MAC4, MAC4)}, text
    status = pair.pair[0].ask("vrrp")["instances"][0]
    assert status["virtual_mac"] == f"{MAC4} on vrrp.51" and f"{MAC4} on vrrp.51" in pair.pair[0].ctl("vrrp", "front").stdout


def test_a_failover_changes_no_neighbour_entry_and_the_backup_is_silent(pair):
    lvs1, lvs2 = pair.pair
    said = Capture(pair.lvs2, "eth0", f"ether src {MAC4}", "-Q", "out")
    assert "state DOWN" in links(pair.lvs2) and "state UP" in links(pair.lvs1)
    assert ask_anew(pair.client, pair.vip) == MAC4
    probe = Probe(pair.client, "udp", pair.vip, 7, interval=0.01).wait_answered()
    assert said.stop().text() == "", "a backup has sent with the virtual MAC address"
    watch = Capture(pair.client, "eth0", f"arp and host {pair.vip}")
    lvs1.stop()
    wait_until(lambda: pair.owners() == ["lvs2"], 5, "lvs2 to be the only owner", every=0.01)
    stays(lambda: neighbour(pair.client, pair.vip) == MAC4, 1.5, "the same neighbour entry", every=0.02)
    lost = failures(probe.stop())
    assert len(lost) <= 1, f"{len(lost)} of the questions were lost in a handover"
    assert set(re.findall(r"^\S+ (\S+) > ", watch.stop().text("-e"), re.MULTILINE)) <= {MAC4, pair.client.mac()}
    assert links(pair.lvs1) == "", "a stopped director leaves its link behind"
    assert pair.lvs1.run(["sysctl", "-n", "net.ipv4.conf.eth0.arp_ignore"]).stdout.strip() == "0"
    lvs1.revive()
    wait_until(lambda: pair.owners() == ["lvs1"], 15, "lvs1 to be master again")
    assert ask_anew(pair.client, pair.vip) == MAC4


def test_a_killed_room_goes_on_with_its_link_and_a_reload_takes_it_away(pair):
    lvs1 = pair.pair[0]
    pid = lvs1.kill_room("vrrp")
    lvs1.wait_room_back("vrrp", pid)
    stays(lambda: pair.owners() == ["lvs1"], 2, "lvs1 to stay master")
    assert ask_anew(pair.client, pair.vip) == MAC4
    for director in pair.pair:
        director.write(Settings(pair))
        director.ctl("reload")
    wait_until(lambda: links(pair.lvs1) == links(pair.lvs2) == "", 5, "the links to be gone")
    assert pair.owners() == ["lvs1"] and neighbour(pair.client, pair.vip) == pair.lvs1.mac()
