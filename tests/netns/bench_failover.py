"""Failover gaps of a director pair, lvsd and keepalived in turn in the same rig; prints a Markdown table.

    sudo /usr/bin/python3 tests/netns/bench_failover.py [--rounds 20] [--intervals 1,0.1,0.01] [--cases silent,stop,crash,kill,pause]

A client asks the virtual IP by UDP every 2 ms; a process of its own on each director answers with the director's name, so what moves is
the address alone. Client and answerers run at real-time priority. A gap is the time without an answer.
"""
import argparse
import contextlib
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(__file__))

from director import Director  # noqa: E402  (after the path is set)
from process import DeadlineExpired, send_signal, wait_until  # noqa: E402
from servers import Keepalived  # noqa: E402
from topology import Testbed, one_lan  # noqa: E402
from traffic import Probe, arp_answerers, longest_gap  # noqa: E402

PRIORITIES = (150, 100)
FREEBIND = 15
ANSWERER = f"""
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.IPPROTO_IP, {FREEBIND}, 1)
sock.bind((sys.argv[2], 7))
print("listening", flush=True)
while True:
    data, peer = sock.recvfrom(2048)
    try:
        sock.sendto(sys.argv[1].encode() + b" " + data, peer)
    except OSError:
        pass  # the address has just left
"""


class LvsdPair:
    """Two lvsd with one VRRP instance."""

    name = "lvsd"

    def __init__(self, site, interval):
        text = (f"[node lvs1]\naddress = 10.0.0.2\n[node lvs2]\naddress = 10.0.0.3\n[vrrp front]\ninterface = eth0\nvirtual_router_id = 51\n"
                f"priority = {PRIORITIES[0]}\npriority@lvs2 = {PRIORITIES[1]}\nadvert_interval = {round(interval * 1000)}ms\n"
                f"virtual_address = {site.vip}/24\n")
        self.directors = [Director(host, text).start() for host in site.directors]

    def stop(self):
        self.directors[0].service.signal(signal.SIGTERM)

    def crash(self):
        self.directors[0].kill_room("vrrp")

    def kill(self):
        self.directors[0].die()

    def paused(self):
        return [self.directors[0].room_pid("vrrp")]

    def revive(self):
        if self.directors[0].service.state != "ready":
            self.directors[0].revive()


class KeepalivedPair:
    """Two keepalived with one VRRP instance."""

    name = "keepalived"

    def __init__(self, site, interval):
        self.host = site.lvs1
        self.routers = [Keepalived(host, priority, interval).start() for host, priority in zip(site.directors, PRIORITIES)]
        self.down = False

    def stop(self):
        self.down = True
        self.routers[0].resign()

    def crash(self):
        parent = self.routers[0].process.pid
        for pid in self.host.pids("/usr/sbin/keepalived"):
            if pid != parent:
                send_signal(pid, signal.SIGKILL)

    def kill(self):
        self.down = True
        self.routers[0].kill()

    def paused(self):
        parent = self.routers[0].process.pid
        return [pid for pid in self.host.pids("/usr/sbin/keepalived") if pid != parent]

    def revive(self):
        if self.down:
            self.routers[0].stop()
            for name in ("pid", "pid.vrrp"):  # of processes that nobody has reaped yet
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.host.testbed.path(f"lvs1-keepalived.{name}"))
            self.host.ip("addr", "del", "10.0.0.100/24", "dev", "eth0", check=False)
            self.routers[0].start()
            self.down = False


