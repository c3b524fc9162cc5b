"""Operators drain, disable and weigh real servers: traffic obeys, nothing fails, and it outlives reload, crash and restart."""
import json
import os
import subprocess
import time
from dataclasses import replace

import pytest
from conftest import open_pair
from director import Settings, binary
from process import wait_until
from servers import get
from traffic import Probe, failures, shares

REFUSED, TIMED_OUT = 6, 7  # exit codes of lvsctl


@pytest.fixture(scope="module")
def site():
    def settings(made):
        made.settings = Settings(made, scheduler="wrr", weights=[2, 2, 2])
        return made.settings

    with open_pair("nat", settings=settings) as made:
        yield made


@pytest.fixture(autouse=True)
def as_configured(site):
    yield
    site.pair[0].ctl("overrides", "clear")
    wait_until(lambda: site.pair[0].ask("overrides")["overrides"] == [], 5, "no override")


def overridden(director, name):
    return director.server(name).get("overridden")


def answers_since(probe, moment, count=40):
    """Shares of the servers in the answers to what was sent after the moment, once there are `count`."""
    def late():
        return [a for a in probe.attempts() if a.sent > moment]
    wait_until(lambda: len(late()) >= count, 15, f"{count} answers")
    return shares(late())


def test_a_drained_server_gets_nothing_new_keeps_what_it_has_and_comes_back(site):
    master = site.pair[0]
    probe = Probe(site.client, "http", site.vip, 80, interval=0.02).wait_answered()
    held = [Probe(site.client, "hold", site.vip, 7, interval=0.05, timeout=5).wait_answered() for _ in range(3)]

    done = master.ctl("drain", "*/rs1", "--reason", "kernel upgrade", "--for", "2h")
    drained = time.monotonic()
    assert "web/rs1: weight 2 " in done.stdout and "echo/rs1: weight 1 " in done.stdout, done.stdout
    assert "lvsctl undrain web/rs1" in done.stdout
    assert "lvs2" in done.stderr, "the other director has overrides of its own"

    assert answers_since(probe, drained)["rs1"] == 0
    on_rs1 = [p for p in held if shares(p.attempts())["rs1"]]
    assert on_rs1, "rr has put a held connection on rs1"
    for one in held:
        one.wait_answered_after(drained + 1)

    status = master.ctl("status").stdout
    assert "DRAIN" in status and "kernel upgrade" in status and "lvsctl undrain web/rs1" in status, status
    assert "drain" in master.ctl("vs", "web").stdout
    assert "drain" in master.ctl("rs", "web/rs1").stdout
    listed = master.ctl("overrides").stdout
    assert "root" in listed and "kernel upgrade" in listed, listed
    assert 'lvsd_override_active{target="web/rs1",kind="drain"} 1' in master.ctl("metrics").stdout
    assert site.pair[1].server_state("rs1") == "up"

    waited = master.ctl("drain", "echo/rs1", "--wait", "1", check=False)
    assert waited.returncode == TIMED_OUT and "1 connection left" in waited.stdout + waited.stderr, waited
    for one in held:
        assert failures(one.stop()) == [], "a drained server keeps its connections"
    waited = master.ctl("drain", "echo/rs1", "--wait", "20")
    assert "no connection is left" in waited.stdout, waited.stdout

    master.ctl("undrain", "*/rs1")
    back = time.monotonic()
    assert answers_since(probe, back)["rs1"] > 0
    assert failures(probe.stop()) == []
    assert "nothing needs attention" in master.ctl("status").stdout


def test_a_weight_shifts_the_shares(site):
    master = site.pair[0]
    probe = Probe(site.client, "http", site.vip, 80, interval=0.01).wait_answered()
    master.ctl("weight", "web/rs1", "50%")
    master.ctl("weight", "web/rs2", "6")
    changed = time.monotonic()
    seen = answers_since(probe, changed, 180)
    assert 4 < seen["rs2"] / seen["rs1"] < 9 and 1.4 < seen["rs3"] / seen["rs1"] < 2.9, seen
    assert failures(probe.stop()) == []
    assert master.server("rs2")["effective_weight"] == 6 and overridden(master, "rs1") == "weight 50%"
    master.ctl("weight", "web/rs2", "default")
    wait_until(lambda: master.server("rs2")["effective_weight"] == 2, 5, "the configured weight")


