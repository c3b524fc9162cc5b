/* The XDP program of the engine: frames that belong to a virtual server, and replies of connections under NAT, go to
 * the AF_XDP socket of their receive queue; every other frame passes to the kernel untouched. Loaded once per interface
 * by xdp_program.cpp; `listeners`, `port_ranges` and `flows` are shared by all interfaces. */
/* The types of linux/bpf.h come before the helpers that use them. */
/* clang-format off */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

#include "redirect_keys.h"

#define MORE_FRAGMENTS 0x2000 /* RFC 791 §3.1 */
#define FRAGMENT_OFFSET 0x1fff
#define EXTENSION_LIMIT 4 /* as frame.hpp */
#define ICMP_HEADER 8
#define ISAKMP 500
#define VLAN 0x0fff /* of a tag's first two bytes */

struct tag {
  __u16 vlan;
  __u16 type;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1 << 16);
  __type(key, struct redirect_listener);
  __type(value, __u8);
} listeners SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LPM_TRIE);
  __uint(max_entries, 1 << 16);
  __uint(map_flags, BPF_F_NO_PREALLOC);
  __type(key, struct redirect_ports);
  __type(value, __u8);
} port_ranges SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1 << 18);
  __type(key, struct redirect_flow);
  __type(value, __u8);
} flows SEC(".maps");

/* Replies whose first fragment went to the engine: the later ones follow. */
struct fragment_key {
  __u32 source[4];
  __u32 destination[4];
  __u32 id;
  __u32 protocol;
};
struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4096);
  __type(key, struct fragment_key);
  __type(value, __u8);
} fragments SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_XSKMAP);
  __uint(max_entries, 256);
  __type(key, __u32);
  __type(value, __u32);
} sockets SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, REDIRECT_COUNTERS);
  __type(key, __u32);
  __type(value, __u64);
} counters SEC(".maps");

/* The interface's own address. Written through the mapping when it changes; a frame read in between passes to the
 * kernel. */
__u8 own_mac[8] __attribute__((aligned(8)));

/* Virtual routers that have a MAC address of their own (RFC 9568 §7.3) on this interface, by family and id. Their links
 * need not be up: in the moment between a takeover and our knowledge of it the kernel would answer RST. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(max_entries, 512);
  __type(key, __u32);
  __type(value, __u8);
} virtual_routers SEC(".maps");

enum fragment_kind { WHOLE, FIRST, LATER };

struct packet {
  __u32 source[4];
  __u32 destination[4];
  __u32 fragment_id;
  __u32 transport; /* offset in the frame */
  __u16 ports[2];
  __u8 protocol;
  __u8 fragment;
  __u8 v6;
};

static __always_inline void count(__u32 index) {
  __u64* value = bpf_map_lookup_elem(&counters, &index);
  if (value) *value += 1;
}

static __always_inline int is_virtual_router(const __u8* mac) {
  if (mac[0] != 0x00 || mac[1] != 0x00 || mac[2] != 0x5e || mac[3] != 0x00) return 0;
  if (mac[4] != 1 && mac[4] != 2) return 0;
  const __u32 index = (mac[4] - 1) * 256 + mac[5];
  const __u8* link = bpf_map_lookup_elem(&virtual_routers, &index);
  return link && *link;
}

static __always_inline int is_ours(const __u8* mac) {
  const int same =
      *(const __u32*)mac == *(const __u32*)own_mac && *(const __u16*)(mac + 4) == *(const __u16*)(own_mac + 4);
  return same || is_virtual_router(mac);
}

/* clang-format off */
#include "fast_path.bpf.h" /* uses what stands above */
/* clang-format on */

static __always_inline void map_v4(__u32* to, __u32 address) {
  to[0] = 0;
  to[1] = 0;
  to[2] = bpf_htonl(0xffff);
  to[3] = address;
}