class Rig:
    """One pair with its client, its answerers and its faults."""

    def __init__(self, testbed, kind, interval):
        self.interval = interval
        self.site = one_lan(testbed, servers=0)
        for host in self.site.directors:
            answerer = host.start(["chrt", "-f", "20", sys.executable, "-c", ANSWERER, host.name, self.site.vip], "answerer")
            wait_until(lambda ready=answerer: "listening" in ready.output(), 10, "the answerer")
        self.pair = kind(self.site, interval)
        self.master_down = 3 * interval + (256 - PRIORITIES[1]) * interval / 256
        self.settle()

    def settle(self):
        """lvs1 alone again, and for longer than a master down interval."""
        wait_until(lambda: self.site.owners() == ["lvs1"], 30, lambda: f"lvs1 to own the address; {self.site.owners()}", every=0.02)
        time.sleep(self.master_down + 0.5)
        wait_until(lambda: self.site.owners() == ["lvs1"], 30, "lvs1 to stay the owner", every=0.02)

    def measure(self, case):
        """{"gap": s, "lost": n, "successor": whether it took over, "owners": how many answer ARP afterwards}"""
        probe = Probe(self.site.client, "udp", self.site.vip, 7, 0.002, timeout=0.5)
        send_signal(probe.process.pid, 0)
        os.sched_setscheduler(probe.process.pid, os.SCHED_FIFO, os.sched_param(20))
        probe.wait_answered()
        time.sleep(0.3)
        began = time.monotonic()
        frozen = []
        if case == "silent":
            self.site.front.cut(self.site.lvs1)
        elif case == "pause":
            frozen = self.pair.paused()
            for pid in frozen:
                send_signal(pid, signal.SIGSTOP)
        else:
            getattr(self.pair, case)()
        time.sleep(self.master_down + 1.0 if case != "pause" else 6.0)
        owners = len(arp_answerers(self.site.client, self.site.vip, seconds=0.5))
        for pid in frozen:
            send_signal(pid, signal.SIGCONT)
        if frozen:
            time.sleep(self.interval)
            owners = len(arp_answerers(self.site.client, self.site.vip, seconds=0.3))
        attempts = [attempt for attempt in probe.stop() if attempt.sent >= began - 0.2]
        if case == "silent":
            self.site.front.mend(self.site.lvs1)
        self.pair.revive()
        self.settle()
        return {"gap": longest_gap(attempts), "lost": sum(not attempt.ok for attempt in attempts), "owners": owners,
                "successor": any(attempt.ok and attempt.word == "lvs2" for attempt in attempts)}


def row(name, interval, case, results, bound):
    gaps = sorted(result["gap"] * 1000 for result in results)
    lost = [result["lost"] for result in results]
    moved = sum(result["successor"] for result in results)
    return (f"| {case} | {interval * 1000:g} ms | {name} | {len(gaps)} | {gaps[len(gaps) // 2]:.0f} | {gaps[-1]:.0f} | "
            f"{bound} | {sum(lost) / len(lost):.1f} | {moved} of {len(gaps)} | {max(result['owners'] for result in results)} |")


def bound_of(case, interval):
    if case in ("silent", "kill"):
        return f"{(3 * interval + 156 * interval / 256) * 1000 + (10 if interval < 0.1 else 20):.0f}"
    return "2" if case == "stop" else ""


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=20)
    options.add_argument("--intervals", default="1,0.1,0.01")
    options.add_argument("--cases", default="silent,stop,crash,kill,pause")
    chosen = options.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f} before")
    print("| case | adverts | program | n | median gap, ms | longest, ms | limit, ms | lost of 500/s, mean | address moved | owners after, most |")
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    for interval in [float(word) for word in chosen.intervals.split(",")]:
        with Testbed(prefix="lvsdb") as one, Testbed(prefix="keepb") as other:
            rigs = [Rig(one, LvsdPair, interval), Rig(other, KeepalivedPair, interval)]
            for case in chosen.cases.split(","):
                results = {rig.pair.name: [] for rig in rigs}
                for _ in range(chosen.rounds):
                    for rig in rigs:
                        try:
                            results[rig.pair.name].append(rig.measure(case))
                        except DeadlineExpired as missed:
                            print(f"{rig.pair.name}, {case}: {missed}", file=sys.stderr, flush=True)
                            return 1
                for name, found in results.items():
                    print(row(name, interval, case, found, bound_of(case, interval)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
