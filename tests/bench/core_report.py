"""./dev bench core: packets per second against the number of connections, and what a table of ten million costs.

Runs core_bench and capacity_bench of the release build and writes their results between the marks in
docs/performance.md, with a plot (docs/lookup-cost.svg). --quick stops at 100,000 connections and writes nothing.
"""
import json
import os
import subprocess
import sys

from page import ROOT, machine_note, plot, write_plot, write_section

BUILD = os.path.join(ROOT, "build", "release", "tests", "bench")
PATHS = {"dr": "dr", "nat_in": "nat, client to server", "nat_out": "nat, server to client"}


def measure(quick):
    """{path: {connections: ns per packet}}: the fastest of three rounds, as other processes only ever slow one down."""
    command = [os.path.join(BUILD, "core_bench"), "--benchmark_format=json", "--benchmark_min_time=0.3",
               "--benchmark_repetitions=3", f"--benchmark_filter=forward/.*/{'1000+' if not quick else '10{3,5}'}/"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    costs = {path: {} for path in PATHS}
    for run in json.loads(done.stdout)["benchmarks"]:
        if run.get("run_type") != "iteration":
            continue
        _, path, connections, *_ = run["name"].split("/")
        cost = 1e9 / run["packets"]
        known = costs[path].get(int(connections), cost)
        costs[path][int(connections)] = min(known, cost)
    return costs


def capacity(connections):
    rows = []
    for family in ("4", "6"):
        done = subprocess.run([os.path.join(BUILD, "capacity_bench"), str(connections), family], check=True,
                              capture_output=True, text=True)
        rows.append(json.loads(done.stdout))
    return rows


def speed_table(costs):
    counts = sorted(costs["dr"])
    lines = ["| Mpps per core (ns a packet) | " + " | ".join(f"{n:,} connections" for n in counts) + " |",
             "|---" * (len(counts) + 1) + "|"]
    for path, name in PATHS.items():
        cells = (f"{1e3 / costs[path][n]:.1f} ({costs[path][n]:.0f})" for n in counts)
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def capacity_table(rows):
    lines = ["| | bytes a connection | fill | of which each | all end | longest call of expire() |", "|---" * 6 + "|"]
    for row in rows:
        each = row["fill_s"] / row["connections"] * 1e9
        lines.append(f"| IPv{row['family']}, {row['connections']:,} | {row['bytes']:.0f} | {row['fill_s']:.1f} s | "
                     f"{each:.0f} ns | {row['expire_s']:.1f} s | {row['longest_ms']:.1f} ms |")
    return "\n".join(lines)


def plot_of(costs):
    counts = sorted(costs["dr"])
    series = {name: [costs[path][n] for n in counts] for path, name in PATHS.items()}
    return plot(series, counts, "connections", "ns a packet", 20)


def main():
    quick = "--quick" in sys.argv[1:]
    costs = measure(quick)
    speed = speed_table(costs)
    print(speed)
    if quick:
        return
    full = capacity_table(capacity(10_000_000))
    print(full)
    write_section("core", f"{speed}\n\n{machine_note()}")
    write_section("capacity", full)
    write_plot("lookup-cost.svg", plot_of(costs))


main()
