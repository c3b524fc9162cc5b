"""Everything that an instance can depend on, beside interfaces (test_handover.py): each moves the mastership and gives it back."""
import os
import shutil

import pytest
from conftest import open_pair
from director import Settings
from process import wait_until

ADVERT = 0.1
MASTER_DOWN = 3 * ADVERT + (256 - 90) * ADVERT / 256
# Looks every 200 ms, two of one kind change the state.
RHYTHM = "interval = 200ms\nrise = 2\nfall = 2\nweight = -60\n"
NOTICED = 2 * 0.2 + MASTER_DOWN + 1
SLEEPER = f"lvsdtrack{os.getpid()}"
PEER = "10.0.0.9"  # on the client, so that tests take it away


def tracks(site):
    switch = site.lvs1.testbed.path("switch")
    return "".join(f"[track {name}]\n{lines}\n" for name, lines in {
        "standby": f"type = file\nfile = {switch}\n{RHYTHM}",
        "helper": f"type = process\nprocess = {SLEEPER}\n{RHYTHM}",
        "uplink": f"type = route\nroute = 192.0.2.0/24\n{RHYTHM}",
        "gateway": f"type = ping\naddress = {PEER}\n{RHYTHM}",
        "frontend": f"type = tcp\naddress = {site.server_address(0).split(':')[0]}\nport = 80\n{RHYTHM}",
        "page": f"type = http\naddress = {site.server_address(0).split(':')[0]}\npath = /healthz\n{RHYTHM}",
        "enough": "type = quorum\nvirtual_server = web\nweight = -60\n",
    }.items())


# Its addresses leave a director that reaches none of its servers.
WITHDRAWN = """
[check echo7]
type = tcp
port = 7
interval = 200ms
timeout = 150ms
rise = 2
fall = 2

[virtual_server own]
listen = tcp 10.0.0.100:8000
check = echo7
all_down = withdraw
real_server = rs1 10.0.0.11
real_server = rs2 10.0.0.12
"""


NAMES = ("standby", "helper", "uplink", "gateway", "frontend", "page", "enough")


def settings(site):
    lines = "flap_hold_down = 0s\n" + "".join(f"track@lvs1 = {name}\n" for name in NAMES)
    return Settings(site, advert_interval="100ms", vrrp_lines=lines, extra=tracks(site) + WITHDRAWN)


class Sleeper:
    """A process of a name that nobody else has: all namespaces share the processes."""

    def __init__(self, host):
        self.host = host
        self.path = host.testbed.path(SLEEPER)
        shutil.copy("/bin/sleep", self.path)
        self.begin()

    def begin(self):
        self.process = self.host.start([self.path, "600"], "sleep")

    def end(self):
        self.process.stop()


def prepare(site):
    site.sleeper = Sleeper(site.lvs1)
    for host in site.directors:
        host.sysctl("net.ipv4.ping_group_range", "0 2147483647")
    site.lvs1.ip("route", "add", "192.0.2.0/24", "via", "10.0.0.254")
    site.client.ip("addr", "add", f"{PEER}/24", "dev", "eth0")


@pytest.fixture(scope="module")
def site():
    with open_pair("dr", settings=settings, prepare=prepare) as made:
        yield made


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def failing(director):
    instances = (director.ask("vrrp") or {}).get("instances", [])
    return {track["name"] for instance in instances for track in instance["tracks"] if track["failing"]}


CAUSES = {
    "standby": (lambda site: write(site.lvs1.testbed.path("switch"), "1\n"),
                lambda site: os.remove(site.lvs1.testbed.path("switch")), {"standby"}),
    "helper": (lambda site: site.sleeper.end(), lambda site: site.sleeper.begin(), {"helper"}),
    "uplink": (lambda site: site.lvs1.ip("route", "del", "192.0.2.0/24"),
               lambda site: site.lvs1.ip("route", "add", "192.0.2.0/24", "via", "10.0.0.254"), {"uplink"}),
    "gateway": (lambda site: site.client.ip("addr", "del", f"{PEER}/24", "dev", "eth0"),
                lambda site: site.client.ip("addr", "add", f"{PEER}/24", "dev", "eth0"), {"gateway"}),
    "page": (lambda site: site.nginx[0].sick(), lambda site: site.nginx[0].sick(False), {"page"}),
    "frontend": (lambda site: site.nginx[0].stop(), lambda site: site.nginx[0].start(), {"frontend", "page"}),
}


@pytest.mark.parametrize("name", CAUSES)
def test_a_failing_track_moves_the_mastership_and_gives_it_back(site, name):
    fail, mend, expected = CAUSES[name]
    fail(site)
    wait_until(lambda: site.owners() == ["lvs2"], NOTICED, lambda: f"lvs2 to take over; {failing(site.pair[0])}")
    assert failing(site.pair[0]) == expected
    assert f"{name} (" in site.pair[0].ctl("vrrp", "front").stdout
    mend(site)
    wait_until(lambda: site.owners() == ["lvs1"], NOTICED, lambda: f"lvs1 to own it again; {failing(site.pair[0])}")
    assert failing(site.pair[0]) == set()


def test_a_lost_quorum_moves_the_mastership(site):
    site.pair[0].ctl("disable", "web/rs1", "web/rs2", "web/rs3", "--force")
    wait_until(lambda: site.owners() == ["lvs2"], NOTICED, lambda: f"lvs2 to take over; {failing(site.pair[0])}")
    assert failing(site.pair[0]) == {"enough"}
    assert "enough (quorum web) FAILING: -60, web lacks its quorum" in site.pair[0].ctl("vrrp", "front").stdout
    site.pair[0].ctl("enable", "web/rs1", "web/rs2", "web/rs3")
    wait_until(lambda: site.owners() == ["lvs1"], NOTICED, "lvs1 to own it again")


def test_all_down_withdraw_gives_the_address_to_the_director_that_reaches_servers(site):
    site.lvs1.run(["nft", "add table ip cut; add chain ip cut out { type filter hook output priority 0; }; "
                   "add rule ip cut out tcp dport 7 drop"])
    wait_until(lambda: site.owners() == ["lvs2"], NOTICED, lambda: f"lvs2 to take over; {failing(site.pair[0])}")
    assert failing(site.pair[0]) == {"all_down own"}
    assert site.pair[0].ask("vrrp", "front")["instances"][0]["role"] == "fault"
    site.lvs1.run(["nft", "delete table ip cut"])
    wait_until(lambda: site.owners() == ["lvs1"], NOTICED, "lvs1 to own it again")


def test_results_outlive_the_rooms(site):
    write(site.lvs1.testbed.path("switch"), "1\n")
    wait_until(lambda: site.owners() == ["lvs2"], NOTICED, "lvs2 to take over")
    for room in ("vrrp", "healthcheck"):
        pid = site.pair[0].kill_room(room)
        site.pair[0].wait_room_back(room, pid)
        assert failing(site.pair[0]) == {"standby"}, room
    assert site.owners() == ["lvs2"]
    os.remove(site.lvs1.testbed.path("switch"))
    wait_until(lambda: site.owners() == ["lvs1"], NOTICED, "lvs1 to own it again")
