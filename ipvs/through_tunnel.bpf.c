/* Packets of health checks that ask a server under a virtual address through its tunnel: on their way out the virtual
 * address takes the place of the server's, and the packet goes into the tunnel to the server. For traffic control's
 * egress hook (clsact), where the neighbour is known already. Loaded by through_tunnel.cpp; another packet passes
 * untouched. */
/* clang-format off */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

#include "through_tunnel_keys.h"

#define IP_AT 14 /* behind the Ethernet header */
#define DONT_FRAGMENT 0x4000
#define GRE_CHECKSUM 0x8000
#define GRE_HEADER 4
#define UDP_HEADER 8
#define GUE_HEADER 4
#define TTL 64

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1 << 16);
  __type(key, struct tunnel_key);
  __type(value, struct tunnel_way);
} tunnels SEC(".maps");

/* What stands between the two IP headers, as words for its checksum. */
struct between {
  __u16 words[6];
  __u32 length;
};

static __always_inline __u16 fold(__u64 sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

/* Offset of the transport's checksum, or 0: no protocol of ours. */
static __always_inline __u32 checksum_at(__u8 protocol) {
  return protocol == IPPROTO_TCP ? 16 : protocol == IPPROTO_UDP ? 6 : 0;
}

/* `inner`: the sum of the packet inside. `pseudo`: of the outer addresses. A transport checksum that is right, or that
 * the driver will make right, sums up to its pseudo-header's complement: the payload need not be read. */
static __always_inline void fill(struct between* between, const struct tunnel_way* way, __u8 family, __u32 ports,
                                 __u32 packet_length, __u64 inner, __u64 pseudo) {
  __u16* w = between->words;
  __u64 sum = inner;
  const __u16 protocol = family == IPPROTO_IPIP ? ETH_P_IP : ETH_P_IPV6;
  if (way->kind == TUNNEL_GRE) {
    w[0] = way->checksum ? bpf_htons(GRE_CHECKSUM) : 0;
    w[1] = bpf_htons(protocol);
    if (!way->checksum) return;
    sum += w[0];
    sum += w[1];
    w[2] = ~fold(sum);
  } else if (way->kind == TUNNEL_GUE) {
    w[0] = bpf_htons(0xc000 | (ports & 0x3fff)); /* RFC 6335: dynamic; apart for each connection */
    w[1] = way->port;
    w[2] = bpf_htons(UDP_HEADER + GUE_HEADER + packet_length);
    w[4] = bpf_htons(family);
    if (!way->checksum) return;
    sum += pseudo + bpf_htons(IPPROTO_UDP) + w[2];
    sum += w[0];
    sum += w[1];
    sum += w[2];
    sum += w[4];
    w[3] = ~fold(sum);
    if (w[3] == 0) w[3] = 0xffff;
  }
}

static __always_inline __u32 length_between(const struct tunnel_way* way) {
  if (way->kind == TUNNEL_GRE) return way->checksum ? 2 * GRE_HEADER : GRE_HEADER;
  return way->kind == TUNNEL_GUE ? UDP_HEADER + GUE_HEADER : 0;
}

static __always_inline __u64 layer4(const struct tunnel_way* way) {
  return way->kind == TUNNEL_GRE   ? BPF_F_ADJ_ROOM_ENCAP_L4_GRE
         : way->kind == TUNNEL_GUE ? BPF_F_ADJ_ROOM_ENCAP_L4_UDP
                                   : 0;
}

static __always_inline __u8 outer_protocol(const struct tunnel_way* way, __u8 inside) {
  return way->kind == TUNNEL_GRE ? IPPROTO_GRE : way->kind == TUNNEL_GUE ? IPPROTO_UDP : inside;
}

/* Lengths are constants for the verifier. */
static __always_inline long store_between(struct __sk_buff* skb, __u32 at, const struct between* between) {
  switch (between->length) {
    case GRE_HEADER:
      return bpf_skb_store_bytes(skb, at, between->words, GRE_HEADER, 0);
    case 2 * GRE_HEADER:
      return bpf_skb_store_bytes(skb, at, between->words, 2 * GRE_HEADER, 0);
    case UDP_HEADER + GUE_HEADER:
      return bpf_skb_store_bytes(skb, at, between->words, UDP_HEADER + GUE_HEADER, 0);
  }
  return 0;
}

static __always_inline int through_v4(struct __sk_buff* skb) {
  struct iphdr ip = {};
  __u32 ports = 0;
  if (bpf_skb_load_bytes(skb, IP_AT, &ip, sizeof ip) || ip.version != 4 || ip.ihl != 5) return TC_ACT_UNSPEC;
  const struct tunnel_key key = {.mark = skb->mark, .server = {0, 0, bpf_htonl(0xffff), ip.daddr}};
  const struct tunnel_way* way = bpf_map_lookup_elem(&tunnels, &key);
  const __u32 check = checksum_at(ip.protocol);
  if (!way || !check) return TC_ACT_UNSPEC;
  const __u32 server = ip.daddr;
  const __u32 address = way->address[3];
  const __u64 flags = BPF_F_PSEUDO_HDR | (ip.protocol == IPPROTO_UDP ? BPF_F_MARK_MANGLED_0 : 0) | sizeof address;
  if (bpf_skb_load_bytes(skb, IP_AT + sizeof ip, &ports, sizeof ports) ||
      bpf_l4_csum_replace(skb, IP_AT + sizeof ip + check, server, address, flags) ||
      bpf_l3_csum_replace(skb, IP_AT + __builtin_offsetof(struct iphdr, check), server, address, sizeof address) ||
      bpf_skb_store_bytes(skb, IP_AT + __builtin_offsetof(struct iphdr, daddr), &address, sizeof address, 0))
    return TC_ACT_SHOT;

  const __u16 total = bpf_ntohs(ip.tot_len);
  const __u64 transport = (__u64)ip.saddr + address + bpf_htons(ip.protocol) + bpf_htons(total - sizeof ip);
  struct between between = {.length = length_between(way)};
  fill(&between, way, IPPROTO_IPIP, bpf_ntohs(ports & 0xffff), total, (__u16)~fold(transport),
       (__u64)ip.saddr + server);
  struct iphdr outer = {.version = 4, .ihl = 5, .tos = ip.tos, .ttl = TTL, .saddr = ip.saddr, .daddr = server};
  outer.tot_len = bpf_htons(total + sizeof outer + between.length);
  outer.frag_off = bpf_htons(DONT_FRAGMENT);
  outer.protocol = outer_protocol(way, IPPROTO_IPIP);
  const __u16* word = (const __u16*)&outer;
  __u64 sum = 0;
  for (int i = 0; i < 10; i++) sum += word[i];
  outer.check = ~fold(sum);
  if (bpf_skb_adjust_room(skb, sizeof outer + between.length, BPF_ADJ_ROOM_MAC,
                          BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 | layer4(way)) ||
      bpf_skb_store_bytes(skb, IP_AT, &outer, sizeof outer, 0) || store_between(skb, IP_AT + sizeof outer, &between))
    return TC_ACT_SHOT;
  return TC_ACT_OK;
}

static __always_inline __u64 sum_of(const __u32* address) {
  return (__u64)address[0] + address[1] + address[2] + address[3];
}

static __always_inline int through_v6(struct __sk_buff* skb) {
  struct ipv6hdr ip = {};
  __u32 ports = 0;
  if (bpf_skb_load_bytes(skb, IP_AT, &ip, sizeof ip) || ip.version != 6) return TC_ACT_UNSPEC;
  struct tunnel_key key = {.mark = skb->mark};
  __builtin_memcpy(key.server, &ip.daddr, sizeof key.server);
  const struct tunnel_way* way = bpf_map_lookup_elem(&tunnels, &key);
  const __u32 check = checksum_at(ip.nexthdr);
  if (!way || !check) return TC_ACT_UNSPEC;
  __u32 source[4];
  __u32 address[4];
  __builtin_memcpy(source, &ip.saddr, sizeof source);
  __builtin_memcpy(address, way->address, sizeof address);
  const __s64 difference = bpf_csum_diff(key.server, sizeof key.server, address, sizeof address, 0);
  if (bpf_skb_load_bytes(skb, IP_AT + sizeof ip, &ports, sizeof ports) ||
      bpf_l4_csum_replace(skb, IP_AT + sizeof ip + check, 0, difference, BPF_F_PSEUDO_HDR) ||
      bpf_skb_store_bytes(skb, IP_AT + __builtin_offsetof(struct ipv6hdr, daddr), address, sizeof address, 0))
    return TC_ACT_SHOT;

  const __u16 length = bpf_ntohs(ip.payload_len);
  const __u64 transport = sum_of(source) + sum_of(address) + bpf_htons(ip.nexthdr) + ip.payload_len;
  const __u32* words = (const __u32*)&ip;
  const __u64 inner = (__u64)words[0] + words[1] + sum_of(source) + sum_of(address) + (__u16)~fold(transport);
  struct between between = {.length = length_between(way)};
  fill(&between, way, IPPROTO_IPV6, bpf_ntohs(ports & 0xffff), length + sizeof ip, inner,
       sum_of(source) + sum_of(key.server));
  struct ipv6hdr outer = ip;
  outer.payload_len = bpf_htons(length + sizeof ip + between.length);
  outer.nexthdr = outer_protocol(way, IPPROTO_IPV6);
  outer.hop_limit = TTL;
  if (bpf_skb_adjust_room(skb, sizeof outer + between.length, BPF_ADJ_ROOM_MAC,
                          BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 | layer4(way)) ||
      bpf_skb_store_bytes(skb, IP_AT, &outer, sizeof outer, 0) || store_between(skb, IP_AT + sizeof outer, &between))
    return TC_ACT_SHOT;
  return TC_ACT_OK;
}

SEC("tc")
int through_tunnel(struct __sk_buff* skb) {
  if (skb->mark == 0) return TC_ACT_UNSPEC;
  if (skb->protocol == bpf_htons(ETH_P_IP)) return through_v4(skb);
  return skb->protocol == bpf_htons(ETH_P_IPV6) ? through_v6(skb) : TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
