"""Inside the virtual machine: lvsd with backend = kernel against the kernel's IPVS, with ipvsadm as the judge."""
import os

import pytest

from director import Director
from process import wait_until
from servers import start_nginx
from topology import Testbed, add_ipv6, two_lans
from traffic import Wrk

SCHEDULERS = "rr wrr lc wlc sed nq fo ovf dh sh mh lblc lblcr twos".split()
METHODS = {"nat": "Masq", "dr": "Route"}
FAMILIES = {"ipv4": ("10.0.0.100", "10.0.0.11"), "ipv6": ("[2001:db8::100]", "[2001:db8::11]")}
FOREIGN = ["-A -t 192.0.2.9:21 -s rr -p 300", "-a -t 192.0.2.9:21 -r 192.0.2.1:21 -g -w 7", "-A -f 77 -s wlc"]


@pytest.fixture
def bed():
    with Testbed() as made:
        yield made


def kernel_config(host, config, settings=""):
    return f"[node {host.name}]\naddress = 10.0.0.2\n[global]\nbackend = kernel\n{settings}{config}"


def director_on(host, config):
    return Director(host, kernel_config(host, config)).start()


def ipvsadm(host, *words, check=True):
    return host.run(["ipvsadm", *words], check=check).stdout


def restore(host, rules):
    host.run(["bash", "-c", "ipvsadm -R <<'END'\n" + "\n".join(rules) + "\nEND"])


def entries(listing):
    """What `ipvsadm -Ln` says: {"TCP 10.0.0.100:80": ("wlc …", {"10.0.0.11:80": ("Masq", "1")})}."""
    found, servers = {}, None
    for line in listing.splitlines()[3:]:
        words = line.split()
        if words[0] == "->":
            servers[words[1]] = tuple(words[2:4])
        else:
            name = " ".join(words[:2])
            servers = {}
            found[name] = (" ".join(words[2:]), servers)
    return found


def test_every_scheduler_method_and_family_stands_in_the_table_as_configured(bed):
    # given
    lines, expected = [], {}
    port = 1000
    for scheduler in SCHEDULERS:
        for method, forward in METHODS.items():
            for family, (vip, server) in FAMILIES.items():
                port += 1
                lines.append(f"[virtual_server {scheduler}-{method}-{family}]\nlisten = tcp {vip}:{port}\nscheduler = {scheduler}\n"
                             f"method = {method}\nreal_server = rs1 {server} weight={port}\n")
                expected[f"TCP {vip}:{port}"] = (scheduler, {f"{server}:{port}": (forward, str(port))})
    # when
    host = bed.host("lvs1")
    director = director_on(host, "\n".join(lines))
    # then
    assert entries(ipvsadm(host, "-Ln")) == expected
    assert director.ctl("ipvsadm", "-Ln").stdout == ipvsadm(host, "-Ln")
    assert director.stop() == 0
    assert entries(ipvsadm(host, "-Ln")) == expected, "on_stop = keep"


def test_what_a_service_can_be_is_in_the_kernel_as_configured(bed):
    host = bed.host("lvs1")
    director = director_on(host, """
[kernel]
sysctl = conn_reuse_mode 0
sysctl = sync_threshold 2 40
tcp_timeout = 600s

[virtual_server persistent]
listen = tcp 10.0.0.100:80
persistence = 90s
persistence_mask = 24
real_server = rs1 10.0.0.11

[virtual_server all_ports]
listen = tcp 10.0.0.101:*
persistence = 300s
method = nat
real_server = rs1 10.0.0.11

[virtual_server sip]
listen = udp 10.0.0.100:5060
scheduler = mh
scheduler_flags = mh-port
persistence = 60s
persistence_engine = sip
real_server = rs1 10.0.0.11

[virtual_server dns]
listen = udp 10.0.0.100:53
one_packet = yes
real_server = rs1 10.0.0.11

[virtual_server sctp]
listen = sctp 10.0.0.100:9
scheduler = sh
scheduler_flags = sh-fallback, sh-port
method = nat
real_server = rs1 10.0.0.11:7
""")
    assert entries(ipvsadm(host, "-Ln")) == {
        "TCP 10.0.0.100:80": ("wlc persistent 90 mask 255.255.255.0", {"10.0.0.11:80": ("Route", "1")}),
        "TCP 10.0.0.101:0": ("wlc persistent 300", {"10.0.0.11:0": ("Masq", "1")}),
        "UDP 10.0.0.100:5060": ("mh (mh-port) persistent 60 pe sip", {"10.0.0.11:5060": ("Route", "1")}),
        "UDP 10.0.0.100:53": ("wlc ops", {"10.0.0.11:53": ("Route", "1")}),
        "SCTP 10.0.0.100:9": ("sh (sh-fallback,sh-port)", {"10.0.0.11:7": ("Masq", "1")}),
    }
    assert ipvsadm(host, "-L", "--timeout") == "Timeout (tcp tcpfin udp): 600 120 300\n"
    assert host.run(["sysctl", "-n", "net.ipv4.vs.conn_reuse_mode", "net.ipv4.vs.sync_threshold"]).stdout == "0\n2\t40\n"
    director.stop()


