"""What many checks cost: the healthcheck room alone, against nginx, in a network namespace of its own. Needs root.

  checks_bench.py [--seconds S] [--checks N] [many|dead|soak|memory|keepalived]...

many    N http checks each second on one processor: CPU, how long until all have a result, starts over 100 ms late
dead    the same, half of the servers swallow every packet: are the others still on time
soak    a million checks: descriptors, memory and processes before and after
memory  what one check takes while a server misbehaves
keepalived  1,000 http checks each second by the room and by keepalived in turn: CPU, and how long after the servers' death each is down

The room and nginx run before all else (SCHED_FIFO, one processor each), but for the soak.
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time

from checks_beside_keepalived import Keepalived

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("LVSD_BUILD_DIR", os.path.join(ROOT, "build", "release"))
TICKS = os.sysconf("SC_CLK_TCK")
NGINX = """\
daemon off;
master_process off;
pid {directory}/pid;
error_log stderr error;
events {{ worker_connections 20000; }}
http {{
  access_log off;
  client_body_temp_path {directory}/b;
  proxy_temp_path {directory}/p;
  fastcgi_temp_path {directory}/f;
  uwsgi_temp_path {directory}/u;
  scgi_temp_path {directory}/s;
  server {{ listen 8080 backlog=16384; location / {{ return 200 "ok\\n"; }} }}
}}
"""


def address(number, dead=False):
    """10,000 servers are as many addresses of the loopback; 127.128/9 swallows packets."""
    return f"127.{128 if dead else 1}.{number // 250}.{number % 250 + 1}"


def go_first(pid, processor):
    """On one processor, before whatever else this machine does."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), {processor})
        os.sched_setscheduler(int(thread), os.SCHED_FIFO, os.sched_param(1))


