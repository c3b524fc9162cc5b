#include "ipvs/engine/merge.hpp"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

namespace lvsd::ipvs::engine {
namespace {

void add(Statistics& all, const Statistics& one) {
  for (const auto field :
       {&Statistics::connections, &Statistics::in_packets, &Statistics::out_packets, &Statistics::in_bytes,
        &Statistics::out_bytes, &Statistics::connections_per_second, &Statistics::in_packets_per_second,
        &Statistics::out_packets_per_second, &Statistics::in_bytes_per_second, &Statistics::out_bytes_per_second})
    all.*field += one.*field;
}

void add(ServerStatus& all, const ServerStatus& one) {
  all.active_connections += one.active_connections;
  all.inactive_connections += one.inactive_connections;
  all.unanswered_connections += one.unanswered_connections;
  all.persistent_connections += one.persistent_connections;
  all.overloaded = all.overloaded || one.overloaded;
  add(all.statistics, one.statistics);
}

bool same(const ServerStatus& a, const ServerStatus& b) {
  return a.name == b.name && a.address == b.address && a.method == b.method &&
         (a.state == ServerState::drain) == (b.state == ServerState::drain) && a.tunnel == b.tunnel &&
         a.tunnel_port == b.tunnel_port && a.tunnel_checksum == b.tunnel_checksum;
}

void add(ServiceStatus& all, const ServiceStatus& one) {
  add(all.statistics, one.statistics);
  for (const auto& server : one.servers) {
    const auto known = std::ranges::find_if(all.servers, [&](const auto& s) { return same(s, server); });
    if (known == all.servers.end()) {
      all.servers.push_back(server);
    } else {
      add(*known, server);
    }
  }
}

void unite(std::vector<base::IpAddress>& all, const std::vector<base::IpAddress>& one) {
  std::set<base::IpAddress> both{all.begin(), all.end()};
  both.insert(one.begin(), one.end());
  all.assign(both.begin(), both.end());
}

}  // namespace

void merge(std::vector<ServiceStatus>& all, const std::vector<ServiceStatus>& one) {
  for (const auto& service : one) {
    const auto known = std::ranges::find(all, service.name, &ServiceStatus::name);
    if (known == all.end()) {
      all.push_back(service);
    } else {
      add(*known, service);
    }
  }
}

void merge(FastStatus& all, const FastStatus& one) {
  all.flows += one.flows;
  all.capacity += one.capacity;
  all.packets += one.packets;
  all.refused += one.refused;
}

void merge(KnownAddresses& all, const KnownAddresses& one) {
  unite(all.virtual_addresses, one.virtual_addresses);
  unite(all.local_addresses, one.local_addresses);
}

void merge(Connections& all, Connections one, std::uint32_t limit) {
  all.total += one.total;
  const auto room = limit - std::min<std::size_t>(limit, all.connections.size());
  if (one.connections.size() > room) one.connections.resize(room);
  std::ranges::move(one.connections, std::back_inserter(all.connections));
}

Drops drops_of(std::span<const std::uint64_t> counts, std::uint64_t ring_full) {
  Drops drops;
  for (std::size_t i = 1; i < counts.size(); ++i) {
    const auto reason = static_cast<DropReason>(i);
    drops.reasons.push_back({std::string{name(reason)}, std::string{explanation(reason)}, counts[i]});
  }
  drops.reasons.push_back({"receive_ring_full",
                           "the kernel had no room to hand the packet to the engine, or it was larger than 1,792 bytes",
                           ring_full});
  return drops;
}

CapturedBatch merge(std::vector<CapturedBatch> batches) {
  CapturedBatch all;
  for (auto& batch : batches) {
    const auto offset = static_cast<std::uint32_t>(all.bytes.size());
    all.bytes.insert(all.bytes.end(), batch.bytes.begin(), batch.bytes.end());
    for (auto& copy : batch.frames) {
      copy.offset += offset;
      all.frames.push_back(copy);
    }
  }
  // What leaves stands behind what came: they have one time.
  std::ranges::stable_sort(all.frames, {}, &CapturedCopy::unix_ns);
  return all;
}

}  // namespace lvsd::ipvs::engine
