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
        assert sum(losses) == 0, losses
