"""HMAC authentication between two lvsd: both families, multicast and unicast; a roll-out without an election, a change of
keys, another key, a replayed advertisement."""
import hashlib
import hmac
import os
import struct
import sys

import pytest
from conftest import open_testbed
from director import Director
from process import stays, wait_until
from topology import one_lan
from traffic import Capture
from vrrp_cases import CASES, all_owned_by, enable_ipv6, lvsd_text, owners

MASTER_DOWN = 3 + (256 - 100) / 256
FIRST, SECOND = "0123456789abcdef0123456789abcdef", "hex:" + "5a" * 32
SIGNED = [case for case in CASES if not case.password]

REPLAY = """\
import socket, sys
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
wire.bind(("eth0", 0))
wire.settimeout(10)
seen = []
while len(seen) < 2:
    frame = wire.recv(2048)
    if frame[:6] == bytes.fromhex("01005e000012") and frame[23] == 112: seen.append(frame)
for frame in seen * 5: wire.send(frame)
print(len(seen) * 5)
"""


@pytest.fixture
def site():
    with open_testbed() as testbed:
        made = one_lan(testbed, servers=0)
        enable_ipv6(made.directors)
        made.keys = {host.name: testbed.path(f"{host.name}.key") for host in made.directors}
        for path in made.keys.values():
            write_key(path, f"1 {FIRST}\n")
        yield made


def write_key(path, text):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(text)


def text(site, host, mode="enforce", signed=True):
    peer = site.lvs2 if host is site.lvs1 else site.lvs1
    lines = f"auth_key_file = {site.keys[host.name]}\nauth_mode = {mode}" if signed else ""
    return lvsd_text(SIGNED, host, peer, 150 if host is site.lvs1 else 100, lines)


def pair(site, **options):
    made = [Director(host, text(site, host, **options)).start() for host in site.directors]
    wait_until(lambda: all_owned_by(site.directors, site.lvs1, SIGNED), 15, "lvs1 to be the only master")
    return made


def refused(director, reason):
    return sum(d["packets"] for i in director.ask("vrrp")["instances"] for d in i["discarded"] if d["reason"] == reason)


def one_master(site, what):
    stays(lambda: all_owned_by(site.directors, site.lvs1, SIGNED), MASTER_DOWN + 1, f"lvs1 the only owner: {what}")


def test_signed_advertisements_are_accepted_and_a_dead_master_is_followed(site):
    master, backup = pair(site)
    one_master(site, "both sign")
    assert refused(backup, "hmac_digest") == refused(backup, "hmac_replay") == refused(backup, "hmac_stale") == 0
    sent = int(site.client.run([sys.executable, "-c", REPLAY]).stdout)
    wait_until(lambda: refused(backup, "hmac_replay") >= sent, 5, "the replayed ones to be refused")
    one_master(site, "a replay changes nothing")
    for director in (master, backup):
        assert FIRST not in director.log() and FIRST not in str(director.ask("vrrp")), "the secret is never shown"
    master.die()
    wait_until(lambda: all_owned_by(site.directors, site.lvs2, SIGNED), MASTER_DOWN + 2, "lvs2 to take over")


def digest(key, version, vrid, source, message, trailer):
    """draft-cassen-vrrp-auth-hmac §5, computed here by itself: checksum and digest count as zero."""
    family = 4 if len(source) == 4 else 6
    pseudo_header = struct.pack("!BBBB16s", family, version, vrid, 0, source)
    covered = pseudo_header + message[:6] + b"\0\0" + message[8:] + trailer[:12] + b"\0" * 16
    return hmac.new(key, covered, hashlib.sha256).digest()[:16]


def advertisements(path):
    """(source, VRRP message, trailer) of each frame of a capture file."""
    with open(path, "rb") as file:
        data = file.read()
    at, found = 24, []
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        frame, at = data[at + 16:at + 16 + size], at + 16 + size
        ip = frame[14:]
        if ip[0] >> 4 == 4:
            source, payload = ip[12:16], ip[(ip[0] & 15) * 4:struct.unpack_from("!H", ip, 2)[0]]
        else:
            source, payload = ip[8:24], ip[40:40 + struct.unpack_from("!H", ip, 4)[0]]
        found.append((source, payload[:-28], payload[-28:]))
    return found


def test_what_is_on_the_wire_is_what_the_draft_computes(site):
    key = bytes(range(32))  # the draft's own examples, of its appendix
    assert digest(key, 3, 51, bytes([198, 51, 100, 10]), bytes.fromhex("3133c80100644402c0000264"),
                  bytes.fromhex("010100006800000080000000")).hex() == "1b84bc4e8e43892dc6d98448f8ee2265"
    capture = Capture(site.lvs2, "eth0", "ip proto 112 or ip6 proto 112")
    pair(site)
    ids = {case.virtual_router_id for case in SIGNED}
    wait_until(lambda: {message[1] for _, message, _ in advertisements(capture.path)} >= ids, 5, "an advertisement of each kind")
    seen = advertisements(capture.stop().path)
    assert {(len(source), message[0] >> 4) for source, message, _ in seen} == {(4, 2), (4, 3), (16, 3)}
    for source, message, trailer in seen:
        assert trailer[:4] == b"\x01\x01\0\0" and len(trailer) == 28
        assert trailer[12:] == digest(FIRST.encode(), message[0] >> 4, message[1], source, message, trailer), message.hex()


@pytest.mark.slow
def test_a_roll_out_and_a_change_of_keys_need_no_election(site):
    directors = pair(site, signed=False)
    since = [[i["transitions"] for i in director.ask("vrrp")["instances"]] for director in directors]

    def everywhere(what, **options):
        for director in directors:
            director.write(text(site, director.host, **options))
            director.ctl("reload")
        one_master(site, what)

    for mode in ("receive_only", "permissive", "enforce"):
        everywhere(mode, mode=mode)
    for keys in (f"1 {FIRST}\n2 {SECOND}\n", f"2 {SECOND}\n1 {FIRST}\n", f"2 {SECOND}\n"):
        for path in site.keys.values():
            write_key(path, keys)
        everywhere(f"{len(keys.splitlines())} keys")
    assert since == [[i["transitions"] for i in director.ask("vrrp")["instances"]] for director in directors]


@pytest.mark.slow
def test_another_key_is_refused_and_counted(site):
    write_key(site.keys["lvs2"], f"1 {SECOND}\n")
    directors = [Director(host, text(site, host)).start() for host in site.directors]
    wait_until(lambda: all(refused(director, "hmac_digest") > len(SIGNED) for director in directors), 15,
               "each to refuse the other's advertisements")
    # Neither can tell the other from an attacker: both are master until somebody corrects the key.
    assert all(len(owners(site.directors, case)) == 2 for case in SIGNED)
    write_key(site.keys["lvs2"], f"1 {FIRST}\n")
    directors[1].ctl("reload")
    wait_until(lambda: all_owned_by(site.directors, site.lvs1, SIGNED), MASTER_DOWN, "one master with one key")
