"""Real servers of many protocols for the health checks: Debian's own programs, and two of our own where Debian's are too large.

Each has start() and stop(), and where the protocol offers it a way to be ill: what a health check must see and name.
"""
import os
import shutil
import socket
import subprocess

from process import wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"  # where Debian's python3-* packages are
POSTGRES = "/usr/lib/postgresql/15/bin"


class Backend:
    """A program on a host; ready once its port answers (TCP) or the process runs (port None)."""

    name = port = None

    def __init__(self, host):
        self.host = host
        self.process = None
        self.directory = host.testbed.path(f"{host.name}-{self.name}")
        os.makedirs(self.directory, exist_ok=True)
        self.prepare()

    def prepare(self):
        """Files that the program needs, once."""

    def command(self):
        raise NotImplementedError

    def start(self):
        self.process = self.host.start(self.command(), self.name)
        wait_until(self.answers, 30, lambda: f"{self.name} to listen; it said: {self.process.output()[-500:]}", every=0.1)
        return self

    def answers(self):
        if self.port is None:
            return self.process.running()
        return self.host.run(["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{self.port}"], check=False).returncode == 0

    def stop(self):
        self.process.stop()

    def restart(self):
        self.stop()
        self.start()

    def write(self, name, text, owner=None):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        if owner:
            subprocess.run(["chown", owner, path], check=True)
        return path


