"""Several workers: whichever queue a packet comes to, the worker that has its client decides.

The directors' interfaces have four queues. The kernel spreads packets over them by their ports and addresses, so that the packets of one
client, and a request and its reply, come to different queues: a worker that kept what came to it would not find the connection.
"""
import json
import os
import signal
import sys

import pytest
from conftest import open_testbed
from director import Director
from process import wait_until
from servers import HERE, Echo
from topology import INSIDE_VIP, one_lan, two_lans

CLIENTS = [f"10.0.0.{200 + n}" for n in range(24)]


class Many:
    """many.py on the client."""

    def __init__(self, site, mode, port, amount, sources=CLIENTS):
        self.mode = mode
        self.process = site.client.start([sys.executable, os.path.join(HERE, "many.py"), mode, site.vip, str(port), str(amount), *sources],
                                         f"many-{len(site.testbed.processes)}")

    def stand(self):
        wait_until(lambda: "held" in self.process.output(), 20, "all connections to stand")
        return self

    def finish(self, seconds=60):
        if self.mode == "hold":
            self.process.signal(signal.SIGINT)  # long enough
        wait_until(lambda: not self.process.running(), seconds, "the clients to have been served")
        output = self.process.output().splitlines()
        assert output and output[-1].startswith("{"), output
        return json.loads(output[-1])


def short(site, port, rounds=4):
    return Many(site, "short", port, rounds)


def hold(site, port):
    return Many(site, "hold", port, 60).stand()


def configuration(site, workers, names=("rs1", "rs2", "rs3"), extra=""):
    def service(name, port, method):
        lines = "".join(f"real_server = {server.name} {site.server_address(i)}{':7' if method != 'dr' else ''}\n"
                        for i, server in enumerate(site.servers) if server.name in names)
        return (f"[virtual_server {name}]\nlisten = tcp {site.vip}:{port}\nlisten = udp {site.vip}:{port}\nscheduler = rr\n"
                f"method = {method}\n{lines}\n")

    def vrrp(name, interface, number, address):
        return (f"[vrrp {name}]\ninterface = {interface}\nvirtual_router_id = {number}\nadvert_interval = 100ms\n"
                f"virtual_address = {address}\n\n")

    inside = vrrp("inside", "eth1", 52, f"{INSIDE_VIP}/24") if site.back else ""
    return (f"[node lvs1]\naddress = 10.0.0.2\n\n[engine]\nworkers = {workers}\nlocal_address = {'10.1.0.2' if site.back else '10.0.0.2'}\n"
            f"{extra}\n{vrrp('front', 'eth0', 51, site.vip + '/24')}{inside}"
            f"{service('plain', 7, 'nat' if site.back else 'dr')}{service('full', 8007, 'fullnat')}")


# nat and fullnat with servers behind the director, three workers; dr and fullnat on one network, two.
@pytest.fixture(scope="module", params=[pytest.param(("nat", 3), id="nat"), pytest.param(("dr", 2), id="dr", marks=pytest.mark.slow)])
def site(request):
    method, workers = request.param
    with open_testbed() as testbed:
        testbed.queues = 4
        made = (two_lans if method == "nat" else one_lan)(testbed)
        for address in CLIENTS[1:]:
            made.client.ip("addr", "add", f"{address}/24", "dev", "eth0")
        for server in made.servers:
            Echo(server)
        made.workers = workers
        made.director = Director(made.lvs1, configuration(made, workers)).start()
        wait_until(lambda: made.lvs1.has_address(made.vip), 10, "lvs1 to own the virtual address")
        yield made


def workers(site):
    return site.director.ask("vs")["workers"]


def handed_over(site):
    return sum(worker["handed_over"] for worker in workers(site))


def all_served(answer, clients=CLIENTS):
    assert answer["failed"] == []
    assert sum(answer["servers"].values()) == answer["asked"]
    assert answer["asked"] >= len(clients)


@pytest.mark.parametrize("port", [7, 8007], ids=["nat or dr", "fullnat"])
def test_every_client_is_served_whatever_queue_its_packets_come_to(site, port):
    before = workers(site)
    answer = short(site, port).finish()
    all_served(answer)
    assert set(answer["servers"]) == {"rs1", "rs2", "rs3"}
    now = workers(site)
    assert len(now) == site.workers
    assert all(worker["packets"] > old["packets"] for worker, old in zip(now, before)), "each has clients of its own"
    assert sum(worker["handed_over"] for worker in now) > sum(worker["handed_over"] for worker in before)


def test_connections_of_all_workers_are_counted_and_listed_once(site):
    held = hold(site, 7)
    table = site.director.ask("vs")
    listed = site.director.ask("conn", "service=plain")["connections"]
    established = [c for c in listed if c["state"] == "ESTABLISHED" and c["protocol"] == "tcp"]
    assert {c["client"].rpartition(":")[0] for c in established} == set(CLIENTS)
    plain = next(service for service in table["services"] if service["name"] == "plain")
    assert sum(server["active_connections"] for server in plain["servers"]) >= len(CLIENTS)
    assert table["connection_entries"] == sum(worker["connection_entries"] for worker in table["workers"])
    all_served(held.finish())


def test_a_server_is_removed_and_comes_back_under_load_and_nobody_notices(site):
    loads = [short(site, port, rounds=12) for port in (7, 8007)]
    for names in (("rs1", "rs2"), ("rs1", "rs2", "rs3"), ("rs1", "rs3"), ("rs1", "rs2", "rs3")):
        site.director.write(configuration(site, site.workers, names))
        site.director.ctl("reload")
    for load in loads:
        all_served(load.finish())


def test_established_connections_go_on_when_the_engine_is_killed(site):
    held = hold(site, 8007)
    old = site.director.kill_room("ipvs")
    site.director.wait_room_back("ipvs", old)
    all_served(held.finish())
    assert "connections taken over" in site.director.log()


# Clients are grouped otherwise from now on: most connections have another worker.
def test_connections_move_to_another_worker_when_persistence_groups_their_clients(site):
    held = hold(site, 7)
    grouped = (f"\n[virtual_server grouped]\nlisten = tcp {site.vip}:9\nmethod = dr\npersistence = 60s\npersistence_mask = 24\n"
               f"real_server = rs1 {site.server_address(0)}\n")
    site.director.write(configuration(site, site.workers) + grouped)
    site.director.ctl("reload")
    assert "connections moved to another worker" in site.director.log()
    all_served(held.finish())
    site.director.write(configuration(site, site.workers))
    site.director.ctl("reload")
