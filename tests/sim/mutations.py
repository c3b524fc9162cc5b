"""Breaks one rule of the production state machines at a time: which invariant of the simulator notices, how soon, and which unit test?

    /usr/bin/python3 tests/sim/mutations.py [--runs 400] [--only WORDS]

Prints a row per mutation; exits 1 when neither notices one. Minutes, so by hand; the result stands in docs/testing.md.
"""
import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCES = ["vrrp/state_machine.cpp", "vrrp/sync_group.cpp", "vrrp/circumstances.cpp", "vrrp/tracks.cpp", "vrrp/announce.cpp", "vrrp/link_table.cpp",
           "vrrp/flaps.cpp", "base/address.cpp", "base/checksum.cpp", "base/time.cpp",
           *(f"tests/sim/{name}.cpp" for name in ("director", "host", "judge", "plan", "stage", "world", "sim_main"))]
UNITS = [f"tests/unit/vrrp/{name}_test.cpp" for name in ("announce", "circumstances", "handover", "link_table", "pauses", "state_machine",
                                                         "sync_group", "timers", "tracks")]
MUTATIONS = [  # (what, file, regular expression, replacement)
    ("equal priorities are not settled by the address", "vrrp/state_machine.cpp", r"return heard\.source\S* > [^;]*;", "return false;"),
    ("no skew time", "vrrp/state_machine.cpp", r"next\.deadline = now \+ master_down_interval\(params, next\);",
     "next.deadline = now + 3 * next.master_interval.value_or(params.advert_interval);"),
    ("no fence after a pause", "vrrp/circumstances.cpp", r"if \(gap <= least_peer_patience\(advert_interval\)\)", "if (gap >= base::Duration{})"),
    ("a master that gives up after a pause is silent", "vrrp/state_machine.cpp", r", SendAdvert\{kResignPriority\}\}\);", "});"),
    ("who gives way keeps the address", "vrrp/state_machine.cpp", r"winner, \{DropAddresses\{\}, ", "winner, {"),
    ("who gives way has no last word", "vrrp/state_machine.cpp", r"\{DropAddresses\{\}, SendAdvert\{params\.priority, interval\}\}", "{DropAddresses{}}"),
    ("a better master is not followed", "vrrp/state_machine.cpp", r"&& wins_over_us\(params, heard\)\)", "&& wins_over_us(params, heard) && false)"),
    ("a resignation does not shorten the wait", "vrrp/state_machine.cpp", r"next\.deadline = now \+ skew\(params, state\);", ""),
    ("a master does not answer", "vrrp/state_machine.cpp", r"if \(now < earliest\) \{", "if (now < earliest || true) { return result;"),
    ("nothing is announced after a double master", "vrrp/state_machine.cpp", r"result\.state\.announce_ticks = kAnnounceTicks;", "return result;"),
    ("a leaving master drops the address at once", "vrrp/state_machine.cpp", r"TakeAddresses\{\}, Silence\{\}\}", "DropAddresses{}, Silence{}}"),
    ("a leaving master holds the address for ever", "vrrp/state_machine.cpp", r"if \(now < \*state\.deadline\) return stay\(state\);\n  return state\.leaving_for",
     "return stay(state);\n  return state.leaving_for"),
    ("a preempting backup follows a lesser master", "vrrp/state_machine.cpp", r"if \(!may_preempt \|\| heard\.priority >= params\.priority\)",
     "if (!may_preempt || heard.priority > 0)"),
    ("a reload is not told to the peers", "vrrp/state_machine.cpp", r"return \{next, \{SendAdvert\{params\.priority\}, TakeAddresses\{\}\}\};",
     "return {next, {TakeAddresses{}}};"),
    ("members of a sync group take over one by one", "vrrp/sync_group.cpp", r"takes_over && !may_take_over\(members, now\)", "takes_over && false"),
    ("members of a sync group give way one by one", "vrrp/sync_group.cpp", r"\(gave_way \|\| follows\)", "(gave_way && follows)"),
    ("a mastership is resumed after ten intervals", "vrrp/timers.hpp", r"return 2 \* interval; \}", "return 10 * interval; }"),
    ("a lease is twice as long", "vrrp/timers.hpp", r"\(3 \* interval\), std::chrono::seconds\{1\}", "(6 * interval), std::chrono::seconds{2}"),
    ("adverts do not renew the lease", "vrrp/circumstances.cpp", r"return after\.role == Role::master && [^;]*;", "return after.role == Role::init && actions.empty();"),
    ("announcements follow each other at once", "vrrp/announce.hpp", r"milliseconds\{20\}", "milliseconds{1}"),
]


