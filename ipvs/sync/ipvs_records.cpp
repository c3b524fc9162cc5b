#include "ipvs/sync/ipvs_records.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace lvsd::ipvs::sync {
namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;
constexpr std::uint8_t kSctp = 132;

// The kernel's numbers of states (dataplane §1.3, §1.4).
constexpr std::array<std::uint8_t, 4> kTcpHandshake{0, 2, 3, 10};
constexpr std::uint8_t kTcpEstablished = 1;
constexpr std::uint8_t kSctpEstablished = 8;
constexpr std::uint8_t kTcpStates = 11;
constexpr std::uint8_t kSctpStates = 14;

bool is_handshake(const Record& r) {
  if (r.protocol == kTcp) return std::ranges::find(kTcpHandshake, r.state) != kTcpHandshake.end();
  return r.protocol == kSctp && r.state < kSctpEstablished;
}

bool is_established(const Record& r) {
  return (r.protocol == kTcp && r.state == kTcpEstablished) || (r.protocol == kSctp && r.state == kSctpEstablished);
}

std::optional<std::uint32_t> method_flag(Method method) {
  switch (method) {
    case Method::Nat:
      return IpvsConnection::kMasquerade;
    case Method::Tun:
      return IpvsConnection::kTunnel;
    case Method::Dr:
      return IpvsConnection::kDirectRoute;
    case Method::Fullnat:
      break;
  }
  return std::nullopt;
}

// The kernel keeps the mark in the first four bytes of the virtual address, whatever its family.
base::IpAddress mark_address(std::uint32_t fwmark, base::Family family) {
  const auto v4 = base::IpAddress::v4(fwmark);
  return family == base::Family::V4 ? v4 : base::IpAddress::v6(v4.bytes());
}

// What a template is found by (kernel ip_vs_sched_persist). False: the service has no such listener.
bool place_template(IpvsConnection& c, const IpvsNames::Named& service, const base::Endpoint& server) {
  const auto family = c.client.address.family();
  c.client.port = 0;
  c.timeout_s = service.persistence_s;
  c.server.port = server.port;
  if (service.fwmark != 0) {
    c.protocol = 0;
    c.virtual_address = {mark_address(service.fwmark, family), 0};
    c.server.port = 0;
    return true;
  }
  const auto is_alike = [&](const Listener& l) { return l.address.address.family() == family; };
  const auto listener = std::ranges::find_if(service.listeners, is_alike);
  if (listener == service.listeners.end()) return false;
  c.protocol = static_cast<std::uint8_t>(listener->protocol);
  c.virtual_address = listener->address;
  if (listener->all_ports()) c.server.port = 0;
  if (c.server.port == 0) c.server.port = listener->address.port;
  return true;
}

void place_connection(IpvsConnection& c, const Record& r) {
  c.protocol = r.protocol;
  c.virtual_address = r.virtual_address;
  c.server.port = r.server_port;
  c.timeout_s = std::max<std::uint32_t>(1, (r.left_ms + 999) / 1000);
  if (r.has(Record::kNoReplies)) c.flags |= IpvsConnection::kNoOutput;
  if (!is_established(r)) c.flags |= IpvsConnection::kInactive;
}

std::optional<IpvsConnection> connection_of(const Record& r, const Server& server, const IpvsNames& names) {
  const auto method = method_flag(server.method);
  const auto* service = names.service(server.service);
  const bool one_family = server.address.address.family() == r.client.address.family();
  if (!method || !service || !one_family || r.has(Record::kProxied)) return std::nullopt;
  IpvsConnection c;
  c.flags = *method;
  c.state = r.state;
  c.fwmark = service->fwmark;
  c.client = r.client;
  c.server.address = server.address.address;
  if (!r.has(Record::kTemplate)) {
    place_connection(c, r);
    return c;
  }
  c.flags |= IpvsConnection::kTemplate;
  if (!place_template(c, *service, server.address)) return std::nullopt;
  return c;
}

