"""Requests through a director under NAT, one way after the other in every round; prints a Markdown table of medians.

    sudo /usr/bin/python3 tests/netns/bench_connections.py [--rounds 5] [--seconds 3] [--connections 64]

wrk asks one nginx with and without keep-alive: through lvsd with its fast path and without, through nft DNAT (a master without lvsd would
do that), and straight at the server by routing. All senders finish their checksums and all share the machine's processors.
"""
import argparse
import os
import statistics
import sys

sys.path.insert(0, os.path.dirname(__file__))

from director import Settings, start_pair  # noqa: E402  (after the path is set)
from process import wait_until  # noqa: E402
from servers import Nginx  # noqa: E402
from topology import INSIDE_VIP, Testbed, two_lans  # noqa: E402
from traffic import Wrk  # noqa: E402

DNAT_PORT = 8000


def open_ways(site, fast):
    for lan in (site.front, site.back):
        lan.host.run(["ethtool", "-K", site.lvs1.name, "gro", "on" if fast else "off"])


def set_fast(site, fast):
    open_ways(site, fast)
    wanted = "on" if fast else "none"
    wait_until(lambda: site.pair[0].ask("vs")["fast_path"] == wanted, 10, f"the fast path {wanted}")


def prepare(site):
    for host in (site.client, *site.servers):
        host.run(["ethtool", "-K", "eth0", "tx", "off"])
    server = site.server_address(0)
    site.lvs1.run(["nft", f"add table ip bench; add chain ip bench pre {{ type nat hook prerouting priority -100; }}; "
                   f"add rule ip bench pre ip daddr {site.vip} tcp dport {DNAT_PORT} dnat to {server}:80"])


def ways(site):
    """Name, what to do before, URL."""
    return [("lvsd, fast path", lambda: set_fast(site, True), f"http://{site.vip}/"),
            ("lvsd, engine", lambda: set_fast(site, False), f"http://{site.vip}/"),
            ("nft DNAT", lambda: set_fast(site, False), f"http://{site.vip}:{DNAT_PORT}/"),
            ("routed", lambda: set_fast(site, False), f"http://{site.server_address(0)}/")]


def measure(site, arguments):
    seen = {}
    for _ in range(arguments.rounds):
        for name, before, url in ways(site):
            before()
            for keep_alive in (True, False):
                load = Wrk(site.client, url, arguments.seconds, arguments.connections, keep_alive=keep_alive).finish()
                seen.setdefault((name, keep_alive), []).append((load.requests / load.seconds, load.p99_ms, load.failed))
    return seen


def table(seen):
    lines = ["| way | keep-alive: requests/s | p99, ms | one connection each: requests/s | p99, ms | failed |", "|---|---|---|---|---|---|"]
    for name in dict.fromkeys(name for name, _ in seen):
        kept, short = seen[name, True], seen[name, False]
        cells = [statistics.median(run[column] for run in runs) for runs in (kept, short) for column in (0, 1)]
        failed = sum(run[2] for run in kept + short)
        lines.append(f"| {name} | {cells[0]:,.0f} | {cells[1]:.1f} | {cells[2]:,.0f} | {cells[3]:.1f} | {failed} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    arguments = parser.parse_args()
    with Testbed() as testbed:
        site = two_lans(testbed, servers=1)
        site.nginx = [Nginx(server) for server in site.servers]
        prepare(site)
        site.pair = start_pair(site, Settings(site, echo=""))
        wait_until(lambda: site.lvs1.has_address(INSIDE_VIP), 20, "the servers' gateway")
        site.pair[0].wait_servers({"rs1": "up"})
        print(table(measure(site, arguments)))


if __name__ == "__main__":
    main()
