"""Every type of check against a real server: up, down for a named reason, back; in the words that lvsctl checks prints."""
from hashlib import md5, sha256

import pytest
from backends import Dnsmasq, Dovecot, Ftp, Grpc, Haproxy, Mariadb, MutualTls, Plain, Postgresql, Redis, Slapd, Smtp, Switches, Tls
from conftest import open_testbed
from director import Director
from process import stays, wait_until
from servers import Echo, Nginx
from topology import one_lan

RHYTHM = "interval = 500ms\ntimeout = 400ms\nrise = 1\nfall = 2\n"
HEAD = """\
[global]
backend = engine
[node lvs1]
address = 10.0.0.2
[vrrp front]
interface = eth0
virtual_router_id = 51
priority = 150
priority@lvs2 = 100
virtual_address = 10.0.0.100/24
[node lvs2]
address = 10.0.0.3
"""

HEALTHY = b"ok\n"  # nginx's /healthz

# Per check: listener, keys, what the last result says while it is up.
CHECKS = {
    "redis": ("tcp 6379", "type = redis", '"+PONG" in '),
    "primary": ("tcp 6379", "type = tcp\nsend = INFO replication\\r\\n\nexpect = role:master", "role:master"),
    "banner": ("tcp 7", "type = tcp\nexpect_regex = ^rs[0-9]+ ready", '"rs1 ready" in '),
    "udp": ("udp 7", "type = udp\npayload = hi\\x21\nexpect = rs1 hi!", "reply of 7 bytes in "),
    "quiet": ("udp 9", "type = udp\nport = 7\npayload = x", "reply of 5 bytes in "),
    "dns": ("udp 53", "type = dns\nquery = www.example.com A\nexpect_answer = 10.0.0.7", 'NOERROR, "10.0.0.7" in '),
    "nxdomain": ("udp 53", "type = dns\nquery = nobody.example.com A\nexpect_rcode = NXDOMAIN", "NXDOMAIN, 0 answers in "),
    "tls": ("tcp 443", "type = tls\nhost = good.example\ntls_ca_file = {tls_ca}", "certificate expires in 4 days"),
    "https": ("tcp 443", "type = https\nhost = good.example\ntls_ca_file = {tls_ca}", "certificate expires in 4 days"),
    "smtp": ("tcp 25", "type = smtp\nhelo = lvs1.example", '"250 HELP" in '),
    "starttls": ("tcp 25", "type = smtp\nstarttls = yes\nhost = mail.example\ntls_ca_file = {smtp_ca}", '"250 HELP" in '),
    "mysql": ("tcp 3306", "type = mysql", "MariaDB"),
    "pgsql": ("tcp 5432", "type = pgsql", "login lvsd accepted in "),
    "pgsql_login": ("tcp 5432", "type = pgsql\nlogin = postgres", "login postgres accepted in "),
    "ldap": ("tcp 389", "type = ldap", "bound in "),
    "imap": ("tcp 143", "type = imap", '"* OK '),
    "pop3": ("tcp 110", "type = pop3", '"+OK Dovecot'),
    "ftp": ("tcp 21", "type = ftp", '"220 pyftpdlib'),
    "nntp": ("tcp 119", "type = nntp", '"200 news.example" in '),
    "sip": ("udp 5060", "type = sip", '"SIP/2.0 200 OK" in '),
    "agent": ("tcp 80", "type = agent\nport = 9707", '"up 50%" in '),
    "file": ("tcp 80", "type = file\nfile = {files}/state-{{address}}", '"up 100%"'),
    "script": ("tcp 80", "type = script\ncommand = {files}/probe {{address}} {{port}}\nuser = daemon",
               'exit 0, "10.0.0.11 80 daemon script" in '),
    "weighed": ("tcp 80", 'type = script\nweight_from_exit = yes\ncommand = /bin/sh -c "exit 27"', "exit 27, weight 25 in "),
    "grpc": ("tcp 50051", "type = grpc\nservice = shop.Cart", "SERVING in "),
    "pages": ("tcp 80", f"type = http\nurl = /healthz digest={md5(HEALTHY).hexdigest()}\nurl = /", "2 pages, 200 in "),
    "digest": ("tcp 80", f"type = http\npath = /healthz\nhttp_version = 1.0\nexpect_body_digest = {sha256(HEALTHY).hexdigest()}",
               "200 in "),
    "http2": ("tcp 8082", "type = http\nhttp_version = 2\npath = /healthz", "200 in "),
    "mtls": ("tcp 444", "type = https\ntls_server_name = good.example\ntls_ca_file = {client.ca}\n"
             "tls_certificate_file = {client.file}\ntls_key_file = {client.key}", "200 in "),
    "source": ("tcp 80", "type = http\npath = /healthz\nsource_address = 10.0.0.2\ninterface = eth0", "200 in "),
    "marked": ("tcp 80", "type = http\npath = /healthz\nmark = 81", "200 in "),
    "body": ("tcp 80", "type = http\npath = /healthz\nexpect_body_regex = ^ok\\s*$", "200 in "),
}


