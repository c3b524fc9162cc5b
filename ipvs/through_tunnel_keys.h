/* What the program through_tunnel.bpf.c knows of a tunnel, and by what. C, because both sides include it. Addresses and
 * ports in network byte order, IPv4 in its IPv4-mapped form; every byte is part of the key. */
#pragma once

#include <linux/types.h>

struct tunnel_key {
  __u32 mark;
  __u32 server[4];
};

enum tunnel_kind { TUNNEL_IPIP, TUNNEL_GUE, TUNNEL_GRE };

struct tunnel_way {
  __u32 address[4]; /* the virtual one, under which the check asks */
  __u16 port;       /* of gue */
  __u8 kind;
  __u8 checksum; /* the outer one is there */
};
