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

/* Without CAP_PERFMON the verifier puts a barrier (lfence) behind most writes to the stack, some 8 ns each: what is
 * written here holds little in registers at a time and reads the packet anew instead. */

/* The memory of fast_maps.cpp; the sizes of the arrays are those that it gave them. */
struct fast_state fast_state SEC(".data.fast_state");

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

static __always_inline struct fast_flow* find_flow(__u64 hash) {
  const __u32 index = fast_bucket_of(hash, fast_state.bucket_mask);
  const struct fast_bucket* bucket = bpf_map_lookup_elem(&fast_buckets, &index);
  if (!bucket) return 0;
  const __u16 tag = fast_tag(hash);
  __u32 number = 0;
#pragma unroll
  for (int i = 0; i < FAST_PLACES; i++) {
    if (bucket->tags[i] == tag) number = bucket->flows[i];
    asm volatile("" : "+r"(number)); /* stays in its register */
  }
  if (!number) return 0;
  const __u32 key = number;
  return bpf_map_lookup_elem(&fast_flows, &key);
}

static __always_inline void* start_of(struct xdp_md* context) { return (void*)(long)*(volatile __u32*)&context->data; }
static __always_inline void* end_of(struct xdp_md* context) {
  return (void*)(long)*(volatile __u32*)&context->data_end;
}

/* `pseudo`: the unfolded sum of the addresses. A checksum that equals the pseudo-header's is one that the sender left
 * to its hardware (rewrite.hpp, complete_checksum); a UDP packet without one gets one from the engine. */
