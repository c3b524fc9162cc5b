"""./dev bench new_flows: how many new connections a second one processor of a director takes, beside nft DNAT. Needs root.

  new_flows_bench.py [--quick] [--runs N]

The rig of ./dev bench forwarding; each UDP packet is of a client that was never seen. The rate is raised until 1 of 1,000 is lost, then each
director is measured there, in turn, RUNS times. Medians go into docs/performance.md; --quick: two runs, nothing written.
"""
import argparse
import statistics

from forwarding_rig import LargeConnectionTracking, Nft, lvsd, make_sites
from page import machine_note, table, write_section
from topology import Testbed

SECONDS = 0.3
KINDS = {"nft DNAT": Nft, "lvsd nat": lvsd(most_flows=3_200_000, places=131_072), "lvsd dr": lvsd(most_flows=3_200_000, method="dr", places=131_072)}
used = {}  # flows that each site has seen


def new_flows(name, site, rate, seconds=SECONDS):
    count = int(rate * seconds)
    first = used.get(name, 0)
    used[name] = first + count
    return site.send("udp", "data", count, rate, count, pick="turn", first=first)


def rate_before_loss(name, site):
    rate = 60_000
    while rate < 2_000_000 and new_flows(name, site, rate * 1.15, 0.1).loss <= 0.001:
        rate *= 1.15
    return rate


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--runs", type=int, default=0)
    options = parser.parse_args()
    runs = options.runs or (2 if options.quick else 5)
    results = {name: [] for name in KINDS}
    with LargeConnectionTracking(), Testbed() as testbed:
        sites = make_sites(testbed, KINDS)
        rates = {name: rate_before_loss(name, site) for name, site in sites.items()}
        for _ in range(runs):
            for name, site in sites.items():
                results[name].append(new_flows(name, site, rates[name]))
        for site in sites.values():
            site.end()
    nft = statistics.median(passage.ns for passage in results["nft DNAT"])
    rows = []
    for name, passages in results.items():
        ns = statistics.median(passage.ns for passage in passages)
        rows.append([name, f"{rates[name]:,.0f}", f"{ns:,.0f}", f"{nft / ns:.2f}"])
    text = table(["", "new flows a second before the first loss", "ns of one processor each", "so many times nft's speed (wanted: 1.5)"], rows)
    text = f"{text}\n\n{machine_note()}"
    print(text)
    if not options.quick:
        write_section("new_flows", text)


main()