def configuration(names):
    parts = [HEAD]
    for name, (listener, keys, _) in CHECKS.items():
        protocol, port = listener.split()
        parts.append(f"[check {name}]\n{keys.format(**names)}\n{RHYTHM}\n[virtual_server {name}]\nlisten = {protocol} "
                     f"10.0.0.100:{10000 + len(parts) if name in DOUBLES else port}\ncheck = {name}\nmethod = nat\n"
                     f"real_server = rs1 10.0.0.11:{port}\n")
    return "\n".join(parts)


DOUBLES = {"primary", "nxdomain", "https", "starttls", "pgsql_login", "quiet", "agent", "file", "script", "weighed", "pages", "digest", "source", "marked"}  # a second service on the same server


class Backends:
    def __init__(self, host):
        self.redis, self.dns, self.tls, self.smtp = Redis(host).start(), Dnsmasq(host).start(), Tls(host).start(), Smtp(host).start()
        self.mysql, self.pgsql, self.ldap = Mariadb(host).start(), Postgresql(host).start(), Slapd(host).start()
        self.mail, self.ftp = Dovecot(host).start(), Ftp(host).start()
        self.news = Plain(host, "news", 119, "tcp", "200 news.example", "205 bye").start()
        self.sip = Plain(host, "sip", 5060, "sip", "200 OK").start()
        self.web = Nginx(host).start()
        self.agent = Plain(host, "agent", 9707, "tcp", "up 50%", "").start()
        self.grpc, self.mtls, self.switches = Grpc(host).start(), MutualTls(host).start(), Switches()
        self.host = host
        self.echo = Echo(host)

    def stop_echo(self):
        self.echo.stop()

    def start_echo(self):
        self.echo = Echo(self.host)


@pytest.fixture(scope="module")
def site():
    with open_testbed() as testbed:
        made = one_lan(testbed, servers=1)
        made.servers[0].sysctl("net.ipv4.icmp_ratelimit", 0)  # else one ICMP error a second, for several checks
        made.backends = Backends(made.servers[0])
        names = {"tls_ca": made.backends.tls.good.ca, "smtp_ca": made.backends.smtp.certificate.ca,
                 "files": made.backends.switches.directory, "client": made.backends.mtls.client}
        made.director = Director(made.lvs1, configuration(names)).start()
        yield made
        made.backends.switches.remove()


def check(site, name):
    return next(target for target in site.director.ask("checks")["targets"] if target["check"] == name)


def wait_verdict(site, name, verdict, seconds=20):
    wait_until(lambda: check(site, name)["verdict"] == verdict, seconds,
               lambda: f"check {name} to be {verdict}; it is {check(site, name)}", every=0.1)
    return check(site, name)


@pytest.mark.parametrize("name", CHECKS)
def test_passes_with_the_words_of_the_server(site, name):
    wait_verdict(site, name, "up")
    words = CHECKS[name][2]
    wait_until(lambda: words in check(site, name)["last_result"], 5, lambda: f"{words}: {check(site, name)['last_result']}")
    assert check(site, name)["last_code"] == "ok"
    assert words in site.director.ctl("checks").stdout


