"""Which MAC address a host has for a neighbour. Used by the tests of virtual MAC addresses."""
import re


def neighbour(client, address):
    match = re.search(r"lladdr (\S+)", client.ip("neigh", "show", address, "dev", "eth0").stdout)
    return match[1] if match else None


def ask_anew(client, address):
    client.ip("neigh", "flush", "dev", "eth0")
    client.run(["ping", "-c1", "-W1", address], check=False)
    return neighbour(client, address)
