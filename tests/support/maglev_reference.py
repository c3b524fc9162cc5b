#!/usr/bin/python3
"""Who takes which client by kernel IPVS's mh: expected values for tests/unit/ipvs/engine/scheduler_hash_test.cpp.

Written from the rules (ip_vs_mh.c: keys, size 4093, list with the newest server first; SipHash-1-3 as hsiphash of a 64-bit
little-endian kernel), apart from the engine. The hash is checked against Python's own SipHash-1-3, whose key is 0 here."""
import ctypes
import functools
import math
import os
import struct
import subprocess
import sys

PLACES, CLIENT_KEY, SKIP_KEY = 4093, 2654435761, 2654446892
MASK = (1 << 64) - 1


def siphash13(k0, k1, data):
    def rotl(x, bits):
        return ((x << bits) | (x >> (64 - bits))) & MASK

    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def sipround():
        v[0] = (v[0] + v[1]) & MASK
        v[1] = rotl(v[1], 13) ^ v[0]
        v[0] = rotl(v[0], 32)
        v[2] = (v[2] + v[3]) & MASK
        v[3] = rotl(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & MASK
        v[3] = rotl(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & MASK
        v[1] = rotl(v[1], 17) ^ v[2]
        v[2] = rotl(v[2], 32)

    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 255])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        sipround()
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(3):
        sipround()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


@functools.lru_cache(maxsize=None)
def hsiphash(key, value):
    return siphash13(key, key, struct.pack("<I", value & 0xFFFFFFFF)) & 0xFFFFFFFF


def table(servers):
    """servers: (address, port, weight) in the order they were added; a list of their indices by place."""
    divisor = math.gcd(*(weight for _, _, weight in servers))
    shift = max(0, (max(weight for _, _, weight in servers) // divisor).bit_length() - 6)
    newest_first = [(index, *server) for index, server in enumerate(servers)][::-1]
    at = {index: hsiphash(CLIENT_KEY, address + port) % PLACES for index, address, port, _ in newest_first}
    places = [None] * PLACES
    free = PLACES
    while free:
        for index, address, port, weight in newest_first:
            skip = hsiphash(SKIP_KEY, address + port) % (PLACES - 1) + 1
            turns = ((weight // divisor) >> shift) or (1 if weight else 0)
            for _ in range(min(turns, free)):
                while places[at[index]] is not None:
                    at[index] = (at[index] + skip) % PLACES
                places[at[index]] = index
                free -= 1
    return places


def picks(weights, port):
    places = table([(0x0A00000B + n, 80, weight) for n, weight in enumerate(weights)])
    return "".join(chr(ord("a") + places[hsiphash(CLIENT_KEY, 0xC0000201 + 7919 * n + port) % PLACES]) for n in range(64))


def pythons_hash(data):
    text = subprocess.run([sys.executable, "-c", f"print(hash({data!r}))"], env=dict(os.environ, PYTHONHASHSEED="0"),
                          capture_output=True, text=True, check=True).stdout
    return ctypes.c_uint64(int(text)).value


for number in (1, CLIENT_KEY, 0xC0A80101):
    packed = struct.pack("<I", number)
    assert sys.hash_info.algorithm != "siphash13" or pythons_hash(packed) == siphash13(0, 0, packed)
    print(f"siphash13(0, 0, {number:#x}) = {siphash13(0, 0, packed):#x}")
for case in ([1, 1, 1], [5, 3, 2], [1000, 10, 100], [100, 0, 300]):
    print(case, "port 0 ", picks(case, 0))
    print(case, "port 7 ", picks(case, 7))