static __always_inline int read_ipv4(const struct iphdr* ip, __u32 at, struct packet* packet) {
  if (ip->version != 4 || ip->ihl < 5) return 0;
  map_v4(packet->source, ip->saddr);
  map_v4(packet->destination, ip->daddr);
  packet->protocol = ip->protocol;
  packet->transport = at + ip->ihl * 4;
  packet->v6 = 0;
  const __u16 fragment = bpf_ntohs(ip->frag_off);
  packet->fragment = fragment & FRAGMENT_OFFSET ? LATER : fragment & MORE_FRAGMENTS ? FIRST : WHOLE;
  packet->fragment_id = ip->id;
  return 1;
}

/* Behind options and extension headers a helper reads: without CAP_PERFMON the verifier allows no pointer whose offset
 * is not constant. */
static __always_inline int read_extensions(struct xdp_md* context, struct packet* packet) {
  struct {
    __u8 next;
    __u8 length;
    __u16 fragment;
    __u32 id;
  } header = {};
  for (int i = 0; i < EXTENSION_LIMIT; i++) {
    const __u8 kind = packet->protocol;
    if (kind != IPPROTO_HOPOPTS && kind != IPPROTO_ROUTING && kind != IPPROTO_FRAGMENT && kind != IPPROTO_DSTOPTS)
      break;
    if (bpf_xdp_load_bytes(context, packet->transport, &header, sizeof header)) return 0;
    packet->protocol = header.next;
    packet->transport += kind == IPPROTO_FRAGMENT ? 8 : (header.length + 1) * 8;
    if (kind != IPPROTO_FRAGMENT) continue;
    const __u16 fragment = bpf_ntohs(header.fragment);
    packet->fragment = fragment >> 3 ? LATER : fragment & 1 ? FIRST : WHOLE;
    packet->fragment_id = header.id;
    if (packet->fragment == LATER) break;
  }
  return 1;
}

static __always_inline int read_ipv6(struct xdp_md* context, const struct ipv6hdr* ip, __u32 at,
                                     struct packet* packet) {
  if (ip->version != 6) return 0;
  __builtin_memcpy(packet->source, &ip->saddr, sizeof packet->source);
  __builtin_memcpy(packet->destination, &ip->daddr, sizeof packet->destination);
  packet->protocol = ip->nexthdr;
  packet->transport = at + sizeof *ip;
  packet->v6 = 1;
  packet->fragment = WHOLE;
  packet->fragment_id = 0;
  return read_extensions(context, packet);
}

static __always_inline int is_ipsec(const struct packet* packet) {
  return packet->protocol == IPPROTO_ESP || packet->protocol == IPPROTO_AH;
}

/* AH and ESP have none: they go where the hosts' exchange of keys goes. */
static __always_inline int read_ports(struct xdp_md* context, struct packet* packet) {
  if (is_ipsec(packet)) {
    packet->protocol = IPPROTO_UDP;
    packet->ports[0] = packet->ports[1] = bpf_htons(ISAKMP);
    return 1;
  }
  if (packet->protocol != IPPROTO_TCP && packet->protocol != IPPROTO_UDP && packet->protocol != IPPROTO_SCTP) return 0;
  return bpf_xdp_load_bytes(context, packet->transport, packet->ports, sizeof packet->ports) == 0;
}

/* Functions of their own: with fewer values at a time the compiler has no need to lay one over a pointer on the stack,
 * which the verifier forbids without CAP_PERFMON. */
static __attribute__((noinline)) int listens(const __u32* address, __u8 protocol, __u16 port) {
  struct redirect_listener key = {.port = port, .protocol = protocol};
  __builtin_memcpy(key.address, address, sizeof key.address);
  if (port && bpf_map_lookup_elem(&listeners, &key)) return 1;
  key.port = 0;
  const __u8* beside = bpf_map_lookup_elem(&listeners, &key);
  if (!beside || !(*beside & REDIRECT_HAS_RANGES)) return 0;
  struct redirect_ports ports = {.prefix_length = REDIRECT_PORTS_WHOLE, .protocol = protocol, .port = port};
  __builtin_memcpy(ports.address, address, sizeof ports.address);
  return bpf_map_lookup_elem(&port_ranges, &ports) != 0;
}