class Room:
    """The room under tests/support/healthcheck_room, on the last processor."""

    def __init__(self, first=True):
        self.process = subprocess.Popen([os.path.join(BUILD, "tests", "support", "healthcheck_room")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True, bufsize=1 << 20)
        self.changes, self.downs, self.statuses, self.news = [], [], [], threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()
        while not self.pid():
            time.sleep(0.01)
        if first:
            go_first(self.pid(), os.cpu_count() - 1)

    def read(self):
        for line in self.process.stdout:
            text = line.split(" ", 1)[-1]
            with self.news:
                if '"HealthChanged"' in text:
                    self.changes.append(time.monotonic())
                    if '"down"' in text:
                        self.downs.append(self.changes[-1])
                elif text.startswith('{"Status"'):
                    self.statuses.append(json.loads(text)["Status"]["targets"])
                self.news.notify_all()

    def wait(self, condition, seconds=120):
        with self.news:
            if not self.news.wait_for(condition, seconds):
                raise TimeoutError("the room does not answer")

    def pid(self):
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            children = file.read().split()
        return int(children[0]) if children else None

    def configure(self, targets):
        self.process.stdin.write(";".join(targets) + "\n")
        self.process.stdin.flush()

    def status(self):
        before = len(self.statuses)
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.wait(lambda: len(self.statuses) > before)
        return self.statuses[-1]

    def cpu(self):
        with open(f"/proc/{self.pid()}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def has(self):
        pid = self.pid()
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            lines = dict(line.split(":", 1) for line in file)
        return {"KiB": int(lines["VmRSS"].split()[0]), "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
                "threads": int(lines["Threads"])}

    def stop(self):
        self.process.stdin.write("stop\n")
        self.process.stdin.close()
        self.process.wait(20)


def sums(targets):
    targets = list(targets)
    keys = ("passed", "failed", "not_checked", "late_starts")
    return {key: sum(target[key] for target in targets) for key in keys}


def target(number, dead=False):
    return f"http {address(number, dead)}:8080 path=/ interval=1s timeout=900ms"


def measured(room, seconds, only=lambda target: True):
    before, cpu, began = sums(filter(only, room.status())), room.cpu(), time.monotonic()
    time.sleep(seconds)
    after, spent, took = sums(filter(only, room.status())), room.cpu() - cpu, time.monotonic() - began
    done = {key: after[key] - before[key] for key in after}
    checks = done["passed"] + done["failed"]
    print(f"  {checks / took:,.0f} checks/s ({done['passed']:,} passed, {done['failed']:,} failed, {done['not_checked']:,} not made), "
          f"{100 * spent / took:.1f} % of a processor, {1e6 * spent / max(1, checks):.0f} us each; "
          f"{100 * done['late_starts'] / max(1, checks):.3f} % begun over 100 ms late "
          f"(p99 of lateness {'under' if 100 * done['late_starts'] < checks else 'OVER'} 100 ms)")


def many(options):
    room = Room()
    began = time.monotonic()
    room.configure([target(number) for number in range(options.checks)])
    room.wait(lambda: len(room.changes) >= options.checks)
    spread = sorted(moment - began for moment in room.changes)
    print(f"many: {options.checks:,} http checks each second\n  first results: half after {spread[len(spread) // 2]:.2f} s, "
          f"all after {spread[-1]:.2f} s")
    measured(room, options.seconds)
    room.stop()


def dead(options):
    room = Room()
    half = options.checks // 2
    room.configure([target(number) for number in range(half)] + [target(number, True) for number in range(half)])
    room.wait(lambda: len(room.changes) >= options.checks)
    print(f"dead: {half:,} living servers beside {half:,} that swallow every packet; the living ones:")
    measured(room, options.seconds, lambda target: target["verdict"] == "up")
    room.stop()


def soak(options):
    room = Room(first=False)
    room.configure([target(number) for number in range(options.checks)])
    room.wait(lambda: len(room.changes) >= options.checks)
    time.sleep(5)
    before, have = sums(room.status()), room.has()
    while True:
        time.sleep(5)
        done = sums(room.status())["passed"] - before["passed"]
        if done >= 1_000_000:
            break
    time.sleep(0.5)
    print(f"soak: {done:,} checks\n  before {have}\n  after  {room.has()}")
    room.stop()


HOSTILE = {
    "says nothing": "data = b''",
    "endless body": "data = b'HTTP/1.1 200 OK\\r\\n\\r\\n' + b'x' * 49000",  # just below the limit, so that it is kept
    "endless header": "data = b'HTTP/1.1 200 OK\\r\\nX: ' + b'x' * 60000",
}


def memory(options):
    """One thousand at once, so that one can be told from the noise."""
    for name, data in HOSTILE.items():
        code = ("import socket,time\n" + data + "\ns=socket.create_server(('',8081),backlog=4096)\nkept=[]\n"
                "while True:\n c,_=s.accept(); c.setblocking(False); kept.append(c)\n"
                " try: c.send(data)\n except OSError: pass\n")
        server = subprocess.Popen([sys.executable, "-c", code])
        time.sleep(0.5)
        room = Room()
        room.configure([f"tcp {address(0)}:8080"])
        room.wait(lambda: room.changes)  # pylint: disable=cell-var-from-loop
        idle = room.has()
        room.configure([f"http {address(number)}:8081 path=/ body=never interval=30s timeout=8s id=h{number}" for number in range(1000)])
        most = dict(idle)
        for _ in range(40):
            time.sleep(0.1)
            most = {key: max(value, room.has()[key]) for key, value in most.items()}
        print(f"memory: 1,000 servers of the kind \"{name}\": at most {(most['KiB'] - idle['KiB']) / 1000:.1f} KiB and "
              f"{(most['descriptors'] - idle['descriptors']) / 1000:.2f} descriptors each")
        room.stop()
        server.kill()
        server.wait()


def until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the checker does not tell of its servers")
        time.sleep(0.01)


def beside(name, checker, seconds, checks):
    """CPU of a second of checks, and the time from the servers' death to the verdicts."""
    time.sleep(3)
    cpu, began = checker.cpu(), time.monotonic()
    time.sleep(seconds)
    spent = (checker.cpu() - cpu) / (time.monotonic() - began)
    NGINX_PROCESS.kill()
    died = time.monotonic()
    until(lambda: len(checker.downs) >= checks)
    delays = sorted(moment - died for moment in checker.downs)
    print(f"  {name:<11} {100 * spent:5.1f} % of a processor; down after: half {delays[len(delays) // 2]:.2f} s, "
          f"p99 {delays[int(0.99 * len(delays))]:.2f} s, all {delays[-1]:.2f} s")
    NGINX_PROCESS.wait()


def keepalived(options):
    checks = min(options.checks, 1000)
    print(f"keepalived: {checks:,} http checks each second, down after two failures a second apart")
    room = Room()
    room.configure([target(number) + " fall=2" for number in range(checks)])
    room.wait(lambda: len(room.changes) >= checks)
    beside("lvsd", room, options.seconds, checks)
    room.stop()
    start_nginx(options.directory)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)  # its process id files
    other = Keepalived(options.directory, [address(number) for number in range(checks)], go_first)
    until(lambda: len(other.ups) >= checks)
    beside("keepalived", other, options.seconds, checks)
    other.stop()
    start_nginx(options.directory)


NGINX_PROCESS = None


def start_nginx(directory):
    global NGINX_PROCESS
    path = os.path.join(directory, "nginx.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(NGINX.format(directory=directory))
    NGINX_PROCESS = subprocess.Popen(["nginx", "-c", path, "-p", directory])
    time.sleep(1)
    go_first(NGINX_PROCESS.pid, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--checks", type=int, default=10_000)
    parser.add_argument("what", nargs="*", default=["many", "dead", "soak", "memory", "keepalived"])
    options = parser.parse_args()
    if os.environ.get("LVSD_BENCH_INSIDE") != "1":
        os.execvpe("unshare", ["unshare", "-n", "-m", sys.executable, *sys.argv], dict(os.environ, LVSD_BENCH_INSIDE="1"))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    subprocess.run("ip link set lo up; nft 'add table inet t; add chain inet t i { type filter hook input priority 0; }; "
                   "add rule inet t i ip daddr 127.128.0.0/9 drop'", shell=True, check=True)
    with tempfile.TemporaryDirectory() as directory:
        options.directory = directory
        start_nginx(directory)
        try:
            for what in options.what:
                {"many": many, "dead": dead, "soak": soak, "memory": memory, "keepalived": keepalived}[what](options)
        finally:
            NGINX_PROCESS.terminate()
            NGINX_PROCESS.wait()


if __name__ == "__main__":
    main()
