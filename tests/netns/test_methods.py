"""The methods tun and fullnat with real peers: kernels that open tunnels' outer packets and answer as they always do, nginx, curl.

One director. Both families: an IPv4 virtual address by VRRP, an IPv6 one routed to the director.

    client ──┬── lvs1
             ├── rs1, rs2, rs3        10.0.0.11 …, fd00::11 …, virtual addresses on lo
             └── router ── far        10.2.0.11, behind a path of 1400 bytes
"""
import hashlib
import re

import pytest
from conftest import open_testbed
from director import Director
from process import wait_until
from servers import Decapsulator, Echo, Nginx, get
from topology import FRONT_VIP_V6, add_ipv6, one_lan
from traffic import Capture, hops

VIP6 = FRONT_VIP_V6
ZEROS = {size: hashlib.sha256(b"\0" * size).hexdigest() for size in (1_000_000, Nginx.HUGE)}
TUNNELS = {"rs1": "tunnel=ipip", "rs2": "tunnel=gue tunnel_port=6080 tunnel_checksum=full", "rs3": "tunnel=gre tunnel_checksum=full"}


def servers(line):
    return "".join(f"real_server = rs{n} {line.format(n=10 + n, name=f'rs{n}', tunnel=TUNNELS[f'rs{n}'])}\n" for n in (1, 2, 3))


def service(name, listen, method, lines, extra=""):
    return f"[virtual_server {name}]\n{listen}\nscheduler = rr\nmethod = {method}\n{extra}\n{lines}\n"


def configuration(vip):
    def listen(*ports):
        return "\n".join(f"listen = {port.format(vip=vip, vip6=VIP6)}" for port in ports)

    return "\n".join([
        "[node lvs1]\naddress = 10.0.0.2\n",
        "[engine]\nlocal_address = 10.0.0.2\nlocal_address = fd00::2\n",
        f"[vrrp front]\ninterface = eth0\nvirtual_router_id = 51\nvirtual_address = {vip}/24\nadvert_interval = 100ms\n",
        service("tun", listen("tcp {vip}:80", "tcp {vip}:7", "udp {vip}:7"), "tun", servers("10.0.0.{n} {tunnel}")),
        service("tun6", listen("tcp [{vip6}]:80", "udp [{vip6}]:7"), "tun", servers("fd00::{n} {tunnel}")),
        service("six_in_four", listen("tcp [{vip6}]:8080"), "tun", servers("10.0.0.{n} {tunnel}")),
        service("far", listen("tcp {vip}:9"), "tun", "real_server = far 10.2.0.11"),
        service("direct", listen("tcp {vip}:8081"), "dr", servers("10.0.0.{n}")),
        service("full", listen("tcp {vip}:8000"), "fullnat", servers("10.0.0.{n}:80")),
        service("full_echo", listen("tcp {vip}:8007", "udp {vip}:8007"), "fullnat", servers("10.0.0.{n}:7")),
        service("full6", listen("tcp [{vip6}]:8000"), "fullnat", servers("[fd00::{n}]:80")),
        service("full6_echo", listen("udp [{vip6}]:8007"), "fullnat", servers("[fd00::{n}]:7")),
        service("proxied", listen("tcp {vip}:8001"), "fullnat", servers("10.0.0.{n}:8081"), "client_address = proxy_protocol"),
        service("proxied6", listen("tcp [{vip6}]:8001"), "fullnat", servers("[fd00::{n}]:8081"), "client_address = proxy_protocol"),
        service("told", listen("tcp {vip}:8002"), "fullnat", servers("10.0.0.{n}:80"), "client_address = toa"),
    ])


def add_far_server(site):
    testbed = site.testbed
    router, far = testbed.host("router"), testbed.host("far")
    lan = testbed.lan("beyond")
    site.front.attach(router, "eth0", "10.0.0.50/24")
    lan.attach(router, "eth1", "10.2.0.1/24")
    lan.attach(far, "eth0", "10.2.0.11/24")
    for host, interface in ((router, "eth1"), (far, "eth0")):
        host.ip("link", "set", interface, "mtu", "1400")
    router.sysctl("net.ipv4.ip_forward", 1)
    for host in (router, far):
        for interface in ("all", "default", "eth0"):
            host.sysctl(f"net.ipv4.conf.{interface}.rp_filter", 0)
    far.ip("route", "add", "default", "via", "10.2.0.1")
    far.ip("addr", "add", f"{site.vip}/32", "dev", "lo")
    site.lvs1.ip("route", "add", "10.2.0.0/24", "via", "10.0.0.50")
    return far