static __always_inline int has_listeners(const __u32* address, __u8 protocol) {
  struct redirect_listener key = {.protocol = protocol};
  __builtin_memcpy(key.address, address, sizeof key.address);
  return bpf_map_lookup_elem(&listeners, &key) != 0;
}

static __attribute__((noinline)) int is_flow(const __u32* server, const __u32* client, __u16 server_port,
                                             __u16 client_port, __u8 protocol) {
  struct redirect_flow key = {.server_port = server_port, .client_port = client_port, .protocol = protocol};
  __builtin_memcpy(key.server, server, sizeof key.server);
  __builtin_memcpy(key.client, client, sizeof key.client);
  return bpf_map_lookup_elem(&flows, &key) != 0;
}

static __always_inline void name_fragment(const struct packet* packet, struct fragment_key* key) {
  __builtin_memcpy(key->source, packet->source, sizeof key->source);
  __builtin_memcpy(key->destination, packet->destination, sizeof key->destination);
  key->id = packet->fragment_id;
  key->protocol = packet->v6 ? 0 : packet->protocol;
}

/* The far end of one of our tunnels: what else this host asks of that server is none. */
static __always_inline int is_tunnelled(struct xdp_md* context, const struct packet* packet) {
  struct redirect_listener key = {.protocol = REDIRECT_TUNNEL_SERVER};
  __u16 ports[2];
  __builtin_memcpy(key.address, packet->destination, sizeof key.address);
  if (packet->protocol == IPPROTO_UDP) {
    if (bpf_xdp_load_bytes(context, packet->transport, ports, sizeof ports)) return 0;
    key.port = ports[1];
  } else if (packet->protocol != IPPROTO_IPIP && packet->protocol != IPPROTO_IPV6 && packet->protocol != IPPROTO_GRE) {
    return 0;
  }
  return bpf_map_lookup_elem(&listeners, &key) != 0;
}

/* An ICMP error belongs to the engine when what it quotes does: a packet that a virtual address sent, one that went to
 * a server under NAT, or one of our tunnels. Quoted extension headers are not looked through. */
static __always_inline int wanted_error(struct xdp_md* context, const struct packet* error) {
  struct packet quoted = {};
  const __u32 at = error->transport + ICMP_HEADER;
  if (error->v6) {
    struct ipv6hdr ip = {};
    if (bpf_xdp_load_bytes(context, at, &ip, sizeof ip) || ip.version != 6) return 0;
    __builtin_memcpy(quoted.source, &ip.saddr, sizeof quoted.source);
    __builtin_memcpy(quoted.destination, &ip.daddr, sizeof quoted.destination);
    quoted.protocol = ip.nexthdr;
    quoted.transport = at + sizeof ip;
  } else {
    struct iphdr ip = {};
    if (bpf_xdp_load_bytes(context, at, &ip, sizeof ip) || !read_ipv4(&ip, at, &quoted)) return 0;
    if (quoted.fragment == LATER) return 0;
  }
  if (is_tunnelled(context, &quoted)) return 1;
  if (!read_ports(context, &quoted)) return 0;
  if (listens(quoted.source, quoted.protocol, quoted.ports[0])) return 1;
  return is_flow(quoted.destination, quoted.source, quoted.ports[1], quoted.ports[0], quoted.protocol);
}

static __always_inline int is_error(struct xdp_md* context, const struct packet* packet) {
  if (packet->protocol != (packet->v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP) || packet->fragment != WHOLE) return 0;
  __u8 type = 0;
  if (bpf_xdp_load_bytes(context, packet->transport, &type, sizeof type)) return 0;
  return packet->v6 ? type >= 1 && type <= 4 : type == 3 || type == 4 || type == 11;
}

