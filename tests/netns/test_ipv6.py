"""IPv6 through the engine: TCP, UDP, what is too big, what is cut into fragments, and what routers say about it."""
import hashlib
import sys

import pytest
from conftest import open_site
from director import Director
from process import wait_until
from servers import Echo
from topology import FRONT_VIP_V6, add_ipv6, server_address_v6

CONFIG = """\
[node lvs1]
address = 10.0.0.2

[engine]
interface = {interfaces}

[virtual_server web]
listen = tcp [{vip}]:80
scheduler = rr
method = {method}
{servers}

[virtual_server echo]
listen = tcp [{vip}]:7
listen = udp [{vip}]:7
scheduler = rr
method = {method}
{servers}
"""

# Sends datagrams of the given sizes and prints who answered each, and whether it came back whole.
ASK = """\
import socket, sys
for size in map(int, sys.argv[2:]):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        s.settimeout(3)
        s.connect((sys.argv[1], 7))
        data = bytes(i % 251 for i in range(size))
        s.send(data)
        try:
            name, _, back = s.recv(65536).partition(b" ")
            print(name.decode(), back == data, flush=True)
        except OSError as error:
            print("none", error, flush=True)
"""


@pytest.fixture(scope="module", params=["dr", "nat"])
def site(request):
    with open_site(request.param) as made:
        add_ipv6(made)
        for echo in made.echo:
            echo.stop()
        made.echo = [Echo(server) for server in made.servers]
        servers = "\n".join(f"real_server = {server.name} {server_address_v6(made, index)}"
                            for index, server in enumerate(made.servers))
        made.director = Director(made.lvs1, CONFIG.format(vip=FRONT_VIP_V6, method=request.param, servers=servers,
                                                          interfaces="eth0, eth1" if made.back else "eth0"))
        made.director.start()
        wait_until(lambda: fetch(made).returncode == 0, 10, "the first answer over IPv6")
        yield made


def fetch(site, path=""):
    return site.client.run(["curl", "-sg", "-m", "10", f"http://[{FRONT_VIP_V6}]/{path}"], check=False)


def test_requests_go_round_the_servers(site):
    answers = [fetch(site).stdout.strip() for _ in range(30)]
    assert {name: answers.count(name) for name in set(answers)} == {server.name: 10 for server in site.servers}


def test_a_large_body_arrives_whole(site):
    expected = hashlib.sha256(b"0123456789abcdef" * (site.nginx[0].LARGE // 16)).hexdigest()
    done = site.client.run(["sh", "-c", f"curl -sfg -m 30 'http://[{FRONT_VIP_V6}]/large' | sha256sum"])
    assert done.stdout.split()[0] == expected


def ask(site, *sizes):
    done = site.client.run([sys.executable, "-c", ASK, FRONT_VIP_V6, *map(str, sizes)])
    return done.stdout.splitlines()


def test_datagrams_are_answered(site):
    lines = ask(site, *[100] * 12)
    assert all(line.endswith(" True") for line in lines), lines
    assert len({line.split()[0] for line in lines}) == len(site.servers), lines


def test_datagrams_in_fragments_are_answered_whole(site):
    lines = ask(site, 2000, 4000, 9000)
    assert all(line.endswith(" True") for line in lines), lines


def test_connections_are_listed_with_their_addresses(site):
    ask(site, 100)
    listed = site.director.ask("conn", "service=echo")["connections"]
    assert any(entry["client"].startswith("[fd00::200]:") and entry["virtual_address"] == f"[{FRONT_VIP_V6}]:7"
               for entry in listed), listed


def test_the_director_answers_neighbours_and_pings_as_before(site):
    done = site.client.run(["ping", "-6", "-c", "5", "-i", "0.05", "-W", "1", FRONT_VIP_V6])
    assert " 0% packet loss" in done.stdout, done.stdout
    assert fetch(site).returncode == 0


def test_a_closed_port_of_a_server_is_told_by_icmp(site):
    """NAT: the server's ICMP error comes from the virtual address and is taken by the client's socket."""
    if not site.back:
        pytest.skip("with dr the server answers the client itself")
    for echo in site.echo:
        echo.stop()
    try:
        lines = ask(site, 100)
        assert "refused" in lines[0], lines
    finally:
        site.echo = [Echo(server) for server in site.servers]
