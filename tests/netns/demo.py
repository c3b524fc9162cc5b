"""./dev demo [--once] [--nat]: a director pair, three real servers and a client in namespaces, and a story told with them.

Every figure of the story is measured while it is told. --once ends with exit 0 when every claim held; without it the pair
stays to play with until Ctrl-C.
"""
import argparse
import os
import signal
import sys
import time

from director import Settings, start_pair
from process import DeadlineExpired, wait_until
from servers import Echo, start_nginx
from topology import Testbed, one_lan, two_lans
from traffic import Probe, arp_answerers, failures, longest_gap, served_again, shares, wrk

WEIGHTS = [5, 3, 2]
CHECK = "type = http\npath = /healthz\ninterval = 500ms\ntimeout = 300ms\nrise = 2\nfall = 3"
ADVERT = 1.0
MASTER_DOWN = 3 * ADVERT + (256 - 100) * ADVERT / 256  # of lvs2, priority 100

ONE_LAN = """
     client ──────┬── lvs1  10.0.0.2     ┐ lvsd, one file for both; the master owns the
     10.0.0.200   ├── lvs2  10.0.0.3     ┘ virtual IP 10.0.0.100
                  ├── rs1   10.0.0.11    ┐
                  ├── rs2   10.0.0.12    │ nginx; answer the client directly (direct routing)
                  └── rs3   10.0.0.13    ┘
"""
TWO_LANS = """
     client ──────┬── lvs1 ──┬── rs1   10.1.0.11    lvs1, lvs2: lvsd, one file for both; the master owns
     10.0.0.200   └── lvs2 ──┼── rs2   10.1.0.12    10.0.0.100 (clients) and 10.1.0.1 (the servers' gateway)
                             └── rs3   10.1.0.13    rs1 … rs3: nginx, behind NAT
"""

# Only processes of this namespace: pgrep would find those of the whole machine.
KILL_ROOM = """\
for pid in $(ip netns pids {namespace}); do
  case $(tr '\\0' ' ' <"/proc/$pid/cmdline") in "lvsd: $1"*) kill -9 "$pid" ;; esac
done"""


class Story:
    """Prints chapters and facts; colour only on a terminal."""

    def __init__(self):
        self.colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self.number = 0
        sys.stdout.reconfigure(encoding="utf-8", errors="replace", line_buffering=True)

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.colour else text

    def chapter(self, title):
        self.number += 1
        print("\n" + self.paint("1", f"{self.number}. {title}"))

    def say(self, text):
        print(f"   {text}")

    def good(self, text):
        print(f"   {self.paint('32', '✔')} {text}")

    def dim(self, text):
        for line in text.rstrip().splitlines():
            print("   " + self.paint("2", f"│ {line}"))

    def command(self, director, *arguments):
        """What a person would type, and what it answers."""
        print("   " + self.paint("36", f"{director.name} # lvsctl {' '.join(arguments)}"))
        self.dim(director.ctl(*arguments).stdout)


def counted(story, counts, weights=None):
    """A bar for each server."""
    total = sum(counts.values()) or 1
    for index, name in enumerate(sorted(counts)):
        share = counts[name] / total
        weight = f"   weight {weights[index]}" if weights else ""
        story.say(f"   {name}  {counts[name]:>6,}  {'█' * round(30 * share):<30} {share:5.1%}{weight}")


def claim(truth, text):
    """A claim that does not hold ends the demo with exit 1."""
    if not truth:
        raise AssertionError(text)


def everything_starts(story, site):
    story.chapter("Two directors start")
    began = time.monotonic()
    start_pair(site, Settings(site, advert_interval="1s", weights=WEIGHTS, check=CHECK))
    site.pair = site.testbed.services
    story.good(f"after {time.monotonic() - began:.1f} s lvs1 is master, lvs2 its backup, and all three servers passed their checks")
    story.command(site.pair[0], "status")


def traffic_is_balanced(story, site):
    story.chapter("Traffic: 10,000 requests, each on a connection of its own")
    load = wrk(site.client, f"http://{site.vip}/", requests=10000)
    counted(story, load.shares, WEIGHTS)
    claim(load.failed == 0, f"{load.failed} requests failed\n{load.text}")
    story.good(f"{load.requests:,} requests in {load.seconds:.1f} s ({load.requests / load.seconds:,.0f} per second), 0 failed")
    story.command(site.pair[0], "vs")


