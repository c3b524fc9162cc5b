"""./dev bench bulk: Gbit/s through a director and what of the processors each takes, beside what else would stand there. Needs root.

  bulk_bench.py [--quick] [--runs N] [--seconds S] [--only NAME...]

iperf3, 1 and 64 streams; all directors in turn, RUNS times, medians into docs/performance.md. --quick: two runs of a second, nothing written.
"""
import argparse
import statistics
import sys

from directors_rig import KINDS, make_sites
from page import machine_note, table, write_section
from topology import Testbed

STREAMS = (1, 64)


def measure(options):
    results = {}
    with Testbed() as testbed:
        sites = make_sites(testbed, options.only or list(KINDS))
        for streams in STREAMS:
            for _ in range(options.runs):
                for name, site in sites.items():
                    rate, cost = site.bulk(streams, options.seconds)
                    results.setdefault((name, streams), []).append((rate, cost))
                    print(f"{streams:>3} streams  {name:<24} {rate:6.2f} Gbit/s  {cost:6.3f} s of CPU a Gbit", file=sys.stderr)
        for site in sites.values():
            site.end()
    return results, list(sites)


def report(results, names):
    rows = []
    for name in names:
        row = [name]
        for streams in STREAMS:
            row += [f"{statistics.median(column):.3g}" for column in zip(*results[name, streams])]
        rows.append(row)
    head = ["", *(text for streams in STREAMS for text in (f"Gbit/s, {streams} stream{'s' * (streams > 1)}", "CPU seconds a Gbit"))]
    return f"{table(head, rows)}\n\n{machine_note()}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=[], choices=list(KINDS))
    options = parser.parse_args()
    whole = not (options.quick or options.only)
    options.runs = options.runs or (2 if options.quick else 5)
    options.seconds = options.seconds or (1 if options.quick else 3)
    results, names = measure(options)
    text = report(results, names)
    print(text)
    if whole:
        write_section("bulk", text)


main()