FAILURES = {  # the check, what happens to its server, why it is down, and the end of that
    "redis": (lambda b: b.redis.stop(), "connection refused", lambda b: b.redis.start()),
    "primary": (lambda b: b.redis.ill(), '"role:master" is not in the reply', lambda b: b.redis.well()),
    "banner": (lambda b: b.stop_echo(), "connection refused", lambda b: b.start_echo()),
    "udp": (lambda b: b.stop_echo(), "port unreachable", lambda b: b.start_echo()),
    "dns": (lambda b: b.dns.ill(), 'no answer "10.0.0.7": "10.0.0.8"', lambda b: b.dns.well()),
    "nxdomain": (lambda b: b.dns.stop(), "port unreachable", lambda b: b.dns.start()),
    "tls": (lambda b: b.tls.ill(), "certificate has expired", lambda b: b.tls.well()),
    "https": (lambda b: b.tls.show(b.tls.other), "certificate is not for good.example", lambda b: b.tls.well()),
    "smtp": (lambda b: b.smtp.process.signal(19), "timed out after 400ms (connected, no reply)", lambda b: b.smtp.process.signal(18)),
    "mysql": (lambda b: b.mysql.process.signal(19), "timed out after 400ms (connected, no reply)",
              lambda b: b.mysql.process.signal(18)),
    "pgsql": (lambda b: b.pgsql.ill(), "the database system is shutting down (57P03)", lambda b: b.pgsql.well()),
    "ldap": (lambda b: b.ldap.stop(), "connection refused", lambda b: b.ldap.start()),
    "imap": (lambda b: b.mail.stop(), "connect", lambda b: b.mail.start()),
    "ftp": (lambda b: b.ftp.stop(), "connection refused", lambda b: b.ftp.start()),
    "nntp": (lambda b: b.news.says("tcp", "400 out of paper", ""), 'banner: expected 200 or 201, got "400 out of paper"',
             lambda b: b.news.says("tcp", "200 news.example", "205 bye")),
    "sip": (lambda b: b.sip.says("sip", "503 Service Unavailable"), '"SIP/2.0 503 Service Unavailable", expected 200-299',
            lambda b: b.sip.says("sip", "200 OK")),
    "agent": (lambda b: b.agent.says("tcp", "down # disk full", ""), 'the server says "down # disk full"',
              lambda b: b.agent.says("tcp", "up 50%", "")),
    "file": (lambda b: b.switches.say("state-10.0.0.11", "down # until noon"), 'the server says "down # until noon"',
             lambda b: b.switches.say("state-10.0.0.11", "up 100%")),
    "script": (lambda b: b.switches.script("exit 3"), 'exit 3, "10.0.0.11 80 daemon script"', lambda b: b.switches.script("exit 0")),
    "grpc": (lambda b: b.grpc.ill(), '"shop.Cart" is NOT_SERVING, expected SERVING', lambda b: b.grpc.well()),
    "http2": (lambda b: b.web.stop(), "connection refused", lambda b: b.web.start()),
    "mtls": (lambda b: b.mtls.stop(), "connection refused", lambda b: b.mtls.start()),
    "body": (lambda b: b.web.sick(), "HTTP 503 from ", lambda b: b.web.sick(False)),
}


@pytest.mark.parametrize("name", FAILURES)
def test_is_down_for_a_named_reason_and_back(site, name):
    wait_verdict(site, name, "up")
    hurt, words, heal = FAILURES[name]
    hurt(site.backends)
    try:
        down = wait_verdict(site, name, "down")
        assert words in down["down_reason"]
        assert words in site.director.ctl("checks", f"{name}/rs1").stdout
        site.director.wait_servers({"rs1": "down"}, service=name)
    finally:
        heal(site.backends)
    wait_verdict(site, name, "up")
    site.director.wait_servers({"rs1": "up"}, service=name)


def test_the_end_of_a_certificate_is_shown(site):
    wait_verdict(site, "tls", "up")
    for name in ("tls", "https", "starttls"):
        assert check(site, name)["certificate_expires_unix_ms"] > 0
        assert "cert      expires " in site.director.ctl("checks", f"{name}/rs1").stdout


def test_a_mysql_server_does_not_block_the_director(site):
    """max_connect_errors is 3 there, and a check that broke its handshakes off would be locked out."""
    wait_verdict(site, "mysql", "up")
    before = check(site, "mysql")["passed"]
    wait_until(lambda: check(site, "mysql")["passed"] > before + 8, 20, "more checks")
    assert check(site, "mysql")["verdict"] == "up"


def test_what_a_server_says_of_its_share_is_shown(site):
    wait_verdict(site, "weighed", "up")
    assert check(site, "weighed")["share"]["weight"] == 25
    assert "share     weight 25" in site.director.ctl("checks", "weighed/rs1").stdout
    site.backends.agent.says("tcp", "drain 30%", "")
    wait_until(lambda: check(site, "agent")["share"]["drain"], 10, "the agent's drain")
    assert "share     drain, 30% of its weight" in site.director.ctl("checks", "agent/rs1").stdout
    site.backends.agent.says("tcp", "ready 100%", "")
    wait_until(lambda: not check(site, "agent")["share"]["drain"], 10, "the agent to be ready")


def in_haproxys_words(check):
    share = check["share"]
    percent = share["weight_percent"] if share["weight_percent"] >= 0 else 100
    state = "DOWN" if check["verdict"] == "down" else "MAINT" if share["maintenance"] else "DRAIN" if share["drain"] else "UP"
    return state, percent


