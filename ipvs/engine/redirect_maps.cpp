#include "ipvs/engine/redirect_maps.hpp"

#include <cstring>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fmt/format.h>

#include "ipvs/engine/redirect_keys.h"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint8_t kPresent = 1;

base::Result<base::UniqueFd> create_map(const char* name, std::size_t key_size, std::uint32_t entries) {
  const int fd = bpf_map_create(BPF_MAP_TYPE_HASH, name, static_cast<__u32>(key_size), 1, entries, nullptr);
  if (fd < 0) return base::fail_errno(fmt::format("create BPF map {}", name), -fd);
  return base::UniqueFd{fd};
}

redirect_listener key_of(const Listener& listener, std::uint16_t port) {
  redirect_listener key{};
  std::memcpy(&key.address, listener.address.address.data(), sizeof key.address);
  key.port = htons(port);
  key.protocol = static_cast<__u8>(listener.protocol);
  return key;
}

redirect_flow key_of(const FlowKey& flow) {
  redirect_flow key{};
  std::memcpy(&key.server, flow.server.address.data(), sizeof key.server);
  std::memcpy(&key.client, flow.client.address.data(), sizeof key.client);
  key.server_port = htons(flow.server.port);
  key.client_port = htons(flow.client.port);
  key.protocol = static_cast<__u8>(flow.protocol);
  return key;
}

struct ByBytes {
  bool operator()(const redirect_listener& a, const redirect_listener& b) const {
    return std::memcmp(&a, &b, sizeof a) < 0;
  }
};
using ListenerKeys = std::set<redirect_listener, ByBytes>;

ListenerKeys read_back(int map) {
  ListenerKeys keys;
  redirect_listener key{};
  redirect_listener* previous = nullptr;
  while (bpf_map_get_next_key(map, previous, &key) == 0) {
    // An entry removed behind our back restarts the kernel's iteration.
    if (!keys.insert(key).second) break;
    previous = &key;
  }
  return keys;
}

// Changes of one kind, in as few system calls as the kernel allows. Returns how many were refused.
std::size_t update(int map, std::span<const redirect_flow> keys) {
  const std::vector<std::uint8_t> values(keys.size(), kPresent);
  std::size_t refused = 0;
  for (std::size_t done = 0; done < keys.size();) {
    auto count = static_cast<__u32>(keys.size() - done);
    if (bpf_map_update_batch(map, keys.data() + done, values.data(), &count, nullptr) == 0) break;
    ++refused;
    done += count + 1;  // `count` were taken before the one that was not
  }
  return refused;
}

void erase(int map, std::span<const redirect_flow> keys) {
  for (std::size_t done = 0; done < keys.size();) {
    auto count = static_cast<__u32>(keys.size() - done);
    if (bpf_map_delete_batch(map, keys.data() + done, &count, nullptr) == 0) break;
    done += count + 1;  // one that is not there: nothing to do for it
  }
}

}  // namespace

base::Result<RedirectMaps> RedirectMaps::create(std::uint32_t max_flows) {
  RedirectMaps maps;
  auto listeners = create_map("lvsd_listeners", sizeof(redirect_listener), kMaxListeners);
  if (!listeners) return tl::unexpected{listeners.error()};
  auto flows = create_map("lvsd_flows", sizeof(redirect_flow), max_flows);
  if (!flows) return tl::unexpected{flows.error()};
  maps.listeners_ = std::move(*listeners);
  maps.flows_ = std::move(*flows);
  return maps;
}

base::Result<void> RedirectMaps::set_listeners(const std::set<Listener>& listeners) {
  ListenerKeys wanted;
  for (const auto& listener : listeners) {
    if (!listener.address.address.is_v4()) continue;
    wanted.insert(key_of(listener, listener.address.port));
    wanted.insert(key_of(listener, 0));
  }
  const ListenerKeys actual = read_back(listeners_.get());
  for (const auto& key : actual) {
    if (!wanted.contains(key)) bpf_map_delete_elem(listeners_.get(), &key);
  }
  for (const auto& key : wanted) {
    if (actual.contains(key)) continue;
    if (const int error = bpf_map_update_elem(listeners_.get(), &key, &kPresent, BPF_ANY); error < 0) {
      return base::fail_errno("add listener to the XDP program", -error);
    }
  }
  return {};
}

std::size_t RedirectMaps::change_flows(std::span<const FlowChange> changes) {
  std::size_t refused = 0;
  std::vector<redirect_flow> run;
  for (std::size_t i = 0; i < changes.size();) {
    const auto kind = changes[i].kind;
    run.clear();
    for (; i < changes.size() && changes[i].kind == kind; ++i) {
      if (changes[i].flow.server.address.is_v4()) run.push_back(key_of(changes[i].flow));
    }
    if (kind == FlowChange::Kind::Add) {
      refused += update(flows_.get(), run);
    } else {
      erase(flows_.get(), run);
    }
  }
  return refused;
}

}  // namespace lvsd::ipvs::engine
