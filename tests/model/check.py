"""Checks election.pml with spin: safety, liveness, and that each mutation of a rule is caught. Exit 77 without spin."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "election.pml")
MUTATIONS = {
    1: "no fence after a pause",
    2: "a lease longer than the master down interval",
    3: "members of a sync group take over one by one",
    4: "a lesser master does not give way",
    5: "an advertisement does not renew the lease",
}


def run(argv, folder):
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def verify(options, compiler=(), search=()):
    """(errors, states) of one exhaustive search."""
    with tempfile.TemporaryDirectory() as folder:
        run(["spin", *options, "-a", MODEL], folder)
        run(["cc", "-O2", "-w", "-DMEMLIM=4096", "-DCOLLAPSE", *compiler, "-o", "pan", "pan.c"], folder)
        said = run(["./pan", "-m200000", *search], folder)
    if "max search depth too small" in said or "Search not completed" in said and "errors: 0" in said:
        sys.exit(f"the search was not complete\n{said}")
    return int(re.search(r"errors: (\d+)", said)[1]), int(float(re.search(r"([\d.e+]+) states, stored", said)[1]))


def main():
    if not shutil.which("spin"):
        print("spin is not installed")
        return 77
    failed = False
    faults, live = "-DFAULTS=3", "-DFAULTS=2"
    for name, found in (("safety, 3 faults", lambda: verify([faults], ["-DSAFETY", "-DNOCLAIM"])),
                        ("liveness, 2 faults", lambda: verify([live], (), ["-a"]))):
        began = time.monotonic()
        errors, states = found()
        failed |= errors > 0
        print(f"{name}: {states} states, {errors} errors, {time.monotonic() - began:.1f} s")
    for number, words in MUTATIONS.items():
        errors, states = verify([f"-DMUTATION={number}", faults], ["-DSAFETY", "-DNOCLAIM"])
        failed |= errors == 0
        print(f"mutation {number}, {words}: {'caught' if errors else 'NOT CAUGHT'} after {states} states")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
