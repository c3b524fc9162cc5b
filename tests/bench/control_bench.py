"""./dev bench control: what many virtual servers cost lvsd: reading, starting, reloading, memory; and an idle director. Needs root.

  control_bench.py [--quick] [--runs N]

1,000, 10,000 and 50,000 virtual servers with 4 real servers each, engine, nat. Reloads happen while 64-byte UDP packets of 1,000 flows pass
through another virtual server, 50,000 a second; what they lose is counted. Medians of RUNS go into docs/performance.md. --quick: 1,000 only.
"""
import argparse
import os
import statistics
import subprocess
import sys
import threading
import time

from forwarding_rig import CONFIG, PORT, SERVER, VIP, Lvsd, cpu_ns, napi_threads, run_first
from page import machine_note, table, write_section
from topology import Testbed

FLOWS, RATE = 1_000, 50_000


def services(count, change=0):
    """Text of `count` virtual servers; `change` makes the weights of 1 % of them others than before."""
    parts = []
    for n in range(count):
        weight = 2 + change if n % 100 == 0 else 1
        lines = [f"[virtual_server s{n}]", f"listen = tcp 10.{100 + n // 16384}.{n // 64 % 256}.{n % 64 + 1}:80", "scheduler = wrr", "method = nat"]
        lines += [f"real_server = r{k} 10.{128 + n // 16384}.{n // 64 % 256}.{n % 64 * 4 + k}:8080 weight={weight}" for k in range(4)]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


class Many(Lvsd):
    """A director with one virtual server for the traffic, and `count` others."""

    count = 0

    def text(self, change=0):
        head = CONFIG.format(node=self.host.name, interfaces=f"{self.front}, {self.back}", fast_path="yes", mode="native",
                             connections=max(262_144, self.count * 20), places=4096, vip=VIP, port=PORT, method="nat", server=SERVER)
        return head + services(self.count, change)

    def prepare(self):
        # All servers behind one router: their neighbours are not the subject.
        self.host.ip("route", "add", "10.128.0.0/9", "via", SERVER)
        self.start(self.text())

    def restart(self):
        self.director.stop()
        begin = time.monotonic()
        self.director.service.start()
        run_first(self.director.service.pid)
        self.director.service.wait_ready(60)
        self.start_seconds = time.monotonic() - begin
        self.find_room()

    def pin(self):
        """The threads that forward go before those that work for a reload, as softirqs do."""
        pids = super().pin()
        for interface in (self.front, self.back):
            for pid in napi_threads(interface):
                os.sched_setscheduler(pid, os.SCHED_FIFO, os.sched_param(1))
        return pids

    def memory(self):
        """MiB of all processes that are theirs alone or shared among them (PSS)."""
        kib = 0
        for pid in self.director.processes():
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
                kib += next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        return kib / 1024

    def check(self):
        begin = time.monotonic()
        subprocess.run([self.director.lvsd, "--check", "--config", self.director.config_path, "--node", self.host.name], check=True,
                       capture_output=True)
        return time.monotonic() - begin

    def reload(self):
        begin = time.monotonic()
        self.director.ctl("reload", timeout=120)
        return time.monotonic() - begin

    def reload_under_traffic(self):
        """(seconds, packets lost, packets lost in the same time without)"""
        self.resume("udp", FLOWS)
        quiet = self.send("udp", "data", FLOWS, RATE, RATE * 3)
        seen = []
        traffic = threading.Thread(target=lambda: seen.append(self.send("udp", "data", FLOWS, RATE, RATE * 3)))
        traffic.start()
        time.sleep(0.7)
        took = self.reload()
        traffic.join()
        return took, seen[0].made - seen[0].arrived, quiet.made - quiet.arrived

    def idle(self, seconds):
        """Part of a processor."""
        pids = self.director.processes()
        before = sum(map(cpu_ns, pids))
        time.sleep(seconds)
        return (sum(map(cpu_ns, pids)) - before) / seconds / 1e9


def measure(count, runs, number):
    seen = {key: [] for key in ("check", "start", "same", "changed", "lost", "lost_anyway")}
    with Testbed() as testbed:
        site = type("Many", (Many,), {"count": count})(testbed, number)
        site.begin("udp", FLOWS)
        for run in range(runs):
            seen["check"].append(site.check())
            seen["same"].append(site.reload())
            site.director.write(site.text(change=run + 1))
            for key, value in zip(("changed", "lost", "lost_anyway"), site.reload_under_traffic()):
                seen[key].append(value)
        memory = site.memory()
        time.sleep(1)
        idle = site.idle(5)
        for _ in range(runs):
            site.restart()
            seen["start"].append(site.start_seconds)
        site.end()
    ms = {key: statistics.median(values) * 1e3 for key, values in seen.items() if "lost" not in key}
    return [f"{count:,}", f"{ms['check']:,.0f} ms", f"{ms['start']:,.0f} ms", f"{ms['same']:,.0f} ms", f"{ms['changed']:,.0f} ms",
            f"{statistics.median(seen['lost']):,.0f} ({statistics.median(seen['lost_anyway']):,.0f})", f"{memory:,.0f} MiB", f"{idle:.2%}"]


def main():
    run_first("self")
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=0)
    options = parser.parse_args()
    runs = options.runs or (2 if options.quick else 5)
    rows = []
    for number, count in enumerate([1_000] if options.quick else [0, 1_000, 9_250, 10_000, 50_000]):
        rows.append(measure(count, runs, number))
        print(rows[-1], file=sys.stderr, flush=True)
    head = ["virtual servers, 4 real servers each", "parse and validate", "start", "reload, nothing changed", "reload, 1 % changed",
            f"packets lost meanwhile, of {RATE * 3:,} (without a reload)", "memory", "idle, of a processor"]
    text = f"{table(head, rows)}\n\n{machine_note()}"
    print(text)
    if not options.quick:
        write_section("control", text)


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C")
    main()
