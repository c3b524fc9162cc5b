"""TCP and UDP echo on all addresses. Run by servers.py: echo.py NAME PORT. TCP opens with 'NAME ready'."""
import asyncio
import sys


async def serve(name, port):
    async def talk(reader, writer):
        try:
            writer.write(f"{name} ready\n".encode())
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    class Datagrams(asyncio.DatagramProtocol):
        def connection_made(self, transport):
            self.transport = transport

        def datagram_received(self, data, peer):
            self.transport.sendto(name.encode() + b" " + data, peer)

    server = await asyncio.start_server(talk, ["0.0.0.0", "::"], port, backlog=4096)
    # Bound to the wildcard address a reply would leave from the interface's address: one socket per local address.
    loop = asyncio.get_running_loop()
    for address in sys.argv[3:] or ["0.0.0.0"]:
        await loop.create_datagram_endpoint(Datagrams, local_addr=(address, port))
    print("listening", flush=True)
    await server.serve_forever()


asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
