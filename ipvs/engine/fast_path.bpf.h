/* The fast path of redirect.bpf.c: packets in the middle of flows that the engine has written down (fast_flow.h) are
 * forwarded here, as the engine would do it. What is not plain goes up to it: options, fragments, SYN, FIN and RST, the
 * end of the time to live, what is too long for the way out, a checksum that is missing or not finished. */
#pragma once

#include <linux/tcp.h>
#include <linux/udp.h>

#include "fast_flow.h"

#define ENGINE (-1) /* not for the fast path */
#define TCP_FLAGS_AT 13
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

/* Sizes are those that fast_maps.cpp gave its maps. */
struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct fast_state);
} fast_state SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct fast_bucket);
} fast_buckets SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_ARRAY);
  __uint(map_flags, BPF_F_MMAPABLE);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, struct fast_flow);
} fast_flows SEC(".maps");

/* Ways out other than the interface itself, by index. */
struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
  __uint(max_entries, 256);
  __type(key, __u32);
  __type(value, __u32);
} ways_out SEC(".maps");

/* The interface's own index when it can send what it received (XDP_TX), else 0. */
__u32 own_interface;

/* What the checks of a packet need to know of it. */
struct plain {
  __u16 total; /* bytes of the IP packet */
  __u16 ip;    /* bytes of its header */
  __u8 protocol;
};

