// The printf forms are those of ipvsadm 1.31: ipvsadm.c, print_title, print_service_entry, print_largenum, print_conn.
#include "daemon/ctl/ipvsadm.hpp"

#include <algorithm>
#include <string_view>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lvsd::ctl::ipvsadm {
namespace {

using base::fail;
using base::Result;

constexpr std::size_t kServiceWidth = 33;  // IPv4 names are cut there, IPv6 ones are not
constexpr std::size_t kServerWidth = 28;

struct Word {
  std::string_view text;
  enum class Means { List, Numeric, Connections, Statistics, Rates, Exact, Timeouts, Sort, NoSort, Tcp, Udp } means;
};

constexpr Word kWords[] = {
    {"-L", Word::Means::List},
    {"-l", Word::Means::List},
    {"--list", Word::Means::List},
    {"-n", Word::Means::Numeric},
    {"--numeric", Word::Means::Numeric},
    {"-c", Word::Means::Connections},
    {"--connection", Word::Means::Connections},
    {"--stats", Word::Means::Statistics},
    {"--rate", Word::Means::Rates},
    {"-X", Word::Means::Exact},
    {"--exact", Word::Means::Exact},
    {"--timeout", Word::Means::Timeouts},
    {"--sort", Word::Means::Sort},
    {"--nosort", Word::Means::NoSort},
    {"-t", Word::Means::Tcp},
    {"--tcp-service", Word::Means::Tcp},
    {"-u", Word::Means::Udp},
    {"--udp-service", Word::Means::Udp},
};

// "-Lnc" → -L -n -c; everything else as it is.
std::vector<std::string> separated(const std::vector<std::string>& words) {
  std::vector<std::string> out;
  for (const auto& word : words) {
    const bool cluster = word.size() > 2 && word[0] == '-' && word[1] != '-' &&
                         (word[1] == 'L' || word[1] == 'l' || word[1] == 'n' || word[1] == 'c');
    if (!cluster) {
      out.push_back(word);
      continue;
    }
    for (const char letter : word.substr(1)) out.push_back(fmt::format("-{}", letter));
  }
  return out;
}

class WordReader {
 public:
  explicit WordReader(std::vector<std::string> words) : words_{std::move(words)} {}

  Result<Listing> run() {
    for (; at_ < words_.size(); ++at_) {
      const auto* known = std::ranges::find(kWords, std::string_view{words_[at_]}, &Word::text);
      if (known == std::end(kWords)) return unsupported(words_[at_]);
      if (auto taken = take(known->means); !taken) return tl::unexpected{taken.error()};
    }
    if (!list_) return fail("ipvsadm: needs -L; lvsctl lists only, lvsd.conf and \"lvsctl reload\" change the table");
    if (listing_.exact && listing_.kind != Listing::Kind::Statistics && listing_.kind != Listing::Kind::Rates) {
      return fail("ipvsadm: --exact goes with --stats or --rate");
    }
    return listing_;
  }

 private:
  static tl::unexpected<base::Error> unsupported(const std::string& word) {
    return fail(
        fmt::format("ipvsadm: \"{}\" is not supported; lvsctl lists only: -L or -l with -n -c --stats --rate --exact "
                    "--timeout --sort --nosort -t -u; lvsd.conf and \"lvsctl reload\" change the table",
                    word));
  }

  Result<void> take(Word::Means means) {
    switch (means) {
      case Word::Means::List:
        list_ = true;
        return {};
      case Word::Means::Numeric:
      case Word::Means::Sort:
        return {};
      case Word::Means::NoSort:
        listing_.sort = false;
        return {};
      case Word::Means::Exact:
        listing_.exact = true;
        return {};
      case Word::Means::Connections:
        return choose(Listing::Kind::Connections);
      case Word::Means::Statistics:
        return choose(Listing::Kind::Statistics);
      case Word::Means::Rates:
        return choose(Listing::Kind::Rates);
      case Word::Means::Timeouts:
        return choose(Listing::Kind::Timeouts);
      case Word::Means::Tcp:
        return service("tcp");
      case Word::Means::Udp:
        return service("udp");
    }
    return {};
  }

  Result<void> choose(Listing::Kind kind) {
    if (listing_.kind != Listing::Kind::State && listing_.kind != kind) {
      return fail("ipvsadm: choose one of -c, --stats, --rate and --timeout");
    }
    listing_.kind = kind;
    return {};
  }

  Result<void> service(std::string protocol) {
    if (at_ + 1 >= words_.size()) return fail(fmt::format("ipvsadm: {} needs ADDRESS:PORT", words_[at_]));
    const auto address = base::Endpoint::parse(words_[++at_]);
    if (!address) return tl::unexpected{address.error().within("ipvsadm")};
    listing_.only = ipvs::ListenerStatus{std::move(protocol), *address};
    return {};
  }

