#!/usr/bin/python3
"""Writes ipvs_fixtures.json: packets into the director and what has to come out, byte for byte.

The bytes are made here from the rules alone (RFC 791, 768, 9293, 1071), not by the engine. Run it after a change and look at
the difference: tests/packet/make_fixtures.py > tests/packet/ipvs_fixtures.json
The director is the one of tests/support/director.hpp: VIP 198.51.100.1, tcp 80 and udp 53, servers s1 (nat, 10.0.0.11:8080)
in service "nat", s2 (dr, 10.0.0.12) in service "dr" at 198.51.100.2; the same with IPv6: 2001:db8:1::1, ::2 and ::3,
servers 2001:db8:5::11 and ::12; sctp 9899 beside the others. Service "keys", udp 500 at 198.51.100.4 and 2001:db8:1::4: s1 with nat."""
import json
import socket
import struct

FRONT, BACK, CLIENT = "020000000001", "020000000002", "0200000000c1"
SERVER = {"s1": "020000000101", "s2": "020000000102"}
FIN, SYN, RST, ACK = 1, 2, 4, 16


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def address(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def packet_of(src, dst, protocol, body, **kw):
    if ":" not in src:
        return ipv4(src, dst, protocol, body, **kw)
    head = struct.pack("!IHBB", 0x60000000, len(body), protocol, kw.get("ttl", 64))
    return head + address(src) + address(dst) + body


def ipv4(src, dst, protocol, body, ttl=64, tos=0, ident=0x1234, fragment=0x4000, options=b""):
    head = struct.pack("!BBHHHBBH4s4s", 0x45 + len(options) // 4, tos, 20 + len(options) + len(body), ident, fragment, ttl,
                       protocol, 0, address(src), address(dst)) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def pseudo(src, dst, protocol, length):
    tail = struct.pack("!IHBB", length, 0, 0, protocol) if ":" in src else struct.pack("!BBH", 0, protocol, length)
    return address(src) + address(dst) + tail


def tcp(src, sport, dst, dport, flags, payload=b"", seq=1000, ack=0, partial=False, window=1024, **ip):
    head = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, window, 0, 0)
    before = pseudo(src, dst, 6, len(head) + len(payload))
    value = ~checksum(before) & 0xFFFF if partial else checksum(before + head + payload)
    return packet_of(src, dst, 6, head[:16] + struct.pack("!H", value) + head[18:] + payload, **ip)


def udp(src, sport, dst, dport, payload=b"", check=True, partial=False, **ip):
    head = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0)
    before = pseudo(src, dst, 17, len(head) + len(payload))
    value = checksum(before + head + payload) or 0xFFFF
    if partial:
        value = ~checksum(before) & 0xFFFF
    return packet_of(src, dst, 17, head[:6] + struct.pack("!H", value if check else 0) + payload, **ip)


def sctp(src, sport, dst, dport, payload=b"\1\0\0\4", **kw):
    head = struct.pack("!HHI", sport, dport, 0xCAFE)
    return packet_of(src, dst, 132, head + struct.pack("<I", crc32c(head + bytes(4) + payload)) + payload, **kw)


