"""Real peers inside hosts: nginx as real server, an echo server, keepalived as the other router."""
import os
import signal
import sys

from process import wait_until

HERE = os.path.dirname(os.path.abspath(__file__))

NGINX = """\
daemon off;
master_process off;
pid {directory}/{name}.pid;
error_log stderr warn;
events {{ worker_connections 8192; }}
http {{
  access_log off;
  client_body_temp_path {directory}/{name}-body;
  proxy_temp_path {directory}/{name}-proxy;
  fastcgi_temp_path {directory}/{name}-fastcgi;
  uwsgi_temp_path {directory}/{name}-uwsgi;
  scgi_temp_path {directory}/{name}-scgi;
  default_type text/plain;
  keepalive_requests 1000000;
  server {{
    listen 80 backlog=4096;
    listen [::]:80 ipv6only=on backlog=4096;
    location = /healthz {{ if (-f {directory}/{name}.sick) {{ return 503 "sick\\n"; }} return 200 "ok\\n"; }}
    location = /large {{ root {directory}; }}
    location / {{ return 200 "{name}\\n"; }}
  }}
}}
"""


class Nginx:
    """Answers / with its host's name, /healthz with ok (503 while sick), /large with 4 MB."""

    LARGE = 4 << 20

    def __init__(self, host):
        self.host = host
        self.process = None
        self._sick = host.testbed.path(f"{host.name}.sick")
        large = host.testbed.path("large")
        if not os.path.exists(large):
            with open(large, "wb") as content:
                content.write(b"0123456789abcdef" * (self.LARGE // 16))
            os.chmod(large, 0o644)

    def start(self):
        path = self.host.testbed.path(f"{self.host.name}-nginx.conf")
        with open(path, "w", encoding="ascii") as config:
            config.write(NGINX.format(directory=self.host.testbed.directory, name=self.host.name))
        self.process = self.host.start(["nginx", "-c", path, "-p", self.host.testbed.directory], "nginx")
        wait_until(lambda: self.host.run(["curl", "-sf", "-m1", "http://127.0.0.1/healthz"], check=False).returncode == 0,
                   10, f"nginx on {self.host.name}")
        return self

    def stop(self):
        self.process.stop()

    def kill(self):
        self.process.kill()

    def sick(self, yes=True):
        """The server still serves, but its health page says 503."""
        if yes:
            with open(self._sick, "w", encoding="ascii"):
                pass
        elif os.path.exists(self._sick):
            os.unlink(self._sick)


def start_nginx(site):
    """One on every real server."""
    return [Nginx(server).start() for server in site.servers]


class Echo:
    """TCP and UDP on one port: greets TCP with its name like an ssh banner, then echoes; UDP answers name and datagram."""

    def __init__(self, host, port=7):
        self.process = host.start([sys.executable, os.path.join(HERE, "echo.py"), host.name, str(port),
                                   *host.addresses(), *host.addresses_v6()], f"echo-{port}")
        wait_until(lambda: "listening" in self.process.output(), 10, f"echo on {host.name}")

    def stop(self):
        self.process.stop()


KEEPALIVED = """\
global_defs {{ router_id {name} vrrp_garp_master_repeat 2 }}
vrrp_instance front {{
  interface {interface}
  virtual_router_id {virtual_router_id}
  version 3
  priority {priority}
  advert_int {advert_interval}
  {preempt}
  virtual_ipaddress {{ {address} }}
}}
"""


class Keepalived:
    """Debian's keepalived as a VRRPv3 router."""

    def __init__(self, host, priority, advert_interval=1.0, virtual_router_id=51, address="10.0.0.100/24",
                 interface="eth0", preempt=True):
        self.host = host
        self.process = None
        self._path = host.testbed.path(f"{host.name}-keepalived.conf")
        with open(self._path, "w", encoding="ascii") as config:
            config.write(KEEPALIVED.format(name=host.name, priority=priority, advert_interval=f"{advert_interval:g}",
                                           virtual_router_id=virtual_router_id, address=address, interface=interface,
                                           preempt="" if preempt else "nopreempt"))
        os.chmod(self._path, 0o600)

    def start(self):
        pid_file = self.host.testbed.path(f"{self.host.name}-keepalived.pid")
        self.process = self.host.start(["keepalived", "--dont-fork", "--log-console", "--vrrp", "-f", self._path,
                                        "-p", pid_file, "-r", pid_file + ".vrrp"], "keepalived")
        return self

    def resign(self):
        """SIGTERM: priority 0, addresses leave; it takes a second to end."""
        self.process.signal(signal.SIGTERM)

    def stop(self):
        """resign(), and wait for the end."""
        self.process.stop()

    def kill(self):
        """SIGKILL of parent and child; the addresses stay, as they do with keepalived."""
        for pid in self.host.pids("/usr/sbin/keepalived"):
            os.kill(pid, signal.SIGKILL)
        self.process.wait(5)


def get(host, url, seconds=2, source=None):
    """One request from a host: (status, body); status 0 when there was no answer. source: the address it comes from."""
    interface = ["--interface", source] if source else []
    done = host.run(["curl", "-s", "-m", str(seconds), *interface, "-w", "\n%{http_code}", url], check=False)
    body, _, status = done.stdout.rpartition("\n")
    return int(status or 0), body