static __always_inline int wanted(struct xdp_md* context, struct packet* packet) {
  if (is_error(context, packet)) return wanted_error(context, packet);
  if (is_ipsec(packet)) packet->fragment = WHOLE; /* addresses are enough */
  struct fragment_key fragment = {};
  if (packet->fragment != WHOLE) name_fragment(packet, &fragment);
  if (packet->fragment == LATER) {
    return has_listeners(packet->destination, packet->protocol) || bpf_map_lookup_elem(&fragments, &fragment) != 0;
  }
  if (!read_ports(context, packet)) return 0;
  if (listens(packet->destination, packet->protocol, packet->ports[1])) return 1;
  if (!is_flow(packet->source, packet->destination, packet->ports[0], packet->ports[1], packet->protocol)) return 0;
  if (packet->fragment == FIRST) {
    const __u8 present = 1;
    bpf_map_update_elem(&fragments, &fragment, &present, BPF_ANY);
  }
  return 1;
}

/* The IP header lies at `at`. */
static __always_inline int read_ip(struct xdp_md* context, __u16 type, __u32 at, struct packet* packet) {
  const void* start = (const void*)(long)context->data + at;
  const void* end = (const void*)(long)context->data_end;
  if (type == bpf_htons(ETH_P_IP)) {
    const struct iphdr* ip = start;
    return (const void*)(ip + 1) <= end && read_ipv4(ip, at, packet);
  }
  if (type == bpf_htons(ETH_P_IPV6)) {
    const struct ipv6hdr* ip = start;
    return (const void*)(ip + 1) <= end && read_ipv6(context, ip, at, packet);
  }
  return 0;
}

/* A VLAN is a network of its own, with an interface of its own: its frames pass. Tag 0 gives a priority and means no
 * VLAN (IEEE 802.1Q §9.6). */
static __always_inline int read_tagged(struct xdp_md* context, const struct ethhdr* ethernet, struct packet* packet) {
  const struct tag* tag = (const void*)(ethernet + 1);
  if ((const void*)(tag + 1) > (const void*)(long)context->data_end) return 0;
  if (ethernet->h_proto == bpf_htons(ETH_P_8021Q) && (tag->vlan & bpf_htons(VLAN)) == 0)
    return read_ip(context, tag->type, sizeof *ethernet + sizeof *tag, packet);
  count(REDIRECT_TAGGED);
  return 0;
}

/* 0: nothing that could be ours. */
static __always_inline int read_packet(struct xdp_md* context, struct packet* packet) {
  const struct ethhdr* ethernet = (const void*)(long)context->data;
  if ((const void*)(ethernet + 1) > (const void*)(long)context->data_end || !is_ours(ethernet->h_dest)) return 0;
  if (ethernet->h_proto == bpf_htons(ETH_P_8021Q) || ethernet->h_proto == bpf_htons(ETH_P_8021AD))
    return read_tagged(context, ethernet, packet);
  return read_ip(context, ethernet->h_proto, sizeof *ethernet, packet);
}

/* A function of its own: its variables do not crowd the registers of the fast path. */
static __attribute__((noinline)) int classify(struct xdp_md* context) {
  struct packet packet = {};
  if (read_packet(context, &packet) && wanted(context, &packet)) {
    count(REDIRECT_TO_ENGINE);
    /* Without a living socket the frame is dropped: the kernel, which may own the virtual address, would answer RST. */
    return bpf_redirect_map(&sockets, context->rx_queue_index, XDP_DROP);
  }
  count(REDIRECT_TO_KERNEL);
  return XDP_PASS;
}

SEC("xdp")
int redirect(struct xdp_md* context) {
  const int forwarded = fast_forward(context);
  return forwarded == ENGINE ? classify(context) : forwarded;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