def a_server_dies(story, site):
    story.chapter("A real server dies: SIGKILL for nginx on rs2, while a client asks 50 times a second")
    master = site.pair[0]
    probe = Probe(site.client, "http", site.vip, 80, interval=0.02).wait_answered()
    died = time.monotonic()
    site.nginx[1].kill()
    master.wait_servers({"rs2": "down"})
    out = time.monotonic()
    story.good(f"{out - died:.1f} s later it is out (3 failed checks, one every 0.5 s)")
    story.command(master, "checks")
    probe.wait_answered_after(out + 2)
    after = [attempt for attempt in probe.attempts() if out < attempt.sent < out + 2]
    within = [attempt for attempt in probe.attempts() if died <= attempt.sent <= out]
    story.say(f"   while it was noticed:  {len(failures(within))} of {len(within)} requests met the dead server")
    story.say(f"   the 2 s after that:    {len(failures(after))} of {len(after)} failed, answered by {', '.join(sorted(shares(after)))}")
    claim(not failures(after), "requests failed after the server was out")

    started = time.monotonic()
    site.nginx[1].start()
    master.wait_servers({"rs2": "up"})
    back = time.monotonic()
    wait_until(lambda: shares([a for a in probe.attempts() if a.sent > back])["rs2"] > 5, 10, "traffic for rs2")
    claim(not failures(probe.stop(), outside=[(died, out)]), "requests failed when the server came back")
    story.good(f"nginx runs again; {back - started:.1f} s later (2 good checks) rs2 has its share again")


def a_director_dies(story, site):
    story.chapter("A director dies: SIGKILL for every process of lvsd on lvs1, the master")
    probe = Probe(site.client, "tcp", site.vip, 80, interval=0.005, timeout=0.25).wait_answered()
    died = time.monotonic()
    site.pair[0].die()
    wait_until(lambda: site.lvs2.has_address(site.vip), MASTER_DOWN + 2, "lvs2 to take over", every=0.005)
    probe.wait_answered_after(time.monotonic() + 0.5)
    gap = served_again(probe.stop(), died)
    story.good(f"clients are served again after {gap:.2f} s")
    story.say(f"   the rule: 3 advertisement intervals of 1 s and 0.61 s skew = {MASTER_DOWN:.2f} s at most")
    claim(gap <= MASTER_DOWN + 0.05 + 0.25, f"the gap is {gap:.3f} s")
    answering = arp_answerers(site.client, site.vip)
    claim(answering == {site.lvs2.mac()}, f"ARP for {site.vip} is answered by {answering}")
    story.good(f"one owner: only lvs2 ({site.lvs2.mac()}) answers ARP for {site.vip}; the dead one's lease has run out")
    story.command(site.pair[1], "vrrp")


def the_director_returns(story, site):
    story.chapter("lvs1 returns and takes over again (its priority is higher)")
    probe = Probe(site.client, "tcp", site.vip, 80, interval=0.005, timeout=0.25).wait_answered()
    returned = time.monotonic()
    site.pair[0].revive()
    wait_until(lambda: site.owners() == ["lvs1"], MASTER_DOWN + 10, "lvs1 to be the only owner again")
    taken = time.monotonic()
    probe.wait_answered_after(taken + 0.5)
    story.good(f"lvs1 is master again after {taken - returned:.1f} s; longest pause for clients: "
               f"{longest_gap(probe.stop(), returned) * 1000:.0f} ms")


def a_director_is_stopped(story, site):
    story.chapter("A planned stop: lvs1's lvsd gets SIGTERM and hands over")
    probe = Probe(site.client, "tcp", site.vip, 80, interval=0.005).wait_answered()
    site.pair[0].service.signal(signal.SIGTERM)
    wait_until(lambda: site.owners() == ["lvs2"], 10, "lvs2 to take over", every=0.005)
    probe.wait_answered_after(time.monotonic() + 0.5)
    attempts = probe.stop()
    story.good(f"{len(failures(attempts))} of {len(attempts)} connections failed: lvs1 told lvs2 not to wait (priority 0), and served on until "
               "lvs2 was master")
    site.pair[0].revive()
    wait_until(lambda: site.owners() == ["lvs1"], MASTER_DOWN + 10, "lvs1 to be the only owner again")
    story.good("lvs1 runs again and is master")


