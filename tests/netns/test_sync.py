"""Connections survive the failover of their director, in every method and however it ends."""
import json
import os
import sys

import pytest
from conftest import open_pair
from director import Settings
from process import stays, wait_until
from servers import Decapsulator, Echo
from topology import wait_for_owner

HERE = os.path.dirname(os.path.abspath(__file__))
CONNECTIONS = 200
INSIDE_LOCAL = "10.0.0.101"  # what servers see under fullnat: a virtual address too, it moves with the others

KILLS = {
    "SIGKILL": lambda site: site.pair[0].die(),
    "SIGTERM": lambda site: site.pair[0].service.signal(15),
    "link": lambda site: site.front.cut(site.lvs1),
}


def shared(site):
    """The [sync] section, with a key file that only root reads."""
    path = site.testbed.path("sync.key")
    with open(path, "w", encoding="ascii", opener=lambda name, flags: os.open(name, flags, 0o600)) as keys:
        keys.write("0123456789abcdef0123456789abcdef\n")
    return f"[sync]\nkey_file = {path}\n"


def service(site, name, port, method, line):
    servers = "".join(f"real_server = {server.name} {line.format(address=site.server_address(i))}\n"
                      for i, server in enumerate(site.servers))
    return f"[virtual_server {name}]\nlisten = tcp {site.vip}:{port}\nscheduler = rr\nmethod = {method}\n{servers}\n"


def one_lan_settings(site):
    extra = "\n".join([shared(site), f"[engine]\nlocal_address = {INSIDE_LOCAL}\n",
                       service(site, "tun", 17, "tun", "{address}"),
                       service(site, "full", 27, "fullnat", "{address}:7")])
    return Settings(site, advert_interval="200ms", extra=extra, vrrp_lines=f"virtual_address = {INSIDE_LOCAL}/24")


def prepare_servers(site):
    for server in site.servers:
        Echo(server, port=17)
        Decapsulator(server)


def peer(director):
    status = director.ask("sync") or {}
    return (status.get("peers") or [{}])[0]


def in_step(director):
    state = peer(director)
    return state.get("telling") == "in_step" and state.get("hearing") == "in_step"


def wait_in_step(pair):
    for director in pair:
        wait_until(lambda d=director: in_step(d), 15, lambda d=director: f"{d.name} to be in step; {d.ask('sync')}")


def wait_told(site, count):
    """All that lvs1 has is on lvs2 as well."""
    entries = lambda: (site.pair[1].ask("vs") or {}).get("connection_entries", 0)  # noqa: E731
    wait_until(lambda: entries() >= count and peer(site.pair[0]).get("lag") == 0, 15,
               lambda: f"lvs2 to know {count} connections; has {entries()}; {peer(site.pair[0])}")


def hold(site, groups):
    held = site.client.start([sys.executable, os.path.join(HERE, "held.py"),
                              *(f"{site.vip}:{port}:{count}" for port, count in groups.items())], "held")
    wait_until(lambda: "open " in held.output() or not held.running(), 60, "the connections to be open")
    assert "open " in held.output(), held.output()
    return held


def verdict(held):
    held.signal(15)
    wait_until(lambda: "{" in held.output(), 60, "the verdict on the connections")
    found = json.loads(held.output().splitlines()[-1])
    print(found)
    return {name: group["lost"] for name, group in found.items()}


def survive(site, kill, groups):
    wait_in_step(site.pair)
    held = hold(site, groups)
    wait_told(site, sum(groups.values()))
    KILLS[kill](site)
    wait_until(lambda: site.lvs2.has_address(site.vip), 15, "lvs2 to take over")
    lost = verdict(held)
    assert all(not whys for whys in lost.values()), f"{kill}: {lost}\n{site.pair[1].ctl('drops').stdout}"


