"""While the engine forwards, the director is an ordinary host: ssh, ping, ARP and routing work as without it."""
import pytest
from conftest import open_pair
from process import wait_until
from servers import Echo, get
from traffic import Probe, Wrk, arp_answerers, failures, shares


SECOND_ADDRESS = "10.0.0.201"


@pytest.fixture(scope="module", params=["dr", "nat"])
def site(request):
    with open_pair(request.param) as made:
        Echo(made.lvs1, port=22)
        Echo(made.client, port=2222)
        made.client.ip("addr", "add", f"{SECOND_ADDRESS}/24", "dev", "eth0")
        made.load = Wrk(made.client, f"http://{made.vip}/", seconds=600, connections=4)
        yield made


def test_an_ssh_like_session_to_the_directors_own_address(site):
    session = Probe(site.client, "hold", "10.0.0.2", 22, interval=0.01, timeout=2).wait_answered()
    wait_until(lambda: len(session.attempts()) > 200, 15, "200 lines back and forth")
    attempts = session.stop()
    assert failures(attempts) == []
    assert set(shares(attempts)) == {"lvs1"}


def test_ping_to_the_directors_own_address_and_to_the_virtual_ip(site):
    for address in ("10.0.0.2", site.vip):
        done = site.client.run(["ping", "-c", "20", "-i", "0.05", "-W", "1", address])
        assert " 0% packet loss" in done.stdout, done.stdout


def test_arp_for_the_directors_own_address(site):
    assert arp_answerers(site.client, "10.0.0.2") == {site.lvs1.mac()}
    assert arp_answerers(site.client, "10.0.0.3") == {site.lvs2.mac()}


def test_the_director_itself_reaches_clients_and_servers(site):
    session = Probe(site.lvs1, "hold", "10.0.0.200", 2222, interval=0.01, timeout=2).wait_answered()
    assert failures(session.stop()) == []
    assert get(site.lvs1, f"http://{site.server_address(0)}/") == (200, "rs1\n")


def test_a_real_servers_own_traffic_is_routed(site):
    """With NAT the director is the servers' gateway: what belongs to no connection goes the kernel's way."""
    server = site.servers[0]
    server.run(["ping", "-c", "5", "-i", "0.1", "-W", "1", "10.0.0.200"])
    session = Probe(server, "hold", "10.0.0.200", 2222, interval=0.01, timeout=2).wait_answered()
    wait_until(lambda: len(session.attempts()) > 50, 10, "50 lines back and forth")
    assert failures(session.stop()) == []


def test_a_real_servers_own_address_is_reached_past_the_virtual_server(site):
    """Replies from the very port that is a real server's, but for a connection that is not the engine's.

    From a second address: with NAT, a client that has just used the same port through the virtual server cannot be told
    apart (IPVS neither), and the load uses them all.
    """
    for _ in range(20):
        assert get(site.client, f"http://{site.server_address(0)}/", source=SECOND_ADDRESS) == (200, "rs1\n")


def test_the_load_went_on_meanwhile(site):
    before = site.pair[0].ask("vs")["services"]
    assert before[0]["statistics"]["connections"] > 100
    assert site.load.process.running()