def doors(site):
    """A script per host that runs a command in it, with an lvsctl that knows its director."""
    for host in site.testbed.hosts.values():
        if host not in [lan.host for lan in site.testbed.lans.values()]:
            tools = site.testbed.path(f"tools-{host.name}")
            os.makedirs(tools)
            script(site.testbed.path(host.name), f'[ $# -gt 0 ] || set -- bash\nexport PATH={tools}:$PATH PS1="{host.name} # "\n'
                                                 f"exec ip netns exec {host.namespace} unshare --uts "
                                                 f"sh -c 'hostname {host.name} && exec \"$@\"' sh \"$@\"")
            for director in site.pair:
                if director.host is host:
                    script(f"{tools}/lvsctl", f'exec {director.lvsctl} --socket {director.socket} "$@"')
                    script(f"{tools}/kill-room", KILL_ROOM.format(namespace=host.namespace))


def script(path, body):
    with open(path, "w", encoding="utf-8") as text:
        text.write(f"#!/bin/sh\n{body}\n")
    os.chmod(path, 0o755)


def play(story, site):
    here = site.testbed.directory
    doors(site)
    print("\n" + story.paint("1", "Play with it") + "   (Ctrl-C ends and removes everything)\n")
    for command, what in [
        (f"{here}/client curl http://{site.vip}/", "ask the virtual server"),
        (f"{here}/lvs1 lvsctl status", "ask a director; also: vs, rs, checks, vrrp, conn, drops"),
        (f"{here}/lvs2 lvsctl -w vrrp", "watch the backup"),
        (f"kill -9 $(ip netns pids {site.servers[2].namespace})", "a real server dies"),
        (f"{here}/lvs1 kill-room ipvs", "the forwarding process dies, and is back; also: healthcheck, vrrp"),
        (f"ip -n {site.front.host.namespace} link set lvs1 down", "lvs1's cable is pulled (up: plugged in)"),
        (f"$EDITOR {here}/lvs1.conf && {here}/lvs1 lvsctl reload", "change something; a mistake changes nothing"),
        (f"{here}/lvs1", "a shell in a host: client, lvs1, lvs2, rs1, rs2, rs3"),
    ]:
        print(f"   {story.paint('36', command)}\n      {story.paint('2', what)}")
    print()
    while True:
        time.sleep(3600)


def tell(story, site):
    everything_starts(story, site)
    traffic_is_balanced(story, site)
    a_server_dies(story, site)
    a_director_dies(story, site)
    the_director_returns(story, site)
    a_director_is_stopped(story, site)


def main():
    options = argparse.ArgumentParser(prog="./dev demo", description=__doc__.split("\n")[0])
    options.add_argument("--once", action="store_true", help="tell the story and end")
    options.add_argument("--nat", action="store_true", help="servers behind NAT instead of direct routing")
    chosen = options.parse_args()
    story = Story()
    print(story.paint("1", "lvsd: a director pair on this machine, in network namespaces of its own"))
    with Testbed() as testbed:
        site = (two_lans if chosen.nat else one_lan)(testbed, servers=3)
        print(TWO_LANS if chosen.nat else ONE_LAN, end="")
        site.nginx = start_nginx(site)
        for server in site.servers:
            Echo(server)
        try:
            tell(story, site)
            print("\n" + story.paint("1;32", "Every claim held."))
            if not chosen.once:
                play(story, site)
        except (AssertionError, DeadlineExpired) as broken:
            print("\n" + story.paint("1;31", f"A claim did not hold: {broken}"))
            for director in testbed.services:
                story.say(f"the last lines of {director.name}'s log:")
                story.dim(director.service.last_words())
            return 1
        except KeyboardInterrupt:
            print()
    print("Namespaces, processes and files of the demo are removed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
