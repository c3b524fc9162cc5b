/* The XDP program of the engine: frames that belong to a virtual server, and replies of connections under NAT, go to
 * the AF_XDP socket of their receive queue; every other frame passes to the kernel untouched. Loaded once per interface
 * by xdp_program.cpp; `listeners` and `flows` are shared by all interfaces. */
/* The types of linux/bpf.h come before the helpers that use them. */
/* clang-format off */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
/* clang-format on */

#include "redirect_keys.h"

#define FRAGMENT_OFFSET 0x1fff /* RFC 791 §3.1 */

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1 << 16);
  __type(key, struct redirect_listener);
  __type(value, __u8);
} listeners SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 1 << 18);
  __type(key, struct redirect_flow);
  __type(value, __u8);
} flows SEC(".maps");

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
__u8 own_mac[8];

static __always_inline void count(__u32 index) {
  __u64* value = bpf_map_lookup_elem(&counters, &index);
  if (value) *value += 1;
}

static __always_inline int is_ours(const __u8* mac) {
  for (int i = 0; i < ETH_ALEN; i++) {
    if (mac[i] != own_mac[i]) return 0;
  }
  return 1;
}

/* Source and destination port. Behind options a helper reads them: without CAP_PERFMON the verifier allows no pointer
 * whose offset is not constant. */
static __always_inline int read_ports(struct xdp_md* context, const struct iphdr* ip, const void* end, __u16* ports) {
  if (ip->ihl != 5) {
    return bpf_xdp_load_bytes(context, sizeof(struct ethhdr) + ip->ihl * 4, ports, 2 * sizeof *ports) == 0;
  }
  const __u16* in_frame = (const void*)(ip + 1);
  if ((const void*)(in_frame + 2) > end) return 0;
  ports[0] = in_frame[0];
  ports[1] = in_frame[1];
  return 1;
}

static __always_inline int wanted(struct xdp_md* context, const struct iphdr* ip, const void* end) {
  if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP) return 0;
  struct redirect_listener listener = {.address = ip->daddr, .protocol = ip->protocol};
  if (ip->frag_off & bpf_htons(FRAGMENT_OFFSET)) return bpf_map_lookup_elem(&listeners, &listener) != 0;

  __u16 ports[2];
  if (!read_ports(context, ip, end, ports)) return 0;
  listener.port = ports[1];
  if (listener.port && bpf_map_lookup_elem(&listeners, &listener)) return 1;

  const struct redirect_flow flow = {.server = ip->saddr,
                                     .client = ip->daddr,
                                     .server_port = ports[0],
                                     .client_port = ports[1],
                                     .protocol = ip->protocol};
  return bpf_map_lookup_elem(&flows, &flow) != 0;
}

SEC("xdp")
int redirect(struct xdp_md* context) {
  const void* data = (const void*)(long)context->data;
  const void* end = (const void*)(long)context->data_end;
  const struct ethhdr* ethernet = data;
  const struct iphdr* ip = (const void*)(ethernet + 1);
  /* Tagged frames (802.1Q) have another type and pass. */
  if ((const void*)(ip + 1) > end || ethernet->h_proto != bpf_htons(ETH_P_IP)) goto pass;
  if (ip->version != 4 || ip->ihl < 5 || !is_ours(ethernet->h_dest)) goto pass;
  if (!wanted(context, ip, end)) goto pass;
  count(REDIRECT_TO_ENGINE);
  /* Without a living socket the frame is dropped: the kernel, which may own the virtual address, would answer RST. */
  return bpf_redirect_map(&sockets, context->rx_queue_index, XDP_DROP);
pass:
  count(REDIRECT_TO_KERNEL);
  return XDP_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
