#include "ipvs/engine/redirect_maps.hpp"

#include <cstring>
#include <map>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fmt/format.h>

#include "ipvs/engine/network_order.hpp"
#include "ipvs/engine/redirect_keys.h"

namespace lvsd::ipvs::engine {
namespace {

constexpr std::uint8_t kPresent = REDIRECT_PRESENT;

base::Result<base::UniqueFd> create_map(const char* name, bpf_map_type type, std::size_t key_size,
                                        std::uint32_t entries) {
  bpf_map_create_opts options{};
  options.sz = sizeof options;
  options.map_flags = type == BPF_MAP_TYPE_LPM_TRIE ? BPF_F_NO_PREALLOC : 0;
  const int fd = bpf_map_create(type, name, static_cast<__u32>(key_size), 1, entries, &options);
  if (fd < 0) return base::fail_errno(fmt::format("create BPF map {}", name), -fd);
  return base::UniqueFd{fd};
}

template <std::size_t kWords>
void write_address(__u32 (&to)[kWords], const base::IpAddress& address) {
  const auto wire = to_packet(address);
  static_assert(sizeof to == sizeof wire);
  std::memcpy(to, &wire, sizeof wire);
}

redirect_listener key_of(const base::IpAddress& address, std::uint8_t protocol, std::uint16_t port) {
  redirect_listener key{};
  write_address(key.address, address);
  key.port = htons(port);
  key.protocol = protocol;
  return key;
}

redirect_flow key_of(const FlowKey& flow) {
  redirect_flow key{};
  write_address(key.server, flow.server.address);
  write_address(key.client, flow.client.address);
  key.server_port = htons(flow.server.port);
  key.client_port = htons(flow.client.port);
  key.protocol = static_cast<__u8>(flow.protocol);
  return key;
}

struct ByBytes {
  template <class Key>
  bool operator()(const Key& a, const Key& b) const {
    return std::memcmp(&a, &b, sizeof a) < 0;
  }
};
template <class Key>
using Entries = std::map<Key, std::uint8_t, ByBytes>;

// The fewest prefixes that cover the ports first..last.
void add_range(Entries<redirect_ports>& entries, const Listener& listener, std::uint32_t first, std::uint32_t last) {
  redirect_ports key{};
  write_address(key.address, listener.address.address);
  key.protocol = static_cast<__u8>(listener.protocol);
  while (first <= last) {
    std::uint32_t bits = 0;
    while (bits < 16 && (first & (1u << bits)) == 0 && first + (2u << bits) - 1 <= last) ++bits;
    key.prefix_length = REDIRECT_PORTS_WHOLE - bits;
    key.port = htons(static_cast<std::uint16_t>(first));
    entries.emplace(key, kPresent);
    first += 1u << bits;
  }
}

template <class Key>
Entries<Key> read_back(int map) {
  Entries<Key> entries;
  Key key{};
  Key* previous = nullptr;
  while (bpf_map_get_next_key(map, previous, &key) == 0) {
    std::uint8_t value = 0;
    if (bpf_map_lookup_elem(map, &key, &value) != 0) value = 0;
    // An entry removed behind our back restarts the kernel's iteration.
    if (!entries.emplace(key, value).second) break;
    previous = &key;
  }
  return entries;
}

template <class Key>
base::Result<void> make_equal(int map, const Entries<Key>& wanted) {
  const auto actual = read_back<Key>(map);
  for (const auto& [key, value] : actual) {
    if (!wanted.contains(key)) bpf_map_delete_elem(map, &key);
  }
  for (const auto& [key, value] : wanted) {
    const auto there = actual.find(key);
    if (there != actual.end() && there->second == value) continue;
    if (const int error = bpf_map_update_elem(map, &key, &value, BPF_ANY); error < 0) {
      return base::fail_errno("add listener to the XDP program", -error);
    }
  }
  return {};
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
  const auto make = [](base::UniqueFd& into, const char* name, bpf_map_type type, std::size_t key,
                       std::uint32_t entries) -> base::Result<void> {
    auto made = create_map(name, type, key, entries);
    if (!made) return tl::unexpected{made.error()};
    into = std::move(*made);
    return {};
  };
  auto made = make(maps.listeners_, "lvsd_listeners", BPF_MAP_TYPE_HASH, sizeof(redirect_listener), kMaxListeners);
  if (made) made = make(maps.ranges_, "lvsd_ranges", BPF_MAP_TYPE_LPM_TRIE, sizeof(redirect_ports), kMaxListeners);
  if (made) made = make(maps.flows_, "lvsd_flows", BPF_MAP_TYPE_HASH, sizeof(redirect_flow), max_flows);
  if (!made) return tl::unexpected{made.error()};
  return maps;
}

base::Result<void> RedirectMaps::set_listeners(const std::set<Listener>& listeners,
                                               const std::set<base::IpAddress>& tunnel_servers) {
  Entries<redirect_listener> wanted;
  Entries<redirect_ports> ranges;
  for (const auto& listener : listeners) {
    const auto& [address, port] = listener.address;
    const auto protocol = static_cast<std::uint8_t>(listener.protocol);
    auto& beside = wanted[key_of(address, protocol, 0)];
    beside |= kPresent;
    if (listener.all_ports() || listener.last_port != 0) {
      beside |= REDIRECT_HAS_RANGES;
      add_range(ranges, listener, port, listener.all_ports() ? 65535 : listener.last_port);
    } else {
      wanted[key_of(address, protocol, port)] = kPresent;
    }
  }
  for (const auto& server : tunnel_servers) wanted[key_of(server, REDIRECT_TUNNEL_SERVER, 0)] = kPresent;
  // Ranges first: an entry that points to them must find them.
  if (auto done = make_equal(ranges_.get(), ranges); !done) return done;
  return make_equal(listeners_.get(), wanted);
}

std::size_t RedirectMaps::change_flows(std::span<const FlowChange> changes) {
  std::size_t refused = 0;
  std::vector<redirect_flow> run;
  for (std::size_t i = 0; i < changes.size();) {
    const auto kind = changes[i].kind;
    run.clear();
    for (; i < changes.size() && changes[i].kind == kind; ++i) run.push_back(key_of(changes[i].flow));
    if (kind == FlowChange::Kind::Add) {
      refused += update(flows_.get(), run);
    } else {
      erase(flows_.get(), run);
    }
  }
  return refused;
}

}  // namespace lvsd::ipvs::engine
