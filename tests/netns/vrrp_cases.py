"""Virtual routers of every kind at once: version, address family, multicast or unicast, password; written for lvsd and for
keepalived. Used by test_vrrp_interop.py and test_vrrp_authentication.py."""
import json
import os
from dataclasses import dataclass

from process import wait_until
from topology import command

GLOBAL6 = "2001:db8:0:1::"


@dataclass(frozen=True)
class Case:
    name: str
    virtual_router_id: int
    version: int
    ipv6: bool = False
    unicast: bool = False
    password: str = ""

    @property
    def addresses(self):
        """With prefix lengths, in the order of the wire."""
        if self.ipv6:
            return [f"fe80::1:{self.virtual_router_id}/64", f"2001:db8::{self.virtual_router_id}/64"]
        return [f"10.0.0.{100 + self.virtual_router_id}/24"]

    @property
    def owned(self):
        """The address whose owner is looked for."""
        return self.addresses[-1].split("/")[0]


CASES = [
    Case("three_ipv4", 51, 3),
    Case("three_ipv6", 51, 3, ipv6=True),
    Case("two", 52, 2),
    Case("two_password", 53, 2, password="secret"),
    Case("three_unicast", 54, 3, unicast=True),
    Case("three_unicast_ipv6", 54, 3, ipv6=True, unicast=True),
    Case("two_unicast", 55, 2, unicast=True),
]


def enable_ipv6(hosts):
    """Link-local addresses without waiting for duplicates, and a global one: ...::2 for 10.0.0.2."""
    for host in hosts:
        last = next(address for address in host.addresses("eth0") if address.startswith("10.0.0.")).rsplit(".", 1)[1]
        host.sysctl("net.ipv6.conf.eth0.accept_dad", 0)
        host.sysctl("net.ipv6.conf.eth0.disable_ipv6", 0)
        host.ip("addr", "add", f"{GLOBAL6}{last}/64", "dev", "eth0", "nodad")
        wait_until(lambda host=host: link_local(host), 5, f"a link-local address on {host.name}")


def addresses(host):
    done = command(["ip", "-n", host.namespace, "-j", "addr", "show"], check=False)
    return {info["local"] for link in json.loads(done.stdout or "[]") for info in link.get("addr_info", [])}


def link_local(host):
    return next((address for address in addresses(host) if address.startswith("fe80::") and "ff:fe" in address), None)


def owners(hosts, case):
    return [host.name for host in hosts if case.owned in addresses(host)]


def all_owned_by(hosts, host, cases=None):
    """True when this host, and no other, holds every virtual address."""
    held = {each.name: addresses(each) for each in hosts}
    return all([name for name, has in held.items() if case.owned in has] == [host.name] for case in cases or CASES)


def _unicast(case, host, peer):
    if not case.unicast:
        return None
    if case.ipv6:
        return f"{GLOBAL6}{2 if host.name == 'lvs1' else 3}", f"{GLOBAL6}{2 if peer.name == 'lvs1' else 3}"
    return host.addresses("eth0")[0], peer.addresses("eth0")[0]


def lvsd_text(cases, host, peer, priority, lines=""):
    parts = ["[node lvs1]\naddress = 10.0.0.2\n", "[node lvs2]\naddress = 10.0.0.3\n"]
    for case in cases:
        part = [f"[vrrp {case.name}]", "interface = eth0", f"virtual_router_id = {case.virtual_router_id}",
                f"version = {case.version}", f"priority = {priority}", f"priority@{peer.name} = {250 - priority}", lines]
        part += [f"virtual_address = {address}" for address in case.addresses]
        if case.password:
            part.append(f"password = {case.password}")
        if case.unicast:
            own, other = _unicast(case, host, peer)
            part += [f"peer = {other}", f"source_address = {own}"]
        parts.append("\n".join(part) + "\n")
    return "\n".join(parts)


def keepalived_text(cases, host, peer, priority, lines=""):
    parts = [f"global_defs {{ router_id {host.name} vrrp_garp_master_repeat 2 }}"]
    for case in cases:
        extra = lines
        if case.password:
            extra += f"\n  authentication {{ auth_type PASS auth_pass {case.password} }}".replace(" auth_pass", "\n auth_pass")
        if case.unicast:
            own, other = _unicast(case, host, peer)
            extra += f"\n  unicast_src_ip {own}\n  unicast_peer {{ {other} }}"
            if case.ipv6:
                extra += "\n  unicast_ttl 255"  # else 64, and a hop limit below 255 is refused
        parts.append(f"vrrp_instance {case.name} {{\n  interface eth0\n  virtual_router_id {case.virtual_router_id}\n"
                     f"  version {case.version}\n  priority {priority}\n  advert_int 1\n{extra}\n"
                     f"  virtual_ipaddress {{\n" + "".join(f"    {a}\n" for a in case.addresses) + "  }\n}")
    path = host.testbed.path(f"{host.name}-keepalived-text")
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(parts) + "\n")
    os.chmod(path, 0o600)
    return path
