"""Holds long TCP connections to echo servers and says how they fare. Run by test_sync.py inside the client:
held.py ADDRESS:PORT:COUNT ... Prints 'open N' once all are established; one in two talks all the time, the others are silent.
At SIGTERM every one is asked a last time and has 20 s to answer; then one line of JSON: {"ADDRESS:PORT": {"asked": N, "lost": {why: N}}}."""
import asyncio
import collections
import json
import os
import signal
import sys

PATIENCE = 20  # seconds: a retransmission may be as late as the silence was long


class Held:
    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.why = None
        self.lines = 0

    async def ask(self, patience):
        self.lines += 1
        line = f"line {self.lines} of {id(self)}\n".encode()
        try:
            self.writer.write(line)
            answer = await asyncio.wait_for(self.reader.readline(), patience)
            if answer != line:
                self.why = "closed" if not answer else "another answer"
        except (OSError, asyncio.TimeoutError, EOFError) as error:
            self.why = type(error).__name__

    async def talk(self, stop):
        while not stop.is_set() and not self.why:
            await self.ask(PATIENCE)
            await asyncio.sleep(0.05)


async def connect(address, port):
    for _ in range(5):
        try:
            reader, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 5)
            await asyncio.wait_for(reader.readline(), 5)
            return Held(reader, writer)
        except (OSError, asyncio.TimeoutError):
            continue
    raise SystemExit(f"cannot connect to {address}:{port}")


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    groups = {}
    for word in sys.argv[1:]:
        address, port, count = word.rsplit(":", 2)
        groups[f"{address}:{port}"] = held = []
        while len(held) < int(count):
            missing = min(50, int(count) - len(held))
            held += await asyncio.gather(*(connect(address, int(port)) for _ in range(missing)))
    every = [one for held in groups.values() for one in held]
    print(f"open {len(every)}", flush=True)
    await asyncio.gather(*(one.talk(stop) for one in every[::2]), stop.wait())
    await asyncio.gather(*(one.ask(PATIENCE) for one in every if not one.why))
    print(json.dumps({name: {"asked": len(held), "lost": collections.Counter(one.why for one in held if one.why)}
                      for name, held in groups.items()}), flush=True)
    os._exit(0)  # the connections go with the process


asyncio.run(main())
