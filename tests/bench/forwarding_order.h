/* What forwarding.bpf.c is told by forwarding_traffic.cpp. C, because both sides include it. Addresses and ports in
 * network byte order unless said otherwise. */
#pragma once

#include <linux/types.h>

/* Flow N is client FIRST_CLIENT + N % CLIENTS with port FIRST_PORT + N / CLIENTS (host byte order). */
#define FIRST_CLIENT 0x0a400000u /* 10.64.0.0/16 */
#define CLIENTS 65536u
#define FIRST_PORT 1024u

struct order {
  __u64 interval; /* nanoseconds between packets; 0: as fast as it goes */
  __u32 flows;
  __u32 address;
  __u16 port;
  __u8 protocol;
  __u8 syn;     /* else data */
  __u8 in_turn; /* one flow after the other, else by chance */
  __u8 own_mac[6];
  __u8 director_mac[6];
};

struct answer_order {
  __u16 port;  /* packets from and to it are counted, all others pass */
  __u8 answer; /* SYN by SYN-ACK, UDP by itself */
};

struct rewrite_key {
  __u32 client;
  __u32 address;
  __u32 ports;
  __u32 protocol;
};

struct rewrite_value {
  __u32 address;
  __u32 interface;
  __u32 ip_change;
  __u32 transport_change;
  __u16 port; /* 0: it stays (dr) */
  __u8 macs[12];
  __u8 zero[2];
};
