"""./dev bench core: packets per second against the number of connections, and what a table of ten million costs.

Runs core_bench and capacity_bench of the release build and writes their results between the marks in
docs/performance.md, with a plot (docs/lookup-cost.svg). --quick stops at 100,000 connections and writes nothing.
"""
import json
import os
import platform
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, "build", "release", "tests", "bench")
PAGE = os.path.join(ROOT, "docs", "performance.md")
PLOT = os.path.join(ROOT, "docs", "lookup-cost.svg")
PATHS = {"dr": ("dr", "#1b6ca8"), "nat_in": ("nat, client to server", "#c0392b"),
         "nat_out": ("nat, server to client", "#2e8b57")}


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
    for path, (name, _) in PATHS.items():
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


def plot(costs):
    """ns a packet over the number of connections, which is on a logarithmic axis."""
    width, height, left, bottom, top = 640, 300, 50, 260, 20
    counts = sorted(costs["dr"])
    most = max(max(series.values()) for series in costs.values()) * 1.1
    at_x = lambda i: left + i * (width - left - 150) / max(len(counts) - 1, 1)
    at_y = lambda cost: bottom - cost / most * (bottom - top)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
             f'font-size="12"><rect width="{width}" height="{height}" fill="#fff"/>']
    for step in range(0, int(most) + 1, 20):
        parts.append(f'<path d="M{left} {at_y(step):.0f}H{at_x(len(counts) - 1):.0f}" stroke="#ddd"/>'
                     f'<text x="{left - 6}" y="{at_y(step) + 4:.0f}" text-anchor="end">{step}</text>')
    for i, n in enumerate(counts):
        parts.append(f'<text x="{at_x(i):.0f}" y="{bottom + 18}" text-anchor="middle">{n:,}</text>')
    parts.append(f'<text x="{left}" y="{top - 6}">ns a packet</text>'
                 f'<text x="{left}" y="{bottom + 36}">connections</text>')
    for path, (name, color) in PATHS.items():
        points = [(at_x(i), at_y(costs[path][n])) for i, n in enumerate(counts)]
        line = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="{color}"/>' for x, y in points]
        parts.append(f'<text x="{points[-1][0] + 8:.0f}" y="{points[-1][1] + 4:.0f}" fill="{color}">{name}</text>')
    return "\n".join(parts) + "\n</svg>\n"


def put_between(page, mark, text):
    begin, end = f"<!-- begin {mark} -->\n", f"<!-- end {mark} -->"
    head, _, rest = page.partition(begin)
    _, _, tail = rest.partition(end)
    assert tail, f"no marks for {mark} in {PAGE}"
    return f"{head}{begin}{text}\n{end}{tail}"


def load_note():
    return f"Load average while measuring: {os.getloadavg()[0]:.0f}, on {os.cpu_count()} processors ({platform.machine()})."


def main():
    quick = "--quick" in sys.argv[1:]
    costs = measure(quick)
    speed = speed_table(costs)
    print(speed)
    if quick:
        return
    note = load_note()
    full = capacity_table(capacity(10_000_000))
    print(full)
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    page = put_between(page, "core", f"{speed}\n\n{note}")
    page = put_between(page, "capacity", full)
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(page)
    with open(PLOT, "w", encoding="utf-8") as file:
        file.write(plot(costs))


main()
