"""One director between two cables, in namespaces: frames go in at either end, and what the director sends out at either end is seen.

    world = World(bed, "engine", servers=5)
    world.outside.send(tcp("198.51.100.7", 4000, "10.0.0.100", 80, SYN))
    frame = world.inside.take(0.5)

Nothing at the ends answers: clients and servers are what the test sends. All neighbours are known beforehand.
"""
import ctypes
import os
import select
import socket
import struct
import time

FIN, SYN, RST, ACK = 1, 2, 4, 16
CLONE_NEWNET = 0x40000000
PACKET_OUTGOING = 4
VIP = "10.0.0.100"
_libc = ctypes.CDLL(None, use_errno=True)


def _enter(path):
    with open(path, "rb") as namespace:
        if _libc.setns(namespace.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _ipv4(source, destination, protocol, body):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 1, 0x4000, 64, protocol, 0, socket.inet_aton(source),
                       socket.inet_aton(destination))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def tcp(source, sport, destination, dport, flags, payload=b""):
    head = struct.pack("!HHIIBBHHH", sport, dport, 1000, 2000 if flags & ACK else 0, 0x50, flags, 4096, 0, 0) + payload
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, 6, len(head))
    return _ipv4(source, destination, 6, head[:16] + struct.pack("!H", checksum(pseudo + head)) + head[18:])


def udp(source, sport, destination, dport, payload=b"x"):
    head = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!BBH", 0, 17, len(head))
    return _ipv4(source, destination, 17, head[:6] + struct.pack("!H", checksum(pseudo + head) or 0xFFFF) + head[8:])


class Seen:
    """A packet that the director has sent: TCP, UDP, or ICMP, whose type and code then stand in the place of the ports."""

    def __init__(self, frame):
        packet = frame[14:]
        body = packet[(packet[0] & 15) * 4:]
        self.mac = frame[:6].hex(":")
        self.protocol = packet[9]
        self.source, self.destination = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
        self.sport, self.dport = struct.unpack("!HH", body[:4]) if self.protocol != 1 else (body[0], body[1])
        self.flags = body[13] if self.protocol == 6 else 0

    def __repr__(self):
        return f"{self.source}:{self.sport} > {self.destination}:{self.dport} at {self.mac} protocol {self.protocol} flags {self.flags}"


class End:
    """The far end of one of the director's cables."""

    def __init__(self, bed, director, name, interface, address):
        self.host = bed.host(f"{director.name}-{name}")
        director.ip("link", "add", interface, "type", "veth", "peer", "name", "eth0", "netns", self.host.namespace)
        director.ip("link", "set", interface, "up")
        director.ip("addr", "add", address, "dev", interface)
        self.host.ip("link", "set", "eth0", "up")
        self.mac = self.host.mac()
        self._director = bytes.fromhex(director.mac(interface).replace(":", ""))
        own = f"/proc/{os.getpid()}/ns/net"
        with open(own, "rb") as back:
            _enter(f"/var/run/netns/{self.host.namespace}")
            try:
                self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
                self._socket.bind(("eth0", 0x0003))
            finally:
                if _libc.setns(back.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), "setns")

    def fileno(self):
        return self._socket.fileno()

    def send(self, packet):
        self._socket.send(self._director + bytes.fromhex(self.mac.replace(":", "")) + b"\x08\x00" + packet)

    def take(self, seconds):
        """The next packet from the director; None when none came in time."""
        end = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select([self._socket], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return None
            frame, address = self._socket.recvfrom(65536)
            ours = address[2] == PACKET_OUTGOING or frame[6:12] != self._director or frame[12:14] != b"\x08\x00"
            if not ours and frame[23] in (1, 6, 17):
                return Seen(frame)


class World:
    """A director, its two ends, and `servers` real servers 10.1.0.11 … with a MAC address each."""

    def __init__(self, bed, name, servers):
        self.director = bed.host(name)
        self.outside = End(bed, self.director, "out", "eth0", "10.0.0.2/24")
        self.inside = End(bed, self.director, "in", "eth1", "10.1.0.1/24")
        ip = self.director.ip
        ip("addr", "add", f"{VIP}/32", "dev", "eth0")
        ip("neigh", "replace", "10.0.0.254", "lladdr", self.outside.mac, "dev", "eth0", "nud", "permanent")
        ip("route", "add", "default", "via", "10.0.0.254")
        self.macs = {}
        for number in range(servers):
            address, mac = f"10.1.0.{11 + number}", f"02:00:00:00:01:{11 + number:02x}"
            ip("neigh", "replace", address, "lladdr", mac, "dev", "eth1", "nud", "permanent")
            self.macs[mac] = address
        for setting in ("all.rp_filter=0", "eth0.rp_filter=0", "eth1.rp_filter=0", "all.send_redirects=0", "eth0.send_redirects=0",
                        "eth1.send_redirects=0"):
            key, value = setting.split("=")
            self.director.sysctl(f"net.ipv4.conf.{key}", value)
        self.director.sysctl("net.ipv4.ip_forward", 1)
