#include "daemon/config/methods.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ipvs/names.hpp"

namespace lvsd::daemon {
namespace {

using ipvs::Method;
using ipvs::TunnelChecksum;
using ipvs::TunnelKind;

struct MethodKey {
  std::string_view key;
  Method method;
};
constexpr std::array kMethodKeys{
    MethodKey{"tunnel", Method::Tun}, MethodKey{"tunnel_port", Method::Tun}, MethodKey{"tunnel_checksum", Method::Tun},
    MethodKey{"client_address", Method::Fullnat}, MethodKey{"local_address", Method::Fullnat}};

const Key& server_key(std::string_view name) { return *find_kind("real_server")->find(name); }

// The server's own word, or its service's.
std::optional<Value> written(const MethodSubject& subject, std::string_view key) {
  if (subject.server) {
    const auto own = subject.server->options.find(key);
    if (own != subject.server->options.end()) return own->second;
  }
  return subject.service.value(key);
}

std::optional<std::string_view> word(Build& build, const MethodSubject& subject, std::string_view key) {
  const auto value = written(subject, key);
  return value ? read_choice(server_key(key), *value, build.report) : std::nullopt;
}

TunnelChecksum checksum_named(std::string_view word) {
  return word == "full" ? TunnelChecksum::Full : word == "remote" ? TunnelChecksum::Remote : TunnelChecksum::None;
}

// What nothing says: the engine's word where it fits the tunnel. A UDP checksum of zero is not lawful over IPv6 unless
// the receiver was told to take it (RFC 6935 §5).
TunnelChecksum default_checksum(Build& build, TunnelKind kind, base::Family outer) {
  const auto* engine = build.document.find("engine");
  const auto checksum = engine ? checksum_named(build.reader(*engine).choice("tunnel_checksum")) : TunnelChecksum::None;
  if (kind == TunnelKind::Ipip) return TunnelChecksum::None;
  if (kind == TunnelKind::Gre && checksum == TunnelChecksum::Remote) return TunnelChecksum::Full;
  const bool said = engine && build.reader(*engine).has("tunnel_checksum");
  if (kind == TunnelKind::Gue && outer == base::Family::V6 && !said) return TunnelChecksum::Full;
  return checksum;
}

TunnelChecksum read_checksum(Build& build, const MethodSubject& subject, TunnelKind kind) {
  const auto said = word(build, subject, "tunnel_checksum");
  if (!said) return default_checksum(build, kind, subject.address.address.family());
  const auto checksum = checksum_named(*said);
  const auto place = written(subject, "tunnel_checksum")->place;
  if (kind == TunnelKind::Ipip && checksum != TunnelChecksum::None) {
    build.report.error(place, "an ipip tunnel has no checksum", "tunnel_checksum goes with tunnel = gue or gre");
  } else if (kind == TunnelKind::Gre && checksum == TunnelChecksum::Remote) {
    build.report.error(place, "tunnel_checksum = remote goes with tunnel = gue only", "a gre tunnel has none or full");
  }
  return checksum;
}

ipvs::Tunnel read_tunnel(Build& build, const MethodSubject& subject) {
  ipvs::Tunnel tunnel;
  tunnel.kind = ipvs::tunnel_named(word(build, subject, "tunnel").value_or("ipip")).value_or(TunnelKind::Ipip);
  const auto port = written(subject, "tunnel_port");
  if (port) {
    tunnel.port = static_cast<std::uint16_t>(read_integer(server_key("tunnel_port"), *port, build.report).value_or(0));
  }
  if (tunnel.kind == TunnelKind::Gue && !port) {
    build.report.error(written(subject, "tunnel")->place, "tunnel = gue needs tunnel_port, the UDP port of the servers",
                       "add tunnel_port = 6080, or what the servers' `ip fou add port … gue` says");
  } else if (tunnel.kind != TunnelKind::Gue && port) {
    build.report.error(port->place, fmt::format("tunnel_port has no meaning with tunnel = {}", ipvs::name(tunnel.kind)),
                       "it goes with tunnel = gue");
    tunnel.port = 0;
  }
  tunnel.checksum = read_checksum(build, subject, tunnel.kind);
  return tunnel;
}

void need_local_address(Build& build, const MethodSubject& subject, const std::vector<base::IpAddress>& own) {
  const auto& known = own.empty() ? build.config.ipvs.engine.local_addresses : own;
  const auto family = subject.address.address.family();
  const bool found = std::any_of(known.begin(), known.end(), [&](const auto& a) { return a.family() == family; });
  if (found) return;
  build.report.error(
      subject.place,
      fmt::format("method = fullnat needs an {} local_address, from which the director asks the server",
                  family == base::Family::V4 ? "IPv4" : "IPv6"),
      fmt::format("add local_address = ADDRESS to [engine] or to {}", subject.service.section().title()));
}

ipvs::ClientAddress read_client_address(Build& build, const MethodSubject& subject) {
  const auto said = word(build, subject, "client_address");
  if (said == "toa") return ipvs::ClientAddress::Toa;
  return said == "proxy_protocol" ? ipvs::ClientAddress::ProxyProtocol : ipvs::ClientAddress::Hidden;
}

bool may_be_local(const base::IpAddress& address) {
  return !address.is_unspecified() && !address.is_multicast() && !address.is_loopback();
}

std::optional<base::IpAddress> read_local_address(Build& build, const Value& value) {
  const auto address = base::IpAddress::parse(value.text);
  if (!address) {
    build.report.error(value.place, "local_address: " + address.error().text);
    return std::nullopt;
  }
  if (!may_be_local(*address)) {
    build.report.error(value.place, fmt::format("{} cannot be a local_address", address->to_string()));
    return std::nullopt;
  }
  return *address;
}

const ipvs::VirtualServerConfig* listener_on(const Build& build, const base::IpAddress& address) {
  for (const auto& service : build.config.ipvs.virtual_servers) {
    for (const auto& listener : service.listeners) {
      if (listener.address.address == address) return &service;
    }
  }
  return nullptr;
}

void check_local_address(Build& build, const Value& value) {
  const auto address = base::IpAddress::parse(value.text);
  if (!address || !may_be_local(*address)) return;  // reported
  if (const auto* service = listener_on(build, *address)) {
    return build.report.error(
        value.place,
        fmt::format("local_address {} is an address that [virtual_server {}] listens on", value.text, service->name),
        "replies to it and requests to the service could not be told apart; use the director's own address "
        "(local_address@NODE = …) or another virtual_address");
  }
  const auto& nodes = build.config.nodes;
  const bool of_node = std::any_of(nodes.begin(), nodes.end(), [&](const auto& n) { return n.address == *address; });
  if (build.config.vrrp.instances.empty() || of_node || build.virtual_addresses.contains(*address)) return;
  build.report.warning(value.place,
                       fmt::format("{} is no virtual_address of any [vrrp] and no node's address", value.text),
                       "servers' replies come back only while this director owns it");
}

}  // namespace

ipvs::ServerOptions method_options(Build& build, const MethodSubject& subject,
                                   const std::vector<base::IpAddress>& local_addresses) {
  ipvs::ServerOptions options;
  if (subject.server) {
    for (const auto& [key, method] : kMethodKeys) {
      const auto own = subject.server->options.find(key);
      if (own == subject.server->options.end() || method == subject.method) continue;
      build.report.error(own->second.place,
                         fmt::format("{} has no meaning for real server {} with method = {}", key,
                                     subject.server->name.text, ipvs::name(subject.method)),
                         fmt::format("it goes with method = {}", ipvs::name(method)));
    }
  }
  if (subject.method == Method::Tun) options.tunnel = read_tunnel(build, subject);
  if (subject.method == Method::Fullnat) {
    need_local_address(build, subject, local_addresses);
    if (subject.service.boolean("one_packet")) {
      build.report.error(subject.place, "method = fullnat is not possible with one_packet = yes",
                         "the reply to a packet finds its client by a connection; use method = nat");
    }
    options.client_address = read_client_address(build, subject);
  }
  return options;
}

void check_method_keys(Build& build, const SectionReader& service, const ipvs::VirtualServerConfig& config) {
  const auto used = [&](Method method) {
    const auto& servers = config.servers;
    return (config.has_sorry_server && config.sorry_server.method == method) ||
           std::any_of(servers.begin(), servers.end(), [&](const auto& s) { return s.method == method; });
  };
  for (const auto& [key, method] : kMethodKeys) {
    if (!service.has_own(key) || used(method)) continue;
    build.report.error(service.own_item(key)->key_place,
                       fmt::format("{} has no meaning in {}: none of its servers has method = {}", key,
                                   service.section().title(), ipvs::name(method)));
  }
}

std::vector<base::IpAddress> read_local_addresses(Build& build, const SectionReader& reader) {
  std::vector<base::IpAddress> addresses;
  for (const auto& value : reader.values("local_address")) {
    const auto address = read_local_address(build, value);
    if (address && std::count(addresses.begin(), addresses.end(), *address)) {
      build.report.error(value.place, fmt::format("local_address {} stands twice", value.text));
    } else if (address) {
      addresses.push_back(*address);
    }
  }
  return addresses;
}

void check_local_addresses(Build& build) {
  auto sections = build.document.all("virtual_server");
  if (const auto* engine = build.document.find("engine")) sections.push_back(engine);
  for (const auto* section : sections) {
    for (const auto& value : build.reader(*section).values("local_address")) check_local_address(build, value);
  }
}

}  // namespace lvsd::daemon
