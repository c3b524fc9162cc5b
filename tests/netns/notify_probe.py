"""A tiny service that speaks the manager's protocol, so that service.py can be proven without lvsd. Run by test_service.py.

It counts in a memory file that it keeps in the descriptor store, writes what it was given to stdout, and dies on SIGUSR1
(exit 3). SIGUSR2 makes it stop feeding the watchdog.
"""
import array
import os
import signal
import socket
import sys
import time


def notify(text, fds=()):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        sender.sendmsg([text.encode()], rights, 0, os.environ["NOTIFY_SOCKET"])


def main():
    feeding = [True]
    signal.signal(signal.SIGUSR1, lambda *_: os._exit(3))
    signal.signal(signal.SIGUSR2, lambda *_: feeding.clear())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    given = []
    if os.environ.get("LISTEN_PID") == str(os.getpid()):
        given = os.environ["LISTEN_FDNAMES"].split(":")
    if "counter" in given:
        memory = 3 + given.index("counter")
    else:
        memory = os.memfd_create("counter")
        notify("FDSTORE=1\nFDNAME=counter", [memory])
        notify("FDSTORE=1\nFDNAME=counter", [memory])  # the same file twice is stored once
        near, far = socket.socketpair()
        notify("FDSTORE=1\nFDNAME=hangs-up", [near.fileno()])
        far.close()
        near.close()
    os.lseek(memory, 0, os.SEEK_SET)
    count = int(os.read(memory, 20) or b"0") + 1
    os.pwrite(memory, str(count).encode(), 0)
    print(f"life {count} given {','.join(given) or 'nothing'}", flush=True)
    if os.fork() == 0:
        notify("STATUS=a child must not be heard")
        time.sleep(3600)
    notify(f"READY=1\nSTATUS=life {count}")
    while True:
        if feeding:
            notify("WATCHDOG=1")
        time.sleep(0.05)


main()