class Redis(Backend):
    name, port = "redis", 6379

    def command(self):
        return ["redis-server", "--port", "6379", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--dir", self.directory]

    def ask(self, *words):
        return self.host.run(["redis-cli", *words]).stdout

    def ill(self):
        """A replica instead of the master."""
        self.ask("replicaof", "127.0.0.1", "1")

    def well(self):
        self.ask("replicaof", "no", "one")


class Dnsmasq(Backend):
    name, port = "dnsmasq", 53
    address = "10.0.0.7"

    def command(self):
        return ["dnsmasq", "-k", "-C", "/dev/null", "--user=root", "--no-resolv", "--no-hosts", "--bind-interfaces",
                f"--pid-file={self.directory}/pid", f"--address=/www.example.com/{self.address}", "--local=/example.com/"]

    def ill(self):
        self.address = "10.0.0.8"
        self.restart()

    def well(self):
        self.address = "10.0.0.7"
        self.restart()


class Certificate:
    """A CA and one server certificate below `directory`."""

    def __init__(self, directory, name, names, days):
        self.ca = os.path.join(directory, "ca.pem")
        self.key, self.file = os.path.join(directory, name + ".key"), os.path.join(directory, name + ".pem")
        os.makedirs(directory, exist_ok=True)
        new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        ca_key, csr = os.path.join(directory, "ca.key"), os.path.join(directory, name + ".csr")
        if not os.path.exists(self.ca):
            self._openssl("req", "-x509", *new, "-keyout", ca_key, "-out", self.ca, "-days", "30", "-subj", "/CN=Test CA")
        os.chmod(self.ca, 0o644)
        self._openssl("req", *new, "-keyout", self.key, "-out", csr, "-subj", "/CN=test", "-addext", f"subjectAltName={names}")
        self._openssl("x509", "-req", "-in", csr, "-CA", self.ca, "-CAkey", ca_key, "-CAcreateserial", "-copy_extensions", "copy",
                      "-days", str(days), "-out", self.file)

    @staticmethod
    def _openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Tls(Backend):
    name, port = "tls", 443

    def prepare(self):
        self.good = Certificate(self.directory, "good", "DNS:good.example", 5)
        self.expired = Certificate(self.directory, "expired", "DNS:good.example", -1)
        self.other = Certificate(self.directory, "other", "DNS:other.example", 5)
        self.shown = self.good

    def command(self):
        return ["openssl", "s_server", "-accept", "443", "-www", "-cert", self.shown.file, "-key", self.shown.key]

    def show(self, certificate):
        self.shown = certificate
        self.restart()

    def ill(self):
        self.show(self.expired)

    def well(self):
        self.show(self.good)


class Smtp(Backend):
    """aiosmtpd with STARTTLS."""

    name, port = "smtp", 25

    def prepare(self):
        self.certificate = Certificate(self.directory, "mail", "DNS:mail.example", 30)

    def command(self):
        return [PYTHON, "-m", "aiosmtpd", "-n", "-l", "0.0.0.0:25", "-c", "aiosmtpd.handlers.Sink", "--no-requiretls",
                "--tlscert", self.certificate.file, "--tlskey", self.certificate.key]


class Ftp(Backend):
    name, port = "ftp", 21

    def command(self):
        return [PYTHON, "-m", "pyftpdlib", "-i", "0.0.0.0", "-p", "21", "-d", self.directory]


class Vsftpd(Backend):
    """Offers the file `name`; its active data connections come from port 20."""

    name, port = "vsftpd", 21

    def prepare(self):
        root = os.path.join(self.directory, "root")
        empty = os.path.join(self.directory, "empty")
        for path in (root, empty):
            os.makedirs(path, exist_ok=True)
            os.chmod(path, 0o555)
        os.chmod(self.directory, 0o755)
        self.write("root/name", self.host.name + "\n")
        self.config = self.write("vsftpd.conf", f"""listen=YES
background=NO
anonymous_enable=YES
no_anon_password=YES
anon_root={root}
secure_chroot_dir={empty}
connect_from_port_20=YES
seccomp_sandbox=NO
xferlog_enable=NO
""")

    def command(self):
        return ["vsftpd", self.config]


class Mariadb(Backend):
    name, port = "mysql", 3306

    def prepare(self):
        subprocess.run(["mariadb-install-db", "--user=root", f"--datadir={self.directory}", "--skip-test-db",
                        "--auth-root-authentication-method=normal"], check=True, capture_output=True)

    def command(self):
        return ["mariadbd", "--no-defaults", "--user=root", f"--datadir={self.directory}", f"--socket={self.directory}/socket",
                "--skip-name-resolve", "--max-connect-errors=3", f"--pid-file={self.directory}/pid"]

    def start(self):
        super().start()
        self.host.run(["mariadb", "--no-defaults", "-uroot", "-S", f"{self.directory}/socket",
                       "-e", "create user if not exists app@'%' identified by 'secret'"])
        return self


class Postgresql(Backend):
    name, port = "pgsql", 5432

    def prepare(self):
        subprocess.run(["chown", "postgres", self.directory], check=True)
        self.data = os.path.join(self.directory, "data")
        subprocess.run(["runuser", "-u", "postgres", "--", f"{POSTGRES}/initdb", "-D", self.data, "-A", "trust", "--no-sync"],
                       check=True, capture_output=True, cwd="/")
        with open(os.path.join(self.data, "pg_hba.conf"), "a", encoding="ascii") as rules:
            rules.write("host all all 0.0.0.0/0 trust\n")
        self.guest = None

    def command(self):
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", f"{POSTGRES}/postgres", "-D", self.data,
                "-c", "listen_addresses=*", "-c", f"unix_socket_directories={self.directory}", "-c", "fsync=off"]

    def ill(self):
        """Shutting down while a client stays: it refuses new ones."""
        self.guest = self.host.start(["psql", "-h", "127.0.0.1", "-U", "postgres", "-c", "select pg_sleep(600)"], "psql")
        wait_until(lambda: self._guests() > 0, 10, "the guest's session")
        self.process.signal(15)

    def _guests(self):
        done = self.host.run(["psql", "-h", "127.0.0.1", "-U", "postgres", "-Atc",
                              "select count(*) from pg_stat_activity where query like '%pg_sleep(600)' and pid <> pg_backend_pid()"],
                             check=False)
        return int(done.stdout or 0)

    def well(self):
        self.guest.stop()
        self.process.signal(2)  # its session sleeps on: end it too
        self.process.wait(10)
        self.start()


class Slapd(Backend):
    name, port = "ldap", 389

    def prepare(self):
        self.config = self.write("slapd.conf", "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile "
                                 f"{self.directory}/pid\ndatabase mdb\nsuffix dc=example\ndirectory {self.directory}\n")

    def command(self):
        return ["slapd", "-h", "ldap://0.0.0.0:389", "-f", self.config, "-d", "0"]


