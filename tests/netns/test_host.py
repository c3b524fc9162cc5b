"""What lvsctl says of hosts: a real server set up by what it prints, and a director's host that has something wrong."""
import json
import re

import pytest
from conftest import open_testbed
from director import Director
from process import wait_until
from servers import Echo
from topology import FRONT_VIP, FRONT_VIP_V6

CONFIG = f"""\
[node lvs1]
address = 10.0.0.2

[vrrp front]
interface = eth0
virtual_router_id = 51
advert_interval = 100ms
virtual_address = {FRONT_VIP}/24

[vrrp front6]
interface = eth0
virtual_router_id = 51
advert_interval = 100ms
virtual_address = {FRONT_VIP_V6}/64

[virtual_server echo]
listen = tcp {FRONT_VIP}:7
real_server = rs1 10.0.0.11

[virtual_server echo6]
listen = tcp [{FRONT_VIP_V6}]:7
real_server = rs1 fd00::11
"""

NAT_CONFIG = f"""\
[vrrp front]
interface = eth0
virtual_router_id = 51
virtual_address = {FRONT_VIP}/24

[virtual_server echo]
listen = tcp {FRONT_VIP}:7
method = nat
real_server = rs1 10.0.0.11
"""


@pytest.fixture
def lan():
    """A client, a director with lvsd, and a real server of which nothing is set up but its own addresses."""
    with open_testbed() as testbed:
        front = testbed.lan("front")
        for name, number in (("client", 200), ("lvs1", 2), ("rs1", 11)):
            host = testbed.host(name)
            front.attach(host, "eth0", f"10.0.0.{number}/24")
            host.enable_ipv6("eth0", f"fd00::{number}/64")
            host.enable_ipv6("lo")
        yield testbed


def resolved(client, address):
    """The MAC address that somebody gives for the address now; None when nobody does."""
    client.ip("neigh", "flush", "dev", "eth0")
    client.run(["ping", "-c1", "-W1", address], check=False)
    match = re.search(r"lladdr (\S+)", client.ip("neigh", "show", address, "dev", "eth0").stdout)
    return match[1] if match else None


def greeting(client, address):
    done = client.run(["timeout", "3", "bash", "-c", f"exec 3<>/dev/tcp/{address}/7; read -r line <&3; echo $line"], check=False)
    return done.stdout.strip()


@pytest.mark.parametrize("form", ["shell", "nftables"])
def test_a_real_server_set_up_by_the_printed_script_serves_and_answers_no_neighbour(lan, form):
    client, lvs1, rs1 = (lan.hosts[name] for name in ("client", "lvs1", "rs1"))
    director = Director(lvs1, CONFIG).start()
    wait_until(lambda: lvs1.has_address(FRONT_VIP) and FRONT_VIP_V6 in lvs1.addresses_v6(), 15, "lvs1 to be master")
    rs1.run(["sh", "-ec", director.ctl("real-server-setup", "10.0.0.11", "echo6/rs1", "--format", form).stdout])
    Echo(rs1)
    assert [greeting(client, address) for address in (FRONT_VIP, FRONT_VIP_V6)] == ["rs1 ready"] * 2
    assert [resolved(client, address) for address in (FRONT_VIP, FRONT_VIP_V6)] == [lvs1.mac()] * 2
    director.stop()
    wait_until(lambda: not lvs1.has_address(FRONT_VIP) and FRONT_VIP_V6 not in lvs1.addresses_v6(), 5, "the addresses to be gone")
    assert [resolved(client, address) for address in (FRONT_VIP, FRONT_VIP_V6)] == [None] * 2


def doctor(host, lan, *options):
    """Exit code, {subject: (level, fix)} of lvsctl doctor there, and the file of sysctl.d that it has left."""
    director = Director(host, NAT_CONFIG)
    script = "mount -t tmpfs none /etc/sysctl.d; \"$@\"; code=$?; cat /etc/sysctl.d/60-lvsd.conf; exit $code"
    done = host.run(["unshare", "-m", "sh", "-c", script, "sh", director.lvsctl, "-s", lan.path("nobody"), "-j", "doctor",
                     "-c", director.config_path, *options], check=False)
    answer, _, file = done.stdout.partition("\n")
    return done.returncode, {found["subject"]: (found["level"], found["fix"]) for found in json.loads(answer)["findings"]}, file


