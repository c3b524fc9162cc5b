"""Which servers are used: slow start, limits, a lost check network, quorum; what lvsctl, events and notify programs say of it."""
import json
import os
import stat
import time

import pytest
from conftest import open_pair
from director import Settings
from process import wait_until
from servers import get
from traffic import Probe, failures, shares

CHECK = "type = http\npath = /healthz\ninterval = 200ms\ntimeout = 150ms\nrise = 2\nfall = 2"
TOLD = "/tmp/lvsd-test-told"  # a program's path must be root's all the way; its file is open to everybody
PROGRAM = "/usr/local/sbin/lvsd-test-notify"


def pools(made, more=""):
    return Settings(made, scheduler="wrr", weights=[20, 20, 20], check=CHECK, extra=f"""
[real_server web/rs1]
notify = {PROGRAM}
[real_server web/rs2]
slow_start = 4s
[real_server echo/rs1]
max_connections = 1
[status]
listen = 127.0.0.1:9999
{more}
""")


@pytest.fixture(scope="module")
def site():
    with open(PROGRAM, "w", encoding="ascii") as program:
        program.write(f"#!/bin/sh\necho \"$*: $LVSD_REASON\" >> {TOLD}\n")
    os.chmod(PROGRAM, 0o755)
    with open(TOLD, "w", encoding="ascii"):
        pass
    os.chmod(TOLD, stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO)
    try:
        with open_pair("nat", settings=pools) as made:
            yield made
    finally:
        os.unlink(PROGRAM)
        os.unlink(TOLD)


def events(director, subject):
    return [event for event in director.ask("events")["events"] if event["subject"] == subject]


def test_a_server_that_comes_back_gets_its_share_slowly(site):
    master = site.pair[0]
    site.nginx[1].sick()
    master.wait_servers({"rs2": "down"})
    site.nginx[1].sick(False)
    master.wait_servers({"rs2": "up"})
    seen = []

    def full():
        seen.append(master.server("rs2"))
        return seen[-1]["slow_start_percent"] == 100
    wait_until(full, 10, "the slow start to end", every=0.1)
    weights = [server["effective_weight"] for server in seen]
    assert weights[0] < 10 and weights[-1] == 20 and weights == sorted(weights) and len(set(weights)) > 5, weights
    assert any("slow start" in line for line in [master.ctl("vs", "web").stdout]) or seen[-1]["slow_start_percent"] == 100


def test_a_full_server_gets_no_more_connections(site):
    master = site.pair[0]
    held = [Probe(site.client, "hold", site.vip, 7, interval=0.2, timeout=5).wait_answered() for _ in range(4)]
    on_rs1 = [p for p in held if shares(p.attempts())["rs1"]]
    assert len(on_rs1) == 1, "of four connections rs1 takes one, its limit"
    assert master.server("rs1", "echo")["overloaded"]
    assert "full" in master.ctl("vs", "echo").stdout and "full" in master.ctl("status").stdout
    assert 'lvsd_server_overloaded{service="echo",server="rs1"} 1' in master.ctl("metrics").stdout
    for one in held:
        assert failures(one.stop()) == []


def test_without_its_check_network_a_director_keeps_its_servers_and_no_request_fails(site):
    master, host = site.pair[0], site.directors[0]
    probe = Probe(site.client, "http", site.vip, 80, interval=0.02).wait_answered()
    # What the checks send is lost; what the engine forwards does not pass the kernel's rules.
    host.run(["nft", "add table ip blind; add chain ip blind out { type filter hook output priority 0; }; "
                     "add rule ip blind out ip daddr 10.1.0.0/24 tcp dport 80 drop"])
    try:
        master.wait_servers({"rs1": "down", "rs2": "down", "rs3": "down"})
        blind = time.monotonic()
        wait_until(lambda: all(master.server(name)["kept"] for name in ("rs1", "rs2", "rs3")), 5, "all servers kept")
        status = master.ctl("status").stdout
        assert "own network lost? Kept in use: rs1, rs2, rs3" in status, status
        wait_until(lambda: len([a for a in probe.attempts() if a.sent > blind]) > 50, 10, "requests meanwhile")
    finally:
        host.run(["nft", "delete table ip blind"])
    master.wait_servers({"rs1": "up", "rs2": "up", "rs3": "up"})
    assert failures(probe.stop()) == []


