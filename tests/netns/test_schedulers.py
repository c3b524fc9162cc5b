"""Every scheduler in front of real servers: it serves, by its own rule, and leaves a dead server to the others."""
import sys

import pytest
from conftest import open_pair
from director import Settings
from process import wait_until
from servers import get
from traffic import wrk

WEIGHTS = [50, 30, 20]
BY_WEIGHT = {"rs1": 0.5, "rs2": 0.3, "rs3": 0.2}
EQUAL = {"rs1": 1 / 3, "rs2": 1 / 3, "rs3": 1 / 3}
HEAVIEST = {"rs1": 1.0}

SH_BUCKETS = {"rs1": 150 / 256, "rs2": 66 / 256, "rs3": 40 / 256}  # 50 + 30 + 20 of 256 in turns
ONE = "one server, whichever"
LOADED = "by their load: see HELD"

# scheduler and flags: shares of one client's short connections, and how exact they are
EXPECTED = {
    ("rr", ""): (EQUAL, 0.02),
    ("wrr", ""): (BY_WEIGHT, 0.02),
    ("lc", ""): (LOADED, 0),
    ("wlc", ""): (LOADED, 0),
    ("sed", ""): (LOADED, 0),
    ("nq", ""): (LOADED, 0),
    ("fo", ""): (HEAVIEST, 0),
    ("ovf", ""): (HEAVIEST, 0),
    ("dh", ""): (ONE, 0),
    ("sh", ""): (ONE, 0),
    ("sh", "sh-port"): (SH_BUCKETS, 0.1),
    ("sh", "sh-port, sh-fallback"): (SH_BUCKETS, 0.1),
    ("mh", ""): (ONE, 0),
    ("mh", "mh-port"): (BY_WEIGHT, 0.1),
    ("lblc", ""): (ONE, 0),
    ("lblcr", ""): (LOADED, 0),  # its set has all three by then
    ("twos", ""): (LOADED, 0),
}
# scheduler: where 100 connections are that stay, and how exactly
HELD = {
    "rr": ([34, 33, 33], 1),
    "wrr": ([50, 30, 20], 0),
    "lc": ([34, 33, 33], 1),
    "wlc": ([50, 30, 20], 1),
    "sed": ([50, 30, 20], 1),
    "nq": ([50, 30, 20], 1),
    "fo": ([100, 0, 0], 0),
    "ovf": ([51, 31, 18], 0),  # one more than it weighs: the next heaviest
    "lblc": ([51, 31, 18], 0),
    "lblcr": ([50, 30, 20], 3),
    "twos": ([50, 30, 20], 8),
}
HOLD = """import signal, socket, sys
held = [socket.create_connection((sys.argv[1], int(sys.argv[2])), 5) for _ in range(100)]
print("held", flush=True)
signal.pause()
"""
CASES = list(EXPECTED)


def port(case):
    return 8100 + CASES.index(case)


def services(site):
    parts = []
    for case in CASES:
        scheduler, flags = case
        servers = "\n".join(f"real_server = {server.name} {site.server_address(index)}:80 weight={WEIGHTS[index]}"
                            for index, server in enumerate(site.servers))
        parts.append(f"[virtual_server s{port(case)}]\nlisten = tcp {site.vip}:{port(case)}\nscheduler = {scheduler}\n"
                     f"{f'scheduler_flags = {flags}' if flags else ''}\nmethod = nat\ncheck = alive\n{servers}\n")
    return "\n".join(parts)


@pytest.fixture(scope="module")
def site():
    with open_pair("nat", settings=lambda made: Settings(made, extra=services(made))) as made:
        for case in CASES:
            made.pair[0].wait_servers({server.name: "up" for server in made.servers}, service=f"s{port(case)}")
        yield made


@pytest.mark.parametrize("scheduler", HELD)
def test_connections_that_stay_are_where_its_rule_puts_them(site, scheduler):
    """First in this file: before, nobody has a connection."""
    service = f"s{port((scheduler, ''))}"

    def active():
        return [site.pair[0].server(server.name, service)["active_connections"] for server in site.servers]

    holder = site.client.start([sys.executable, "-c", HOLD, site.vip, str(port((scheduler, "")))], f"hold-{scheduler}")
    wait_until(lambda: "held" in holder.output(), 20, "100 connections")
    expected, tolerance = HELD[scheduler]
    found = active()
    assert sum(found) == 100
    assert all(abs(have - want) <= tolerance for have, want in zip(found, expected)), found
    holder.stop()
    wait_until(lambda: sum(active()) == 0, 10, "the connections to end")


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case).strip())
def test_serves_and_the_shares_are_those_of_its_rule(site, case):
    load = wrk(site.client, f"http://{site.vip}:{port(case)}/", requests=1000)
    assert load.failed == 0, load.text
    expected, tolerance = EXPECTED[case]
    if expected is ONE:
        assert len(load.shares) == 1, load.shares
    elif expected is not LOADED:
        total = sum(load.shares.values())
        for server in site.servers:
            share = load.shares.get(server.name, 0) / total
            assert abs(share - expected.get(server.name, 0)) <= tolerance, f"{server.name}: {share:.3f} of {load.shares}"


@pytest.mark.parametrize("scheduler", ["sh", "mh"])
def test_clients_are_spread_by_address_and_each_stays(site, scheduler):
    addresses = [f"10.0.0.{210 + n}" for n in range(16)]
    url = f"http://{site.vip}:{port((scheduler, ''))}/"
    for address in addresses:
        site.client.ip("address", "replace", f"{address}/24", "dev", "eth0")
    first, second = ([site.client.run(["curl", "-sf", "-m5", "--interface", address, url]).stdout.strip()
                      for address in addresses] for _ in range(2))
    assert first == second
    assert len(set(first)) > 1, first


def test_lvsctl_shows_schedulers_and_flags(site):
    shown = {service["name"]: (service["scheduler"], service["scheduler_flags"])
             for service in site.pair[0].ask("vs")["services"]}
    assert shown[f"s{port(('sh', 'sh-port, sh-fallback'))}"] == ("sh", ["sh-fallback", "sh-port"])
    assert shown[f"s{port(('lblcr', ''))}"] == ("lblcr", [])
    assert "mh (mh-port)" in site.pair[0].ctl("vs").stdout
    listing = site.pair[0].ctl("ipvsadm", "-Ln").stdout.splitlines()
    assert f"TCP  {site.vip}:{port(('sh', 'sh-port, sh-fallback'))} sh (sh-fallback,sh-port)" in listing
    assert f"TCP  {site.vip}:{port(('twos', ''))} twos" in listing


def test_a_dead_server_is_left_to_the_others_by_every_scheduler(site):
    """Last in this file: the heaviest server stays dead."""
    site.nginx[0].stop()
    for case in CASES:
        site.pair[0].wait_servers({"rs1": "down"}, service=f"s{port(case)}")
    for case in CASES:
        for _ in range(10):
            status, body = get(site.client, f"http://{site.vip}:{port(case)}/", seconds=3)
            assert status == 200 and body.strip() in ("rs2", "rs3"), f"{case}: {status} {body}"
    assert get(site.client, f"http://{site.vip}:{port(('fo', ''))}/", seconds=3)[1].strip() == "rs2"
