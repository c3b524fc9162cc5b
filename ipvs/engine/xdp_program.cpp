#include "ipvs/engine/xdp_program.hpp"

#include <cstring>
#include <optional>
#include <vector>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/if.h>

#include "ipvs/engine/redirect_keys.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#include "redirect.skel.h"
#pragma GCC diagnostic pop

namespace lvsd::ipvs::engine {
namespace {

// The kernel's messages come back as error texts; libbpf's own printing would go to stderr.
int print_nothing(libbpf_print_level, const char*, va_list) { return 0; }

std::optional<std::uint32_t> interface_of(int link) {
  bpf_link_info info{};
  __u32 size = sizeof info;
  if (bpf_obj_get_info_by_fd(link, &info, &size) != 0 || info.type != BPF_LINK_TYPE_XDP) return std::nullopt;
  return info.xdp.ifindex;  // 0: its interface is gone
}

std::optional<bool> attached_natively(std::uint32_t interface) {
  bpf_xdp_query_opts query{};
  query.sz = sizeof query;
  if (bpf_xdp_query(static_cast<int>(interface), 0, &query) != 0) return std::nullopt;
  if (query.attach_mode == XDP_ATTACHED_DRV) return true;
  if (query.attach_mode == XDP_ATTACHED_SKB) return false;
  return std::nullopt;
}

std::string busy_text(std::uint32_t interface) {
  bpf_xdp_query_opts query{};
  query.sz = sizeof query;
  if (bpf_xdp_query(static_cast<int>(interface), 0, &query) != 0) return "another XDP program is attached";
  return fmt::format("another XDP program (id {}) is attached; detach it: ip link set dev IFNAME xdp off",
                     query.prog_id);
}

}  // namespace

void XdpProgram::Unload::operator()(redirect_bpf* program) const { redirect_bpf__destroy(program); }

XdpProgram::XdpProgram(redirect_bpf* program) : program_{program} {}
XdpProgram::XdpProgram(XdpProgram&&) noexcept = default;
XdpProgram& XdpProgram::operator=(XdpProgram&&) noexcept = default;
XdpProgram::~XdpProgram() = default;

base::Result<XdpProgram> XdpProgram::load(const RedirectMaps& maps, const FastMaps& fast, const base::MacAddress& own) {
  libbpf_set_print(print_nothing);
  redirect_bpf* program = redirect_bpf__open();
  if (!program) return base::fail_errno("open the XDP program");
  XdpProgram loaded{program};
  const std::pair<bpf_map*, int> shared[] = {
      {program->maps.listeners, maps.listeners_fd()},  {program->maps.port_ranges, maps.ranges_fd()},
      {program->maps.flows, maps.flows_fd()},          {program->maps.data_fast_state, fast.state_fd()},
      {program->maps.fast_buckets, fast.buckets_fd()}, {program->maps.fast_flows, fast.flows_fd()}};
  for (const auto& [map, fd] : shared) {
    if (const int error = bpf_map__reuse_fd(map, fd); error < 0)
      return base::fail_errno(fmt::format("share map {}", bpf_map__name(map)), -error);
  }
  if (const int error = redirect_bpf__load(program); error < 0) return base::fail_errno("load the XDP program", -error);
  loaded.set_own_mac(own);
  return loaded;
}

int XdpProgram::fd() const { return bpf_program__fd(program_->progs.redirect); }

base::Result<void> XdpProgram::create_link(std::uint32_t interface, bool native) {
  bpf_link_create_opts options{};
  options.sz = sizeof options;
  options.flags = native ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
  const int link = bpf_link_create(fd(), static_cast<int>(interface), BPF_XDP, &options);
  if (link == -EBUSY || link == -EEXIST) return base::fail(busy_text(interface));
  if (link < 0) return base::fail_errno(fmt::format("attach XDP ({})", native ? "native" : "generic"), -link);
  link_.reset(link);
  native_ = native;
  return {};
}

base::Result<void> XdpProgram::attach(std::uint32_t interface, XdpMode mode) {
  if (mode == XdpMode::Generic) return create_link(interface, false);
  auto native = create_link(interface, true);
  if (native || mode == XdpMode::Native) return native;
  return create_link(interface, false);
}

base::Result<void> XdpProgram::adopt(base::UniqueFd kept, std::uint32_t interface, XdpMode mode) {
  const auto native = attached_natively(interface);
  const bool fits = interface_of(kept.get()) == interface && native &&
                    (mode == XdpMode::Auto || (mode == XdpMode::Native) == *native);
  if (!fits) {
    detach_link(std::move(kept));
    return base::fail("the earlier attachment does not fit");
  }
  native_ = *native;
  link_ = std::move(kept);
  return {};
}

base::Result<void> XdpProgram::replace() {
  const int error = bpf_link_update(link_.get(), fd(), nullptr);
  if (error < 0) return base::fail_errno("replace the XDP program", -error);
  return {};
}

void XdpProgram::detach() { detach_link(std::move(link_)); }

base::Result<void> XdpProgram::set_socket(std::uint32_t queue, int socket) {
  const int error = bpf_map_update_elem(bpf_map__fd(program_->maps.sockets), &queue, &socket, BPF_ANY);
  if (error < 0) return base::fail_errno("give the socket to the XDP program", -error);
  return {};
}

void XdpProgram::set_own_mac(const base::MacAddress& own) {
  std::memcpy(program_->bss->own_mac, own.bytes.data(), own.bytes.size());
}

void XdpProgram::set_fast_ways(std::uint32_t own, const std::set<std::uint32_t>& others) {
  program_->bss->own_interface = own;
  const int map = bpf_map__fd(program_->maps.ways_out);
  for (const auto interface : fast_ways_) {
    if (!others.contains(interface)) bpf_map_delete_elem(map, &interface);
  }
  fast_ways_.clear();
  for (const auto interface : others) {
    if (bpf_map_update_elem(map, &interface, &interface, BPF_ANY) == 0) fast_ways_.insert(interface);
  }
}

XdpProgram::Counters XdpProgram::counters() const {
  Counters sum;
  const int processors = libbpf_num_possible_cpus();
  if (processors <= 0) return sum;
  std::vector<std::uint64_t> values(static_cast<std::size_t>(processors));
  const auto total = [&](std::uint32_t index) {
    std::uint64_t all = 0;
    if (bpf_map_lookup_elem(bpf_map__fd(program_->maps.counters), &index, values.data()) != 0) return all;
    for (const auto value : values) all += value;
    return all;
  };
  sum.to_engine = total(REDIRECT_TO_ENGINE);
  sum.to_kernel = total(REDIRECT_TO_KERNEL);
  sum.tagged = total(REDIRECT_TAGGED);
  return sum;
}

void detach_link(base::UniqueFd link) {
  if (link) bpf_link_detach(link.get());
}

}  // namespace lvsd::ipvs::engine
