#include "daemon/ctl/ipvsadm.hpp"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lvsd::ctl::ipvsadm {
namespace {

using Form = Wish::Form;

constexpr std::size_t kServiceWidth = 33;  // IPv4 names are cut there, IPv6 ones are not
constexpr std::size_t kServerWidth = 28;

std::string upper(std::string text) {
  for (auto& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
  }
  return text;
}

std::string cut(std::string text, std::size_t width, const base::IpAddress& address) {
  if (address.is_v4() && text.size() > width) text.resize(width);
  return text;
}

std::string number(std::uint64_t n, bool exact) {
  if (exact) {
    const auto text = fmt::format("{}", n);
    return fmt::format("{:>{}}", text, text.size() <= 8 ? 9 : text.size() + 1);
  }
  if (n < 100'000'000) return fmt::format("{:>9}", n);
  if (n < 1'000'000'000) return fmt::format("{:>8}K", n / 1'000);
  if (n < 100'000'000'000) return fmt::format("{:>8}M", n / 1'000'000);
  if (n < 100'000'000'000'000) return fmt::format("{:>8}G", n / 1'000'000'000);
  return fmt::format("{:>8}T", n / 1'000'000'000'000);
}

std::string title(Form form) {
  constexpr std::string_view left = "Prot LocalAddress:Port";
  constexpr std::string_view right = "\n  -> RemoteAddress:Port\n";
  const auto numbers = [&](auto... heads) {
    return fmt::format("{:<33} {:>8} {:>8} {:>8} {:>8} {:>8}{}", left, heads..., right);
  };
  switch (form) {
    case Form::Statistics:
      return numbers("Conns", "InPkts", "OutPkts", "InBytes", "OutBytes");
    case Form::Rates:
      return numbers("CPS", "InPPS", "OutPPS", "InBPS", "OutBPS");
    case Form::Thresholds:
      return fmt::format("{:<33} {:<10} {:<10} {:<10} {:<10}{}", left, "Uthreshold", "Lthreshold", "ActiveConn",
                         "InActConn", right);
    case Form::PersistentConnections:
      return fmt::format("{:<33} {:<9} {:<11} {:<10} {:<10}{}", left, "Weight", "PersistConn", "ActiveConn",
                         "InActConn", right);
    case Form::Tunnels:
      return "Prot LocalAddress:Port Scheduler Flags\n"
             "  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn\n";
    case Form::State:
      break;
  }
  return "Prot LocalAddress:Port Scheduler Flags\n"
         "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n";
}

std::string totals(const ipvs::Statistics& s, bool exact) {
  return number(s.connections, exact) + number(s.in_packets, exact) + number(s.out_packets, exact) +
         number(s.in_bytes, exact) + number(s.out_bytes, exact);
}

// Marks are printed as signed numbers.
std::string service_name(const ipvs::ListedService& s) {
  if (s.fwmark) return fmt::format("FWM  {}{}", static_cast<std::int32_t>(s.fwmark), s.ipv6 ? " IPv6" : "");
  return cut(fmt::format("{:<4} {}", upper(s.protocol), s.address.to_string()), kServiceWidth, s.address.address);
}

std::string service_line(const ipvs::ListedService& service, const Wish& wish) {
  const auto name = service_name(service);
  const auto& s = service.statistics;
  if (wish.form == Form::Statistics) return fmt::format("{:<33}{}\n", name, totals(s, wish.exact));
  if (wish.form == Form::Rates) {
    return fmt::format("{:<33}{}{}{}{}{}\n", name, number(s.connections_per_second, wish.exact),
                       number(s.in_packets_per_second, wish.exact), number(s.out_packets_per_second, wish.exact),
                       number(s.in_bytes_per_second, wish.exact), number(s.out_bytes_per_second, wish.exact));
  }
  std::string line = fmt::format("{} {}", name, service.scheduler);
  if (!service.scheduler_flags.empty()) line += fmt::format(" ({})", fmt::join(service.scheduler_flags, ","));
  if (service.persistent) line += fmt::format(" persistent {}", service.persistence_s);
  if (service.persistent && !service.netmask.empty()) line += fmt::format(" mask {}", service.netmask);
  if (!service.persistence_engine.empty()) line += fmt::format(" pe {}", service.persistence_engine);
  return line + (service.one_packet ? " ops\n" : "\n");
}

std::string tunnel_text(const ipvs::ListedServer& server) {
  const auto flags = server.tunnel_checksum == "remote" ? "r+c" : server.tunnel_checksum == "full" ? "+c" : "-c";
  if (server.tunnel == "gue") return fmt::format("gue:{}:{}", server.tunnel_port, flags);
  if (server.tunnel == "gre") return fmt::format("gre:{}", flags);
  return server.tunnel.empty() ? "n/a" : server.tunnel;
}

std::string server_line(const ipvs::ListedServer& server, const Wish& wish) {
  const auto name = fmt::format("  -> {:<28}", cut(server.address.to_string(), kServerWidth, server.address.address));
  const auto& s = server.statistics;
  const auto connections = fmt::format("{:<10} {:<10}\n", server.active_connections, server.inactive_connections);
  switch (wish.form) {
    case Form::Statistics:
      return fmt::format("{}{}\n", name, totals(s, wish.exact));
    case Form::Rates:
      return fmt::format("{} {:>8} {:>8} {:>8}{}{}\n", name, s.connections_per_second, s.in_packets_per_second,
                         s.out_packets_per_second, number(s.in_bytes_per_second, wish.exact),
                         number(s.out_bytes_per_second, wish.exact));
    case Form::Thresholds:
      return fmt::format("{} {:<10} {:<10} {}", name, server.upper_threshold, server.lower_threshold, connections);
    case Form::PersistentConnections:
      return fmt::format("{} {:<9} {:<11} {}", name, server.weight, server.persistent_connections, connections);
    case Form::Tunnels:
      return fmt::format("{} {:<7} {:<13} {:<6} {}", name, server.forward, tunnel_text(server), server.weight,
                         connections);
    case Form::State:
      break;
  }
  return fmt::format("{} {:<7} {:<6} {}", name, server.forward, server.weight, connections);
}

// --- rules of -S -----------------------------------------------------------------------------------------------------

std::string service_words(const ipvs::ListedService& s) {
  if (s.fwmark) return fmt::format("-f {}{}", static_cast<std::int32_t>(s.fwmark), s.ipv6 ? " -6" : "");
  const auto option = s.protocol == "tcp" ? "-t" : s.protocol == "udp" ? "-u" : "--sctp-service";
  return fmt::format("{} {}", option, s.address.to_string());
}

std::string service_rule(const ipvs::ListedService& s) {
  std::string line = fmt::format("-A {} -s {}", service_words(s), s.scheduler);
  if (s.persistent) line += fmt::format(" -p {}", s.persistence_s);
  if (s.persistent && !s.netmask.empty()) line += fmt::format(" -M {}", s.netmask);
  if (!s.persistence_engine.empty()) line += fmt::format(" --pe {}", s.persistence_engine);
  if (s.one_packet) line += " -o";
  if (!s.scheduler_flags.empty()) line += fmt::format(" -b {}", fmt::join(s.scheduler_flags, ","));
  return line + "\n";
}

std::string server_rule(const ipvs::ListedService& service, const ipvs::ListedServer& s) {
  const auto method = s.forward == "Masq" ? "-m" : s.forward == "Tunnel" ? "-i" : "-g";
  auto line = fmt::format("-a {} -r {} {} -w {}", service_words(service), s.address.to_string(), method, s.weight);
  if (s.tunnel.empty()) return line + "\n";
  line += " --tun-type " + s.tunnel;
  if (s.tunnel == "gue") line += fmt::format(" --tun-port {}", s.tunnel_port);
  if (s.tunnel != "ipip")
    line += s.tunnel_checksum == "remote" ? " --tun-remcsum"
            : s.tunnel_checksum == "full" ? " --tun-csum"
                                          : " --tun-nocsum";
  return line + "\n";
}

// --- order -----------------------------------------------------------------------------------------------------------

// As ipvsadm compares: the difference of two numbers as an int, wrapped around. That is no order (10.0.0.1 comes before
// 100.0.0.1, that before 192.0.0.1, and that before 10.0.0.1), so the result depends on how the C library sorts: by its
// own qsort here too.
int difference(std::uint32_t a, std::uint32_t b) { return static_cast<int>(a - b); }

int difference(const base::IpAddress& a, const base::IpAddress& b) {
  if (a.family() != b.family()) return a.is_v4() ? -1 : 1;
  const auto word = [](const base::IpAddress& address, std::size_t at) {
    const auto* bytes = address.data() + at;
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
  };
  int result = 0;
  for (std::size_t at = 0; result == 0 && at < a.size(); at += 4) result = difference(word(a, at), word(b, at));
  return result;
}

int protocol_number(const std::string& word) { return word == "tcp" ? 6 : word == "udp" ? 17 : word.empty() ? 0 : 132; }

int compare(const ipvs::ListedService& a, const ipvs::ListedService& b) {
  if (const int marks = difference(a.fwmark, b.fwmark)) return marks;
  if (a.ipv6 != b.ipv6) return a.ipv6 ? 1 : -1;
  if (const int protocols = protocol_number(a.protocol) - protocol_number(b.protocol)) return protocols;
  if (const int addresses = difference(a.address.address, b.address.address)) return addresses;
  return a.address.port - b.address.port;
}

int compare(const ipvs::ListedServer& a, const ipvs::ListedServer& b) {
  if (const int addresses = difference(a.address.address, b.address.address)) return addresses;
  return a.address.port - b.address.port;
}

template <class T>
std::vector<const T*> in_order(const std::vector<T>& list, bool sort) {
  std::vector<const T*> out;
  for (const auto& one : list) out.push_back(&one);
  if (!sort || out.empty()) return out;
  std::qsort(out.data(), out.size(), sizeof(const T*), [](const void* a, const void* b) {
    return compare(**static_cast<const T* const*>(a), **static_cast<const T* const*>(b));
  });
  return out;
}

bool is(const ipvs::ListedService& s, const Wish::One& one) {
  if (one.fwmark) return s.fwmark == one.fwmark && s.ipv6 == one.ipv6;
  return !s.fwmark && s.protocol == one.protocol && s.address == one.address;
}

std::string daemon_line(const ipvs::ListedSyncDaemon& d) {
  std::string line =
      fmt::format("{} sync daemon (mcast={}, syncid={}", d.master ? "master" : "backup", d.interface, d.id);
  if (d.max_length) line += fmt::format(", maxlen={}", d.max_length);
  if (!d.group.empty()) line += fmt::format(", group={}", d.group);
  if (d.port) line += fmt::format(", port={}", d.port);
  if (d.ttl) line += fmt::format(", ttl={}", d.ttl);
  return line + ")\n";
}

std::string daemon_lines(const ipvs::Listing& listing) {
  std::string out;
  for (const bool master : {true, false}) {
    for (const auto& d : listing.daemons) {
      if (d.master == master) out += daemon_line(d);
    }
  }
  return out;
}

std::string rules(const ipvs::Listing& listing, const Wish& wish) {
  std::string out;
  for (const auto* service : in_order(listing.services, wish.sort)) {
    out += service_rule(*service);
    for (const auto* server : in_order(service->servers, wish.sort)) out += server_rule(*service, *server);
  }
  return out;
}

}  // namespace

bool has_service(const ipvs::Listing& listing, const Wish& wish) {
  return !wish.only || std::ranges::any_of(listing.services, [&](const auto& s) { return is(s, *wish.only); });
}

std::string render(const ipvs::Listing& listing, const Wish& wish) {
  if (wish.what == Wish::What::Timeouts) {
    return fmt::format("Timeout (tcp tcpfin udp): {} {} {}\n", listing.timeout_tcp_s, listing.timeout_tcp_fin_s,
                       listing.timeout_udp_s);
  }
  if (wish.what == Wish::What::Daemons) return daemon_lines(listing);
  if (wish.what == Wish::What::Rules) return rules(listing, wish);
  std::string out;
  if (!wish.only) out += fmt::format("IP Virtual Server version {} (size={})\n", listing.version, listing.size);
  out += title(wish.form);
  for (const auto* service : in_order(listing.services, wish.sort)) {
    if (wish.only && !is(*service, *wish.only)) continue;
    out += service_line(*service, wish);
    for (const auto* server : in_order(service->servers, wish.sort)) out += server_line(*server, wish);
  }
  return out;
}

std::string render(const ipvs::Connections& connections, const Wish& wish) {
  const bool engines = wish.form == Form::PersistentConnections;
  std::string out = "IPVS connection entries\n";
  out += fmt::format("pro expire {:<11} {:<18} {:<18} ", "state", "source", "virtual");
  out += engines ? fmt::format("{:<18} {:<16} {}\n", "destination", "pe name", "pe_data") : "destination\n";
  for (const auto& c : connections.connections) {
    const auto expires = fmt::format("{:02}:{:02}", c.expires_in_s / 60, c.expires_in_s % 60);
    out += fmt::format("{:<3} {:<6} {:<11} {:<18} {:<18} ", upper(c.protocol), expires, c.state, c.client.to_string(),
                       c.virtual_address.to_string());
    out += engines && !c.persistence_engine.empty() ? fmt::format("{:<18} {:<16} {}\n", c.server_address.to_string(),
                                                                  c.persistence_engine, c.persistence_data)
                                                    : fmt::format("{}\n", c.server_address.to_string());
  }
  return out;
}

}  // namespace lvsd::ctl::ipvsadm
