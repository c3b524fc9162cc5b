#include "ipvs/through_tunnel.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <net/if.h>

#include "ipvs/through_tunnel_keys.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wpedantic"
#include "through_tunnel.skel.h"
#pragma GCC diagnostic pop

namespace lvsd::ipvs {
namespace {

constexpr std::uint32_t kHandle = 0x4c56;  // of our filter; nobody else's, by all likelihood
constexpr std::uint32_t kPriority = 0x4c56;

int print_nothing(libbpf_print_level, const char*, va_list) { return 0; }

void write_address(__u32 (&to)[4], const base::IpAddress& address) {
  std::memset(to, 0, sizeof to);
  if (address.is_v4()) {
    to[2] = htonl(0xffff);
    std::memcpy(&to[3], address.data(), 4);
  } else {
    std::memcpy(to, address.data(), 16);
  }
}

bpf_tc_hook hook_of(unsigned interface) {
  bpf_tc_hook hook{};
  hook.sz = sizeof hook;
  hook.ifindex = static_cast<int>(interface);
  hook.attach_point = BPF_TC_EGRESS;
  return hook;
}

bpf_tc_opts filter() {
  bpf_tc_opts options{};
  options.sz = sizeof options;
  options.handle = kHandle;
  options.priority = kPriority;
  return options;
}

// The program's id there; 0: none.
std::uint32_t program_at(unsigned interface) {
  const auto hook = hook_of(interface);
  auto options = filter();
  return bpf_tc_query(&hook, &options) == 0 ? options.prog_id : 0;
}

std::uint32_t id_of(int program) {
  bpf_prog_info info{};
  __u32 size = sizeof info;
  return bpf_obj_get_info_by_fd(program, &info, &size) == 0 ? info.id : 0;
}

}  // namespace

void ThroughTunnel::Unload::operator()(through_tunnel_bpf* program) const { through_tunnel_bpf__destroy(program); }

ThroughTunnel::ThroughTunnel() = default;
ThroughTunnel::~ThroughTunnel() = default;

base::Result<void> ThroughTunnel::load() {
  libbpf_set_print(print_nothing);
  auto* program = through_tunnel_bpf__open();
  if (!program) return base::fail_errno("open the program for tunnelled checks");
  program_.reset(program);
  const int error = through_tunnel_bpf__load(program);
  if (error == 0) return {};
  program_.reset();
  return base::fail_errno("load the program for tunnelled checks", -error);
}

base::Result<void> ThroughTunnel::fill(const std::vector<TunnelledCheck>& checks) {
  if (checks == filled_) return {};
  const int map = bpf_map__fd(program_->maps.tunnels);
  const auto key_of = [](const TunnelledCheck& check) {
    tunnel_key key{};
    key.mark = check.mark;
    write_address(key.server, check.server);
    return key;
  };
  for (const auto& check : filled_) {
    const auto key = key_of(check);
    bpf_map_delete_elem(map, &key);
  }
  filled_.clear();
  for (const auto& check : checks) {
    const auto key = key_of(check);
    tunnel_way way{};
    write_address(way.address, check.address);
    way.port = htons(check.tunnel.port);
    way.kind = static_cast<__u8>(check.tunnel.kind);
    way.checksum = check.tunnel.checksum != TunnelChecksum::None;
    if (const int error = bpf_map_update_elem(map, &key, &way, BPF_ANY); error < 0)
      return base::fail_errno("note a tunnelled check", -error);
    filled_.push_back(check);
  }
  return {};
}

// What an earlier life has left there is replaced, and its hook is ours.
base::Result<void> ThroughTunnel::attach(const std::string& interface) {
  const auto index = if_nametoindex(interface.c_str());
  const int own = bpf_program__fd(program_->progs.through_tunnel);
  const auto there = program_at(index);
  if (there != 0 && there == id_of(own)) return {};
  auto hook = hook_of(index);
  const int made = bpf_tc_hook_create(&hook);
  if (made < 0 && made != -EEXIST)
    return base::fail_errno(fmt::format("{}: hook for tunnelled checks", interface), -made);
  auto options = filter();
  options.prog_fd = own;
  options.flags = BPF_TC_F_REPLACE;
  if (const int error = bpf_tc_attach(&hook, &options); error < 0)
    return base::fail_errno(fmt::format("{}: program for tunnelled checks", interface), -error);
  attached_[interface] = made == 0 || there != 0;
  return {};
}

void ThroughTunnel::detach(const std::string& interface) {
  const auto ours = std::exchange(attached_[interface], false);
  attached_.erase(interface);
  const auto index = if_nametoindex(interface.c_str());
  if (index == 0 || program_at(index) == 0) return;
  auto hook = hook_of(index);
  const auto options = filter();
  bpf_tc_detach(&hook, &options);
  if (!ours) return;
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  bpf_tc_hook_destroy(&hook);
}

base::Result<void> ThroughTunnel::put_in_force(const std::vector<TunnelledCheck>& checks,
                                               const std::vector<std::string>& interfaces) {
  auto gone = attached_;
  if (!checks.empty())
    std::erase_if(gone, [&](const auto& a) { return std::ranges::find(interfaces, a.first) != interfaces.end(); });
  for (const auto& [interface, ours] : gone) detach(interface);
  if (checks.empty()) {
    filled_.clear();
    program_.reset();
    return {};
  }
  if (!program_) {
    if (auto loaded = load(); !loaded) return loaded;
  }
  if (auto filled = fill(checks); !filled) return filled;
  for (const auto& interface : interfaces) {
    if (auto attached = attach(interface); !attached) return attached;
  }
  return {};
}

}  // namespace lvsd::ipvs
