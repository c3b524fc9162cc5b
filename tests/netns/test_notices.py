"""Who is told of role changes: programs in order and one at a time, the FIFO in keepalived's words, and no unsafe program."""
import os
import stat

import pytest
from conftest import open_pair
from director import Settings
from process import wait_until
from topology import wait_for_owner

PROGRAM = """#!/bin/sh
echo "begin $*" >> {log}
sleep 0.3
echo "end $*" >> {log}
"""


def paths(site):
    """Below a directory that only root may change: scripts elsewhere are refused."""
    directory = f"/usr/local/lib/lvsd-test-{os.getpid()}"
    return {"directory": directory, "program": f"{directory}/on-change", "log": site.lvs1.testbed.path("notices.log"),
            "fifo": site.lvs1.testbed.path("events")}


def settings(site):
    where = paths(site)
    lines = f"notify@lvs1 = {where['program']} told\nnotify_user = root\nnotify_fifo@lvs1 = {where['fifo']}\n"
    return Settings(site, global_lines=lines)


def prepare(site):
    where = paths(site)
    os.makedirs(where["directory"], exist_ok=True)
    os.chmod(where["directory"], 0o755)
    with open(where["program"], "w", encoding="ascii") as program:
        program.write(PROGRAM.format(log=where["log"]))
    os.chmod(where["program"], 0o755)


@pytest.fixture(scope="module")
def site():
    with open_pair("dr", settings=settings, prepare=prepare) as made:
        yield made
        where = paths(made)
        os.unlink(where["program"])
        os.rmdir(where["directory"])


def lines(path):
    try:
        with open(path, encoding="ascii") as file:
            return file.read().splitlines()
    except FileNotFoundError:
        return []


def test_a_program_is_told_in_order_and_never_twice_at_once(site):
    where = paths(site)
    for _ in range(2):
        site.pair[0].ctl("failover")
        site.pair[1].ctl("failover")
        wait_for_owner(site, site.lvs1, 5)
    wanted = ["BACKUP", "MASTER", "BACKUP", "MASTER", "BACKUP", "MASTER"]
    expected = [f"{word} told INSTANCE front {state} 150" for state in wanted for word in ("begin", "end")]
    wait_until(lambda: lines(where["log"]) == expected, 15, lambda: f"every notice in order; {lines(where['log'])}")


def test_the_fifo_gets_keepaliveds_lines(site):
    where = paths(site)
    assert stat.S_ISFIFO(os.stat(where["fifo"]).st_mode)
    with open(os.open(where["fifo"], os.O_RDONLY | os.O_NONBLOCK), encoding="ascii") as fifo:
        read = fifo.read().splitlines()
    assert read[-2:] == ['INSTANCE "front" BACKUP 150', 'INSTANCE "front" MASTER 150']


def quiet(site):
    """The lines so far, when no program runs any more."""
    log = paths(site)["log"]
    wait_until(lambda: lines(log) and lines(log)[-1].startswith("end"), 5, "the last program to end")
    return lines(log)


def test_a_resumed_mastership_is_not_told_again(site):
    before = quiet(site)
    pid = site.pair[0].kill_room("vrrp")
    site.pair[0].wait_room_back("vrrp", pid)
    wait_until(lambda: site.pair[0].ask("vrrp")["instances"][0]["role"] == "master", 5, "lvs1 to go on as master")
    assert lines(paths(site)["log"]) == before


def test_an_unsafe_program_is_not_run(site):
    where = paths(site)
    before = quiet(site)
    os.chmod(where["directory"], 0o777)
    try:
        site.pair[0].ctl("failover")
        wait_until(lambda: "not run" in site.pair[0].log(), 5, "the refusal in the log")
        assert where["directory"] in next(line for line in site.pair[0].log().splitlines() if "not run" in line)
        assert lines(where["log"]) == before
    finally:
        os.chmod(where["directory"], 0o755)
