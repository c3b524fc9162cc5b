"""Interfaces that change under the engine: deleted and made again, with another hardware address, another MTU, down and up."""
import pytest
from conftest import open_testbed
from director import Director
from process import wait_until
from servers import Echo
from topology import one_lan

CONFIG = """
[node lvs1]
address = 10.0.0.2

[vrrp front]
interface = eth0
virtual_router_id = 51
advert_interval = 100ms
virtual_address = 10.0.0.100/24

[virtual_server echo]
listen = tcp 10.0.0.100:7
method = dr
real_server = rs1 10.0.0.11
"""


@pytest.fixture(scope="module")
def site():
    with open_testbed() as testbed:
        made = one_lan(testbed, servers=1)
        Echo(made.servers[0])
        made.director = Director(made.lvs1, CONFIG).start()
        wait_until(lambda: served(made), 15, lambda: f"an answer; {interface(made)}")
        yield made


def interface(site):
    return ((site.director.ask("vs") or {}).get("interfaces") or [{}])[0]


def served(site):
    """Whether a new connection is answered."""
    script = "exec 3<>/dev/tcp/10.0.0.100/7; read -r line <&3; echo $line"
    return site.client.run(["timeout", "1", "bash", "-c", script], check=False).stdout.strip() == "rs1 ready"


def wait_served(site, seconds=10):
    wait_until(lambda: served(site), seconds, lambda: f"traffic to flow again; {interface(site)}")


def said(site, text):
    with open(site.director.log_path, encoding="utf-8") as log:
        return sum(text in line for line in log)


def test_an_interface_that_is_deleted_and_made_again_is_taken_up_again(site):
    for times in (2, 3):
        site.lvs1.ip("link", "del", "eth0")
        wait_until(lambda: interface(site).get("problem") == "no such interface; waiting for it", 5, lambda: interface(site))
        assert interface(site)["xdp_mode"] == "" and said(site, "eth0 detached") == times - 1
        site.front.attach(site.lvs1, "eth0", "10.0.0.2/24")
        wait_until(lambda: interface(site).get("xdp_mode") == "native", 5, lambda: f"attached; {interface(site)}")
        assert said(site, "eth0 attached") == times
        wait_served(site)
    assert interface(site)["problem"] == ""


def test_an_interface_that_goes_down_and_up_serves_again(site):
    site.lvs1.ip("link", "set", "eth0", "down")
    assert not served(site)
    site.lvs1.ip("link", "set", "eth0", "up")
    wait_served(site)


def test_another_mtu_is_followed_and_said_where_it_is_too_large(site):
    site.lvs1.ip("link", "set", "eth0", "mtu", "2000")
    wait_until(lambda: "MTU 2000 is above the engine's limit" in interface(site)["problem"], 5, lambda: interface(site))
    site.lvs1.ip("link", "set", "eth0", "mtu", "1400")
    wait_until(lambda: interface(site)["problem"] == "", 5, lambda: interface(site))
    wait_served(site)


def test_another_hardware_address_is_followed(site):
    site.lvs1.ip("link", "set", "eth0", "address", "02:00:00:00:77:77")
    wait_served(site)
