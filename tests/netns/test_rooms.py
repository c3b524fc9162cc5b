"""A killed room is back by itself, and what the others do is not disturbed."""
import time

import pytest
from conftest import open_pair
from process import stays, wait_until
from traffic import Probe, Wrk, failures, longest_gap

MASTER_DOWN = 3.61  # of the backup, at 1 s and priority 100


@pytest.fixture(scope="module", params=["dr", "nat"])
def site(request):
    with open_pair(request.param) as made:
        yield made


def transitions(director):
    return [instance["transitions"] for instance in director.ask("vrrp")["instances"]]


def all_up(site):
    site.pair[0].wait_servers({server.name: "up" for server in site.servers})


def test_killed_healthcheck_is_back_and_loses_no_request(site):
    load = Wrk(site.client, f"http://{site.vip}/", seconds=6)
    old = site.pair[0].kill_room("healthcheck")
    states = []
    site.pair[0].wait_room_back("healthcheck", old)
    stays(lambda: states.append(site.pair[0].server_state("rs1")) or states[-1] == "up", 2,
          "rs1 up, as the earlier incarnation had found")
    seen = load.finish()
    assert seen.failed == 0 and seen.requests > 100, seen.text


def test_killed_vrrp_is_back_and_stays_master(site):
    before = transitions(site.pair[1])
    load = Wrk(site.client, f"http://{site.vip}/", seconds=8)
    old = site.pair[0].kill_room("vrrp")
    site.pair[0].wait_room_back("vrrp", old)
    stays(lambda: site.owners() == ["lvs1"], MASTER_DOWN + 1, "lvs1 the only owner")
    seen = load.finish()
    assert seen.failed == 0 and seen.requests > 100, seen.text
    assert transitions(site.pair[1]) == before, "the backup has not noticed"


def test_killed_ipvs_is_back_and_connections_survive(site):
    held = [Probe(site.client, "hold", site.vip, 7, interval=0.02, timeout=8).wait_answered() for _ in range(3)]
    fresh = Probe(site.client, "http", site.vip, 80, interval=0.02, timeout=5).wait_answered()
    old = site.pair[0].kill_room("ipvs")
    site.pair[0].wait_room_back("ipvs", old)
    back = time.monotonic()
    for probe in [*held, fresh]:
        probe.wait_answered_after(back, 15)
    attempts = fresh.stop()
    assert failures(attempts) == [], "a new connection waits for its retransmitted SYN: nobody answers RST meanwhile"
    print(f"{site.method}: engine away for {longest_gap(attempts) * 1000:.0f} ms")
    for probe in held:
        assert failures(probe.stop()) == [], "held connections go on"


def test_killed_supervisor_is_started_again_and_loses_no_request(site):
    master = site.pair[0]
    before, backup_before = master.rooms(), transitions(site.pair[1])
    held = Probe(site.client, "hold", site.vip, 7, interval=0.02, timeout=8).wait_answered()
    load = Wrk(site.client, f"http://{site.vip}/", seconds=10)
    old = master.kill_supervisor()
    wait_until(lambda: master.service.pid not in (None, old) and master.service.state == "ready", 15, "lvsd to be back")
    stays(lambda: site.owners() == ["lvs1"], MASTER_DOWN + 1, "lvs1 the only owner")
    seen = load.finish()
    assert seen.failed == 0 and seen.requests > 100, seen.text
    assert failures(held.stop()) == []
    assert transitions(site.pair[1]) == backup_before, "the backup has not noticed"
    after = master.rooms()
    assert all(after[name]["pid"] != before[name]["pid"] for name in before), "the rooms died with their supervisor"
    all_up(site)


def test_rooms_die_with_a_supervisor_that_nobody_restarts(site):
    backup = site.pair[1]
    backup.service.restart = False
    assert len(backup.processes()) == 4
    backup.kill_supervisor()
    wait_until(lambda: not backup.processes(), 5, lambda: f"all processes of lvs2 to end: {backup.processes()}")
    backup.revive()
    backup.wait_servers({server.name: "up" for server in site.servers})


def test_a_room_that_hangs_is_restarted(site):
    master = site.pair[0]
    pid = master.room_pid("healthcheck")
    master.killed.add("healthcheck")
    site.lvs1.run(["kill", "-STOP", str(pid)])
    master.wait_room_back("healthcheck", pid, 20)
    all_up(site)
