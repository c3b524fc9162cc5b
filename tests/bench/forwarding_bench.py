"""./dev bench forwarding: what a packet in the middle of a connection costs one processor of a director, side by side. Needs root.

  forwarding_bench.py [--quick] [--flows N...] [--protocols udp tcp] [--runs N] [--only NAME...]

64-byte frames over veth. For each director the rate is looked for at which it loses at most 1 %; then all are measured at theirs, one
after the other, RUNS times. Medians go into docs/performance.md with a plot (forwarding-cost.svg). --quick: 1 and 1,000 flows of UDP, two
runs, nothing written.
"""
import argparse
import os
import statistics
import sys

from forwarding_rig import (Bound, BoundDr, LargeConnectionTracking, Nft, PlainForwarding, lvsd, make_sites,
                            rate_within_loss)
from page import machine_note, plot, table, write_plot, write_section
from topology import Testbed

SECONDS = 0.4
PLAIN, NFT, BOUND, BOUND_DR = "plain IP forwarding", "nft DNAT", "minimal XDP rewrite, nat", "minimal XDP rewrite, dr"
ENGINE, FAST, GENERIC = "lvsd nat, engine", "lvsd nat, fast path", "lvsd nat, fast path, generic XDP"
DR_ENGINE, DR_FAST, DR_GENERIC = "lvsd dr, engine", "lvsd dr, fast path", "lvsd dr, fast path, generic XDP"
RATIOS = [  # name, whose cost, by whose, the goal
    ("fast path: nft DNAT", NFT, FAST, "≥ 3"), ("fast path: minimal rewrite, nat", BOUND, FAST, "≥ 0.85"),
    ("fast path: minimal rewrite, dr", BOUND_DR, DR_FAST, "≥ 0.9"), ("engine: nft DNAT", NFT, ENGINE, "≥ 1.1, 100,000: ≥ 1"),
    ("fast path, generic: nft DNAT", NFT, GENERIC, ""), ("fast path: plain forwarding", PLAIN, FAST, "")]


def kinds_for(flows):
    def engine(**attributes):
        return lvsd(most_flows=flows, **attributes)
    return {PLAIN: PlainForwarding, NFT: Nft, BOUND: Bound, ENGINE: engine(fast_path="no"), FAST: engine(),
            GENERIC: engine(mode="generic"), BOUND_DR: BoundDr, DR_ENGINE: engine(method="dr", fast_path="no"),
            DR_FAST: engine(method="dr"), DR_GENERIC: engine(method="dr", mode="generic")}


def measure_flows(sites, protocol, flows, runs, results):
    rates = {}
    for name, site in sites.items():
        site.begin(protocol, flows)
        if not site.has(protocol, flows):
            print(f"{name}: not all of {flows:,} flows have begun", file=sys.stderr)
        rates[name] = rate_within_loss(site, protocol, flows)
    for _ in range(runs):
        for name, site in sites.items():
            site.resume(protocol, flows)
            passage = site.send(protocol, "data", flows, rates[name], rates[name] * SECONDS)
            results.setdefault((name, protocol, flows), []).append(passage)
    for name in sites:
        passages = results[name, protocol, flows]
        print(f"{protocol} {flows:>9,} flows  {name:<34} {ns_of(passages):7.0f} ns {kpps_of(passages):7.0f} kpps  "
              f"loss {statistics.median(p.loss for p in passages):.1%}", flush=True)


def ns_of(passages):
    return statistics.median(p.ns for p in passages)


def kpps_of(passages):
    return statistics.median(p.kpps for p in passages)


def measure(options):
    results = {}
    kinds = kinds_for(max(options.flows))
    kinds = {name: kind for name, kind in kinds.items() if not options.only or name in options.only}
    for protocol in options.protocols:
        with Testbed() as testbed:  # anew for each: the engines have room for one protocol's flows
            sites = make_sites(testbed, kinds)
            for flows in options.flows:
                measure_flows(sites, protocol, flows, options.runs, results)
            for site in sites.values():
                site.end()
    return results, list(kinds)


def report(results, names, options):
    parts = []
    for protocol in options.protocols:
        head = [f"{protocol.upper()}: ns of one processor a packet (kpps at ≤ 1 % loss)", *(f"{n:,} flows" for n in options.flows)]
        rows = []
        for name in names:
            cells = [results[name, protocol, n] for n in options.flows]
            rows.append([name, *(f"{ns_of(c):,.0f} ({kpps_of(c):,.0f})" for c in cells)])
        parts.append(table(head, rows))
        rows = []
        for title, whose, by, wanted in RATIOS:
            if whose in names and by in names:
                ratios = (ns_of(results[whose, protocol, n]) / ns_of(results[by, protocol, n]) for n in options.flows)
                rows.append([title, *(f"{ratio:.2f}" for ratio in ratios), wanted])
        if rows:
            parts.append(table([f"{protocol.upper()}: speed, so many times that of", *(f"{n:,} flows" for n in options.flows), "wanted"], rows))
    return "\n\n".join([*parts, machine_note()])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--flows", nargs="+", type=int, default=[])
    parser.add_argument("--protocols", nargs="+", choices=("udp", "tcp"), default=[])
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=[])
    options = parser.parse_args()
    whole = not (options.quick or options.flows or options.protocols or options.only)
    options.flows = options.flows or ([1, 1_000] if options.quick else [1, 1_000, 100_000, 1_000_000])
    options.protocols = options.protocols or (["udp"] if options.quick else ["udp", "tcp"])
    options.runs = options.runs or (2 if options.quick else 5)
    if (os.cpu_count() or 1) < 2:
        sys.exit("two processors are needed: one for the director, one for the ends")
    with LargeConnectionTracking():
        results, names = measure(options)
    text = report(results, names, options)
    print(text)
    if not whole:
        return
    write_section("forwarding", f"{text}\n\n![ns of one processor a packet against the number of flows](forwarding-cost.svg)")
    series = {name: [ns_of(results[name, "udp", n]) for n in options.flows] for name in names if "generic" not in name}
    write_plot("forwarding-cost.svg", plot(series, options.flows, "UDP flows", "ns of one processor a packet", 250))


main()
