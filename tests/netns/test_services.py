"""What a virtual server does besides balancing: clients that stay, ranges of ports, FTP's data connections, and a flood that
harms nobody."""
import os
import sys

import pytest
from backends import Vsftpd
from conftest import open_pair
from director import Settings
from process import wait_until
from servers import get
from traffic import Probe, failures, hops

HERE = os.path.dirname(os.path.abspath(__file__))
FTP_VIP = "10.0.0.101"  # under fullnat
CLIENTS = [f"10.0.0.{n}" for n in range(201, 207)]


def settings(site):
    servers = {port: "\n".join(f"real_server = {server.name} {site.server_address(index)}:{port}"
                               for index, server in enumerate(site.servers)) for port in (80, 21)}
    extra = f"""
[engine]
interface = eth0, eth1
max_connections = 4096

[virtual_server shop]
listen = tcp {site.vip}:81
listen = tcp {site.vip}:82
scheduler = rr
method = nat
persistence = 300s
{servers[80]}

[virtual_server range]
listen = tcp {site.vip}:8000-8010
scheduler = rr
method = nat
{servers[80]}

[virtual_server ftp]
listen = tcp {site.vip}:21
scheduler = rr
method = nat
{servers[21]}

[virtual_server ftp_far]
listen = tcp {FTP_VIP}:21
scheduler = rr
method = fullnat
local_address@lvs1 = 10.1.0.2
local_address@lvs2 = 10.1.0.3
{servers[21]}
"""
    return Settings(site, scheduler="rr", extra=extra)


@pytest.fixture(scope="module", name="site")
def site_():
    with open_pair("nat", servers=2, settings=settings) as site:
        for address in CLIENTS:
            site.client.ip("addr", "add", f"{address}/24", "dev", "eth0")
        yield site


def answered(site, port, source=None):
    status, body = get(site.client, f"http://{site.vip}:{port}/", source=source)
    assert status == 200, (status, body)
    return body.strip()


def test_a_client_stays_with_its_server_on_both_listeners(site):
    own = {client: answered(site, 81, client) for client in CLIENTS}
    assert len(set(own.values())) == 2, f"clients are balanced: {own}"
    for port in (82, 81, 82):
        assert {client: answered(site, port, client) for client in CLIENTS} == own


def test_a_drained_server_loses_its_persistent_clients(site):
    own = {client: answered(site, 81, client) for client in CLIENTS}
    drained = own[CLIENTS[0]]
    site.pair[0].ctl("drain", f"shop/{drained}")
    wait_until(lambda: site.pair[0].server_state(drained, "shop") == "drain", 10, f"{drained} to drain")
    try:
        assert drained not in {answered(site, 82, client) for client in CLIENTS}
    finally:
        site.pair[0].ctl("undrain", f"shop/{drained}")


def test_a_range_of_ports_is_served_and_nothing_beside_it(site):
    assert {answered(site, port) for port in (8000, 8005, 8010, 8001)} == {"rs1", "rs2"}
    assert get(site.client, f"http://{site.vip}:8011/")[0] == 0
    assert get(site.client, f"http://{site.vip}:7999/")[0] == 0


def test_traceroute_sees_the_virtual_address_at_every_hop(site):
    """The director's kernel answers where nobody listens, else the director's engine and behind it the server."""
    for way, count in ((["-T", "-p", "80"], 2), (["-U", "-p", "7"], 2), (["-I"], 1), ([], 1)):
        assert hops(site.client, site.vip, *way) == [site.vip] * count, way


@pytest.fixture(scope="module", name="ftp")
def ftp_(site):
    site.pair[0].host.ip("addr", "add", f"{FTP_VIP}/32", "dev", "eth0")
    daemons = [Vsftpd(server).start() for server in site.servers]
    yield daemons
    for daemon in daemons:
        daemon.stop()


@pytest.mark.parametrize("way", [["--disable-epsv"], [], ["--ftp-port", "-", "--disable-eprt"], ["--ftp-port", "-"]],
                         ids=["pasv", "epsv", "port", "eprt"])
@pytest.mark.parametrize("address", ["10.0.0.100", FTP_VIP], ids=["nat", "fullnat"])
def test_ftp_transfers_files(site, ftp, way, address):
    for _ in range(4):
        done = site.client.run(["curl", "-sS", "-m", "10", *way, f"ftp://{address}/name"], check=False)
        assert done.stdout.strip() in ("rs1", "rs2"), (done.stdout, done.stderr)


def test_a_flood_harms_neither_those_who_are_there_nor_those_who_come(site):
    """A rate that the machine can carry: it is the table that must not fill up, not the processor."""
    held = Probe(site.client, "hold", site.vip, 7, interval=0.05, timeout=5.0).wait_answered()
    coming = Probe(site.client, "http", site.vip, 80, interval=0.02, timeout=3.0).wait_answered()
    flood = site.client.run([sys.executable, os.path.join(HERE, "flood.py"), site.vip, "80", "2000", "4"])
    assert int(flood.stdout) > 2048, "more than half of the table"
    assert failures(held.stop()) == []
    attempts = coming.stop()
    assert len(failures(attempts)) <= len(attempts) / 100, failures(attempts)
    drops = {entry["reason"]: entry["packets"] for entry in site.pair[0].ask("drops")["reasons"]}
    assert drops["half_open"] > 0 and drops["table_full"] == 0, drops