@pytest.fixture(scope="module")
def site():
    with open_testbed() as testbed:
        made = one_lan(testbed)
        add_ipv6(made)
        made.far = add_far_server(made)
        made.nginx = [Nginx(server).start() for server in made.servers]
        made.ends = [Decapsulator(host) for host in (*made.servers, made.far)]
        for server in made.servers:
            Echo(server)
        Echo(made.far, port=9)
        made.director = Director(made.lvs1, configuration(made.vip)).start()
        wait_until(lambda: made.lvs1.has_address(made.vip), 10, "lvs1 to own the virtual address")
        wait_until(lambda: get(made.client, f"http://[{VIP6}]/")[0] == 200, 10, "the IPv6 virtual address to be served")
        yield made


def bodies(site, url, count=6):
    answers = [get(site.client, url, seconds=5) for _ in range(count)]
    assert all(status == 200 for status, _ in answers), answers
    return [body.strip() for _, body in answers]


def sum_of_body(site, url, seconds=60):
    return site.client.run(["sh", "-c", f"curl -gsf -m {seconds} '{url}' | sha256sum"], timeout=seconds + 5).stdout.split()[0]


def echoed(site, address, port, size=1_000_000):
    """The sum of what comes back of so many zeros, after the server's greeting."""
    script = (f"exec 3<>/dev/tcp/{address}/{port}; read -r banner <&3; "
              f"head -c {size} /dev/zero >&3 & head -c {size} <&3 | sha256sum")
    return site.client.run(["timeout", "20", "bash", "-c", script]).stdout.split()[0]


def datagram(site, address, port, size, fragments="dont"):
    """Whether a datagram comes back: 'no answer', or who sent it back whole."""
    script = ("import socket,sys\n"
              f"s = socket.socket(socket.AF_INET6 if ':' in '{address}' else socket.AF_INET, socket.SOCK_DGRAM)\n"
              f"if '{fragments}' == 'may': s.setsockopt(socket.IPPROTO_IP, 10, 0)\n"
              f"s.settimeout(2)\ns.connect(('{address}', {port}))\n"
              f"data = bytes(i % 251 for i in range({size}))\n"
              "for attempt in range(3):\n"
              "    try:\n        s.send(data)\n        reply = s.recv(65535)\n"
              "    except OSError: continue\n"
              "    name, _, back = reply.partition(b' ')\n"
              "    print(name.decode() if back == data else 'damaged'); break\n"
              "else: print('no answer')\n")
    return site.client.run(["/usr/bin/python3", "-c", script]).stdout.strip()


@pytest.mark.parametrize("url", ["http://10.0.0.100/", f"http://[{VIP6}]/"])
def test_every_kind_of_tunnel_ends_in_a_server_that_answers(site, url):
    assert set(bodies(site, url)) == {"rs1", "rs2", "rs3"}
    over = "IPv6" if "[" in url else "IPv4"
    for end, kind in zip(site.ends, ("ipip", "gue", "gre")):
        assert f"{kind} over {over}" in end.seen()


def test_one_family_travels_in_the_other(site):
    assert set(bodies(site, f"http://[{VIP6}]:8080/")) == {"rs1", "rs2", "rs3"}


def test_a_hundred_megabytes_come_through_a_tunnel(site):
    assert sum_of_body(site, f"http://{site.vip}/huge") == ZEROS[Nginx.HUGE]


def test_a_large_request_fits_the_tunnel_after_the_first_answer(site):
    """The client is told by ICMP that 1500 bytes do not fit."""
    for _ in range(3):
        assert echoed(site, site.vip, 7) == ZEROS[1_000_000]


def test_a_datagram_without_df_travels_in_fragments(site):
    assert {datagram(site, site.vip, 7, 1472, "may") for _ in range(3)} == {"rs1", "rs2", "rs3"}


@pytest.mark.parametrize("address", ["10.0.0.100", VIP6])
def test_datagrams_go_through_tunnels(site, address):
    assert {datagram(site, address, 7, 400) for _ in range(3)} == {"rs1", "rs2", "rs3"}