def test_the_doctor_finds_a_closed_firewall_and_its_advice_mends_it(lan):
    host = lan.hosts["lvs1"]
    assert doctor(host, lan)[1]["firewall"][0] == "ok"
    host.run(["nft", "add table inet filter; add chain inet filter input { type filter hook input priority 0; policy drop; }"])
    level, advice = doctor(host, lan)[1]["firewall"]
    assert level == "fail"
    host.run(["sh", "-ec", advice])
    assert doctor(host, lan)[1]["firewall"][0] == "ok"


def test_the_doctor_sets_the_settings_of_the_kernel_once_told_to(lan):
    host = lan.hosts["lvs1"]
    host.sysctl("net.ipv4.ip_forward", 0)
    host.sysctl("net.ipv4.conf.eth0.send_redirects", 1)
    code, found, _ = doctor(host, lan)
    assert code == 1 and found["net.ipv4.ip_forward"][0] == found["net.ipv4.conf.eth0.send_redirects"][0] == "warn"
    code, found, file = doctor(host, lan, "--fix")
    assert code == 0 and "net.ipv4.ip_forward" not in found, found
    assert "net.ipv4.ip_forward = 1\n" in file and "net.ipv4.conf.eth0.send_redirects = 0\n" in file
    assert host.run(["sysctl", "-n", "net.ipv4.ip_forward"]).stdout == "1\n"


def test_the_doctor_finds_keepalived_beside_lvsd(lan):
    host = lan.hosts["lvs1"]
    conf = lan.path("keepalived.conf")
    with open(conf, "w", encoding="ascii") as file:
        file.write("global_defs {\n}\n")
    host.start(["keepalived", "-n", "-l", "-f", conf, "-p", lan.path("k.pid"), "-r", lan.path("v.pid"), "-c", lan.path("c.pid")], "keepalived")
    wait_until(lambda: doctor(host, lan)[1].get("keepalived", ("",))[0] == "fail", 10, "keepalived to be found")
    assert "keepalived" not in doctor(lan.hosts["client"], lan)[1], "found in another network namespace"


THROUGH_VIP = """
[check plain]
type = tcp
interval = 300ms
timeout = 200ms

[check under]
type = tcp
interval = 300ms
timeout = 200ms
through_vip = yes
"""


def test_a_check_through_the_virtual_address_finds_the_server_that_lacks_it(lan):
    lvs1, rs1 = lan.hosts["lvs1"], lan.hosts["rs1"]
    director = Director(lvs1, CONFIG.replace("\nreal_server", "\ncheck = plain, under\nreal_server") + THROUGH_VIP).start()
    names = {f"{check}@{address}:7{under}" for address, vip in (("10.0.0.11", FRONT_VIP), ("[fd00::11]", FRONT_VIP_V6))
             for check, under in (("plain", ""), ("under", f" as {vip}"))}

    def verdicts():
        return {target["id"]: target["verdict"] for target in director.ask("checks")["targets"]}

    def expect(under):
        wanted = {name: under if " as " in name else "up" for name in names}
        wait_until(lambda: verdicts() == wanted, 15, lambda: f"{wanted}; now {verdicts()}")

    echo = Echo(rs1)
    wait_until(lambda: lvs1.has_address(FRONT_VIP) and FRONT_VIP_V6 in lvs1.addresses_v6(), 15, "lvs1 to be master")
    expect("down")
    echo.stop()
    rs1.run(["sh", "-ec", director.ctl("real-server-setup", "echo/rs1", "echo6/rs1").stdout])
    Echo(rs1)
    expect("up")
    assert [greeting(lan.hosts["client"], address) for address in (FRONT_VIP, FRONT_VIP_V6)] == ["rs1 ready"] * 2
    # when a firewall is loaded anew
    lvs1.run(["nft", "flush", "ruleset"])
    wait_until(lambda: "lvsd_through_vip" in lvs1.run(["nft", "list", "tables"]).stdout, 10, "the table to be back")
    expect("up")
    director.stop()
    assert "lvsd_through_vip" not in lvs1.run(["nft", "list", "tables"]).stdout
