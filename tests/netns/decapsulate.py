"""The far end of tunnels without the kernel's help: what arrives in a tunnel comes out of a TUN device. Run by servers.py.

    decapsulate.py DEVICE GUE_PORT

Raw sockets take ipip (protocols 4 and 41) and gre (47), a UDP socket takes gue, all over IPv4 and IPv6. The kernel has
verified the outer header, and gue's checksum, before; gre's is verified here. Prints a line when it is ready, and one
for each kind of tunnel and family when its first packet comes.
"""
import fcntl
import os
import select
import socket
import struct
import sys

IFF_TUN, IFF_NO_PI, TUNSETIFF = 0x0001, 0x1000, 0x400454CA


def open_tun(name):
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def checksum_holds(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total == 0xFFFF


def inside_gre(data):
    flags, kind = struct.unpack("!HH", data[:4])
    if flags == 0x8000 and not checksum_holds(data):
        return b"", "damaged gre"
    if flags not in (0, 0x8000) or kind not in (0x0800, 0x86DD):
        return b"", "strange gre"
    return data[8 if flags else 4:], "gre"


def inside_gue(data):
    return (data[4:], "gue") if data[0] == 0 and data[1] in (4, 41) and data[2:4] == b"\0\0" else (b"", "strange gue")


def main(name, port):
    tun = open_tun(name)
    readers = {}
    for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
        for protocol in (4, 41, 47):
            raw = socket.socket(family, socket.SOCK_RAW, protocol)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            inside = inside_gre if protocol == 47 else lambda data: (data, "ipip")
            strip = 20 if family == socket.AF_INET else 0  # a raw IPv4 socket gives the header too
            readers[raw] = lambda data, inside=inside, strip=strip: inside(data[strip:])
        udp = socket.socket(family, socket.SOCK_DGRAM)
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        if family == socket.AF_INET6:
            udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        udp.bind((any_address, port))
        readers[udp] = inside_gue
    seen = set()
    print("ready", flush=True)
    while True:
        for ready in select.select(list(readers), [], [])[0]:
            packet, kind = readers[ready](ready.recv(65536))
            line = f"{kind} over {'IPv4' if ready.family == socket.AF_INET else 'IPv6'}"
            if line not in seen:
                seen.add(line)
                print(line, flush=True)
            if packet:
                os.write(tun, packet)


main(sys.argv[1], int(sys.argv[2]))
