/* The XDP programs of ./dev bench forwarding: one makes packets, one stands at the far ends and counts (and answers,
 * while flows begin), and one is the least that a director could do, the bound that others are measured against. */
/* clang-format off */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

#include "forwarding_order.h"

#define SERVER_SEQUENCE 5000
#define PAUSE_LOOKS 4096

struct order order; /* written by forwarding_traffic.cpp before each run */
__u64 made;         /* packets */
__u64 next_time;    /* nanoseconds: when the next one is due */
__u64 state_of_chance = 88172645463325252ull;

struct answer_order answers;

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} arrived SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1);
  __type(key, struct rewrite_key);
  __type(value, struct rewrite_value);
} rewrites SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
  __uint(max_entries, 4);
  __type(key, __u32);
  __type(value, __u32);
} ways SEC(".maps");

static __always_inline __u32 fold(__u64 sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

struct frame {
  struct ethhdr ethernet;
  struct iphdr ip;
  union {
    struct tcphdr tcp;
    struct udphdr udp;
    __u8 bytes[24]; /* options or data */
  };
} __attribute__((packed));

/* Both checksums of a frame whose other fields are set; what is behind it is zero. */
static __always_inline void finish(struct frame* frame) {
  const __u32* words = (const void*)&frame->ip;
  frame->ip.check = 0;
  frame->ip.check = ~fold((__u64)words[0] + words[1] + words[2] + words[3] + words[4]);
  const __u16 length = bpf_htons(bpf_ntohs(frame->ip.tot_len) - sizeof frame->ip);
  __u64 sum = (__u64)frame->ip.saddr + frame->ip.daddr + bpf_htons(frame->ip.protocol) + length;
  const __u32* transport = (const void*)frame->bytes;
  if (frame->ip.protocol == IPPROTO_TCP) {
    frame->tcp.check = 0;
    sum += (__u64)transport[0] + transport[1] + transport[2] + transport[3] + transport[4] + transport[5];
    frame->tcp.check = ~fold(sum);
  } else {
    frame->udp.check = 0;
    sum += (__u64)transport[0] + transport[1];
    frame->udp.check = ~fold(sum);
  }
}

static long look_at_clock(__u32 index, void* context) { return bpf_ktime_get_ns() >= *(__u64*)context; }

/* Packets leave one by one at the rate that was asked for; what was missed by more than a moment is not made up for. */
static __always_inline void wait_for_turn(void) {
  if (order.interval == 0) return;
  __u64 due = next_time;
  if (bpf_ktime_get_ns() > due + 50000) due = bpf_ktime_get_ns();
  bpf_loop(PAUSE_LOOKS, look_at_clock, &due, 0);
  next_time = due + order.interval;
}

static __always_inline __u32 next_flow(void) {
  if (order.in_turn) return made % order.flows;
  __u64 x = state_of_chance;
  x ^= x << 13;
  x ^= x >> 7;
  x ^= x << 17;
  state_of_chance = x;
  return ((x >> 32) * order.flows) >> 32;
}

SEC("xdp")
int make(struct xdp_md* context) {
  struct frame* frame = (void*)(long)context->data;
  if ((void*)(frame + 1) > (void*)(long)context->data_end) return XDP_DROP;
  wait_for_turn();
  const __u32 flow = next_flow();
  made++;
  __builtin_memset(frame, 0, sizeof *frame);
  __builtin_memcpy(frame->ethernet.h_dest, order.director_mac, ETH_ALEN);
  __builtin_memcpy(frame->ethernet.h_source, order.own_mac, ETH_ALEN);
  frame->ethernet.h_proto = bpf_htons(ETH_P_IP);
  frame->ip.version = 4;
  frame->ip.ihl = 5;
  frame->ip.ttl = 64;
  frame->ip.frag_off = bpf_htons(0x4000);
  frame->ip.protocol = order.protocol;
  frame->ip.saddr = bpf_htonl(FIRST_CLIENT + (flow & (CLIENTS - 1)));
  frame->ip.daddr = order.address;
  frame->udp.source = bpf_htons(FIRST_PORT + flow / CLIENTS);
  frame->udp.dest = order.port;
  frame->ip.tot_len = bpf_htons(46);
  if (order.protocol == IPPROTO_TCP) {
    frame->tcp.doff = order.syn ? 6 : 5;
    frame->tcp.window = 0xffff;
    frame->tcp.seq = bpf_htonl(order.syn ? 1000 : 1001);
    frame->tcp.syn = order.syn;
    frame->tcp.ack = frame->tcp.psh = !order.syn;
    if (order.syn) {
      frame->ip.tot_len = bpf_htons(44); /* a frame that is cut to its packet still is as long as what is read here */
      *(__u32*)(frame->bytes + 20) = bpf_htonl(0x020405b4); /* maximum segment size 1460 */
    } else {
      frame->tcp.ack_seq = bpf_htonl(SERVER_SEQUENCE + 1);
    }
  } else {
    frame->udp.len = bpf_htons(26);
  }
  finish(frame);
  return XDP_TX;
}

static __always_inline int answer(struct xdp_md* context, struct frame* frame) {
  __u8 mac[ETH_ALEN];
  __builtin_memcpy(mac, frame->ethernet.h_dest, ETH_ALEN);
  __builtin_memcpy(frame->ethernet.h_dest, frame->ethernet.h_source, ETH_ALEN);
  __builtin_memcpy(frame->ethernet.h_source, mac, ETH_ALEN);
  const __u32 address = frame->ip.saddr;
  frame->ip.saddr = frame->ip.daddr;
  frame->ip.daddr = address;
  const __u16 port = frame->udp.source;
  frame->udp.source = frame->udp.dest;
  frame->udp.dest = port;
  frame->ip.ttl = 64;
  if (frame->ip.protocol == IPPROTO_TCP) {
    frame->tcp.ack = 1;
    frame->tcp.ack_seq = bpf_htonl(bpf_ntohl(frame->tcp.seq) + 1);
    frame->tcp.seq = bpf_htonl(SERVER_SEQUENCE);
  }
  finish(frame);
  return bpf_redirect(context->ingress_ifindex, 0); /* XDP_TX is not flushed towards a veth without a program */
}

SEC("xdp")
int arrive(struct xdp_md* context) {
  struct frame* frame = (void*)(long)context->data;
  if ((void*)(frame + 1) > (void*)(long)context->data_end) return XDP_PASS;
  if (frame->ethernet.h_proto != bpf_htons(ETH_P_IP) || *(__u8*)&frame->ip != 0x45) return XDP_PASS;
  const int tcp = frame->ip.protocol == IPPROTO_TCP;
  if (!tcp && frame->ip.protocol != IPPROTO_UDP) return XDP_PASS;
  const __u16 port = answers.port;
  if (frame->udp.dest != port && frame->udp.source != port) return XDP_PASS;
  const __u32 zero = 0;
  __u64* count = bpf_map_lookup_elem(&arrived, &zero);
  if (count) *count += 1;
  if (!answers.answer || frame->udp.dest != port) return XDP_DROP;
  if (tcp && !(frame->tcp.syn && !frame->tcp.ack)) return XDP_DROP;
  return answer(context, frame);
}

/* RFC 1624 eqn. 3, for the difference that the owner of the map has computed. */
static __always_inline __u16 changed(__u16 checksum, __u32 change) { return ~fold((__u64)(__u16)~checksum + change); }

/* What a director cannot do without: read the headers, find the flow, rewrite, send. Nothing is counted or checked. */
SEC("xdp")
int rewrite(struct xdp_md* context) {
  struct frame* frame = (void*)(long)context->data;
  if ((void*)(frame + 1) > (void*)(long)context->data_end) return XDP_PASS;
  if (frame->ethernet.h_proto != bpf_htons(ETH_P_IP) || *(__u8*)&frame->ip != 0x45) return XDP_PASS;
  struct rewrite_key key = {.client = frame->ip.saddr, .address = frame->ip.daddr, .protocol = frame->ip.protocol};
  key.ports = *(__u32*)frame->bytes;
  const struct rewrite_value* to = bpf_map_lookup_elem(&rewrites, &key);
  if (!to) return XDP_PASS;
  __builtin_memcpy(&frame->ethernet, to->macs, sizeof to->macs);
  frame->ip.daddr = to->address;
  frame->ip.ttl--;
  frame->ip.check = changed(frame->ip.check, to->ip_change);
  if (to->port) {
    frame->udp.dest = to->port;
    if (key.protocol == IPPROTO_TCP) {
      frame->tcp.check = changed(frame->tcp.check, to->transport_change);
    } else {
      frame->udp.check = changed(frame->udp.check, to->transport_change);
    }
  }
  return bpf_redirect_map(&ways, to->interface, XDP_DROP);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
