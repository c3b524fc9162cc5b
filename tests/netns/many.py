"""Clients of many addresses against the echo server. Run inside a host:

    many.py short ADDRESS PORT ROUNDS SOURCE…    each round every source asks once by TCP and once by UDP
    many.py hold  ADDRESS PORT SECONDS SOURCE…   a connection of each source, used all the time until SIGINT, so many seconds at most;
                                                 'held' when they stand

Ends with a line of JSON: {"asked": N, "failed": […], "servers": {name: answers}}. Eight threads, so that packets of different sources
are on their way at once."""
import json
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

PATIENCE = 15
ENOUGH = threading.Event()


def connect(source, address, port):
    sock = socket.create_connection((address, port), timeout=PATIENCE, source_address=(source, 0))
    return sock, sock.makefile("rwb")


def echo(stream, data):
    stream.write(data)
    stream.flush()
    if stream.read(len(data)) != data:
        raise ValueError("not what was sent")


def ask_tcp(source, address, port, data):
    sock, stream = connect(source, address, port)
    with sock, stream:
        name = stream.readline().split()[0].decode()
        echo(stream, data)
        return name


def ask_udp(source, address, port, data):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((source, 0))
        sock.connect((address, port))
        sock.settimeout(PATIENCE / 5)
        for _ in range(5):
            sock.send(data)
            try:
                name, _, back = sock.recv(65535).partition(b" ")
            except (TimeoutError, ConnectionRefusedError):
                continue
            if back == data:
                return name.decode()
    raise TimeoutError("no answer by UDP")


def hold(source, address, port, until, stand):
    sock, stream = connect(source, address, port)
    with sock, stream:
        name = stream.readline().split()[0].decode()
        stand.wait()
        while not ENOUGH.wait(0.01) and time.monotonic() < until:
            echo(stream, b"still here\n" * 20)
        echo(stream, b"to the end\n")
        return name


def main(mode, address, port, amount, *sources):
    port = int(port)
    signal.signal(signal.SIGINT, lambda *_: ENOUGH.set())
    if mode == "hold":
        until = time.monotonic() + float(amount)
        stand = threading.Barrier(len(sources), action=lambda: print("held", flush=True))
        jobs = [(hold, source, address, port, until, stand) for source in sources]
    else:
        data = bytes(range(256)) * 4
        jobs = [(ask, source, address, port, data) for _ in range(int(amount)) for source in sources for ask in (ask_tcp, ask_udp)]
    failed, servers = [], {}
    with ThreadPoolExecutor(len(sources) if mode == "hold" else 8) as pool:
        for job, answer in [(job, pool.submit(*job)) for job in jobs]:
            try:
                name = answer.result()
                servers[name] = servers.get(name, 0) + 1
            except (OSError, ValueError, IndexError) as error:
                failed.append(f"{job[0].__name__} from {job[1]}: {error!r}")
    print(json.dumps({"asked": len(jobs), "failed": failed, "servers": servers}), flush=True)


main(*sys.argv[1:])