def test_servers_that_refuse_are_not_kept(site):
    master = site.pair[0]
    for nginx in site.nginx:
        nginx.stop()
    try:
        master.wait_servers({"rs1": "down", "rs2": "down", "rs3": "down"})
        assert not any(master.server(name)["kept"] for name in ("rs1", "rs2", "rs3"))
        wait_until(lambda: events(master, "web")[-1]["state"] == "down", 5, "the service's event")
        assert "quorum lost" in [event["text"] for event in events(master, "web")]
    finally:
        for nginx in site.nginx:
            nginx.start()
    master.wait_servers({"rs1": "up", "rs2": "up", "rs3": "up"})


def test_a_change_is_told_to_its_program_to_events_and_to_who_asks_at_once(site):
    master = site.pair[0]
    before = master.ask("events")["last"]
    follower = site.directors[0].start([master.lvsctl, "-s", master.socket, "-j", "events", "--follow", "web/rs1"], "events")
    with open(TOLD, "w", encoding="ascii"):
        pass
    site.nginx[0].sick()
    try:
        asked = master.ctl("checks", "web/rs1", "--now").stdout
        assert "503" in asked, asked
        master.wait_servers({"rs1": "down"})

        def told():
            with open(TOLD, encoding="ascii") as file:
                return file.read()
        # Both directors watch; each runs the program.
        wait_until(lambda: "RS web/rs1 DOWN: HTTP 503" in told(), 10, lambda: f"the notify program; {told()!r}; {master.log()[-2000:]}")
        page = get(site.directors[0], "http://127.0.0.1:9999/")
        assert page[0] == 200 and "HTTP 503" in page[1] and "MASTER" in page[1] and "web/rs1" in page[1], page
    finally:
        site.nginx[0].sick(False)
    master.wait_servers({"rs1": "up"})
    wait_until(lambda: "RS web/rs1 UP: 200" in told(), 10, "the notify program, again")

    def followed():
        lines = [json.loads(line) for line in follower.output().splitlines() if line.startswith("{")]
        return [event for event in lines if event["number"] > before]
    wait_until(lambda: followed() and followed()[-1]["state"] == "up", 5, "the event")
    follower.stop()
    assert [e["state"] for e in followed()] == ["down", "up"] and "503" in followed()[0]["text"], followed()
    assert 'lvsd_server_transitions_total{service="web",server="rs1",to="down"}' in master.ctl("metrics").stdout


def test_connections_without_a_reply_take_a_server_out(site):
    master = site.pair[0]
    master.write(pools(site, "[real_server web/rs3]\nmax_unanswered = 3\n"))
    master.ctl("reload")
    # rs3 answers its checks, but not the client.
    site.servers[2].run(["nft", "add table ip deaf; add chain ip deaf in { type filter hook input priority 0; }; "
                                "add rule ip deaf in ip saddr 10.0.0.0/24 tcp dport 80 drop"])
    probes = [Probe(site.client, "http", site.vip, 80, interval=0.05, timeout=0.3) for _ in range(2)]
    try:
        wait_until(lambda: any("got no reply" in e["text"] for e in events(master, "web/rs3")), 20,
                   lambda: f"rs3 to be taken out; {master.server('rs3')}")
        assert "got no reply" in master.ctl("checks", "web/rs3").stdout
    finally:
        site.servers[2].run(["nft", "delete table ip deaf"])
        for probe in probes:
            probe.stop()
    master.wait_servers({"rs3": "up"}, 20)
    master.write(pools(site))
    master.ctl("reload")
