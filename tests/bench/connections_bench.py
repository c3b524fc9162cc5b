"""./dev bench connections: requests a second, latency and CPU through a director, beside what else would stand there. Needs root.

  connections_bench.py [--quick] [--runs N] [--seconds S] [--only NAME...]

wrk against nginx: 64 clients with a connection for each request, 64 with kept connections, and one client. All directors are there at once and
are measured in turn, RUNS times; medians go into docs/performance.md. --quick: two runs of two seconds, nothing written.
"""
import argparse
import statistics
import sys

from directors_rig import KINDS, make_sites
from page import machine_note, table, write_section
from topology import Testbed

LOADS = {"a connection for each of 64 clients' requests": (64, False), "64 kept connections": (64, True), "one client, a connection for each request": (1, False)}


def measure(options):
    results = {}
    with Testbed() as testbed:
        sites = make_sites(testbed, options.only or list(KINDS))
        for load, (clients, keep_alive) in LOADS.items():
            for _ in range(options.runs):
                for name, site in sites.items():
                    seen = site.requests(clients, options.seconds, keep_alive)
                    results.setdefault((load, name), []).append(seen)
                    print(f"{load:<46} {name:<24} {seen.rate:8,.0f}/s  p99 {seen.p99:7.2f} ms  {seen.cpu_us:6.1f} µs  "
                          f"{seen.failed} failed", file=sys.stderr, flush=True)
        for site in sites.values():
            site.end()
    return results, list(sites)


def median(runs, field):
    return statistics.median(getattr(run, field) for run in runs)


def load_table(load, results, names):
    base = median(results[load, names[0]], "cpu_us") if names[0] == "no director" else None
    rows = []
    for name in names:
        runs = results[load, name]
        cpu = median(runs, "cpu_us")
        rows.append([name, f"{median(runs, 'rate'):,.0f}", *(f"{median(runs, field):.2f}" for field in ("p50", "p99", "p999")),
                     f"{cpu:.1f}", f"{cpu - base:+.1f}" if base is not None and name != "no director" else "",
                     str(sum(run.failed for run in runs))])
    return table([load, "requests/s", "p50, ms", "p99, ms", "p99.9, ms", "CPU µs a request", "added by the director", "failed"], rows)


def ratios(results, names):
    """What the project set itself, and what came out."""
    def of(load, name, field):
        return median(results[load, name], field)

    short, one = list(LOADS)[0], list(LOADS)[2]
    rows = []
    if {"lvsd nat", "HAProxy, mode tcp", "nft DNAT", "no director"} <= set(names):
        rate, base = of(short, "lvsd nat", "rate"), of(short, "no director", "cpu_us")
        added = {name: of(short, name, "cpu_us") - base for name in names}
        haproxy, nft = "HAProxy, mode tcp", "nft DNAT"
        rows = [["requests/s, 64 clients, lvsd nat: HAProxy", f"{rate / of(short, haproxy, 'rate'):.2f}", "≥ 1.7"],
                ["requests/s, 64 clients, lvsd nat: nft DNAT", f"{rate / of(short, nft, 'rate'):.2f}", "≥ 1.1"],
                ["CPU added a request, lvsd nat: HAProxy", f"{added['lvsd nat'] / added[haproxy]:.2f}", "≤ 0.25"],
                ["CPU added a request, lvsd nat − nft DNAT", f"{added['lvsd nat'] - added[nft]:+.1f} µs", "≤ 0"],
                ["p99, one client, lvsd nat: no director", f"{of(one, 'lvsd nat', 'p99') / of(one, 'no director', 'p99'):.2f}", "≤ 1.1"]]
    return table(["ratio of the same run", "", "wanted"], rows) if rows else ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=[], choices=list(KINDS))
    options = parser.parse_args()
    whole = not (options.quick or options.only)
    options.runs = options.runs or (2 if options.quick else 5)
    options.seconds = options.seconds or (2 if options.quick else 3)
    results, names = measure(options)
    parts = [load_table(load, results, names) for load in LOADS]
    text = "\n\n".join([*filter(None, [*parts, ratios(results, names)]), machine_note()])
    print(text)
    if whole:
        write_section("connections", text)


main()