def test_haproxy_takes_the_agents_words_as_lvsd_does(site):
    wait_verdict(site, "agent", "up")
    judge = Haproxy(site.client).start()
    site.backends.agent.says("tcp", "up ready 100%", "")
    wait_until(lambda: judge.says() == ("UP", 100), 10, lambda: f"HAProxy to hear the agent; it says {judge.says()}")
    for word, expected in (("75%", ("UP", 75)), ("drain", ("DRAIN", 75)), ("ready 20%", ("UP", 20)), ("maint", ("MAINT", 20)),
                           ("up ready,100%", ("UP", 100)), ("DOWN # disk full", ("DOWN", 100)), ("up", ("UP", 100)),
                           ("fail", ("DOWN", 100)), ("up 150%", ("UP", 150)), ("stopped", ("DOWN", 150)), ("up ready 50%", ("UP", 50))):
        site.backends.agent.says("tcp", word, "")
        wait_until(lambda: judge.says() == expected, 10, lambda: f"HAProxy to have {expected} after {word}; it has {judge.says()}")
        wait_until(lambda: in_haproxys_words(check(site, "agent")) == expected, 10,
                   lambda: f"{expected} after {word}; lvsd has {in_haproxys_words(check(site, 'agent'))}")
    judge.stop()


def test_an_agent_that_is_not_there_takes_no_server_out(site):
    wait_verdict(site, "agent", "up")
    site.backends.agent.stop()
    wait_until(lambda: check(site, "agent")["last_code"] == "absent", 10, "the agent to be missed")
    stays(lambda: check(site, "agent")["verdict"] == "up", 2, "up without its agent")
    assert "no agent: connection refused" in site.director.ctl("checks", "agent/rs1").stdout
    site.backends.agent.start()


def test_a_mark_is_on_the_packets_of_its_check_alone(site):
    wait_verdict(site, "marked", "up")
    site.lvs1.run(["nft", "add table ip marks; add chain ip marks out { type filter hook output priority 0; }; "
                   "add rule ip marks out meta mark 81 drop"])
    assert "timed out after 400ms (no connection)" in wait_verdict(site, "marked", "down")["down_reason"]
    assert check(site, "digest")["verdict"] == "up"
    site.lvs1.run(["nft", "delete table ip marks"])
    wait_verdict(site, "marked", "up")


def test_a_script_that_cannot_be_run_is_not_the_servers_fault(site):
    wait_verdict(site, "script", "up")
    before = check(site, "script")["not_checked"]
    probe = site.backends.switches.directory + "/probe"
    site.lvs1.run(["chmod", "g+w", probe])
    wait_until(lambda: check(site, "script")["not_checked"] > before + 3, 10, "the script to be refused")
    assert check(site, "script")["verdict"] == "up"
    assert f"not checked: {probe} is writable by its group: chmod g-w {probe}" in site.director.ctl("checks", "script/rs1").stdout
    answer = site.director.ctl("reload", check=False)
    assert f"{probe} cannot be run" in answer.stdout + answer.stderr
    site.lvs1.run(["chmod", "g-w", probe])


def test_ping_says_what_the_kernel_forbids_and_passes_once_it_may(site):
    text = (HEAD + "[check ping]\ntype = ping\n" + RHYTHM + "[virtual_server ping]\nlisten = tcp 10.0.0.100:8080\n"
            "check = ping\nreal_server = rs1 10.0.0.11\n")
    site.lvs1.sysctl("net.ipv4.ping_group_range", "1 0")
    site.director.write(text)
    site.director.ctl("reload")
    wait_until(lambda: check(site, "ping")["last_code"] == "local", 10, lambda: f"local trouble; {check(site, 'ping')}")
    assert "net.ipv4.ping_group_range" in check(site, "ping")["last_result"]
    stays(lambda: check(site, "ping")["verdict"] == "unknown", 1, "no verdict without a check")
    site.lvs1.sysctl("net.ipv4.ping_group_range", "0 2147483647")
    assert wait_verdict(site, "ping", "up")["last_result"].startswith("echo in ")
    server = site.servers[0]
    server.sysctl("net.ipv4.icmp_echo_ignore_all", 1)
    try:
        assert "timed out after 400ms (no reply)" in wait_verdict(site, "ping", "down")["down_reason"]
    finally:
        server.sysctl("net.ipv4.icmp_echo_ignore_all", 0)
    wait_verdict(site, "ping", "up")
