"""A load generator through the virtual IP, by direct routing and by NAT: nothing fails, and the shares are the weights."""
import hashlib

import pytest
from conftest import open_pair
from director import Settings
from process import wait_until
from servers import get
from traffic import Probe, failures, shares, wrk

WEIGHTS = [5, 3, 2]


@pytest.fixture(scope="module", params=["dr", "nat"])
def site(request):
    with open_pair(request.param, settings=lambda made: Settings(made, scheduler="wrr", weights=WEIGHTS)) as made:
        yield made


def test_ten_thousand_requests_none_fails_and_shares_are_the_weights(site):
    load = wrk(site.client, f"http://{site.vip}/", requests=10000)
    assert load.failed == 0, load.text
    assert load.requests >= 10000
    total = sum(load.shares.values())
    for server, weight in zip(site.servers, WEIGHTS):
        share = load.shares[server.name] / total
        assert abs(share - weight / sum(WEIGHTS)) < 0.02, f"{server.name}: {share:.3f} of {load.shares}"


def test_the_table_counts_the_packets_that_were_forwarded(site):
    """Packets and not connections: a client port used again soon continues its entry, as with IPVS."""
    def packets():
        return {server.name: site.pair[0].server(server.name)["statistics"]["in_packets"] for server in site.servers}

    before = packets()
    load = wrk(site.client, f"http://{site.vip}/", requests=1000)
    handshake_request_and_close = 4
    wait_until(lambda: all(now - before[name] >= handshake_request_and_close * load.shares[name]
                           for name, now in packets().items()), 10, "the table to count what wrk saw", every=0.1)


def test_kept_alive_connections_carry_many_requests(site):
    load = wrk(site.client, f"http://{site.vip}/", requests=10000, keep_alive=True)
    assert load.failed == 0, load.text
    assert load.requests >= 10000


def test_a_large_body_arrives_whole(site):
    expected = hashlib.sha256(b"0123456789abcdef" * (site.nginx[0].LARGE // 16)).hexdigest()
    done = site.client.run(["sh", "-c", f"curl -sf -m 30 http://{site.vip}/large | sha256sum"])
    assert done.stdout.split()[0] == expected


def test_a_large_request_arrives_whole(site):
    """Full-sized segments towards the server: the way through the director."""
    script = (f"exec 3<>/dev/tcp/{site.vip}/7; read -r banner <&3; "
              "head -c 1000000 /dev/zero | tr '\\0' x >&3 & head -c 1000000 <&3 | sha256sum")
    done = site.client.run(["timeout", "30", "bash", "-c", script])
    assert done.stdout.split()[0] == hashlib.sha256(b"x" * 1000000).hexdigest()


def test_udp_datagrams_are_answered_and_a_flow_stays_with_its_server(site):
    probe = Probe(site.client, "udp", site.vip, 7, interval=0.005).wait_answered()
    wait_until(lambda: len(probe.attempts()) >= 200, 10, "200 answers")
    attempts = probe.stop()
    assert failures(attempts) == []
    assert len(shares(attempts)) == 1


def test_connections_are_listed_while_they_live(site):
    probe = Probe(site.client, "hold", site.vip, 7, interval=0.05).wait_answered()
    listed = site.pair[0].ask("conn", "service=echo")["connections"]
    living = [entry for entry in listed if entry["state"] == "ESTABLISHED" and entry["client"].startswith("10.0.0.200:")]
    assert living and all(entry["service"] == "echo" for entry in listed), listed
    assert failures(probe.stop()) == []


def test_the_backup_checks_too_but_forwards_nothing(site):
    backup = site.pair[1]
    assert {server.name: backup.server_state(server.name) for server in site.servers} == {
        server.name: "up" for server in site.servers}
    assert all(backup.server(server.name)["statistics"]["connections"] == 0 for server in site.servers)


def test_a_port_without_a_listener_is_refused_at_once(site):
    status, _ = get(site.client, f"http://{site.vip}:81/", seconds=3)
    assert status == 0
    done = site.client.run(["curl", "-s", "-m", "3", f"http://{site.vip}:81/"], check=False)
    assert done.returncode == 7, "curl says 'could not connect', not a timeout"
