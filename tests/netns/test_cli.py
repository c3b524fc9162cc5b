"""Every lvsctl command runs against a living pair, speaks JSON on request, and ends with the exit code it promises."""
import json
import os
import subprocess

import pytest
from conftest import open_pair
from director import Settings, binary
from process import wait_until
from traffic import wrk

READING = {  # command: a word that its text must contain
    ("status",): "lvs1",
    ("vs",): "web",
    ("vs", "--stats"): "web",
    ("vs", "--rate"): "web",
    ("vs", "web"): "rs1",
    ("rs",): "rs2",
    ("checks",): "/healthz",
    ("vrrp",): "front",
    ("vrrp", "front"): "10.0.0.100",
    ("conn",): "10.0.0.200",
    ("drops", "-o", "wide"): "ttl",
    ("config", "show"): "[virtual_server web]",
    ("ipvsadm", "-Ln"): "IP Virtual Server version",
    ("ipvsadm", "-Ln", "--stats"): "IP Virtual Server version",
    ("ipvsadm", "-Ln", "--rate"): "IP Virtual Server version",
    ("ipvsadm", "-Lnc"): "IPVS connection entries",
    ("metrics",): "# TYPE lvsd_",
}
JSON = [("status",), ("vs",), ("rs",), ("checks",), ("vrrp",), ("conn",), ("drops",), ("reload",)]


@pytest.fixture(scope="module")
def site():
    with open_pair("dr", servers=2, settings=Settings) as made:
        load = wrk(made.client, f"http://{made.vip}/", requests=200)
        assert load.failed == 0
        yield made


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_command_prints_what_it_is_about(site, command):
    done = site.pair[0].ctl(*command)
    assert READING[command] in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("command", JSON, ids=" ".join)
def test_json_is_one_object_with_a_schema(site, command):
    value = json.loads(site.pair[0].ctl("-j", *command).stdout)
    assert value["schema"] == 1


def test_ipvsadm_listing_has_ipvsadms_lines(site):
    lines = site.pair[0].ctl("ipvsadm", "-Ln").stdout.splitlines()
    assert lines[1:3] == ["Prot LocalAddress:Port Scheduler Flags",
                          "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn"]
    assert "TCP  10.0.0.100:80 wrr" in lines
    assert any(line.startswith("  -> 10.0.0.11:80 ") and " Route " in line for line in lines)


def test_exit_codes(site, tmp_path):
    director = site.pair[0]
    broken = tmp_path / "broken.conf"
    broken.write_text("[virtual_server web]\nlisten = nonsense\n")
    assert director.ctl("no-such-command", check=False).returncode == 2
    assert director.ctl("vs", "no_such_service", check=False).returncode == 5
    assert director.ctl("config", "check", director.config_path).returncode == 0
    assert director.ctl("config", "check", str(broken), check=False).returncode == 4
    assert director.ctl("config", "diff", director.config_path).returncode == 0


def test_config_diff_shows_what_a_reload_would_do_and_exits_1(site, tmp_path):
    director = site.pair[0]
    other = tmp_path / "other.conf"
    other.write_text(Settings(site, servers=["rs1"]).text())
    done = director.ctl("config", "diff", str(other), check=False)
    assert done.returncode == 1
    assert "rs2" in done.stdout


def test_an_unreachable_daemon_is_exit_3_and_says_where_it_looked(tmp_path):
    done = subprocess.run([binary("daemon", "ctl", "lvsctl"), "--socket", str(tmp_path / "none.sock"), "status"],
                          capture_output=True, text=True, timeout=10)
    assert done.returncode == 3
    assert str(tmp_path / "none.sock") in done.stderr


def test_lvsd_check_accepts_the_running_file_and_refuses_a_broken_one(site, tmp_path):
    lvsd = binary("daemon", "lvsd")
    good = subprocess.run([lvsd, "--check", "--config", site.pair[0].config_path, "--node", "lvs1"], capture_output=True,
                          text=True, timeout=10)
    assert good.returncode == 0, good
    broken = tmp_path / "broken.conf"
    broken.write_text(Settings(site).text().replace("priority = ", "priorty = ", 1))
    bad = subprocess.run([lvsd, "--check", "--config", str(broken), "--node", "lvs1"], capture_output=True, text=True,
                         timeout=10)
    assert bad.returncode == 4
    assert f"{broken}:" in bad.stdout + bad.stderr and '"priority"' in bad.stdout + bad.stderr


def test_two_lvsd_with_one_run_directory_refuse(site):
    director = site.pair[0]
    done = director.host.run([binary("daemon", "lvsd"), "--config", director.config_path, "--node", "lvs1", "--run-dir",
                              director.run_dir, "--foreground"], check=False, timeout=20)
    assert done.returncode != 0
    assert director.overview()["pid"] == director.service.pid


def test_the_read_only_socket_reads_and_refuses_to_reload(site):
    director = site.pair[0]
    read_only = os.path.join(director.run_dir, "ro.sock")
    lvsctl = [binary("daemon", "ctl", "lvsctl"), "--socket", read_only]
    assert subprocess.run([*lvsctl, "status"], capture_output=True, timeout=10).returncode == 0
    assert subprocess.run([*lvsctl, "reload"], capture_output=True, timeout=10).returncode != 0


def test_status_says_that_nothing_needs_attention(site):
    wait_until(lambda: site.pair[0].overview()["attention"] == [], 10, lambda: site.pair[0].overview()["attention"])
    assert "nothing needs attention" in site.pair[0].ctl("status").stdout.lower()