def test_a_narrow_path_behind_the_tunnel_is_learnt_and_told(site):
    capture = Capture(site.client, "eth0", "icmp[0] == 3 and icmp[1] == 4")
    assert echoed(site, site.vip, 9) == ZEROS[1_000_000]
    wait_until(lambda: f"{site.vip} > 10.0.0.200" in capture.text() and "mtu 1380" in capture.text(), 5,
               "the client to be told by the virtual address")
    capture.stop()


def test_a_fullnat_server_sees_the_local_address(site):
    assert set(bodies(site, f"http://{site.vip}:8000/")) == {"rs1", "rs2", "rs3"}
    assert set(bodies(site, f"http://{site.vip}:8000/address")) == {"10.0.0.2"}
    assert set(bodies(site, f"http://[{VIP6}]:8000/address")) == {"fd00::2"}


@pytest.mark.parametrize("url", ["http://10.0.0.100:8000/huge", f"http://[{VIP6}]:8000/large"])
def test_large_bodies_come_through_fullnat(site, url):
    expected = ZEROS[Nginx.HUGE] if url.endswith("huge") else hashlib.sha256(b"0123456789abcdef" * (Nginx.LARGE // 16)).hexdigest()
    assert sum_of_body(site, url) == expected


def test_large_requests_go_through_fullnat(site):
    assert echoed(site, site.vip, 8007) == ZEROS[1_000_000]


@pytest.mark.parametrize("address", ["10.0.0.100", VIP6])
def test_datagrams_go_through_fullnat(site, address):
    assert {datagram(site, address, 8007, 1000) for _ in range(3)} == {"rs1", "rs2", "rs3"}


def test_nginx_learns_the_client_by_the_proxy_protocol(site):
    for body in bodies(site, f"http://{site.vip}:8001/"):
        _, client, port, virtual, peer = body.split()
        assert (client, virtual, peer) == ("10.0.0.200", site.vip, "10.0.0.2") and 1024 <= int(port)
    for body in bodies(site, f"http://[{VIP6}]:8001/"):
        assert body.split()[1] == "fd00::200"


def test_streams_stay_whole_behind_a_proxy_header(site):
    assert sum_of_body(site, f"http://{site.vip}:8001/huge") == ZEROS[Nginx.HUGE]
    done = site.client.run(["sh", "-c", "head -c 3000000 /dev/zero | curl -s -m 30 -o /dev/null -w '%{http_code} %{size_upload}' "
                            f"--data-binary @- http://{site.vip}:8001/"], timeout=40)
    assert done.stdout == "200 3000000"


def test_the_handshake_carries_the_client_in_an_option(site):
    captures = [Capture(server, "eth0", "tcp dst port 80 and tcp[13] & 2 != 0 and src 10.0.0.2") for server in site.servers]
    bodies(site, f"http://{site.vip}:8002/")
    for capture in captures:
        wait_until(lambda: re.search(r"fe08 [0-9a-f]{4} 0a00 00c8", capture.text("-x")), 5,
                   lambda: f"option 254 with port and address in {capture.text('-x')}")
        capture.stop()


def test_the_director_still_answers_ping(site):
    site.client.run(["ping", "-c1", "-W2", site.vip])


@pytest.mark.parametrize("way, count", [
    (["-T", "-p", "8081"], 2), (["-T", "-p", "80"], 2), (["-U", "-p", "7"], 2), (["-T", "-p", "9"], 3), (["-T", "-p", "8000"], 2),
    (["-U", "-p", "8007"], 2), (["-I"], 1), ([], 1)],
    ids=["dr", "tun", "tun-udp", "tun-behind-a-router", "fullnat", "fullnat-udp", "ping", "no-listener"])
def test_traceroute_sees_the_virtual_address_at_every_hop(site, way, count):
    """The director, a router in the tunnel, the server: all of them speak as the virtual address."""
    assert hops(site.client, site.vip, *way) == [site.vip] * count


def test_nothing_was_dropped_for_want_of_room_or_ports(site):
    drops = {reason["reason"]: reason["packets"] for reason in site.director.ask("drops")["reasons"]}
    assert {name: drops[name] for name in ("no_room", "no_local_port", "malformed")} == {
        "no_room": 0, "no_local_port": 0, "malformed": 0}
