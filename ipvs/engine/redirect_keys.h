/* Keys of the maps between the XDP program (redirect.bpf.c) and the process that fills them (redirect_maps.cpp). C,
 * because both sides include it. Addresses and ports in network byte order, IPv4 in its IPv4-mapped form; every byte is
 * part of the key, so padding is explicit. */
#pragma once

#include <linux/types.h>

/* A virtual server's listener. Port 0 stands beside the listeners of an address and protocol: later fragments have no
 * ports, and its value says whether there are ranges of ports to look through. */
struct redirect_listener {
  __u32 address[4];
  __u16 port;
  __u8 protocol; /* REDIRECT_TUNNEL_SERVER: a server at the end of a tunnel, and the UDP port of gue or 0 */
  __u8 zero;
};

/* Values of a listener: bits. */
#define REDIRECT_PRESENT 1
#define REDIRECT_HAS_RANGES 2

#define REDIRECT_TUNNEL_SERVER 255

/* Ports that begin alike, in a trie of longest prefixes (bits behind prefix_length): a range is a few of these. */
struct redirect_ports {
  __u32 prefix_length;
  __u32 address[4];
  __u8 protocol;
  __u8 zero;
  __u16 port;
};
#define REDIRECT_PORTS_WHOLE (8 * 20) /* bits of address, protocol, zero and port */

/* One NAT connection, as its replies look: from the server to the client, with fullnat to the local address. */
struct redirect_flow {
  __u32 server[4];
  __u32 client[4];
  __u16 server_port;
  __u16 client_port;
  __u8 protocol;
  __u8 zero[3];
};

/* Indices of the per-processor counters. */
enum redirect_counter {
  REDIRECT_TO_ENGINE,
  REDIRECT_TO_KERNEL,
  REDIRECT_TAGGED, /* of these, frames of VLANs that are addressed to the interface */
  REDIRECT_COUNTERS
};