COMPILER = ["ccache", "c++"] if shutil.which("ccache") else ["c++"]


def compile_objects(tree, sources, objects):
    def one(source):
        target = os.path.join(objects, source.replace("/", "_") + ".o")
        subprocess.run([*COMPILER, "-std=c++20", "-O1", "-w", "-DFMT_SHARED", f"-I{tree}", "-c", os.path.join(tree, source), "-o", target], check=True)
        return target

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, sources))


def copy_tree(tree):
    for room in ("base", "vrrp", "tests"):
        os.makedirs(os.path.join(tree, room), exist_ok=True)
    subprocess.run(["cp", "-r", *(os.path.join(ROOT, room) for room in ("base", "vrrp")), tree], check=True)
    subprocess.run(["cp", "-r", *(os.path.join(ROOT, "tests", kind) for kind in ("sim", "unit")), os.path.join(tree, "tests")], check=True)


def simulate(program, runs):
    """(invariant, seed) of the first breach; None."""
    said = subprocess.run([program, "--runs", str(runs), "--seed", "1", "--jobs", "1"], capture_output=True, text=True, check=False).stdout
    breach = re.search(r"^seed (\d+): at [\d.]+ s: (I\d: [^;\n]*)", said)
    return breach and (breach[2], breach[1])


def first_failed_unit(program):
    """A test hangs rather than fails where a timer never ends."""
    try:
        said = subprocess.run([program, "--gtest_brief=1"], capture_output=True, text=True, check=False, timeout=60).stdout
    except subprocess.TimeoutExpired:
        return "(does not end)"
    failed = re.search(r"^\[  FAILED  \] ([^ ,]+)", said, re.MULTILINE)
    return failed and failed[1]


def link(objects, sources, program, *libraries):
    subprocess.run(["c++", *(objects[source] for source in sources), "-o", program, "-pthread", *libraries, "-lfmt"], check=True)
    return program


def try_one(tree, objects, mutation, runs):
    """The row of one mutation, and whether it was noticed. `tree` is whole again afterwards."""
    what, path, pattern, replacement = mutation
    place = os.path.join(tree, path)
    with open(place, encoding="utf-8") as source:
        whole = source.read()
    text, count = re.subn(pattern, replacement, whole)
    if count == 0:
        return f"| {what} | cannot be made: the code has changed | | |", False
    with tempfile.TemporaryDirectory() as folder:
        with open(place, "w", encoding="utf-8") as source:
            source.write(text)
        changed = [path] if path.endswith(".cpp") else [*SOURCES, *UNITS]  # a header concerns all
        try:
            anew = {**objects, **dict(zip(changed, compile_objects(tree, changed, folder)))}
        finally:
            with open(place, "w", encoding="utf-8") as source:
                source.write(whole)
        breach = simulate(link(anew, SOURCES, os.path.join(folder, "sim")), runs)
        production = [source for source in SOURCES if not source.startswith("tests/")]
        units = first_failed_unit(link(anew, [*production, *UNITS], os.path.join(folder, "units"), "-lgmock", "-lgtest", "-lgtest_main"))
    by_simulator = f"{breach[0]} | {breach[1]}" if breach else f"not in {runs} runs |"
    return f"| {what} | {by_simulator} | {f'`{units}`' if units else 'none'} |", bool(breach or units)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--runs", type=int, default=400)
    options.add_argument("--only", default="")
    chosen = options.parse_args()
    chosen_ones = [mutation for mutation in MUTATIONS if chosen.only in mutation[0]]
    noticed = True
    print("| mutation | noticed by | in run | and by the unit test |\n|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as tree:
        copy_tree(tree)
        objects = dict(zip([*SOURCES, *UNITS], compile_objects(tree, [*SOURCES, *UNITS], tree)))
        for mutation in chosen_ones:
            row, found = try_one(tree, objects, mutation, chosen.runs)
            noticed = noticed and found
            print(row, flush=True)
    return 0 if noticed else 1


if __name__ == "__main__":
    sys.exit(main())
