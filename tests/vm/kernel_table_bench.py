"""Inside the virtual machine: how long a large kernel table takes, beside keepalived with the same table in the same machine.

    sudo ./dev vm --memory 1536 --timeout 1200 /usr/bin/python3 -B tests/vm/kernel_table_bench.py [SERVICES SERVERS]

The table from nothing, a reload of the same file, a reload with one service in a hundred changed. Beside the time the number
of changes that the kernel was told, counted by itself (a probe on ip_vs_genl_set_cmd).
"""
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "netns")]

from director import Director  # noqa: E402  (after the path is set)
from process import wait_until  # noqa: E402
from topology import Testbed  # noqa: E402

TRACING = "/sys/kernel/tracing"
SERVICES, SERVERS = (int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) > 2 else (2000, 20)


def vip(service):
    return f"10.{100 + service // 250}.{service % 250}.1"


def weight(service, changed):
    return 2 if changed and service % 100 == 0 else 1


def lvsd_config(changed):
    parts = ["[global]\nbackend = kernel\n"]
    for s in range(SERVICES):
        parts.append(f"[virtual_server s{s}]\nlisten = tcp {vip(s)}:80\nmethod = nat\n")
        parts += [f"real_server = r{r} 10.1.{r}.{s % 250 + 1} weight={weight(s, changed)}\n" for r in range(SERVERS)]
    return "".join(parts)


def keepalived_config(changed):
    parts = ["global_defs {\n}\n"]
    for s in range(SERVICES):
        parts.append(f"virtual_server {vip(s)} 80 {{\n lb_algo wlc\n lb_kind NAT\n protocol TCP\n")
        parts += [f" real_server 10.1.{r}.{s % 250 + 1} 80 {{\n  weight {weight(s, changed)}\n }}\n" for r in range(SERVERS)]
        parts.append("}\n")
    return "".join(parts)


class Changes:
    """How many changes of the table the kernel was told since the last look."""

    def __init__(self):
        with open(f"{TRACING}/kprobe_events", "w", encoding="ascii") as events:
            events.write("p:lvsd/told ip_vs_genl_set_cmd")
        with open(f"{TRACING}/events/lvsd/told/enable", "w", encoding="ascii") as enable:
            enable.write("1")
        self._last = self._count()

    def since(self):
        now = self._count()
        told, self._last = now - self._last, now
        return told

    @staticmethod
    def _count():
        with open(f"{TRACING}/kprobe_profile", encoding="ascii") as profile:
            return int(profile.read().split()[1])


def servers_in_table(host, with_weight):
    listing = host.run(["ipvsadm", "-Ln"], timeout=120).stdout
    return sum(1 for line in listing.splitlines() if line.startswith("  -> 10.") and line.split()[3] == with_weight)


def show(program, what, seconds, changes):
    print(f"{program:<11} {what:<32} {seconds:8.2f} s  {changes:6d} changes told to the kernel", flush=True)


def measure_lvsd(bed, changes):
    host = bed.host("lvs1")
    started = time.monotonic()
    director = Director(host, lvsd_config(False)).start(ready_within=300)
    wait_until(lambda: servers_in_table(host, "1") == SERVICES * SERVERS, 300, "the table", every=0.5)
    show("lvsd", "from nothing", time.monotonic() - started, changes.since())
    for what, changed in (("reload, the same", False), ("reload, 1 % of services changed", True)):
        director.write(lvsd_config(changed))
        started = time.monotonic()
        director.ctl("--timeout", "300", "reload", timeout=310)
        show("lvsd", what, time.monotonic() - started, changes.since())
    assert servers_in_table(host, "2") == SERVICES // 100 * SERVERS
    director.stop()


def measure_keepalived(bed, changes):
    host = bed.host("ka1")
    path = bed.path("keepalived.conf")

    def write(changed):
        with open(path, "w", encoding="ascii") as out:
            out.write(keepalived_config(changed))

    write(False)
    started = time.monotonic()
    process = host.start(["keepalived", "-nlCD", "-f", path, "-p", bed.path("k.pid"), "-c", bed.path("c.pid")], "keepalived")
    wait_until(lambda: servers_in_table(host, "1") == SERVICES * SERVERS, 600, "keepalived's table", every=0.5)
    show("keepalived", "from nothing", time.monotonic() - started, changes.since())
    for what, changed in (("reload, the same", False), ("reload, 1 % of services changed", True)):
        write(changed)
        seen = process.output().count("Reload finished")
        started = time.monotonic()
        process.signal(1)
        wait_until(lambda: process.output().count("Reload finished") > seen, 600, "keepalived's reload", every=0.05)
        show("keepalived", what, time.monotonic() - started, changes.since())
    wait_until(lambda: servers_in_table(host, "2") == SERVICES // 100 * SERVERS, 120, "the changed weights", every=0.5)
    process.stop(60)


def main():
    with Testbed() as bed:
        changes = Changes()
        measure_lvsd(bed, changes)
        changes.since()
        measure_keepalived(bed, changes)


main()