def fragments(packet, *cuts, ident=0x77):
    """As a sender cuts an IP packet, at these bytes of its payload."""
    size = 40 if packet[0] >> 4 == 6 else 20
    head, body = packet[:size], packet[size:]
    for start, end in zip((0, *cuts), (*cuts, len(body))):
        more = end != len(body)
        if size == 40:
            extension = struct.pack("!BBHI", head[6], 0, start | more, ident)
            yield head[:4] + struct.pack("!HB", 8 + end - start, 44) + head[7:] + extension + body[start:end]
        else:
            cut = head[:2] + struct.pack("!HHH", 20 + end - start, ident, start // 8 | more << 13) + head[8:10] + bytes(2) + head[12:]
            yield cut[:10] + struct.pack("!H", checksum(cut)) + cut[12:] + body[start:end]


def icmp6(src, dst, kind, code, quoted, mtu=0, **kw):
    body = struct.pack("!BBHI", kind, code, 0, mtu) + quoted
    value = checksum(pseudo(src, dst, 58, len(body)) + body)
    return packet_of(src, dst, 58, body[:2] + struct.pack("!H", value) + body[4:], **kw)


def icmp(src, dst, kind, code, quoted, mtu=0, tos=0xC0, **kw):
    body = struct.pack("!BBHHH", kind, code, 0, 0, mtu) + quoted
    return ipv4(src, dst, 1, body[:2] + struct.pack("!H", checksum(body)) + body[4:], tos=tos, ident=0, **kw)


def eth(to, from_, packet, padding=0, tag=None):
    vlan = b"" if tag is None else struct.pack("!HH", 0x8100, tag)
    return bytes.fromhex(to) + bytes.fromhex(from_) + vlan + (b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00") + packet + bytes(padding)


FIXTURES = []


def fixture(description, *steps):
    FIXTURES.append({"description": description, "steps": list(steps)})


def step(frame, output, *extra, interface=2, action="send", reason="none", out=None):
    """extra: frames that leave besides the output."""
    # Unset: straight through to the other side, or an answer on the same one.
    if out is None:
        out = (5 - interface) if reason == "none" else interface
    return {"interface": interface, "input": frame.hex(), "action": action, "reason": reason,
            "output": output.hex() if output else "", "out_interface": out if action == "send" else 0,
            "extra": [frame.hex() for frame in extra]}


C, V, W, S = "192.0.2.10", "198.51.100.1", "198.51.100.2", "10.0.0.11"


def to_vip(packet, **kw):
    return eth(FRONT, CLIENT, packet, **kw)


def to_s1(packet):
    return eth(SERVER["s1"], BACK, packet)


def to_s2(packet):
    return eth(SERVER["s2"], BACK, packet)


def from_s1(packet):
    return eth(BACK, SERVER["s1"], packet)


def to_client(packet):
    return eth(CLIENT, FRONT, packet)


SYN_IN = step(to_vip(tcp(C, 40000, V, 80, SYN)), to_s1(tcp(C, 40000, S, 8080, SYN, ttl=63)))
for size in (0, 1, 2, 7, 1400):
    data = bytes(i & 255 for i in range(size))
    fixture(f"nat, tcp, {size} bytes of data, both ways", SYN_IN,
            step(from_s1(tcp(S, 8080, C, 40000, SYN | ACK, seq=9, ack=1001)),
                 to_client(tcp(V, 80, C, 40000, SYN | ACK, seq=9, ack=1001, ttl=63)), interface=3),
            step(to_vip(tcp(C, 40000, V, 80, ACK, data)), to_s1(tcp(C, 40000, S, 8080, ACK, data, ttl=63))),
            step(from_s1(tcp(S, 8080, C, 40000, ACK, data)), to_client(tcp(V, 80, C, 40000, ACK, data, ttl=63)), interface=3))
    fixture(f"nat, udp, {size} bytes of data, both ways",
            step(to_vip(udp(C, 5000, V, 53, data)), to_s1(udp(C, 5000, S, 8080, data, ttl=63))),
            step(from_s1(udp(S, 8080, C, 5000, data)), to_client(udp(V, 53, C, 5000, data, ttl=63)), interface=3))
    fixture(f"nat, udp without checksum, {size} bytes: gets one",
            step(to_vip(udp(C, 5000, V, 53, data, check=False)), to_s1(udp(C, 5000, S, 8080, data, ttl=63))))
    fixture(f"nat, incomplete checksums, {size} bytes: completed",
            step(to_vip(tcp(C, 40000, V, 80, SYN, data, partial=True)), to_s1(tcp(C, 40000, S, 8080, SYN, data, ttl=63))),
            step(to_vip(udp(C, 5000, V, 53, data, partial=True)), to_s1(udp(C, 5000, S, 8080, data, ttl=63))),
            step(from_s1(udp(S, 8080, C, 5000, data, partial=True)), to_client(udp(V, 53, C, 5000, data, ttl=63)), interface=3))
    fixture(f"dr, tcp and udp, {size} bytes: nothing but MAC and TTL",
            step(to_vip(tcp(C, 40000, W, 80, SYN, data)), to_s2(tcp(C, 40000, W, 80, SYN, data, ttl=63))),
            step(to_vip(udp(C, 5000, W, 53, data, check=False)), to_s2(udp(C, 5000, W, 53, data, check=False, ttl=63))),
            step(to_vip(udp(C, 5001, W, 53, data, partial=True)), to_s2(udp(C, 5001, W, 53, data, ttl=63))))
for ttl in (255, 2):
    fixture(f"ttl {ttl} goes down by one",
            step(to_vip(tcp(C, 40000, V, 80, SYN, ttl=ttl)), to_s1(tcp(C, 40000, S, 8080, SYN, ttl=ttl - 1))))
for ttl in (1, 0):
    syn = tcp(C, 40000, V, 80, SYN, ttl=ttl)
    fixture(f"ttl {ttl} ends here", step(to_vip(syn), eth(CLIENT, FRONT, icmp(V, C, 11, 0, syn)), reason="ttl_exceeded"))
    back = tcp(S, 8080, C, 40000, SYN | ACK, ttl=ttl)
    fixture(f"ttl {ttl} of a reply ends here", SYN_IN,
            step(from_s1(back), eth(SERVER["s1"], BACK, icmp("10.0.0.1", S, 11, 0, back)), interface=3, reason="ttl_exceeded"))
fixture("padding is cut off", step(to_vip(tcp(C, 40000, V, 80, SYN), padding=6), to_s1(tcp(C, 40000, S, 8080, SYN, ttl=63))))
fixture("a priority tag is left out",
        step(to_vip(tcp(C, 40000, V, 80, SYN), tag=0x6000), to_s1(tcp(C, 40000, S, 8080, SYN, ttl=63))))
fixture("ip options stay",
        step(to_vip(tcp(C, 40000, V, 80, SYN, options=b"\x07\x07\x04\0\0\0\0\0")),
             to_s1(tcp(C, 40000, S, 8080, SYN, options=b"\x07\x07\x04\0\0\0\0\0", ttl=63))))
fixture("a source route is refused",
        step(to_vip(tcp(C, 40000, V, 80, SYN, options=b"\x83\x03\x04\0")), None, action="drop", reason="ip_options"))
for flags, seq, ack, answer in ((ACK, 7, 900, dict(flags=RST, seq=900, ack=0)), (FIN, 7, 0, dict(flags=RST | ACK, seq=0, ack=8)),
                                (FIN | ACK, 7, 5, dict(flags=RST, seq=5, ack=0))):
    fixture(f"unknown connection, flags {flags:#04x}: reset",
            step(to_vip(tcp(C, 40000, V, 80, flags, seq=seq, ack=ack)),
                 to_client(tcp(V, 80, C, 40000, window=0, ident=0, **answer)), reason="no_connection"))
fixture("unknown connection, a reset: nothing is said",
        step(to_vip(tcp(C, 40000, V, 80, RST)), None, action="drop", reason="no_connection"))
for packet in (tcp(C, 40000, "198.51.100.3", 80, SYN), udp(C, 5000, "198.51.100.3", 53, b"x" * 700)):
    fixture("no server: port unreachable",
            step(to_vip(packet), eth(CLIENT, FRONT, icmp("198.51.100.3", C, 3, 3, packet[:548])), reason="no_server"))
big, small = (udp(C, 5000, V, 53, bytes(1473), fragment=f) for f in (0x4000, 0))
lower = udp(C, 5000, V, 53, bytes(1473), ttl=63)
fixture("too big, with DF: fragmentation needed",
        step(to_vip(big), eth(CLIENT, FRONT, icmp(V, C, 3, 4, lower[:548], mtu=1500)), reason="too_big"))
fixture("too big, without DF: leaves in fragments",
        step(to_vip(small), *map(to_s1, fragments(udp(C, 5000, S, 8080, bytes(1473), ttl=63), 1480, ident=0x1234))))

C6, V6, W6, S6 = "2001:db8:c::10", "2001:db8:1::1", "2001:db8:1::2", "2001:db8:5::11"
for size in (0, 1, 2, 7, 1380):
    data = bytes(i & 255 for i in range(size))
    fixture(f"nat, tcp over IPv6, {size} bytes of data, both ways",
            step(to_vip(tcp(C6, 40000, V6, 80, SYN, data)), to_s1(tcp(C6, 40000, S6, 8080, SYN, data, ttl=63))),
            step(from_s1(tcp(S6, 8080, C6, 40000, SYN | ACK, data)), to_client(tcp(V6, 80, C6, 40000, SYN | ACK, data, ttl=63)),
                 interface=3))
    fixture(f"nat, udp over IPv6, {size} bytes of data, both ways",
            step(to_vip(udp(C6, 5000, V6, 53, data)), to_s1(udp(C6, 5000, S6, 8080, data, ttl=63))),
            step(from_s1(udp(S6, 8080, C6, 5000, data)), to_client(udp(V6, 53, C6, 5000, data, ttl=63)), interface=3))
    fixture(f"IPv6, incomplete checksums, {size} bytes: completed",
            step(to_vip(tcp(C6, 40000, V6, 80, SYN, data, partial=True)), to_s1(tcp(C6, 40000, S6, 8080, SYN, data, ttl=63))),
            step(to_vip(udp(C6, 5000, W6, 53, data, partial=True)), to_s2(udp(C6, 5000, W6, 53, data, ttl=63))))
    fixture(f"dr over IPv6, {size} bytes: nothing but MAC and hop limit",
            step(to_vip(tcp(C6, 40000, W6, 80, SYN, data)), to_s2(tcp(C6, 40000, W6, 80, SYN, data, ttl=63))))
for c, v, w, s, what in ((C, V, W, S, "IPv4"), (C6, V6, W6, S6, "IPv6")):
    fixture(f"sctp over {what}, nat both ways: the CRC is made anew",
            step(to_vip(sctp(c, 5000, v, 9899)), to_s1(sctp(c, 5000, s, 8080, ttl=63))),
            step(from_s1(sctp(s, 8080, c, 5000, b"\2\0\0\4")), to_client(sctp(v, 9899, c, 5000, b"\2\0\0\4", ttl=63)), interface=3))
    fixture(f"sctp over {what}, dr", step(to_vip(sctp(c, 5000, w, 9899)), to_s2(sctp(c, 5000, w, 9899, ttl=63))))
    data = bytes(i & 255 for i in range(2000))
    for before, after, kw in ((to_vip, to_s1, (c, 5000, v, 53, c, 5000, s, 8080, 2)), (from_s1, to_client, (s, 8080, c, 5000, v, 53, c, 5000, 3))):
        a, ap, b, bp, x, xp, y, yp, side = kw
        opened = [] if side == 2 else [step(to_vip(udp(c, 5000, v, 53)), to_s1(udp(c, 5000, s, 8080, ttl=63)))]
        fixture(f"{what}: fragments follow their first one, side {side}", *opened,
                *(step(before(i), after(o), interface=side) for i, o in zip(fragments(udp(a, ap, b, bp, data), 1200, 1600),
                                                                             fragments(udp(x, xp, y, yp, data, ttl=63), 1200, 1600))))
    error, unreachable, router = (icmp6, 1, "2001:db8:c::99") if ":" in c else (icmp, 3, "192.0.2.99")

    def said(packet, inner):  # the quoted transport checksum stays as it was
        at = (40 if packet[0] >> 4 == 6 else 20) + 6
        return packet[:at] + inner[at:at + 2] + packet[at + 2:]
    told, heard = udp(v, 53, c, 5000, b"answer"), udp(s, 8080, c, 5000, b"answer")
    asked, passed = udp(c, 5000, s, 8080, b"question", ttl=63), udp(c, 5000, v, 53, b"question", ttl=63)
    fixture(f"{what}, nat: an error about a reply reaches the server", step(to_vip(udp(c, 5000, v, 53)), to_s1(udp(c, 5000, s, 8080, ttl=63))),
            step(to_vip(error(router, v, unreachable, 1, told)), to_s1(error(router, s, unreachable, 1, said(heard, told), ttl=63))))
    fixture(f"{what}, nat: an error of the server reaches the client",
            step(to_vip(udp(c, 5000, v, 53)), to_s1(udp(c, 5000, s, 8080, ttl=63))),
            step(from_s1(error(s, c, unreachable, 3, asked)), to_client(error(v, c, unreachable, 3, said(passed, asked), ttl=63)), interface=3))
    fixture(f"{what}, dr: an error is handed on", step(to_vip(udp(c, 5000, w, 53)), to_s2(udp(c, 5000, w, 53, ttl=63))),
            step(to_vip(error(router, w, unreachable, 1, udp(w, 53, c, 5000))), to_s2(error(router, w, unreachable, 1, udp(w, 53, c, 5000), ttl=63))))
for c, k, s, what in ((C, "198.51.100.4", S, "IPv4"), (C6, "2001:db8:1::4", S6, "IPv6")):
    sealed = bytes(range(64))
    keys = step(to_vip(udp(c, 500, k, 500, b"ike")), to_s1(udp(c, 500, s, 500, b"ike", ttl=63)))
    for number, name in ((50, "ESP"), (51, "AH")):
        there, back = to_vip(packet_of(c, k, number, sealed)), from_s1(packet_of(s, c, number, sealed))
        fixture(f"{name} over {what} never begins a connection", step(there, there, action="to_kernel"))
        fixture(f"{name} over {what} follows the exchange of keys both ways", keys,
                step(there, to_s1(packet_of(c, s, number, sealed, ttl=63))),
                step(back, to_client(packet_of(k, c, number, sealed, ttl=63)), interface=3))
        fixture(f"{name} over {what} in fragments", keys,
                *(step(to_vip(i), to_s1(o)) for i, o in zip(fragments(packet_of(c, k, number, sealed), 16, 32),
                                                            fragments(packet_of(c, s, number, sealed, ttl=63), 16, 32))))
    fixture(f"ESP over {what} that is shorter than its header is malformed", keys,
            step(to_vip(packet_of(c, k, 50, bytes(7))), None, action="drop", reason="malformed"))
too_large, lower = (packet_of(C, "198.51.100.4", 50, bytes(1481), ttl=t) for t in (64, 63))
fixture("ESP, too big, with DF: fragmentation needed",
        step(to_vip(udp(C, 500, "198.51.100.4", 500)), to_s1(udp(C, 500, S, 500, ttl=63))),
        step(to_vip(too_large), eth(CLIENT, FRONT, icmp("198.51.100.4", C, 3, 4, lower[:548], mtu=1500)), reason="too_big"))
syn = tcp(C6, 40000, V6, 80, SYN, ttl=1)
fixture("hop limit 1 ends here", step(to_vip(syn), eth(CLIENT, FRONT, icmp6(V6, C6, 3, 0, syn)), reason="ttl_exceeded"))
lower = udp(C6, 5000, V6, 53, bytes(1453), ttl=63)
fixture("IPv6, too big: packet too big",
        step(to_vip(udp(C6, 5000, V6, 53, bytes(1453))), eth(CLIENT, FRONT, icmp6(V6, C6, 2, 0, lower[:1232], mtu=1500)), reason="too_big"))
syn = tcp(C6, 40000, "2001:db8:1::3", 80, SYN)
fixture("IPv6, no server: port unreachable",
        step(to_vip(syn), eth(CLIENT, FRONT, icmp6("2001:db8:1::3", C6, 1, 4, syn)), reason="no_server"))
for what, frame, side in (("ssh to the director", to_vip(tcp(C, 40000, V, 22, SYN)), 2),
                          ("routed traffic of a server", from_s1(tcp(S, 44000, C, 443, SYN)), 3),
                          ("a ping of the virtual address", to_vip(icmp(C, V, 8, 0, b"ping")), 2)):
    fixture(f"{what} goes to the kernel as it is", step(frame, frame, interface=side, action="to_kernel"))

print(json.dumps(FIXTURES, indent=1))
