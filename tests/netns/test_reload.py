"""SIGHUP under load changes only what changed; SIGHUP with a broken file changes nothing and says exactly why."""
import os
import time
from dataclasses import replace

import pytest
from conftest import open_pair
from director import Settings
from process import wait_until
from servers import get
from traffic import Probe, Wrk, failures, shares

CONFIG_INVALID = 4  # exit code of lvsctl and lvsd --check


@pytest.fixture(scope="module", params=["dr", "nat"])
def site(request):
    def settings(made):
        made.settings = Settings(made, scheduler="wrr", weights=[1, 1, 1], servers=["rs1", "rs2"])
        return made.settings

    with open_pair(request.param, settings=settings) as made:
        yield made


def reload_by_hup(director, settings):
    old = director.fingerprint()
    director.write(settings)
    director.hup()
    wait_until(lambda: director.fingerprint() not in ("", old), 10, "the new configuration to be in force", every=0.05)
    return time.monotonic()


def seen_since(probe, moment, server, count=30):
    wait_until(lambda: shares([a for a in probe.attempts() if a.sent > moment])[server] >= count, 15,
               f"{count} answers of {server}")


def connections_of(director, *servers):
    """Connections each server was chosen for, of all clients: what the scheduler decides, not what one of them sees."""
    return [director.server(name)["statistics"]["connections"] for name in servers]


def test_weight_changed_server_added_server_removed_and_nothing_fails(site):
    master = site.pair[0]
    load = Wrk(site.client, f"http://{site.vip}/", seconds=14, connections=4)
    probe = Probe(site.client, "http", site.vip, 80, interval=0.02).wait_answered()
    held = [Probe(site.client, "hold", site.vip, 7, interval=0.05, timeout=5).wait_answered() for _ in range(4)]

    changed = reload_by_hup(master, replace(site.settings, weights=[3, 1, 1]))
    before = connections_of(master, "rs1", "rs2")
    seen_since(probe, changed, "rs2", 40)
    rs1, rs2 = (now - then for now, then in zip(connections_of(master, "rs1", "rs2"), before))
    assert 2.5 < rs1 / rs2 < 3.5, (rs1, rs2)

    added = reload_by_hup(master, replace(site.settings, servers=None))
    master.wait_servers({"rs3": "up"})
    seen_since(probe, added, "rs3")

    reload_by_hup(master, replace(site.settings, servers=["rs2", "rs3"]))
    removed = time.monotonic()
    seen_since(probe, removed, "rs2")
    after = shares([a for a in probe.attempts() if a.sent > removed])
    assert after["rs1"] == 0, f"a removed server got new connections: {after}"

    on_rs1 = [p for p in held if shares(p.attempts())["rs1"]]
    assert on_rs1, "rr has put some of the held connections on rs1"
    for held_probe in held:
        held_probe.wait_answered_after(removed + 1)
        assert failures(held_probe.stop()) == [], "a removed server keeps its connections"
    seen = load.finish()
    assert seen.failed == 0 and seen.requests > 100, seen.text
    assert failures(probe.stop()) == []
    reload_by_hup(master, site.settings)


BROKEN = {
    "typo": lambda text: text.replace("scheduler = wrr", "schedular = wrr", 1),
    "empty": lambda text: "",
    "missing": None,
}


@pytest.mark.parametrize("way", ["hup", "lvsctl"])
@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_file_changes_nothing_and_status_shows_it(site, fault, way):
    master = site.pair[0]
    wait_until(lambda: master.server_state("rs1") == "up", 10, "rs1")
    good, before = site.settings.text(), master.fingerprint()
    probe = Probe(site.client, "http", site.vip, 80, interval=0.02).wait_answered()
    if fault == "missing":
        os.unlink(master.config_path)
    else:
        master.write(BROKEN[fault](good))

    if way == "hup":
        master.hup()
        wait_until(lambda: not master.overview()["config"]["last_reload_ok"], 10, "the failed reload to be shown")
        error = master.overview()["config"]["last_reload_error"]
    else:
        done = master.ctl("reload", check=False)
        assert done.returncode == CONFIG_INVALID, done
        error = done.stderr + done.stdout

    assert master.config_path in error
    if fault == "typo":
        line = BROKEN["typo"](good).splitlines().index("schedular = wrr") + 1
        assert f"{master.config_path}:{line}:1: error: " in error, error
        assert '"schedular"' in error and '"scheduler"' in error and "^" in error, error
    if fault == "missing":
        assert "No such file" in error, error
    overview = master.overview()
    assert overview["config"]["fingerprint"] == before
    assert [entry for entry in overview["attention"] if "reload" in (entry["subject"] + entry["text"]).lower()], overview["attention"]
    assert "reload" in master.ctl("status").stdout.lower()
    assert master.config_path in master.log()
    assert get(site.client, f"http://{site.vip}/")[0] == 200
    assert failures(probe.stop()) == []

    master.write(good)
    master.ctl("reload")
    assert master.overview()["config"]["last_reload_ok"]
    assert master.fingerprint() == before


def test_a_reload_that_changes_nothing_disturbs_nothing(site):
    before = [instance["transitions"] for instance in site.pair[0].ask("vrrp")["instances"]]
    held = Probe(site.client, "hold", site.vip, 7, interval=0.02, timeout=3).wait_answered()
    for _ in range(5):
        site.pair[0].ctl("reload")
    held.wait_answered_after(time.monotonic())
    assert failures(held.stop()) == []
    assert [instance["transitions"] for instance in site.pair[0].ask("vrrp")["instances"]] == before