def test_firewall_marks_come_from_a_table_of_lvsds_own(bed):
    host = bed.host("lvs1")
    host.run(["nft", "add table inet others; add chain inet others c"])
    config = "[virtual_server ftp]\nfwmark = 5\nmatch = tcp 10.0.0.100:20-21\nmethod = nat\nreal_server = rs1 10.0.0.11\n"
    director = director_on(host, config)
    assert entries(ipvsadm(host, "-Ln")) == {"FWM 5": ("wlc", {"10.0.0.11:0": ("Masq", "1")})}
    marks = host.run(["nft", "list", "table", "inet", "lvsd_marks"]).stdout
    assert "ip daddr 10.0.0.100 tcp dport 20-21 meta mark set 0x00000005" in marks
    # when somebody removes it
    host.run(["nft", "delete table inet lvsd_marks"])
    wait_until(lambda: host.run(["nft", "list", "table", "inet", "lvsd_marks"], check=False).stdout == marks, 15, "the marks to be back")
    # and when the configuration needs none any more
    director.write(kernel_config(host, config.replace("fwmark = 5\nmatch", "listen").replace("20-21", "21")))
    director.ctl("reload")
    assert host.run(["nft", "list", "tables"]).stdout == "table inet others\n"
    director.stop()


def test_foreign_services_stay_and_edits_of_ours_are_repaired(bed):
    host = bed.host("lvs1")
    restore(host, FOREIGN)
    config = ("[kernel]\nverify_interval = 500ms\n[virtual_server web]\nlisten = tcp 10.0.0.100:80\nmethod = nat\n"
              "real_server = rs1 10.0.0.11 weight=5\nreal_server = rs2 10.0.0.12 weight=0\n")
    director = director_on(host, config)
    ours = {"TCP 10.0.0.100:80": ("wlc", {"10.0.0.11:80": ("Masq", "5"), "10.0.0.12:80": ("Masq", "0")})}
    everything = ipvsadm(host, "-Ln")
    assert ours.items() <= entries(everything).items() and len(entries(everything)) == 3
    saved = ipvsadm(host, "-Sn")
    assert all(rule in saved for rule in FOREIGN)
    # when somebody edits what is ours
    restore(host, ["-e -t 10.0.0.100:80 -r 10.0.0.11:80 -m -w 1", "-d -t 10.0.0.100:80 -r 10.0.0.12:80",
                   "-a -t 10.0.0.100:80 -r 10.0.0.13:80 -m -w 9", "-E -t 10.0.0.100:80 -s rr"])
    wait_until(lambda: entries(ipvsadm(host, "-Ln")) == entries(everything), 15, lambda: ipvsadm(host, "-Ln"))
    # when somebody clears everything, only what is ours comes back
    ipvsadm(host, "-C")
    wait_until(lambda: entries(ipvsadm(host, "-Ln")) == ours, 15, lambda: ipvsadm(host, "-Ln"))
    # when the table is lvsd's alone
    restore(host, FOREIGN)
    director.write(kernel_config(host, config, "exclusive = yes\non_stop = remove\n"))
    director.ctl("reload")
    assert entries(ipvsadm(host, "-Ln")) == ours
    # when it leaves the configuration
    director.write(kernel_config(host, config.replace("10.0.0.100:80", "10.0.0.100:81"), "on_stop = remove\n"))
    director.ctl("reload")
    wait_until(lambda: list(entries(ipvsadm(host, "-Ln"))) == ["TCP 10.0.0.100:81"], 15, lambda: ipvsadm(host, "-Ln"))
    restore(host, FOREIGN)
    director.stop()
    assert list(entries(ipvsadm(host, "-Ln"))) == ["TCP 192.0.2.9:21", "FWM 77"]


def served(client, urls):
    return client.run(["curl", "-s", "-m", "20", *urls], timeout=120).stdout.split()