def test_the_last_usable_server_is_kept_unless_forced(site):
    master = site.pair[0]
    master.ctl("disable", "web/rs1", "web/rs2")
    assert master.server_state("rs1") == "disabled"
    refused = master.ctl("drain", "10.1.0.13", check=False)
    assert refused.returncode == REFUSED and '"web" without a usable server' in refused.stderr, refused
    assert overridden(master, "rs3") == "" and get(site.client, f"http://{site.vip}/")[0] == 200
    tried = master.ctl("drain", "web/rs3", "--dry-run", "--force")
    assert "dry run" in tried.stdout and overridden(master, "rs3") == ""
    master.ctl("drain", "web/rs3", "--force", "-y")
    wait_until(lambda: master.server("rs3")["effective_weight"] == 0, 5, "the forced drain")
    master.ctl("enable", "web")
    wait_until(lambda: all(master.server_state(s) == "up" for s in ("rs1", "rs2", "rs3")), 5, "all back")


@pytest.mark.parametrize("end", ["reload", "crash", "restart", "ipvs"])
def test_an_override_outlives_reload_crash_restart_and_the_rooms_death(site, end):
    director = site.pair[1]  # the backup: nobody's traffic is disturbed by its restart
    try:
        director.ctl("drain", "web/rs2", "--reason", "disk")
        if end == "reload":
            director.write(replace(site.settings, weights=[1, 1, 1]))
            director.ctl("reload")
        elif end == "crash":
            director.killed.update(("vrrp", "healthcheck", "ipvs"))
            pid = director.kill_supervisor()
            wait_until(lambda: director.overview().get("pid", pid) != pid, 20, "another supervisor")
        elif end == "restart":
            director.stop()
            director.revive()
        else:
            wait_until(lambda: director.room_pid("ipvs"), 10, "the ipvs room to run")
            pid = director.kill_room("ipvs")
            director.wait_room_back("ipvs", pid)
        director.wait_servers({"rs1": "up", "rs2": "drain", "rs3": "up"})
        wait_until(lambda: director.server("rs2")["effective_weight"] == 0, 10, "weight 0 in force")
        assert [(o["server"], o["reason"]) for o in director.ask("overrides")["overrides"]] == [("web/rs2", "disk")]
    finally:
        director.write(site.settings)
        director.ctl("reload")
        director.ctl("overrides", "clear")


def test_an_override_ends_by_itself_and_with_its_server(site):
    master = site.pair[0]
    master.ctl("drain", "web/rs1", "--for", "1s")
    assert overridden(master, "rs1") == "drain"
    wait_until(lambda: overridden(master, "rs1") == "", 5, "the drain to run out")
    assert "has run out" in master.log()

    master.ctl("drain", "web/rs3")
    master.write(replace(site.settings, servers=["rs1", "rs2"]))
    master.ctl("reload")
    assert master.ask("overrides")["overrides"] == []
    assert "web/rs3" in master.log() and "the configuration has no such server" in master.log()
    master.write(site.settings)
    master.ctl("reload")
    master.wait_servers({"rs3": "up"})


def test_only_the_read_write_socket_takes_overrides_and_a_damaged_file_is_set_aside(site):
    director = site.pair[1]
    lvsctl = [binary("daemon", "ctl", "lvsctl"), "--socket", os.path.join(director.run_dir, "ro.sock")]
    assert subprocess.run([*lvsctl, "drain", "web/rs1"], capture_output=True, timeout=10).returncode == 1
    assert director.ask("overrides")["overrides"] == []

    kept = os.path.join(director.state_dir, "overrides.json")
    director.stop()
    with open(kept, "w", encoding="utf-8") as file:
        file.write('{"version":1,"overrides":[{"server":"web/rs1"}]}')
    director.revive()
    director.wait_servers({"rs1": "up"})
    assert os.path.exists(kept + ".damaged")
    assert "the kept overrides are lost" in json.dumps(director.overview()["attention"])
    director.ctl("drain", "web/rs1")
    director.ctl("undrain", "web/rs1")
    assert director.overview()["attention"] == []
