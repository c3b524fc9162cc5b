"""Mastership moves by intention and nobody notices: stop, sync group, tracks. LVSD_HANDOVERS: how often a stop is measured."""
import os
import time

import pytest
from conftest import open_pair
from director import Settings
from process import stays, wait_until
from topology import INSIDE_VIP, wait_for_owner
from traffic import Capture, Probe, failures, longest_gap

ADVERT = 1.0
SKEW = (256 - 100) * ADVERT / 256  # of the backup, whose priority is 100
MASTER_DOWN = 3 * ADVERT + SKEW
HANDOVERS = int(os.environ.get("LVSD_HANDOVERS", "2"))


def instances(director):
    return {instance["name"]: instance for instance in (director.ask("vrrp") or {}).get("instances", [])}


def roles(director):
    return {name: instance["role"] for name, instance in instances(director).items()}


def owners(site):
    return {vip: site.owners(vip) for vip in [site.vip, *([INSIDE_VIP] if site.back else [])]}


def all_on(site, host):
    return all(owner == [host.name] for owner in owners(site).values())


def start_probes(site):
    return [Probe(site.client, mode, site.vip, port, 0.002).wait_answered() for mode, port in (("udp", 7), ("tcp", 80))]


def seen(probes):
    """[(mode, attempts, lost, longest gap in ms)] and their end."""
    result = []
    for probe in probes:
        attempts = probe.stop()
        result.append((probe.mode, len(attempts), len(failures(attempts)), longest_gap(attempts) * 1000))
    return result


def described(result):
    return "; ".join(f"{mode}: {lost} of {count} lost, longest gap {gap:.0f} ms" for mode, count, lost, gap in result)


def lost(result):
    return sum(entry[2] for entry in result)


@pytest.mark.parametrize("method", ["dr", "nat"])
def test_a_stopped_master_is_not_missed(method):
    with open_pair(method) as site:
        losses = []
        for _ in range(HANDOVERS):
            probes = start_probes(site)
            began = time.monotonic()
            site.pair[0].service.signal(15)
            wait_until(lambda: all_on(site, site.lvs2), 10, lambda: f"lvs2 to own everything; {owners(site)}", every=0.005)
            taken = time.monotonic() - began
            wait_until(lambda: site.pair[0].service.state == "inactive", 10, "lvs1's lvsd to end")
            for probe in probes:
                probe.wait_answered_after(time.monotonic() + 0.5)
            result = seen(probes)
            losses.append(lost(result))
            print(f"{method}: SIGTERM of the master, handed over after {taken * 1000:.0f} ms; {described(result)}")
            assert taken < SKEW + 0.3
            site.pair[0].revive()
            wait_for_owner(site, site.lvs1, MASTER_DOWN + 5)
        # NAT: an answer on its way at that moment meets a director that does not know the connection.
        assert sum(losses) <= (2 * len(probes) * HANDOVERS if site.back else 0), losses


def test_a_stop_without_a_successor_ends_within_the_limit():
    with open_pair("dr") as site:
        site.pair[1].die()
        began = time.monotonic()
        site.pair[0].stop()
        took = time.monotonic() - began
        print(f"no successor: stopped after {took:.2f} s")
        assert 1.25 <= took < 2.0
        assert site.owners() == []


def test_an_instance_removed_by_reload_hands_over():
    extra = "[vrrp second]\ninterface = eth0\nvirtual_router_id = 77\npriority = 150\npriority@lvs2 = 100\nvirtual_address = 10.0.0.150/24\n"
    with open_pair("dr", settings=lambda site: Settings(site, extra=extra)) as site:
        wait_until(lambda: site.owners("10.0.0.150") == ["lvs1"], 10, "lvs1 to own the second address")
        held = Capture(site.client, "eth0", "ip proto 112")
        site.pair[0].write(Settings(site))
        site.pair[0].ctl("reload")
        assert site.owners("10.0.0.150") == ["lvs1"], "the addresses stay while nobody has taken over"
        wait_until(lambda: site.owners("10.0.0.150") == ["lvs2"], SKEW + 0.5, "lvs2 alone to own it", every=0.01)
        wait_until(lambda: "vrid 77, prio 0" in held.text("-vv"), 5, "the advertisement of priority 0")
        assert set(roles(site.pair[0])) == {"front"}
        assert site.owners() == ["lvs1"]


