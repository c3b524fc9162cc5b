"""What the engine sees can be looked at while it forwards, and a capture can be run through the core again."""
import subprocess

import pytest
from conftest import open_pair
from process import wait_until
from traffic import Probe, failures, wrk


@pytest.fixture(scope="module")
def site():
    with open_pair("nat", servers=2) as made:
        yield made


class Capturing:
    """lvsctl capture, at work when the constructor returns."""

    def __init__(self, site, *arguments):
        director = site.pair[0]
        self.process = subprocess.Popen([director.lvsctl, "--socket", director.socket, "capture", *arguments],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.first = self.process.stderr.readline()
        assert self.first.startswith("capturing"), self.first + self.process.stderr.read()

    def finish(self, seconds=30):
        out, notes = self.process.communicate(timeout=seconds)
        assert self.process.returncode == 0, notes
        return out, notes


def tshark(path, *arguments):
    return subprocess.run(["tshark", "-n", "-r", path, *arguments], check=True, capture_output=True, text=True).stdout


def fields(path, *names):
    wanted = [word for name in names for word in ("-e", name)]
    return [line.split("\t") for line in tshark(path, "-T", "fields", *wanted).splitlines()]


def test_a_capture_file_has_both_sides_of_each_packet_and_its_verdict(site, tmp_path):
    path = str(tmp_path / "both.pcapng")
    running = Capturing(site, "--write", path, "--packets", "40", "--for", "20s", "tcp port 80 and host 10.0.0.200")
    probe = Probe(site.client, "http", site.vip, 80, interval=0.02).wait_answered()
    _, notes = running.finish()
    assert failures(probe.stop()) == []
    assert "40 frames captured" in notes
    rows = fields(path, "frame.interface_name", "ip.src", "ip.dst", "tcp.flags.syn", "frame.comment")
    assert len(rows) == 40
    came = [row for row in rows if row[1] == "10.0.0.200" and row[2] == site.vip]
    left = [row for row in rows if row[1] == "10.0.0.200" and row[2].startswith("10.1.0.")]
    assert came and left, rows
    assert all("sent through eth1 to 10.1.0." in row[4] for row in came), came
    assert {row[0] for row in came} == {"eth0"} and {row[0] for row in left} == {"eth1"}


def send_with_ttl(site, ttl):
    """A datagram to the virtual service on port 7, as traceroute sends them."""
    code = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
            f"s.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, {ttl}); s.sendto(b'x', ('{site.vip}', 7))")
    site.client.run(["/usr/bin/python3", "-c", code])


def test_lines_say_what_became_of_each_packet(site):
    running = Capturing(site, "--packets", "3", "--for", "20s", "udp port 7")
    send_with_ttl(site, 1)
    send_with_ttl(site, 64)
    lines = running.finish()[0].splitlines()
    assert "answered: ttl_exceeded" in lines[0] and " eth0 in  udp 10.0.0.200:" in lines[0], lines
    assert " eth0 out icmp 10.0.0.100 > 10.0.0.200 type 11 code 0 about udp 10.0.0.200:" in lines[1], lines
    assert "sent through eth1 to 10.1.0." in lines[2], lines


def test_only_one_captures_and_a_killed_one_is_forgotten(site):
    running = Capturing(site, "--for", "60s")
    second = site.pair[0].ctl("capture", "--for", "1s", check=False)
    assert second.returncode == 1 and "somebody else captures" in second.stderr
    running.process.kill()
    running.process.communicate()
    wait_until(lambda: site.pair[0].ctl("capture", "--for", "100ms", check=False).returncode == 0, 10, "a new capture")


def test_a_filter_that_is_none_is_refused_before_anything_is_asked(site):
    done = site.pair[0].ctl("capture", "tcp prot 80", check=False)
    assert done.returncode == 2 and "syntax error" in done.stderr, done.stderr


def test_forwarding_goes_on_while_more_is_captured_than_can_be_fetched(site):
    running = Capturing(site, "--write", "/dev/null", "--for", "3s")
    load = wrk(site.client, f"http://{site.vip}/", requests=3000)
    assert load.failed == 0
    assert "frames captured" in running.finish()[1]


def test_a_capture_runs_through_the_core_again(site, tmp_path):
    """What lvsctl has written of arriving frames is forwarded by lvsd --pcap to servers of the same table."""
    came, again = str(tmp_path / "came.pcapng"), str(tmp_path / "again.pcapng")
    running = Capturing(site, "--write", came, "--direction", "in", "--packets", "200", "--for", "20s", "tcp port 80")
    load = wrk(site.client, f"http://{site.vip}/", requests=100)
    running.finish()
    assert load.failed == 0
    director = site.pair[0]
    done = subprocess.run([director.lvsd, "--config", director.config_path, "--node", "lvs1", "--pcap", came, "--pcap-out", again],
                          check=True, capture_output=True, text=True)
    assert "200 packets: " in done.stdout and "sent through lan to 10.1.0." in done.stdout, done.stdout[-2000:]
    left = [row for row in fields(again, "ip.dst", "tcp.flags.syn", "frame.comment") if row[0].startswith("10.1.0.")]
    assert left
    assert {row[0] for row in left} == {"10.1.0.11", "10.1.0.12"}
    bad = tshark(again, "-o", "tcp.check_checksum:TRUE", "-Y", "tcp.checksum.status == Bad and ip.dst == 10.1.0.0/24")
    assert bad == ""


def test_a_file_that_is_no_capture_is_said_so(site, tmp_path):
    path = tmp_path / "none"
    path.write_text("nothing")
    director = site.pair[0]
    done = subprocess.run([director.lvsd, "--config", director.config_path, "--node", "lvs1", "--pcap", str(path)],
                          check=False, capture_output=True, text=True)
    assert done.returncode == 1 and str(path) in done.stderr, done.stderr
