"""Many VRRP instances on one director: how late their advertisements are, CPU and memory; keepalived beside, in the same run.

    sudo /usr/bin/python3 tests/netns/bench_instances.py [--counts 255,1000] [--seconds 20] [--load]

The master's interfaces end in a namespace with tcpdump, and with a backup of the same instances. An advertisement's lateness is its distance
from the instance's own grid of 1 s, whose origin is its earliest advertisement. --load: meanwhile both processors spin, nobody reads the log
of the first director, and 5,000 health checks fail.
"""
import argparse
import contextlib
import os
import select
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))

from director import Director  # noqa: E402  (after the path is set)
from process import wait_until  # noqa: E402
from topology import Testbed  # noqa: E402

PER_LINK = 250
TICKS = os.sysconf("SC_CLK_TCK")


def places(count):
    """[(interface number, virtual router id, address)]"""
    return [(n // PER_LINK, n % PER_LINK + 1, f"10.{100 + n // PER_LINK}.1.{n % PER_LINK + 1}") for n in range(count)]


def wire(testbed, count):
    """Two directors with as many links between them as needed."""
    pair = [testbed.host(name) for name in ("lvs1", "lvs2")]
    for link in range((count - 1) // PER_LINK + 1):
        pair[0].ip("link", "add", f"eth{link}", "type", "veth", "peer", "name", f"eth{link}", "netns", pair[1].namespace)
        for number, host in enumerate(pair):
            host.ip("addr", "add", f"10.{100 + link}.0.{2 + number}/16", "dev", f"eth{link}")
            host.ip("link", "set", f"eth{link}", "up")
    pair[1].ip("route", "add", "local", "10.98.0.0/16", "dev", "lo")  # the servers, all of them closed
    pair[0].ip("route", "add", "10.98.0.0/16", "via", "10.100.0.3")
    return pair


def failing_checks(count):
    """Virtual servers whose servers refuse every connection."""
    if not count:
        return ""
    parts = ["[check refused]\ntype = tcp\nport = 9\ninterval = 1s\ntimeout = 500ms\n"]
    for service in range(count // 100):
        servers = "\n".join(f"real_server = s{n} 10.98.{service}.{n + 1}" for n in range(100))
        parts.append(f"[virtual_server v{service}]\nlisten = tcp 10.99.0.{service + 1}:80\nmethod = nat\ncheck = refused\n{servers}\n")
    return "\n".join(parts)


def lvsd_text(count, checks):
    parts = ["[global]\nbackend = engine\n[node lvs1]\naddress = 10.100.0.2\n[node lvs2]\naddress = 10.100.0.3\n"]
    for link, identity, address in places(count):
        parts.append(f"[vrrp i{link}_{identity}]\ninterface = eth{link}\nvirtual_router_id = {identity}\npriority = 150\n"
                     f"priority@lvs2 = 100\nadvert_interval = 1s\nvirtual_address = {address}/32\n")
    return "\n".join(parts) + failing_checks(checks)


def keepalived_text(count, priority):
    parts = ["global_defs {\n vrrp_version 3\n}\n"]
    for link, identity, address in places(count):
        parts.append(f"vrrp_instance i{link}_{identity} {{\n interface eth{link}\n virtual_router_id {identity}\n priority {priority}\n"
                     f" advert_int 1\n virtual_ipaddress {{\n  {address}/32\n }}\n}}\n")
    return "".join(parts)


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


def resident_mib(pids):
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError), open(f"/proc/{pid}/statm", encoding="ascii") as statm:
            total += int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return total / 2**20


def advertisements(path):
    """{virtual router id: [seconds]} from a capture in tcpdump's nanosecond format."""
    times = {}
    with open(path, "rb") as capture:
        header = capture.read(24)
        assert struct.unpack("<I", header[:4])[0] == 0xA1B23C4D, "nanosecond format"
        while len(record := capture.read(16)) == 16:
            seconds, nanoseconds, length, _ = struct.unpack("<IIII", record)
            frame = capture.read(length)
            if len(frame) >= 36 and frame[34] >> 4 in (2, 3):  # after Ethernet and IPv4: version and type, then the id
                times.setdefault(frame[35], []).append(seconds + nanoseconds / 1e9)
    return times


def lateness_ms(times):
    """Of every advertisement but an instance's first three."""
    late = []
    for moments in times.values():
        moments = moments[3:]
        if len(moments) < 3:
            continue
        offsets = [moment - round(moment - moments[0]) for moment in moments]
        late += [(offset - min(offsets)) * 1000 for offset in offsets]
    return sorted(late)


def part(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def watch(name, count, pair, pids, seconds):
    """Captures for some seconds and prints the row."""
    captures = []
    for link in range((count - 1) // PER_LINK + 1):
        path = pair[1].testbed.path(f"{name}-eth{link}.pcap")
        captures.append((path, pair[1].start(["chrt", "-f", "5", "tcpdump", "-Z", "root", "-B", "16384", "-n", "-s", "64", "--time-stamp-precision=nano",
                                              "-Q", "in", "-i", f"eth{link}", "-w", path, "ip proto 112"], f"tcpdump-{name}-{link}")))
    before = cpu_seconds(pids)
    began = time.monotonic()
    time.sleep(seconds)
    cpu = (cpu_seconds(pids) - before) / (time.monotonic() - began)
    late = []
    for path, process in captures:
        process.stop()
        late += lateness_ms(advertisements(path))
    late.sort()
    heard = f"{len(late)} adverts; late p50 {part(late, .5):.2f}, p99 {part(late, .99):.2f}, p99.9 {part(late, .999):.2f}, most {late[-1]:.2f} ms" if late else "no advert"
    print(f"{name}, {count} instances: {heard}; CPU {cpu * 100:.1f} %, RSS {resident_mib(pids):.0f} MiB", flush=True)


def vrrp_pids(director):
    return [pid for pid in [director.room_pid("vrrp")] if pid]


@contextlib.contextmanager
def load(wanted):
    spinners = []
    if wanted:
        spinners = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count())]
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.kill()
            spinner.wait()


class Pipe:
    """A log that is read while the director starts; then nobody reads it any more, and it has no room left."""

    def __init__(self, path):
        os.mkfifo(path)
        self.pipe = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.reads = True
        self.thread = threading.Thread(target=self._read)
        self.thread.start()

    def _read(self):
        while self.reads:
            select.select([self.pipe], [], [], 0.1)
            with contextlib.suppress(BlockingIOError):
                os.read(self.pipe, 65536)

    def block(self):
        self.reads = False
        self.thread.join()
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.pipe, b"x")


def measure_lvsd(count, seconds, loaded):
    with Testbed() as testbed:
        pair = wire(testbed, count)
        log = Pipe(testbed.path("lvs1-lvsd.log")) if loaded else None
        directors = [Director(host, lvsd_text(count, 5000 if loaded else 0)) for host in pair]
        began = time.monotonic()
        for director in directors:
            director.start(60)
        wait_until(lambda: len(pair[0].addresses()) >= count, 60, lambda: f"all addresses; {len(pair[0].addresses())}")
        print(f"lvsd, {count} instances: all master after {time.monotonic() - began:.1f} s", flush=True)
        if log:
            log.block()
        with load(loaded):
            time.sleep(8)
            watch("lvsd under load" if loaded else "lvsd", count, pair, vrrp_pids(directors[0]), seconds)
        rooms = {name: room["pid"] for name, room in directors[0].rooms().items()}
        if loaded:
            states = [server["state"] for service in directors[0].ask("vs")["services"] for server in service["servers"]]
            print(f"  {states.count('down')} of {len(states)} servers are down")
        print(f"  whole director: RSS {resident_mib([directors[0].service.pid, *rooms.values()]):.0f} MiB; backup's vrrp: RSS "
              f"{resident_mib(vrrp_pids(directors[1])):.0f} MiB")


def measure_keepalived(count, seconds, loaded):
    with Testbed() as testbed:
        pair = wire(testbed, count)
        for host, priority in zip(pair, (150, 100)):
            path = testbed.path(f"{host.name}-keepalived.conf")
            with open(path, "w", encoding="ascii") as out:
                out.write(keepalived_text(count, priority))
            files = [f"--{kind}={testbed.path(host.name + '-' + kind)}" for kind in ("pid", "vrrp_pid")]
            host.start(["keepalived", "--dont-fork", "--log-console", "--vrrp", "-f", path, *files], "keepalived")
        wait_until(lambda: len(pair[0].addresses()) >= count, 60, lambda: f"all addresses; {len(pair[0].addresses())}")
        with load(loaded):
            time.sleep(8)
            watch("keepalived under load" if loaded else "keepalived", count, pair, pair[0].pids("/usr/sbin/keepalived"), seconds)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--counts", default="255,1000")
    options.add_argument("--seconds", type=float, default=20)
    options.add_argument("--load", action="store_true")
    chosen = options.parse_args()
    print(f"load average {os.getloadavg()[0]:.1f} before", flush=True)
    for count in [int(word) for word in chosen.counts.split(",")]:
        measure_lvsd(count, chosen.seconds, chosen.load)
        if count <= 255:
            measure_keepalived(count, chosen.seconds, chosen.load)


if __name__ == "__main__":
    main()
