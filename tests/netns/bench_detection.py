"""./dev bench detection [COUNT]: how long after a failing check's reply a server still gets connections.

A director with the engine (nat), an nginx and a server that falls ill COUNT times (turncoat.py), wrk with a new connection for each
request. Prints the percentiles of the time from the last byte of the failing reply to the last connection that reached the server.
The measuring server and lvsd run before everything else, as they would on machines of their own: the server by real-time priority, lvsd
by the nice value of its session, so that its processes still compete with each other and with what the kernel does for wrk.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from director import Director, Settings  # noqa: E402  (after the path is set)
from process import wait_until  # noqa: E402
from servers import Nginx  # noqa: E402
from topology import Testbed, two_lans  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
CHECK = "type = http\npath = /healthz\ninterval = 50ms\ntimeout = 50ms\nrise = 1\nfall = 1"


def go_first(pids):
    """Before other sessions (autogroup); within its own, as ever. A kernel without autogroups has nice values alone."""
    for pid in pids:
        try:
            with open(f"/proc/{pid}/autogroup", "w", encoding="ascii") as file:
                file.write("-19")
        except OSError:
            os.setpriority(os.PRIO_PROCESS, pid, -19)


def main(count):
    with Testbed() as testbed:
        site = two_lans(testbed, 2)
        Nginx(site.servers[1]).start()
        director = Director(site.directors[0], Settings(site, scheduler="rr", check=CHECK, echo=""))
        checked_from = next(a for a in site.directors[0].addresses("eth1") if a.startswith("10.1."))
        turncoat = site.servers[0].start([sys.executable, os.path.join(HERE, "turncoat.py"), checked_from, str(count)], "turncoat")
        wait_until(lambda: "listening" in turncoat.output(), 10, "the server")
        os.sched_setscheduler(turncoat.pid, os.SCHED_FIFO, os.sched_param(1))
        director.start()
        go_first(director.processes())
        director.wait_servers({"rs1": "up", "rs2": "up"})
        wait_until(lambda: site.owners() == ["lvs1"], 30, "lvs1 to own the address")
        load = site.client.start(["wrk", "-t1", "-c2", "-d3600s", "-H", "Connection: close", f"http://{site.vip}/"], "wrk")

        def delays():
            return [float(line.split()[1]) for line in turncoat.output().splitlines() if line.startswith("delay")]
        wait_until(lambda: len(delays()) >= count, 20 + count * 5, lambda: f"{count} failures; {len(delays())} so far", every=0.5)
        load.stop()
        measured = sorted(delays())
        director.stop()

    def at(part):
        return measured[min(len(measured) - 1, int(part * len(measured)))]
    print(f"failing reply to last connection, ms: n {len(measured)}  p50 {at(0.5):.2f}  p90 {at(0.9):.2f}  p99 {at(0.99):.2f}  "
          f"max {measured[-1]:.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
