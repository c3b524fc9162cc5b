"""A real server stops: out after `fall` checks, back after `rise`, no failed request outside that window, and lvsctl says why."""
import time

import pytest
from conftest import open_pair
from director import Settings
from process import wait_until
from traffic import Probe, failures, shares

INTERVAL, TIMEOUT, RISE, FALL = 0.5, 0.3, 3, 3
CHECK = "type = http\npath = /healthz\ninterval = 500ms\ntimeout = 300ms\nrise = 3\nfall = 3"
SLACK = 0.7  # a busy machine, and the polling of this test through lvsctl


@pytest.fixture(scope="module", params=["dr", "nat"])
def site(request):
    with open_pair(request.param, settings=lambda made: Settings(made, scheduler="rr", check=CHECK)) as made:
        yield made


def check_of(director, server):
    address = director.server(server)["address"]
    return next(target for target in director.ask("checks")["targets"] if address.split(":")[0] in target["target"])


def test_a_stopped_server_goes_after_fall_checks_and_returns_after_rise(site):
    master = site.pair[0]
    probe = Probe(site.client, "http", site.vip, 80, interval=0.02).wait_answered()

    stopped = time.monotonic()
    site.nginx[1].stop()
    master.wait_servers({"rs2": "down"}, FALL * INTERVAL + TIMEOUT + SLACK + 1)
    out = time.monotonic()
    said = check_of(master, "rs2")
    words = master.ctl("checks").stdout

    wait_until(lambda: shares([a for a in probe.attempts() if a.sent > out])["rs3"] > 50, 10, "traffic for the others")
    started = time.monotonic()
    site.nginx[1].start()
    master.wait_servers({"rs2": "up"}, RISE * INTERVAL + SLACK + 1)
    back = time.monotonic()
    probe.wait_answered_after(back)
    wait_until(lambda: shares([a for a in probe.attempts() if a.sent > back])["rs2"] > 20, 10, "traffic for rs2")
    attempts = probe.stop()

    assert (FALL - 1) * INTERVAL < out - stopped < FALL * INTERVAL + TIMEOUT + SLACK
    assert (RISE - 1) * INTERVAL < back - started < RISE * INTERVAL + TIMEOUT + SLACK
    assert failures(attempts, outside=[(stopped - 0.1, out)]) == []
    between = [a for a in attempts if out < a.sent < started]
    assert shares(between)["rs2"] == 0 and shares(between)["rs1"] > 0 and shares(between)["rs3"] > 0
    assert said["last_code"] == "refused" and said["verdict"] == "down"
    assert said["history"].endswith("-" * FALL)
    assert "rs2" in words and "refused" in words


def test_a_server_that_says_503_goes_without_a_single_failed_request(site):
    master = site.pair[0]
    probe = Probe(site.client, "http", site.vip, 80, interval=0.02).wait_answered()
    site.nginx[0].sick()
    try:
        master.wait_servers({"rs1": "down"}, FALL * INTERVAL + SLACK + 1)
        out = time.monotonic()
        words = master.ctl("checks").stdout
        probe.wait_answered_after(out + 1)
    finally:
        site.nginx[0].sick(False)
    master.wait_servers({"rs1": "up"})
    attempts = probe.stop()
    assert failures(attempts) == []
    assert shares([a for a in attempts if out < a.sent < out + 1])["rs1"] == 0
    assert "503" in words


def test_status_opens_with_the_server_that_is_down(site):
    master = site.pair[0]
    site.nginx[2].stop()
    try:
        master.wait_servers({"rs3": "down"})
        attention = master.overview()["attention"]
        assert [entry for entry in attention if entry["level"] == "DOWN" and "rs3" in entry["subject"]], attention
        assert "rs3" in master.ctl("status").stdout
    finally:
        site.nginx[2].start()
        master.wait_servers({"rs3": "up"})
    wait_until(lambda: not [e for e in master.overview()["attention"] if "rs3" in e["subject"]], 5, "the attention to end")


def test_with_every_server_down_clients_are_refused_or_wait_and_service_returns(site):
    master = site.pair[0]
    for nginx in site.nginx:
        nginx.stop()
    master.wait_servers({"rs1": "down", "rs2": "down", "rs3": "down"})
    assert [entry for entry in master.overview()["attention"] if "web" in entry["subject"]]
    for nginx in site.nginx:
        nginx.start()
    master.wait_servers({"rs1": "up", "rs2": "up", "rs3": "up"})
    attempts = Probe(site.client, "http", site.vip, 80, interval=0.02).wait_answered().stop()
    assert failures(attempts) == []