@pytest.mark.parametrize("kill", ["SIGKILL", pytest.param("SIGTERM", marks=pytest.mark.slow), pytest.param("link", marks=pytest.mark.slow)])
def test_dr_tun_and_fullnat_connections_survive(kill):
    with open_pair("dr", settings=one_lan_settings, prepare=prepare_servers) as site:
        survive(site, kill, {7: CONNECTIONS // 2, 17: CONNECTIONS // 4, 27: CONNECTIONS // 4})


@pytest.mark.parametrize("kill", ["SIGTERM", pytest.param("SIGKILL", marks=pytest.mark.slow), pytest.param("link", marks=pytest.mark.slow)])
def test_nat_connections_survive(kill):
    with open_pair("nat", settings=lambda site: Settings(site, advert_interval="200ms", extra=shared(site))) as site:
        survive(site, kill, {7: CONNECTIONS})


def test_a_late_backup_learns_everything_and_gives_it_back():
    with open_pair("dr", settings=lambda site: Settings(site, advert_interval="200ms", extra=shared(site))) as site:
        lvs1, lvs2 = site.pair
        wait_in_step(site.pair)
        lvs2.die()
        held = hold(site, {7: CONNECTIONS})
        wait_until(lambda: peer(lvs1).get("telling") == "off", 15, "lvs1 to miss its peer")
        assert "off" in lvs1.ctl("sync").stdout
        lvs2.revive()
        wait_in_step(site.pair)
        wait_told(site, CONNECTIONS)
        # Now the master: what lvs1 knew comes back to it before it takes over again.
        lvs1.die()
        wait_until(lambda: site.lvs2.has_address(site.vip), 15, "lvs2 to take over")
        lvs1.revive()
        wait_for_owner(site, site.lvs1, 15)
        assert not any(verdict(held).values())


def test_a_late_director_preempts_only_when_it_has_the_connections():
    with open_pair("dr", settings=lambda site: Settings(site, advert_interval="200ms", extra=shared(site))) as site:
        lvs1, lvs2 = site.pair
        wait_in_step(site.pair)
        lvs1.die()
        wait_until(lambda: site.lvs2.has_address(site.vip), 15, "lvs2 to take over")
        site.lvs1.run(["nft", "add table inet cut; add chain inet cut in { type filter hook input priority 0; }; "
                              "add rule inet cut in tcp dport 8849 drop"])
        lvs1.revive()
        says = lambda: lvs1.ctl("vrrp", "front", check=False).stdout  # noqa: E731
        wait_until(lambda: "connections of the other directors are missing here" in says(), 15, says)
        stays(lambda: site.owners() == ["lvs2"], 2, "lvs2 to be left alone")  # much longer than the master down interval
        site.lvs1.run(["nft", "delete table inet cut"])
        wait_for_owner(site, site.lvs1, 15)
        assert "missing here" not in says()


def by_ipvs(group):
    return f"[sync]\nprotocol = ipvs\ninterface = eth0\nid = 9\ngroup = {group}\n"


def multicast(director):
    return (director.ask("sync") or {}).get("multicast") or {}


def send_to_group(host, group, messages):
    """From another host of the network: anybody can."""
    address = host.addresses("eth0")[0]
    host.run([sys.executable, "-c", f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("{address}"))
for message in {messages!r}:
    s.sendto(message, ("{group}", 8848))
"""])


@pytest.mark.parametrize("group", ["224.0.0.81", pytest.param("ff02::81", marks=pytest.mark.slow)])
def test_connections_survive_by_the_protocol_of_ipvs_whatever_else_comes_to_the_group(group):
    make = lambda site: Settings(site, advert_interval="200ms", extra=by_ipvs(group))  # noqa: E731
    link_local = lambda site: [host.enable_ipv6("eth0") for host in site.directors]  # noqa: E731
    with open_pair("nat", settings=make, prepare=link_local if ":" in group else None) as site:
        lvs1, lvs2 = site.pair
        held = hold(site, {7: CONNECTIONS})
        wait_until(lambda: multicast(lvs2).get("taken", 0) >= CONNECTIONS, 15, lambda: f"{multicast(lvs1)}\n{multicast(lvs2)}")
        if group == "224.0.0.81":
            entries = (lvs2.ask("vs") or {}).get("connection_entries", 0)
            cut = bytes([0, 9, 0, 44, 1, 1, 0, 0]) + bytes(20)
            unknown = bytes([0, 9, 0, 44, 1, 1, 0, 0, 0, 6, 0, 36]) + bytes(32)
            send_to_group(site.client, group, [b"", b"x" * 1400, cut, bytes([0, 8, 0, 8, 0, 1, 0, 0]), unknown])
            wait_until(lambda: multicast(lvs2).get("unknown_server") == 1, 10, lambda: str(multicast(lvs2)))
            found = multicast(lvs2)
            assert (found["malformed_messages"], found["other_id_messages"]) == (3, 1), found
            assert (lvs2.ask("vs") or {}).get("connection_entries", 0) == entries
        assert "master" in lvs1.ctl("sync").stdout or "both" in lvs1.ctl("sync").stdout
        lvs1.die()
        wait_until(lambda: site.lvs2.has_address(site.vip), 15, "lvs2 to take over")
        assert not any(lost for lost in verdict(held).values()), multicast(lvs2)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["dr", "nat"])
@pytest.mark.parametrize("kill", list(KILLS))
def test_a_thousand_connections_survive(method, kill):
    make = one_lan_settings if method == "dr" else lambda site: Settings(site, advert_interval="200ms", extra=shared(site))
    groups = {7: 1000, 17: 1000, 27: 1000} if method == "dr" else {7: 1000}
    with open_pair(method, settings=make, prepare=prepare_servers if method == "dr" else None) as site:
        survive(site, kill, groups)
