"""Asks a virtual server at a fixed pace and writes one line per attempt: 'SENT DONE ok NAME' or 'SENT DONE failed WHY'.

Run by traffic.py inside the client: probe.py MODE ADDRESS PORT INTERVAL_S TIMEOUT_S, until SIGTERM. Times are CLOCK_MONOTONIC, the same
in every namespace. Modes:
  http   a new connection, GET /, the body is NAME
  tcp    a new connection and nothing more; reset at once, so that no TIME_WAIT piles up
  udp    a datagram to the echo server from one socket: one flow
  hold   one long TCP connection to the echo server, a line back and forth
"""
import asyncio
import os
import signal
import socket
import struct
import sys
import time

NOW = time.monotonic


class Log:
    """Buffered lines; flushed four times a second and at the end."""

    def __init__(self):
        self.last_flush = NOW()

    def attempt(self, sent, outcome):
        sys.stdout.write(f"{sent:.6f} {NOW():.6f} {outcome}\n")
        if NOW() - self.last_flush > 0.25:
            sys.stdout.flush()
            self.last_flush = NOW()


def reason(error):
    if isinstance(error, (asyncio.TimeoutError, TimeoutError)):
        return "timeout"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return repr(error).replace("\n", " ")


async def http(address, port):
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(b"GET / HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n")
        reply = await reader.read()
    finally:
        writer.close()
    head, _, body = reply.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise OSError(0, f"not a 200: {head[:40]!r}")
    return body.decode().strip()


async def tcp(address, port):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    finally:
        sock.close()
    return "connected"


async def paced(ask, address, port, interval, timeout, log):
    """Attempts start on a fixed grid and do not wait for each other."""
    async def attempt():
        sent = NOW()
        try:
            name = await asyncio.wait_for(ask(address, port), timeout)
            log.attempt(sent, f"ok {name}")
        except (OSError, asyncio.TimeoutError, EOFError) as error:
            log.attempt(sent, f"failed {reason(error)}")

    tasks = set()
    next_at = NOW()
    while True:
        task = asyncio.create_task(attempt())
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        next_at = max(next_at + interval, NOW())
        await asyncio.sleep(next_at - NOW())


async def udp(address, port, interval, timeout, log):
    """Datagrams carry their sending time; one that does not come back within `timeout` is a failure."""
    loop = asyncio.get_running_loop()
    waiting = {}

    class Echoes(asyncio.DatagramProtocol):
        def datagram_received(self, data, _peer):
            name, sent = data.decode().rsplit(" ", 1)
            if waiting.pop(sent, None):
                log.attempt(float(sent), f"ok {name}")

        def error_received(self, error):
            pass  # the datagram's own deadline tells

    transport, _ = await loop.create_datagram_endpoint(Echoes, remote_addr=(address, port))
    next_at = NOW()
    while True:
        now = NOW()
        stamp = f"{now:.6f}"
        waiting[stamp] = now
        transport.sendto(stamp.encode())
        for old in [key for key, at in waiting.items() if now - at > timeout]:
            del waiting[old]
            log.attempt(float(old), "failed timeout")
        next_at = max(next_at + interval, now)
        await asyncio.sleep(next_at - NOW())


async def hold(address, port, interval, timeout, log):
    reader, writer = await asyncio.open_connection(address, port)
    name = (await reader.readline()).decode().split()[0]
    while True:
        sent = NOW()
        writer.write(b"still here\n")
        line = await asyncio.wait_for(reader.readline(), timeout)
        if not line:
            raise ConnectionResetError("closed by the server")
        log.attempt(sent, f"ok {name}")
        await asyncio.sleep(interval)


async def main():
    mode, address, port, interval, timeout = sys.argv[1], sys.argv[2], int(sys.argv[3]), *map(float, sys.argv[4:6])
    log = Log()
    work = {"http": lambda: paced(http, address, port, interval, timeout, log),
            "tcp": lambda: paced(tcp, address, port, interval, timeout, log),
            "udp": lambda: udp(address, port, interval, timeout, log),
            "hold": lambda: hold(address, port, interval, timeout, log)}[mode]
    task = asyncio.create_task(work())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        pass
    except (OSError, EOFError, asyncio.TimeoutError) as error:
        log.attempt(NOW(), f"failed {reason(error)}")
    sys.stdout.flush()


try:
    os.nice(-10)  # a probe that waits for the processor measures the machine
except PermissionError:
    pass
asyncio.run(main())