class Dovecot(Backend):
    name, port = "imap", 143

    def prepare(self):
        self.config = self.write("dovecot.conf", f"""\
base_dir = {self.directory}/run
state_dir = {self.directory}/state
instance_name = {self.host.testbed.tag}
protocols = imap pop3
listen = *
ssl = no
log_path = /dev/stderr
passdb {{
  driver = static
  args = password=x
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
""")

    def command(self):
        return ["dovecot", "-F", "-c", self.config]


class MutualTls(Backend):
    """Lets nobody in who shows no certificate of its CA."""

    name, port = "mtls", 444

    def prepare(self):
        self.server = Certificate(self.directory, "server", "DNS:good.example", 30)
        self.client = Certificate(self.directory, "client", "DNS:lvs1.example", 30)
        for path in (self.directory, self.client.file, self.client.key):
            os.chmod(path, 0o755)

    def command(self):
        return ["openssl", "s_server", "-accept", "444", "-www", "-Verify", "1", "-verify_return_error", "-CAfile", self.server.ca,
                "-cert", self.server.file, "-key", self.server.key]


class Grpc(Backend):
    name, port = "grpc", 50051

    def prepare(self):
        self.well()

    def command(self):
        return [PYTHON, os.path.join(HERE, "grpc_server.py"), "50051", os.path.join(self.directory, "status")]

    def ill(self):
        self.write("status", "2")

    def well(self):
        self.write("status", "1")


class Switches:
    """What the checks of type file and script look at, where only root may write."""

    def __init__(self):
        self.directory = f"/run/lvsd-checks-{os.getpid()}"
        os.makedirs(self.directory, exist_ok=True)
        os.chmod(self.directory, 0o755)
        self.say("state-10.0.0.11", "up 100%")
        self.script("exit 0")

    def say(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text + "\n")
        os.chmod(path, 0o644)

    def script(self, end):
        self.say("probe.new", f"#!/bin/sh\necho $1 $2 $(id -un) $LVSD_CHECK\n{end}")
        os.chmod(os.path.join(self.directory, "probe.new"), 0o755)
        os.rename(os.path.join(self.directory, "probe.new"), os.path.join(self.directory, "probe"))

    def remove(self):
        shutil.rmtree(self.directory)


class Plain(Backend):
    """lines.py: greets TCP with one line and answers every other with another, or UDP datagrams with a SIP status."""

    def __init__(self, host, name, port, *words):
        self.name, self.port, self.words = name, port if words[0] == "tcp" else None, [str(port), *words]
        super().__init__(host)

    def command(self):
        return [PYTHON, os.path.join(HERE, "lines.py"), *self.words]

    def says(self, *words):
        self.words = [self.words[0], *words]
        self.restart()


class Haproxy(Backend):
    """HAProxy that asks the agent of one server: a second opinion on what the agent's words mean."""

    name = "haproxy"

    def prepare(self):
        self.socket = os.path.join(self.directory, "socket")
        self.configuration = self.write("haproxy.cfg", f"""\
global
  stats socket {self.socket} level admin
defaults
  mode tcp
  timeout connect 1s
  timeout client 1s
  timeout server 1s
backend judged
  server rs1 10.0.0.11:80 weight 100 check inter 500ms agent-check agent-port 9707 agent-inter 200ms
""")

    def command(self):
        return ["haproxy", "-db", "-f", self.configuration]

    def answers(self):
        return os.path.exists(self.socket)

    def says(self):
        """State in HAProxy's words, and the weight of 100."""
        with socket.socket(socket.AF_UNIX) as asked:
            asked.connect(self.socket)
            asked.sendall(b"show stat\n")
            lines = b"".join(iter(lambda: asked.recv(65536), b"")).decode().splitlines()
        names = lines[0].lstrip("# ").split(",")
        values = next(line for line in lines if line.startswith("judged,rs1,")).split(",")
        row = dict(zip(names, values))
        return row["status"].split()[0], int(row["weight"])