bool is_possible(const IpvsConnection& c) {
  constexpr auto kNever = IpvsConnection::kOnePacket | IpvsConnection::kNoClientPort;
  const auto moved = [](const IpvsSequence& s) { return s.delta != 0 || s.previous_delta != 0; };
  if (c.unknown_option || c.has(kNever) || !c.engine_data.empty()) return false;
  if (c.sequences && std::ranges::any_of(*c.sequences, moved)) return false;
  if (c.has(IpvsConnection::kTemplate)) return c.state <= 1;
  if (c.protocol == kTcp) return c.state < kTcpStates;
  if (c.protocol == kSctp) return c.state < kSctpStates;
  return c.protocol == kUdp && c.state == 0;
}

Record record_of(const IpvsConnection& c) {
  Record r;
  r.protocol = c.protocol;
  r.state = static_cast<std::uint8_t>(c.state);
  r.client = c.client;
  r.virtual_address = c.virtual_address;
  r.server_port = c.server.port;
  if (c.has(IpvsConnection::kTemplate)) {
    r.flags = Record::kTemplate;
    return r;
  }
  r.in_packets = 1;
  r.flags = Record::kPersistent;  // where its client's template is known
  r.flags |= c.has(IpvsConnection::kNoOutput) ? Record::kNoReplies : Record::kReplied;
  return r;
}

// Found by its listener; where a mark stands for the service, by that service's name.
Server server_of(const IpvsConnection& c, const IpvsNames& names) {
  Server server{0, "", c.server, Method::Nat};
  if (!c.has(IpvsConnection::kTemplate) || c.fwmark == 0) return server;
  const auto* service = names.marked(c.fwmark, c.client.address.family());
  if (!service) return server;
  server.service = service->name;
  const auto at = std::ranges::find_if(service->servers,
                                       [&](const RealServer& s) { return s.address.address == c.server.address; });
  if (at == service->servers.end()) return server;
  server.address = at->address;
  server.method = at->method;
  return server;
}

}  // namespace

IpvsNames::IpvsNames(const ServiceTable& table) {
  for (const auto& [name, service] : table) {
    const auto& options = service.virtual_server.options;
    const auto persistence = std::chrono::ceil<std::chrono::seconds>(options.persistence.timeout).count();
    by_name_[name] = {name, options.fwmark, service.virtual_server.listeners, static_cast<std::uint32_t>(persistence),
                      service.servers};
    if (options.fwmark != 0) by_mark_[{options.fwmark, options.family}] = name;
  }
}

const IpvsNames::Named* IpvsNames::service(const std::string& name) const {
  const auto at = by_name_.find(name);
  return at == by_name_.end() ? nullptr : &at->second;
}

const IpvsNames::Named* IpvsNames::marked(std::uint32_t fwmark, base::Family family) const {
  const auto at = by_mark_.find({fwmark, family});
  return at == by_mark_.end() ? nullptr : service(at->second);
}

IpvsTold to_ipvs(const Batch& batch, const IpvsNames& names, std::uint32_t threshold) {
  std::map<std::uint32_t, const Server*> servers;
  for (const auto& server : batch.servers) servers[server.number] = &server;
  IpvsTold told;
  for (const auto& record : batch.records) {
    if (record.from_peer) continue;
    if (!record.has(Record::kTemplate)) {
      if (is_handshake(record) || (is_established(record) && record.in_packets < threshold)) continue;
    }
    const auto server = servers.find(record.server);
    auto made = server == servers.end() ? std::nullopt : connection_of(record, *server->second, names);
    if (!made) {
      ++told.not_possible;
    } else {
      told.connections.push_back(std::move(*made));
    }
  }
  return told;
}

IpvsHeard from_ipvs(const IpvsMessage& message, const IpvsNames& names) {
  IpvsHeard heard;
  std::map<std::pair<std::string, base::Endpoint>, std::uint32_t> numbers;
  for (const auto& c : message.connections) {
    if (!is_possible(c)) {
      ++heard.not_possible;
      continue;
    }
    auto server = server_of(c, names);
    const auto next = static_cast<std::uint32_t>(numbers.size());
    const auto [at, is_new] = numbers.try_emplace({server.service, server.address}, next);
    server.number = at->second;
    if (is_new) heard.batch.servers.push_back(server);
    auto record = record_of(c);
    record.server = at->second;
    heard.batch.records.push_back(std::move(record));
  }
  return heard;
}

}  // namespace lvsd::ipvs::sync