static __always_inline int plain_transport(const void* transport, const void* end, __u16 length, __u8 protocol,
                                           __u64 pseudo, int rewrites) {
  const __u64 sum = pseudo + bpf_htons(protocol) + bpf_htons(length);
  if (protocol == IPPROTO_TCP) {
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
  __u32* to = (void*)ethernet;
  const __u32* macs = (const void*)flow->macs;
  to[0] = macs[0];
  to[1] = macs[1];
  to[2] = macs[2];
  __sync_fetch_and_add(&flow->counted, fast_count(1, total));
  flow->last_seen = now;
  return flow->interface == own_interface ? XDP_TX : XDP_REDIRECT;
}

/* Of the time at which a packet leaves; 0: nobody looks after the flows any more. */
static __always_inline __u64 time_in_force(void) {
  const __u64 now = bpf_ktime_get_coarse_ns();
  return now > fast_state.beat + FAST_ORPHAN_LIMIT ? 0 : now;
}

/* 0: not for the fast path. */
static __always_inline __u64 hash_of_v4(struct xdp_md* context) {
  const void* data = start_of(context);
  const void* end = end_of(context);
  const struct iphdr* ip = data + sizeof(struct ethhdr);
  if ((void*)(ip + 1) + 4 > end || *(__u8*)ip != 0x45) return 0;
  if (ip->frag_off & bpf_htons(MORE_FRAGMENTS | FRAGMENT_OFFSET)) return 0;
  const __u8 protocol = ip->protocol;
  if (protocol == IPPROTO_TCP) {
    if (!in_stream(ip + 1, end)) return 0;
  } else if (protocol != IPPROTO_UDP) {
    return 0;
  }
  return fast_hash_v4(fast_state.seed, fast_pair(ip->saddr, ip->daddr), *(__u32*)(ip + 1), protocol);
}

/* The length of the IP packet when the flow is its own and nothing has to be decided, else 0. */
static __always_inline __u16 fits_v4(struct xdp_md* context, const struct fast_flow* flow) {
  const void* data = start_of(context);
  const void* end = end_of(context);
  const struct iphdr* ip = data + sizeof(struct ethhdr);
  if ((void*)(ip + 1) + 4 > end) return 0;
  if (flow->kind != FAST_V4 || flow->source != ip->saddr || flow->destination != ip->daddr ||
      *(__u32*)flow->ports != *(__u32*)(ip + 1) || flow->protocol != ip->protocol)
    return 0;
  const __u16 total = bpf_ntohs(ip->tot_len);
  if (ip->ttl <= 1 || total > flow->mtu || total < sizeof *ip) return 0;
  const __u32* words = (void*)ip;
  if (fold32((__u64)words[0] + words[1] + words[2] + words[3] + words[4]) != 0xffff) return 0;
  const __u64 pseudo = (__u64)words[3] + words[4];
  return plain_transport(ip + 1, end, total - sizeof *ip, flow->protocol, pseudo, flow->rewrites) ? total : 0;
}

static __always_inline int forward_v4(struct xdp_md* context) {
  const __u64 hash = hash_of_v4(context);
  struct fast_flow* flow = hash ? find_flow(hash) : 0;
  const __u16 total = flow ? fits_v4(context, flow) : 0;
  const __u64 now = total ? time_in_force() : 0;
  if (!flow || !now || !may_leave(context, flow, total)) return ENGINE;

  void* data = start_of(context);
  void* end = end_of(context);
  struct iphdr* ip = data + sizeof(struct ethhdr);
  if ((void*)(ip + 1) > end) return ENGINE;
  if (flow->rewrites) {
    if (!rewrite_transport(ip + 1, end, flow)) return ENGINE;
    ip->saddr = flow->new_source;
    ip->daddr = flow->new_destination;
  }
  ip->ttl--;
  ip->check = changed(ip->check, flow->ip_change);
  return leave(data, flow, total, now);
}

static __always_inline int same_address(const __u32* a, const __u32* b) {
  return a[0] == b[0] && a[1] == b[1] && a[2] == b[2] && a[3] == b[3];
}

static __always_inline __u64 sum_of_address(const __u32* a) { return (__u64)a[0] + a[1] + a[2] + a[3]; }

/* 0: not for the fast path. */
static __always_inline __u64 hash_of_v6(struct xdp_md* context) {
  const void* data = start_of(context);
  const void* end = end_of(context);
  const struct ipv6hdr* ip = data + sizeof(struct ethhdr);
  if ((void*)(ip + 1) + 4 > end || ip->version != 6) return 0;
  const __u8 protocol = ip->nexthdr;
  if (protocol == IPPROTO_TCP) {
    if (!in_stream(ip + 1, end)) return 0;
  } else if (protocol != IPPROTO_UDP) {
    return 0;
  }
  return fast_hash_v6(fast_state.seed, ip->saddr.in6_u.u6_addr32, ip->daddr.in6_u.u6_addr32, *(__u32*)(ip + 1),
                      protocol);
}

static __always_inline __u16 fits_v6(struct xdp_md* context, const struct fast_flow* flow) {
  const void* data = start_of(context);
  const void* end = end_of(context);
  const struct ipv6hdr* ip = data + sizeof(struct ethhdr);
  if ((void*)(ip + 1) + 4 > end) return 0;
  const __u32* source = ip->saddr.in6_u.u6_addr32;
  const __u32* destination = ip->daddr.in6_u.u6_addr32;
  if (flow->kind != FAST_V6 || !same_address(flow->source6, source) || !same_address(flow->destination6, destination) ||
      *(__u32*)flow->ports != *(__u32*)(ip + 1) || flow->protocol != ip->nexthdr)
    return 0;
  const __u16 length = bpf_ntohs(ip->payload_len);
  const __u32 total = sizeof *ip + length;
  if (ip->hop_limit <= 1 || total > flow->mtu) return 0;
  const __u64 pseudo = sum_of_address(source) + sum_of_address(destination);
  return plain_transport(ip + 1, end, length, flow->protocol, pseudo, flow->rewrites) ? total : 0;
}

static __always_inline int forward_v6(struct xdp_md* context) {
  const __u64 hash = hash_of_v6(context);
  struct fast_flow* flow = hash ? find_flow(hash) : 0;
  const __u16 total = flow ? fits_v6(context, flow) : 0;
  const __u64 now = total ? time_in_force() : 0;
  if (!flow || !now || !may_leave(context, flow, total)) return ENGINE;

  void* data = start_of(context);
  void* end = end_of(context);
  struct ipv6hdr* ip = data + sizeof(struct ethhdr);
  if ((void*)(ip + 1) > end) return ENGINE;
  if (flow->rewrites) {
    if (!rewrite_transport(ip + 1, end, flow)) return ENGINE;
    __builtin_memcpy(&ip->saddr, flow->new_source6, sizeof flow->new_source6);
    __builtin_memcpy(&ip->daddr, flow->new_destination6, sizeof flow->new_destination6);
  }
  ip->hop_limit--;
  return leave(data, flow, total, now);
}

/* What becomes of the frame, or ENGINE: it is to be looked at further. */
static __always_inline int fast_forward(struct xdp_md* context) {
  if (fast_state.beat == 0) return ENGINE;
  const struct ethhdr* ethernet = start_of(context);
  if ((const void*)(ethernet + 1) > end_of(context) || !is_ours(ethernet->h_dest)) return ENGINE;
  const __u16 type = ((const __u16*)ethernet)[6];
  if (type == bpf_htons(ETH_P_IP)) return forward_v4(context);
  if (type == bpf_htons(ETH_P_IPV6)) return forward_v6(context);
  return ENGINE;
}
