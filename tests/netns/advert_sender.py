"""Puts bad advertisements on a LAN: advert_sender.py INTERFACE RATE SECONDS KIND... ; each KIND at RATE per second.

Kinds: see SPOILED. Each pretends to be a master of priority 254 that is wrong in one way. Prints how many were sent.
"""
import socket
import struct
import sys
import time

GROUP = bytes([224, 0, 0, 18])
SOURCE = bytes([10, 0, 0, 250])


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def message(version=3, kind=1, vrid=51, priority=254, count=1, interval=100, password=b"", spoil=0, tail=b""):
    middle = struct.pack("!BB", 1, interval // 100) if version == 2 else struct.pack("!H", interval)
    head = struct.pack("!BBBB", version << 4 | kind, vrid, priority, count)
    body = bytes([10, 0, 0, 100]) * count + (password.ljust(8, b"\0") if version == 2 else b"")
    value = checksum(head + middle + b"\0\0" + body) ^ spoil
    return head + middle + struct.pack("!H", value) + body + tail


def frame(payload, ttl=255):
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0xc0, 20 + len(payload), 1, 0, ttl, 112, 0, SOURCE, GROUP)
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return bytes.fromhex("01005e000012" "0200000000fa" "0800") + header + payload


SPOILED = {  # kind: (frame, the word lvsd counts it under)
    "version": frame(message(version=4)),
    "type": frame(message(kind=2)),
    "ttl": frame(message(), ttl=254),
    "checksum": frame(message(spoil=1)),
    "length": frame(message(count=1, tail=b"x" * 40)),
    "interval": frame(message(interval=0)),
    "count": frame(message(count=0)),
    "vrid": frame(message(vrid=99)),
    "password": frame(message(version=2, vrid=53, password=b"wrong")),
    "other_interval": frame(message(version=2, vrid=53, password=b"secret", interval=300)),
    "hmac_missing": frame(message(vrid=61)),
}


def main():
    interface, rate, seconds, kinds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    wire.bind((interface, 0))
    start = time.monotonic()
    sent = 0
    while (now := time.monotonic() - start) < seconds:
        while sent < now * rate:
            for kind in kinds:
                wire.send(SPOILED[kind])
            sent += 1
        time.sleep(min(0.005, 1 / rate))
    print(sent)


if __name__ == "__main__":
    main()
