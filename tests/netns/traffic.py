"""Clients' traffic and what is seen of it: wrk, paced probes with their gaps, captures, who answers ARP."""
import json
import os
import re
import signal
import sys
from collections import Counter
from dataclasses import dataclass

from process import wait_until

HERE = os.path.dirname(os.path.abspath(__file__))


@dataclass
class Load:
    """What wrk saw."""

    requests: int
    failed: int
    seconds: float
    p99_ms: float
    shares: dict  # body → requests
    text: str


class Wrk:
    """A running wrk on a host; finish() waits for its end. limit: stop after so many responses."""

    def __init__(self, host, url, seconds, connections=16, limit=0, keep_alive=False):
        headers = [] if keep_alive else ["-H", "Connection: close"]
        self.seconds = seconds
        self.process = host.start(
            ["env", f"WRK_LIMIT={limit}", "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "3s", *headers,
             "-s", os.path.join(HERE, "wrk_count.lua"), url], f"wrk-{len(host.testbed.processes)}")

    def finish(self):
        wait_until(lambda: not self.process.running() or "LIMIT\n" in self.process.output(), self.seconds + 15, "wrk")
        self.process.signal(signal.SIGINT)  # its own way to stop early; harmless at the end
        self.process.wait(15)
        text = self.process.output()
        match = re.search(r"^JSON (.*)$", text, re.MULTILINE)
        assert match, f"wrk ended without a summary:\n{text}"
        seen = json.loads(match[1])
        failed = sum(seen[kind] for kind in ("connect", "read", "write", "status", "timeout"))
        shares = {body.split(" ", 1)[1]: count for body, count in seen["bodies"].items() if body.startswith("200 ")}
        return Load(seen["requests"], failed, seen["duration_us"] / 1e6, seen["p99_us"] / 1e3, shares, text)


def wrk(host, url, requests=10000, connections=16, seconds=60, keep_alive=False):
    """At least `requests` requests, each on a connection of its own unless keep_alive."""
    return Wrk(host, url, seconds, connections, requests, keep_alive).finish()


@dataclass
class Attempt:
    """One question of a probe. Times are CLOCK_MONOTONIC seconds."""

    sent: float
    done: float
    ok: bool
    word: str  # who answered, or why not


class Probe:
    """probe.py on a host: mode http, tcp, udp or hold; every `interval` seconds."""

    def __init__(self, host, mode, address, port, interval=0.002, timeout=1.0):
        self.mode = mode
        self.interval = interval
        self.process = host.start([sys.executable, os.path.join(HERE, "probe.py"), mode, address, str(port),
                                   str(interval), str(timeout)], f"probe-{mode}-{len(host.testbed.processes)}")

    def wait_answered(self, seconds=10):
        """Until it has had an answer: the path works."""
        wait_until(lambda: any(attempt.ok for attempt in self.attempts()), seconds, f"an answer to the {self.mode} probe")
        return self

    def wait_answered_after(self, moment, seconds=10):
        """Until a question sent after the moment has been answered."""
        return wait_until(lambda: next((a for a in self.attempts() if a.ok and a.sent > moment), None), seconds,
                          f"an answer to the {self.mode} probe after the event")

    def attempts(self):
        found = []
        for line in self.process.output().splitlines():
            parts = line.split(" ", 3)
            if len(parts) == 4 and parts[2] in ("ok", "failed"):
                found.append(Attempt(float(parts[0]), float(parts[1]), parts[2] == "ok", parts[3]))
        return found

    def stop(self):
        self.process.stop()
        return self.attempts()


def longest_gap(attempts, since=0.0):
    """Seconds between two answers in a row, the longest, counted from `since` on."""
    answered = sorted(attempt.done for attempt in attempts if attempt.ok and attempt.done >= since)
    moments = ([since] if since else []) + answered
    return max((later - earlier for earlier, later in zip(moments, moments[1:])), default=float("inf"))


def served_again(attempts, event):
    """Seconds from the event to the end of the longest silence after it."""
    answered = sorted(attempt.done for attempt in attempts if attempt.ok and attempt.done >= event)
    assert answered, "nobody answered after the event"
    moments = [event, *answered]
    gap, end = max((later - earlier, later) for earlier, later in zip(moments, moments[1:]))
    return end - event if gap > 0.05 else 0.0


def failures(attempts, outside=()):
    """Failed attempts; those sent within one of the (start, end) windows do not count."""
    return [a for a in attempts if not a.ok and not any(start <= a.sent <= end for start, end in outside)]


def shares(attempts):
    return Counter(attempt.word for attempt in attempts if attempt.ok)


class Capture:
    """tcpdump on a host's interface, into a file."""

    def __init__(self, host, interface, expression):
        self.host = host
        self.path = host.testbed.path(f"{host.name}-{interface}-{len(host.testbed.processes)}.pcap")
        self.process = host.start(["tcpdump", "-Z", "root", "-U", "-n", "-i", interface, "-w", self.path, expression],
                                  f"tcpdump-{len(host.testbed.processes)}")
        wait_until(lambda: "listening on" in self.process.output(), 5, "tcpdump to listen")

    def stop(self):
        self.process.stop()
        return self

    def text(self, *options):
        """The packets in tcpdump's words."""
        return self.host.run(["tcpdump", "-n", "-r", self.path, *options]).stdout


def hops(host, address, *options):
    """Who answers traceroute, hop by hop; "*" is nobody."""
    done = host.run(["traceroute", "-n", "-q", "1", "-N", "1", "-w", "2", "-m", "6", *options, address], timeout=60)
    return re.findall(r"^\s*\d+\s+(\S+)", done.stdout, re.MULTILINE)


def arp_answerers(host, address, interface="eth0", seconds=1.0):
    """MAC addresses that answer ARP for the address, asked by broadcast: more than one is a double owner."""
    done = host.run(["arping", "-b", "-c", "2", "-i", "0.2", "-w", f"{seconds:g}", "-I", interface, address], check=False)
    if "invalid" in done.stderr.lower() or not done.stdout:
        done = host.run(["arping", "-b", "-c", "2", "-w", str(max(1, round(seconds))), "-I", interface, address], check=False)
    return {mac.lower() for mac in re.findall(r"\[([0-9A-Fa-f:]{17})\]", done.stdout)}