def test_traffic_flows_and_reloads_cost_no_request(bed):
    # given
    site = two_lans(bed, servers=2)
    add_ipv6(site)
    start_nginx(site)
    lvs1 = site.lvs1
    lvs1.ip("addr", "add", "10.0.0.100/24", "dev", "eth0")
    lvs1.ip("addr", "add", "10.1.0.1/24", "dev", "eth1")

    def text(weights, dropped=""):
        parts = ["[kernel]\nverify_interval = 500ms\n"]
        for number, scheduler in enumerate(SCHEDULERS):
            servers = [f"real_server = rs{i + 1} 10.1.0.{11 + i}:80 weight={weight}" for i, weight in enumerate(weights)]
            parts.append(f"[virtual_server v4-{scheduler}]\nlisten = tcp 10.0.0.100:{8000 + number}\nmethod = nat\n"
                         f"scheduler = {scheduler}\n" + "\n".join(s for s in servers if not dropped or f" {dropped} " not in s))
        return kernel_config(lvs1, "\n".join(parts))

    director = Director(lvs1, text([1, 1])).start()
    # then every scheduler serves
    answers = served(site.client, [f"http://10.0.0.100:{8000 + number}/" for number in range(len(SCHEDULERS))])
    assert len(answers) == len(SCHEDULERS) and set(answers) <= {"rs1", "rs2"}
    # when it is reloaded under load
    load = Wrk(site.client, "http://10.0.0.100:8001/", seconds=12, connections=4)
    for weights, dropped in (([3, 1], ""), ([1, 0], ""), ([1, 1], "rs2"), ([1, 1], "")):
        director.write(text(weights, dropped))
        director.ctl("reload")
        lvs1.run(["ipvsadm", "-e", "-t", "10.0.0.100:8001", "-r", "10.1.0.11:80", "-m", "-w", "2"])
    result = load.finish()
    assert result.failed == 0 and result.requests > 50, result
    # then the numbers are the kernel's
    web = next(s for s in director.ask("vs")["services"] if s["name"] == "v4-wrr")
    assert web["statistics"]["connections"] > 50
    connections = director.ask("conn")["connections"]
    assert any(c["server"] in ("rs1", "rs2") and c["service"] == "v4-wrr" for c in connections)
    director.stop()


def test_a_restart_leaves_checked_servers_their_weights(bed):
    # given two checked servers that a stopped lvsd left in the table
    site = two_lans(bed, servers=2)
    start_nginx(site)
    lvs1 = site.lvs1
    lvs1.ip("addr", "add", "10.0.0.100/24", "dev", "eth0")
    lvs1.ip("addr", "add", "10.1.0.1/24", "dev", "eth1")
    config = ("[check ok]\ntype = tcp\ninterval = 1s\nstart_delay = 500ms\n[virtual_server web]\nlisten = tcp 10.0.0.100:80\nmethod = nat\n"
              "scheduler = wrr\ncheck = ok\nreal_server = rs1 10.1.0.11:80 weight=5\nreal_server = rs2 10.1.0.12:80 weight=5\n")
    director = director_on(lvs1, config)
    director.wait_servers({"rs1": "up", "rs2": "up"}, 30)
    assert director.stop() == 0
    # when it is started again, and the table is looked at all the time
    watcher = lvs1.start(["bash", "-c", "while :; do ipvsadm -Ln; done"], "watcher")
    director = director_on(lvs1, config)
    director.wait_servers({"rs1": "up", "rs2": "up"}, 30)
    watcher.stop()
    # then no server ever had another weight
    rows = [line.split() for line in watcher.output().splitlines() if "10.1.0.1" in line and "Masq" in line]
    assert len(rows) > 20
    assert {row[3] for row in rows if len(row) > 3} == {"5"}
    director.stop()


def same_listings(host, director, words):
    """Both programs' output; again where the kernel's numbers moved in between."""
    for _ in range(10):
        before = ipvsadm(host, *words)
        ours = director.ctl("ipvsadm", *words).stdout
        if before == ipvsadm(host, *words):
            return before, ours
    raise AssertionError("the table never stands still")


def test_lvsctl_ipvsadm_prints_the_bytes_of_ipvsadm(bed):
    site = two_lans(bed, servers=1)
    host = site.lvs1
    host.ip("addr", "add", "10.0.0.100/24", "dev", "eth0")
    host.ip("addr", "add", "10.1.0.1/24", "dev", "eth1")  # the servers' gateway
    host.enable_ipv6("eth0", "2001:db8::2/64")
    with open(os.path.join(os.path.dirname(__file__), "rich_table.txt"), encoding="ascii") as rules:
        restore(host, rules.read().splitlines())
    director = director_on(host, "[virtual_server web]\nlisten = tcp 10.0.0.100:81\nmethod = nat\nreal_server = rs1 10.1.0.11:80\n")
    call = "INVITE sip:a@10.0.0.100 SIP/2.0\\r\\nCall-ID: 1-2345@10.0.0.200\\r\\n\\r\\n"
    site.client.run(["bash", "-c", f"printf '{call}' >/dev/udp/10.0.0.100/5060; printf x >/dev/udp/10.0.0.100/5353; "
                                   "exec 3<>/dev/tcp/10.0.0.100/81; true"], check=False)
    forms = ["", "--stats", "--stats --exact", "--rate", "--rate --exact", "--thresholds", "--persistent-conn", "--tun-info", "--nosort",
             "--nosort --stats", "--timeout", "--daemon", "-c", "-c --persistent-conn", "-t 10.0.0.100:80", "-u 10.0.0.100:5060 --stats",
             "-f 5", "-f 7 -6", "--sctp-service 10.0.0.100:9", "-t [2001:db8::1]:80 --tun-info"]
    for words in [*(["-Ln", *form.split()] for form in forms), ["-Sn"]]:
        theirs, ours = same_listings(host, director, words)
        assert ours == theirs, " ".join(words)
    assert "5353" in ipvsadm(host, "-Lnc", "--persistent-conn"), "the oracle shows what is compared"
    director.stop()