  std::vector<std::string> words_;
  std::size_t at_ = 0;
  bool list_ = false;
  Listing listing_;
};

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

std::string title(const Listing& listing) {
  constexpr std::string_view form = "{:<33} {:>8} {:>8} {:>8} {:>8} {:>8}\n  -> RemoteAddress:Port\n";
  constexpr std::string_view left = "Prot LocalAddress:Port";
  switch (listing.kind) {
    case Listing::Kind::Statistics:
      return fmt::format(form, left, "Conns", "InPkts", "OutPkts", "InBytes", "OutBytes");
    case Listing::Kind::Rates:
      return fmt::format(form, left, "CPS", "InPPS", "OutPPS", "InBPS", "OutBPS");
    default:
      return "Prot LocalAddress:Port Scheduler Flags\n"
             "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n";
  }
}

std::string totals(const ipvs::Statistics& s, bool exact) {
  return number(s.connections, exact) + number(s.in_packets, exact) + number(s.out_packets, exact) +
         number(s.in_bytes, exact) + number(s.out_bytes, exact);
}

// print_service_entry: " (sh-fallback,sh-port)".
std::string flags_text(const std::vector<std::string>& flags) {
  return flags.empty() ? "" : fmt::format(" ({})", fmt::join(flags, ","));
}

std::string service_line(const ipvs::ServiceStatus& service, const ipvs::ListenerStatus& listener,
                         const Listing& listing) {
  const auto name = cut(fmt::format("{:<4} {}", upper(listener.protocol), listener.address.to_string()), kServiceWidth,
                        listener.address.address);
  const auto& s = service.statistics;
  switch (listing.kind) {
    case Listing::Kind::Statistics:
      return fmt::format("{:<33}{}\n", name, totals(s, listing.exact));
    case Listing::Kind::Rates:
      return fmt::format("{:<33}{}{}{}{}{}\n", name, number(s.connections_per_second, listing.exact),
                         number(s.in_packets_per_second, listing.exact),
                         number(s.out_packets_per_second, listing.exact), number(s.in_bytes_per_second, listing.exact),
                         number(s.out_bytes_per_second, listing.exact));
    default:
      return fmt::format("{} {}{}\n", name, service.scheduler, flags_text(service.scheduler_flags));
  }
}

std::string_view forward_word(std::string_view method) {
  return method == "dr" ? "Route" : method == "tun" ? "Tunnel" : "Masq";
}

std::string server_line(const ipvs::ServerStatus& server, const base::Endpoint& address, const Listing& listing) {
  const auto name = cut(address.to_string(), kServerWidth, address.address);
  const auto& s = server.statistics;
  switch (listing.kind) {
    case Listing::Kind::Statistics:
      return fmt::format("  -> {:<28}{}\n", name, totals(s, listing.exact));
    case Listing::Kind::Rates:
      return fmt::format("  -> {:<28} {:>8} {:>8} {:>8}{}{}\n", name, s.connections_per_second, s.in_packets_per_second,
                         s.out_packets_per_second, number(s.in_bytes_per_second, listing.exact),
                         number(s.out_bytes_per_second, listing.exact));
    default:
      return fmt::format("  -> {:<28} {:<7} {:<6} {:<10} {:<10}\n", name, forward_word(server.method),
                         server.effective_weight, server.active_connections, server.inactive_connections);
  }
}

struct Row {
  const ipvs::ServiceStatus* service;
  const ipvs::ListenerStatus* listener;
  // Address family, protocol number, address, port.
  auto order() const {
    return std::tuple{listener->address.address.family(), listener->protocol == "udp", listener->address};
  }
};

bool same(const ipvs::ListenerStatus& a, const ipvs::ListenerStatus& b) {
  return a.protocol == b.protocol && a.address == b.address;
}

std::vector<Row> rows_of(const ipvs::Table& table, const Listing& listing) {
  std::vector<Row> rows;
  for (const auto& service : table.services) {
    for (const auto& listener : service.listeners) {
      if (!listing.only || same(*listing.only, listener)) rows.push_back({&service, &listener});
    }
  }
  if (listing.sort) std::ranges::stable_sort(rows, {}, &Row::order);
  return rows;
}

std::string servers_of(const Row& row, const Listing& listing) {
  std::vector<std::pair<base::Endpoint, const ipvs::ServerStatus*>> servers;
  for (const auto& s : row.service->servers) {
    auto address = s.address;
    if (address.port == 0) address.port = row.listener->address.port;
    servers.emplace_back(address, &s);
  }
  if (listing.sort) std::ranges::stable_sort(servers, {}, [](const auto& s) { return s.first; });
  std::string out;
  for (const auto& [address, server] : servers) out += server_line(*server, address, listing);
  return out;
}

}  // namespace

Result<Listing> parse(const std::vector<std::string>& words) { return WordReader{separated(words)}.run(); }

bool has_service(const ipvs::Table& table, const Listing& listing) { return !rows_of(table, listing).empty(); }

std::string render(const ipvs::Table& table, const Listing& listing) {
  if (listing.kind == Listing::Kind::Timeouts) {
    return fmt::format("Timeout (tcp tcpfin udp): {} {} {}\n", table.timeout_tcp_s, table.timeout_tcp_fin_s,
                       table.timeout_udp_s);
  }
  std::string out;
  if (!listing.only) out += fmt::format("IP Virtual Server version 1.2.1 (size={})\n", table.connection_capacity);
  out += title(listing);
  for (const auto& row : rows_of(table, listing))
    out += service_line(*row.service, *row.listener, listing) + servers_of(row, listing);
  return out;
}

std::string render(const ipvs::Connections& connections) {
  std::string out = "IPVS connection entries\n";
  out += fmt::format("pro expire {:<11} {:<18} {:<18} {}\n", "state", "source", "virtual", "destination");
  for (const auto& c : connections.connections) {
    const auto expires = fmt::format("{:02}:{:02}", c.expires_in_s / 60, c.expires_in_s % 60);
    out += fmt::format("{:<3} {:<6} {:<11} {:<18} {:<18} {}\n", upper(c.protocol), expires, c.state,
                       c.client.to_string(), c.virtual_address.to_string(), c.server_address.to_string());
  }
  return out;
}

}  // namespace lvsd::ctl::ipvsadm
