/* The flows that the XDP program forwards by itself (redirect.bpf.c), as they lie in memory that it shares with the
 * engine (fast_flows.cpp): arrays of the kernel, mapped by the process. C, because both sides include it. Addresses,
 * ports and sums as they stand in the packet.
 *
 * A flow says itself which packet it is for, and once it can be found it is not changed: the engine makes another one,
 * and uses the place of the old one again only when no processor can be reading it any more. So whatever the program
 * finds, through an index that is being written at that moment too, is either right or not for its packet. */
#pragma once

#include <linux/types.h>

#define FAST_LAYOUT 2                    /* of this file; a successor adopts no other */
#define FAST_ORPHAN_LIMIT 10000000000ull /* nanoseconds that flows are forwarded without the engine's beat */

enum fast_kind { FAST_FREE, FAST_V4, FAST_V6 };
enum fast_direction { FAST_INBOUND, FAST_REPLY };

struct fast_flow {
  /* Which packets, and what becomes of them; with what the program counts, one cache line for IPv4. */
  __u32 source;
  __u32 destination;
  __u16 ports[2]; /* source, destination */
  __u32 new_source;
  __u32 new_destination;
  __u16 new_ports[2];
  __u32 interface; /* the way out */
  __u8 macs[12];   /* destination, source */
  __u16 mtu;       /* packets that are longer are the engine's */
  __u16 ip_change; /* what addresses and time to live add to the IPv4 header checksum (RFC 1624 eqn. 3), folded */
  __u16 transport_change;
  __u8 protocol;
  __u8 kind : 2;      /* enum fast_kind */
  __u8 direction : 1; /* enum fast_direction; for the engine */
  __u8 rewrites : 1;  /* else only the Ethernet header and the time to live change (dr) */
  __u8 unused : 4;
  /* Written by the program. */
  __u64 counted;   /* see fast_count() */
  __u64 last_seen; /* nanoseconds, CLOCK_MONOTONIC */
  /* The engine's: how much of what was counted it has added to its statistics. */
  __u64 collected;
  /* IPv6, in place of the first addresses. */
  __u32 source6[4] __attribute__((aligned(64)));
  __u32 destination6[4];
  __u32 new_source6[4];
  __u32 new_destination6[4];
};

/* Packets and bytes of them in one number, so that one atomic addition counts both. It runs over without harm: between
 * two looks of the engine there are fewer than 67 million packets and 274 GB of a flow, also while it restarts
 * (FAST_ORPHAN_LIMIT). */
#define FAST_BYTE_BITS 38
static inline __u64 fast_count(__u64 packets, __u64 bytes) { return (packets << FAST_BYTE_BITS) + bytes; }
static inline __u64 fast_packets(__u64 counted) { return counted >> FAST_BYTE_BITS; }
static inline __u64 fast_bytes(__u64 counted) { return counted & ((1ull << FAST_BYTE_BITS) - 1); }

/* One cache line of the index: tags of the hash, and the numbers of the flows. Tag 0: the place is empty. No tag stands
 * twice in a bucket. */
#define FAST_PLACES 10
struct fast_bucket {
  __u16 tags[FAST_PLACES];
  __u32 flows[FAST_PLACES] __attribute__((aligned(4)));
  __u32 spare;
};

struct fast_state {
  __u64 beat; /* when the engine was last alive: nanoseconds, CLOCK_MONOTONIC; 0: no fast path */
  __u64 seed;
  __u32 bucket_mask; /* buckets are a power of two */
  __u32 layout;
};

static inline __u64 fast_mix(__u64 hash, __u64 word) {
  hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
  return hash ^ (hash >> 32);
}

static inline __u64 fast_pair(__u64 low, __u64 high) { return low | (high << 32); }

/* `addresses`: source in the low half, destination in the high one. */
static inline __u64 fast_hash_v4(__u64 seed, __u64 addresses, __u64 ports, __u64 protocol) {
  return fast_mix(fast_mix(seed, addresses), fast_pair(ports, protocol));
}

static inline __u64 fast_hash_v6(__u64 seed, const __u32* source, const __u32* destination, __u64 ports,
                                 __u64 protocol) {
  __u64 hash = fast_mix(fast_mix(seed, fast_pair(source[0], source[1])), fast_pair(source[2], source[3]));
  hash = fast_mix(fast_mix(hash, fast_pair(destination[0], destination[1])), fast_pair(destination[2], destination[3]));
  return fast_mix(hash, fast_pair(ports, protocol));
}

static inline __u16 fast_tag(__u64 hash) {
  const __u16 tag = hash & 0xffff;
  return tag ? tag : 1;
}
static inline __u64 fast_bucket_of(__u64 hash, __u64 mask) { return (hash >> 32) & mask; }
