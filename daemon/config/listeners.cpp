#include "daemon/config/listeners.hpp"

#include <charconv>

#include <fmt/format.h>

#include "ipvs/names.hpp"

namespace lvsd::daemon {
namespace {

constexpr std::string_view kForm = "write {} = tcp ADDRESS:PORT, ADDRESS:FIRST-LAST or ADDRESS:*";

std::string form(std::string_view key) { return fmt::format(fmt::runtime(kForm), key); }

std::optional<ipvs::Protocol> read_protocol(std::string_view key, const Value& word, Report& report) {
  if (const auto known = ipvs::protocol_named(word.text)) return known;
  constexpr std::string_view known[] = {"tcp", "udp", "sctp"};
  report.error(word.place, fmt::format("{}: unknown protocol \"{}\"{}", key, word.text, did_you_mean(word.text, known)),
               form(key));
  return std::nullopt;
}

std::optional<std::uint16_t> read_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, port);
  return error == std::errc{} && rest == end && port != 0 ? std::optional{port} : std::nullopt;
}

// The port of an address with one: what is behind the last colon, unless that stands within brackets.
std::string_view port_text(std::string_view text) {
  const auto colon = text.rfind(':');
  const auto bracket = text.rfind(']');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && bracket > colon)) return {};
  return text.substr(colon + 1);
}

// "ADDRESS:PORT", "ADDRESS:FIRST-LAST" or "ADDRESS:*"; an error's text otherwise.
base::Result<ipvs::Listener> read_ports(ipvs::Protocol protocol, std::string_view text) {
  const auto port = port_text(text);
  const auto dash = port.find('-');
  if (port != "*" && dash == std::string_view::npos) {
    const auto endpoint = base::Endpoint::parse(text);
    if (!endpoint) return tl::unexpected{endpoint.error()};
    return ipvs::Listener{protocol, *endpoint};
  }
  const auto address = base::Endpoint::parse(text.substr(0, text.size() - port.size() - 1), false);
  if (!address) return tl::unexpected{address.error()};
  if (port == "*") return ipvs::Listener{protocol, {address->address, 0}};
  const auto first = read_port(port.substr(0, dash));
  const auto last = read_port(port.substr(dash + 1));
  if (!first || !last || *first > *last) {
    return base::fail(fmt::format("\"{}\": \"{}\" is not a range of ports in 1..65535", text, port));
  }
  return ipvs::Listener{protocol, {address->address, *first}, *first == *last ? std::uint16_t{0} : *last};
}

bool overlap(const ipvs::Listener& a, const ipvs::Listener& b) {
  return a.protocol == b.protocol && a.address.address == b.address.address && a.last_port != 0 && b.last_port != 0 &&
         a.address.port <= b.last_port && b.address.port <= a.last_port;
}

}  // namespace

std::vector<ListenerPlan> ListenerBook::read(const SectionReader& reader) {
  std::vector<ListenerPlan> listeners;
  auto& report = build_->report;
  const bool marked = reader.has_own("fwmark");
  const bool both = marked && reader.has_own("listen");
  if (both) {
    report.error(reader.own_item("listen")->key_place,
                 fmt::format("{} has both fwmark and listen", reader.section().title()),
                 "a firewall mark stands in place of listeners; say with match which packets get it");
  }
  if (!marked && reader.has_own("match")) {
    report.error(reader.own_item("match")->key_place,
                 fmt::format("match has no meaning without fwmark in {}", reader.section().title()),
                 "write listen in its place");
  }
  if (marked && !both && !reader.has_own("match")) {
    if (build_->config.ipvs.backend == ipvs::Backend::Engine) {
      report.error(reader.own_item("fwmark")->value.place, "the engine sees no firewall marks",
                   "say which packets would get it: match = tcp ADDRESS:PORT");
    }
    return listeners;
  }
  const std::string_view key = marked && !both ? "match" : "listen";
  for (const auto& value : reader.values(key)) add(listeners, key, value);
  return listeners;
}

void ListenerBook::add(std::vector<ListenerPlan>& listeners, std::string_view key, const Value& value) {
  auto& report = build_->report;
  const auto words = split_words(value);
  if (words.size() != 2)
    return report.error(value.place, fmt::format("{} = {}: expected two words", key, value.text), form(key));
  const auto protocol = read_protocol(key, words[0], report);
  const auto listener = read_ports(protocol.value_or(ipvs::Protocol::Tcp), words[1].text);
  if (!listener) return report.error(words[1].place, fmt::format("{}: {}", key, listener.error().text));
  if (!protocol) return;
  const auto& address = listener->address.address;
  if (address.is_unspecified() || address.is_multicast() || address.is_loopback() || address.is_link_local()) {
    return report.error(words[1].place, fmt::format("a virtual server cannot listen on {}", address.to_string()));
  }
  if (!listeners.empty() && listeners.front().listener.address.address.family() != address.family()) {
    return report.error(words[1].place,
                        fmt::format("{} = {} is of another address family than the first", key, value.text),
                        "one virtual server has one family; write another for the other family");
  }
  if (!is_free(*listener, key, value)) return;
  const auto& addresses = build_->virtual_addresses;
  if (!build_->config.vrrp.instances.empty() && !addresses.contains(address)) {
    report.warning(
        words[1].place, fmt::format("{} is no virtual_address of any [vrrp]", address.to_string()),
        "no director will own it; add virtual_address to a [vrrp] section, unless it is routed to the directors");
  }
  listeners.push_back({*listener, words[1].place});
}

// A port may stand alone and within a range as well: the narrower listener has it. Two ranges may not share a port.
bool ListenerBook::is_free(const ipvs::Listener& listener, std::string_view key, const Value& value) {
  auto& report = build_->report;
  if (const auto same = known_.find(listener); same != known_.end()) {
    report.error(value.place, fmt::format("{} = {} stands twice (first at {})", key, value.text,
                                          report.name(same->second, value.place)));
    return false;
  }
  const auto begin = known_.lower_bound({listener.protocol, {listener.address.address, 0}, 0});
  for (auto at = begin; listener.last_port != 0 && at != known_.end(); ++at) {
    const auto& [other, place] = *at;
    if (other.protocol != listener.protocol || other.address.address != listener.address.address) break;
    if (overlap(other, listener)) {
      report.error(value.place, fmt::format("{} = {} overlaps with {} ({})", key, value.text, ipvs::text(other),
                                            report.name(place, value.place)));
      return false;
    }
  }
  known_.emplace(listener, value.place);
  return true;
}

}  // namespace lvsd::daemon