@pytest.fixture
def nat():
    with open_pair("nat") as site:
        yield site


def test_a_sync_group_moves_as_one_when_one_cable_is_cut(nat):
    shown = nat.pair[0].ask("vrrp")["sync_groups"]
    assert shown == [{"name": "both", "role": "master", "members": ["front", "inside"]}]
    for lan in (nat.back, nat.front):
        cut = time.monotonic()
        lan.cut(nat.lvs1)
        wait_until(lambda: all_on(nat, nat.lvs2), MASTER_DOWN + 1, lambda: f"lvs2 to own both; {owners(nat)}", every=0.005)
        took = time.monotonic() - cut
        print(f"{lan.name}: both addresses moved after {took:.2f} s")
        assert took < ADVERT + SKEW + 0.2, "one member's resignation speaks for all"
        assert set(roles(nat.pair[0]).values()) == {"fault"}
        assert nat.pair[0].ask("vrrp")["sync_groups"][0]["role"] == "fault"
        stays(lambda: all_on(nat, nat.lvs2), MASTER_DOWN + 0.5, "lvs2 alone with both")
        lan.mend(nat.lvs1)
        wait_until(lambda: all_on(nat, nat.lvs1), MASTER_DOWN + 3, lambda: f"lvs1 to own both again; {owners(nat)}")
    stays(lambda: all_on(nat, nat.lvs1), MASTER_DOWN + 0.5, "lvs1 alone with both")


def test_a_sync_group_does_not_split_when_one_lan_is_silent(nat):
    """The backup hears no advertisement inside, but one in front: it is not master anywhere."""
    nat.back.silence(nat.lvs2)
    stays(lambda: all_on(nat, nat.lvs1), MASTER_DOWN + 2, lambda: f"lvs1 alone with both; {owners(nat)}")
    nat.back.unsilence(nat.lvs2)
    stays(lambda: all_on(nat, nat.lvs1), MASTER_DOWN + 1, lambda: f"lvs1 alone with both; {owners(nat)}")


TRACK = "[track uplink]\ntype = interface\ninterface = uplink\n"


def tracking(weight):
    line = f"weight = {weight}\n" if weight else ""
    return lambda site: Settings(site, vrrp_lines="track = uplink", extra=TRACK + line)


def open_tracked(weight):
    """A pair whose directors have one interface more, `uplink`, that nothing goes through."""
    return open_pair("dr", settings=tracking(weight), prepare=add_uplinks)


def add_uplinks(site):
    for host in site.directors:
        host.ip("link", "add", "uplink", "up", "type", "veth", "peer", "name", "beyond")
        host.ip("link", "set", "beyond", "up")


@pytest.mark.parametrize("weight,bound", [(-60, MASTER_DOWN), (None, SKEW)])
def test_a_failing_track_moves_the_mastership_and_loses_nothing(weight, bound):
    with open_tracked(weight) as site:
        probes = start_probes(site)
        began = time.monotonic()
        site.lvs1.ip("link", "set", "uplink", "down")
        wait_until(lambda: site.owners() == ["lvs2"], bound + 1, lambda: f"lvs2 to take over; {site.owners()}", every=0.005)
        took = time.monotonic() - began
        status = instances(site.pair[0])["front"]
        assert status["effective_priority"] == (90 if weight else 150)
        assert status["role"] == ("backup" if weight else "fault")
        assert [(track["name"], track["failing"]) for track in status["tracks"]] == [("uplink", True)]
        assert "uplink" in site.pair[0].ctl("vrrp", "front").stdout
        result = seen(probes)
        print(f"weight {weight}: handed over after {took:.2f} s; {described(result)}")
        assert took < bound + 0.2
        assert lost(result) == 0
        site.lvs1.ip("link", "set", "uplink", "up")
        wait_for_owner(site, site.lvs1, MASTER_DOWN + 3)
        assert instances(site.pair[0])["front"]["effective_priority"] == 150


def test_a_weight_too_small_is_warned_about_with_the_numbers():
    with open_tracked(-60) as site:
        site.pair[0].write(tracking(-10)(site))
        said = site.pair[0].ctl("config", "check", site.pair[0].config_path, check=False)
        assert "lvs1 still has 140, and lvs2 100" in said.stdout + said.stderr
