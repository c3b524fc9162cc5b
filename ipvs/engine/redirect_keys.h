/* Keys of the maps between the XDP program (redirect.bpf.c) and the process that fills them (redirect_maps.cpp). C,
 * because both sides include it. Addresses and ports in network byte order; every byte is part of the key, so padding
 * is explicit. */
#pragma once

#include <linux/types.h>

/* A virtual server's listener. Port 0 stands beside the listeners of an address and protocol: later fragments have no
 * ports. */
struct redirect_listener {
  __u32 address;
  __u16 port;
  __u8 protocol;
  __u8 zero;
};

/* One NAT connection, as its replies look: from the server to the client. */
struct redirect_flow {
  __u32 server;
  __u32 client;
  __u16 server_port;
  __u16 client_port;
  __u8 protocol;
  __u8 zero[3];
};

/* Indices of the per-processor counters. */
enum redirect_counter { REDIRECT_TO_ENGINE, REDIRECT_TO_KERNEL, REDIRECT_COUNTERS };
