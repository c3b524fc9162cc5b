"""vm.py [OPTIONS] COMMAND…: runs COMMAND in a virtual machine with a Debian kernel (machine.py) and ends with its exit code. `./dev vm`."""
import argparse
import os
import signal
import sys

import machine


def main():
    parser = argparse.ArgumentParser(prog="./dev vm", description="Runs a command as root in a virtual machine that has kernel IPVS; it sees "
                                     "this machine's files, and what it writes is gone afterwards.")
    parser.add_argument("--virtual-time", action="store_true", help="the guest's clock skips idle time")
    parser.add_argument("--share", metavar="DIR", action="append", default=[], help="folder that the guest may write into")
    parser.add_argument("--memory", metavar="MIB", type=int, default=768)
    parser.add_argument("--processors", metavar="N", type=int, default=1)
    parser.add_argument("--timeout", metavar="SECONDS", type=int, default=600)
    parser.add_argument("command", nargs=argparse.REMAINDER, help="default: a look at the guest")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("the virtual machine needs root (virtiofsd)", file=sys.stderr)
        sys.exit(77)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # the machine goes, its files too
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    done = machine.run(command or ["uname", "-a"], timeout=options.timeout, memory=options.memory, processors=options.processors,
                       virtual_time=options.virtual_time, shares=[os.path.abspath(path) for path in options.share], live=True)
    sys.exit(done.status)


main()
