#include "ipvs/engine/slot_identity.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace lvsd::ipvs::engine {
namespace {

// FNV-1a: the same in every process, unlike std::hash.
std::uint64_t stable_hash(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const auto c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x100000001b3;
  return hash;
}

std::uint8_t write_name(std::array<char, SlotRecord::kNameLimit>& to, const std::string& name) {
  const auto fitting = fit_name(name);
  std::copy(fitting.begin(), fitting.end(), to.begin());
  return static_cast<std::uint8_t>(fitting.size());
}

// Two bits each. They are no part of a server's identity, but its connections go on by them in the next process.
std::uint8_t pack(const ServerOptions& options) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(options.tunnel.kind) |
                                   (static_cast<unsigned>(options.tunnel.checksum) << 2) |
                                   (static_cast<unsigned>(options.client_address) << 4));
}

ServerOptions unpack(std::uint8_t packed, std::uint16_t tunnel_port) {
  ServerOptions options;
  const auto bits = [packed](int shift) { return std::min((packed >> shift) & 3, 2); };
  options.tunnel = {static_cast<TunnelKind>(bits(0)), tunnel_port, static_cast<TunnelChecksum>(bits(2))};
  options.client_address = static_cast<ClientAddress>(bits(4));
  return options;
}

}  // namespace

std::string fit_name(const std::string& name) {
  if (name.size() <= SlotRecord::kNameLimit) return name;
  return fmt::format("{}~{:016x}", name.substr(0, SlotRecord::kNameLimit - 17), stable_hash(name));
}

void write_server(SlotRecord& record, const std::string& service, const RealServer& server) {
  record.method = server.method;
  record.family = static_cast<std::uint8_t>(server.address.address.family());
  record.port = server.address.port;
  record.address = server.address.address.bytes();
  record.service_length = write_name(record.service_name, service);
  record.server_length = write_name(record.server_name, server.name);
  record.options = pack(server.options);
  record.tunnel_port = server.options.tunnel.port;
  record.kind = SlotRecord::Kind::Server;
}

void write_service(SlotRecord& record, const std::string& service) {
  record.service_length = write_name(record.service_name, service);
  record.server_length = 0;
  record.kind = SlotRecord::Kind::Service;
}

bool is_sound(const SlotRecord& record) {
  const bool kind = record.kind == SlotRecord::Kind::Server || record.kind == SlotRecord::Kind::Service;
  const bool lengths =
      record.service_length <= SlotRecord::kNameLimit && record.server_length <= SlotRecord::kNameLimit;
  return kind && lengths && record.method <= Method::Fullnat && (record.family == 4 || record.family == 6);
}

RealServer read_server(const SlotRecord& record) {
  RealServer server;
  server.name = record.server();
  const auto& b = record.address;
  server.address.address = record.family == 6
                               ? base::IpAddress::v6(b)
                               : base::IpAddress::v4((std::uint32_t{b[0]} << 24) | (std::uint32_t{b[1]} << 16) |
                                                     (std::uint32_t{b[2]} << 8) | b[3]);
  server.address.port = record.port;
  server.method = record.method;
  server.weight = 0;
  server.options = unpack(record.options, record.tunnel_port);
  return server;
}

bool same_server(const RealServer& a, const RealServer& b) {
  return a.address == b.address && a.method == b.method && fit_name(a.name) == fit_name(b.name);
}

}  // namespace lvsd::ipvs::engine