static __always_inline __u32 fold32(__u64 sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

/* RFC 1624 eqn. 3 */
static __always_inline __u16 changed(__u16 checksum, __u16 change) {
  __u32 sum = (__u32)(__u16)~checksum + change;
  sum = (sum & 0xffff) + (sum >> 16);
  return (__u16)~sum;
}

static __always_inline struct fast_flow* find_flow(const struct fast_state* state, __u64 hash) {
  const __u32 index = fast_bucket_of(hash, state->bucket_mask);
  const struct fast_bucket* bucket = bpf_map_lookup_elem(&fast_buckets, &index);
  if (!bucket) return 0;
  const __u16 tag = fast_tag(hash);
  __u32 number = 0;
#pragma unroll
  for (int i = 0; i < FAST_PLACES; i++) {
    if (bucket->tags[i] == tag) number = bucket->flows[i];
  }
  return number ? bpf_map_lookup_elem(&fast_flows, &number) : 0;
}

/* `pseudo`: the unfolded sum of the addresses. A checksum that equals the pseudo-header's is one that the sender left
 * to its hardware (rewrite.hpp, complete_checksum); a UDP packet without one gets one from the engine. */
static __always_inline int plain_transport(const void* transport, const void* end, const struct plain* packet,
                                           __u64 pseudo, int rewrites) {
  const __u16 length = packet->total - packet->ip;
  const __u64 sum = pseudo + bpf_htons(packet->protocol) + bpf_htons(length);
  if (packet->protocol == IPPROTO_TCP) {
    const struct tcphdr* tcp = transport;
    if ((const void*)(tcp + 1) > end || length < tcp->doff * 4 || tcp->doff < 5) return 0;
    return tcp->check != fold32(sum);
  }
  const struct udphdr* udp = transport;
  if ((const void*)(udp + 1) > end || udp->len != bpf_htons(length)) return 0;
  if (udp->check == 0) return !rewrites;
  return udp->check != fold32(sum);
}

/* No connection begins, ends or breaks with it. */
static __always_inline int in_stream(const void* transport, const void* end) {
  const __u8* flags = transport + TCP_FLAGS_AT;
  if ((const void*)(flags + 1) > end) return 0;
  return (*flags & (TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK)) == TCP_ACK;
}

static __always_inline int rewrite_transport(void* transport, const void* end, const struct fast_flow* flow) {
  if (flow->protocol == IPPROTO_TCP) {
    struct tcphdr* tcp = transport;
    if ((const void*)(tcp + 1) > end) return 0;
    tcp->check = changed(tcp->check, flow->transport_change);
  } else {
    struct udphdr* udp = transport;
    if ((const void*)(udp + 1) > end) return 0;
    const __u16 checksum = changed(udp->check, flow->transport_change);
    udp->check = checksum ? checksum : 0xffff; /* RFC 768: 0 would mean none */
  }
  *(__u32*)transport = *(const __u32*)flow->new_ports;
  return 1;
}

/* Asks for the way out and takes off what follows the IP packet. After it all pointers have to be made anew. */
static __always_inline int may_leave(struct xdp_md* context, const struct fast_flow* flow, __u16 total) {
  const __u32 interface = flow->interface;
  if (interface != own_interface && bpf_redirect_map(&ways_out, interface, 0) != XDP_REDIRECT) return 0;
  const int padding = (int)bpf_xdp_get_buff_len(context) - (int)sizeof(struct ethhdr) - total;
  if (padding < 0) return 0;
  return padding == 0 || bpf_xdp_adjust_tail(context, -padding) == 0;
}

static __always_inline int leave(struct ethhdr* ethernet, struct fast_flow* flow, __u16 total, __u64 now) {
  __builtin_memcpy(ethernet, flow->macs, sizeof flow->macs);
  __sync_fetch_and_add(&flow->packets, 1);
  __sync_fetch_and_add(&flow->bytes, total);
  flow->last_seen = now;
  return flow->interface == own_interface ? XDP_TX : XDP_REDIRECT;
}

static __always_inline int forward_v4(struct xdp_md* context, const struct fast_state* state, __u64 now) {
  void* data = (void*)(long)context->data;
  void* end = (void*)(long)context->data_end;
  struct iphdr* ip = data + sizeof(struct ethhdr);
  if ((void*)(ip + 1) + 4 > end || *(__u8*)ip != 0x45) return ENGINE;
  if (ip->frag_off & bpf_htons(MORE_FRAGMENTS | FRAGMENT_OFFSET)) return ENGINE;
  const struct plain packet = {.total = bpf_ntohs(ip->tot_len), .ip = sizeof *ip, .protocol = ip->protocol};
  if (packet.protocol != IPPROTO_TCP && packet.protocol != IPPROTO_UDP) return ENGINE;
  if (packet.protocol == IPPROTO_TCP && !in_stream(ip + 1, end)) return ENGINE;

  const __u32 ports = *(__u32*)(ip + 1);
  struct fast_flow* flow =
      find_flow(state, fast_hash_v4(state->seed, fast_pair(ip->saddr, ip->daddr), ports, packet.protocol));
  if (!flow || flow->kind != FAST_V4 || flow->source != ip->saddr || flow->destination != ip->daddr ||
      *(__u32*)flow->ports != ports || flow->protocol != packet.protocol)
    return ENGINE;
  if (ip->ttl <= 1 || packet.total > flow->mtu || packet.total < sizeof *ip) return ENGINE;
  const __u32* words = (void*)ip;
  if (fold32((__u64)words[0] + words[1] + words[2] + words[3] + words[4]) != 0xffff) return ENGINE;
  if (!plain_transport(ip + 1, end, &packet, (__u64)ip->saddr + ip->daddr, flow->rewrites)) return ENGINE;
  if (!may_leave(context, flow, packet.total)) return ENGINE;

  data = (void*)(long)context->data;
  end = (void*)(long)context->data_end;
  ip = data + sizeof(struct ethhdr);
  if ((void*)(ip + 1) > end) return ENGINE;
  if (flow->rewrites) {
    if (!rewrite_transport(ip + 1, end, flow)) return ENGINE;
    ip->saddr = flow->new_source;
    ip->daddr = flow->new_destination;
  }
  ip->ttl--;
  ip->check = changed(ip->check, flow->ip_change);
  return leave(data, flow, packet.total, now);
}

static __always_inline int same_address(const __u32* a, const __u32* b) {
  return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

static __always_inline __u64 sum_of_address(const __u32* a) { return (__u64)a[0] + a[1] + a[2] + a[3]; }

static __always_inline int forward_v6(struct xdp_md* context, const struct fast_state* state, __u64 now) {
  void* data = (void*)(long)context->data;
  void* end = (void*)(long)context->data_end;
  struct ipv6hdr* ip = data + sizeof(struct ethhdr);
  if ((void*)(ip + 1) + 4 > end || ip->version != 6) return ENGINE;
  const __u32 total = sizeof *ip + bpf_ntohs(ip->payload_len);
  const struct plain packet = {.total = total, .ip = sizeof *ip, .protocol = ip->nexthdr};
  if (total > 0xffff || (packet.protocol != IPPROTO_TCP && packet.protocol != IPPROTO_UDP)) return ENGINE;
  if (packet.protocol == IPPROTO_TCP && !in_stream(ip + 1, end)) return ENGINE;

  const __u32 ports = *(__u32*)(ip + 1);
  const __u32* source = ip->saddr.in6_u.u6_addr32;
  const __u32* destination = ip->daddr.in6_u.u6_addr32;
  struct fast_flow* flow = find_flow(state, fast_hash_v6(state->seed, source, destination, ports, packet.protocol));
  if (!flow || flow->kind != FAST_V6 || !same_address(flow->source6, source) ||
      !same_address(flow->destination6, destination) || *(__u32*)flow->ports != ports ||
      flow->protocol != packet.protocol)
    return ENGINE;
  if (ip->hop_limit <= 1 || total > flow->mtu) return ENGINE;
  const __u64 pseudo = sum_of_address(source) + sum_of_address(destination);
  if (!plain_transport(ip + 1, end, &packet, pseudo, flow->rewrites)) return ENGINE;
  if (!may_leave(context, flow, packet.total)) return ENGINE;

  data = (void*)(long)context->data;
  end = (void*)(long)context->data_end;
  ip = data + sizeof(struct ethhdr);
  if ((void*)(ip + 1) > end) return ENGINE;
  if (flow->rewrites) {
    if (!rewrite_transport(ip + 1, end, flow)) return ENGINE;
    __builtin_memcpy(&ip->saddr, flow->new_source6, sizeof flow->new_source6);
    __builtin_memcpy(&ip->daddr, flow->new_destination6, sizeof flow->new_destination6);
  }
  ip->hop_limit--;
  return leave(data, flow, packet.total, now);
}

/* What becomes of the frame, or ENGINE: it is to be looked at further. */
static __always_inline int fast_forward(struct xdp_md* context) {
  const __u32 first = 0;
  const struct fast_state* state = bpf_map_lookup_elem(&fast_state, &first);
  if (!state || state->beat == 0) return ENGINE;
  const __u64 now = bpf_ktime_get_coarse_ns();
  if (now > state->beat + FAST_ORPHAN_LIMIT) return ENGINE;
  const struct ethhdr* ethernet = (const void*)(long)context->data;
  if ((const void*)(ethernet + 1) > (const void*)(long)context->data_end || !is_ours(ethernet->h_dest)) return ENGINE;
  if (ethernet->h_proto == bpf_htons(ETH_P_IP)) return forward_v4(context, state, now);
  if (ethernet->h_proto == bpf_htons(ETH_P_IPV6)) return forward_v6(context, state, now);
  return ENGINE;
}
