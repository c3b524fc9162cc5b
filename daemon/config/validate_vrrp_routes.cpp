// [vrrp]: routes of the virtual router, and its own MAC address.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "daemon/config/validate_vrrp.hpp"

namespace lvsd::daemon {
namespace {

constexpr std::string_view kHint =
    "PREFIX [via=GATEWAY] [dev=INTERFACE] [src=ADDRESS] [metric=N] [table=N], or \"default\" for the prefix";

bool read_number(const Value& value, std::string_view key, std::uint32_t& number, Report& report) {
  const auto [end, error] = std::from_chars(value.text.data(), value.text.data() + value.text.size(), number);
  if (error == std::errc{} && end == value.text.data() + value.text.size() && number != 0) return true;
  report.error(value.place, fmt::format("{} \"{}\": must be a number from 1", key, value.text));
  return false;
}

std::optional<base::IpAddress> read_address(const Value& value, std::string_view key, base::Family family,
                                            Report& report) {
  const auto address = base::IpAddress::parse(value.text);
  if (address && address->family() == family) return *address;
  report.error(value.place, fmt::format("{} \"{}\": must be an address of the route's family", key, value.text));
  return std::nullopt;
}

bool read_option(const Value& word, vrrp::VirtualRoute& route, Report& report) {
  const auto option = split_option(word);
  if (!option) {
    report.error(word.place, fmt::format("\"{}\" after the route's prefix", word.text), std::string{kHint});
    return false;
  }
  const auto key = option->key.text;
  const auto family = route.prefix.address.family();
  if (key == "via") return (route.gateway = read_address(option->value, key, family, report)).has_value();
  if (key == "src") return (route.source = read_address(option->value, key, family, report)).has_value();
  if (key == "metric") return read_number(option->value, key, route.metric, report);
  if (key == "table") return read_number(option->value, key, route.table, report);
  if (key == "dev") {
    const auto interface = read_interface(option->value, report);
    route.interface = interface.value_or("");
    return interface.has_value();
  }
  report.error(option->key.place, fmt::format("unknown option \"{}\" of a virtual route", key), std::string{kHint});
  return false;
}

base::Prefix everything(base::Family family) {
  return {family == base::Family::V4 ? base::IpAddress::v4(0) : base::IpAddress::v6({}), 0};
}

base::Prefix network(base::Prefix prefix) {
  auto bytes = prefix.address.bytes();
  for (std::size_t bit = prefix.length; bit < prefix.address.size() * 8; ++bit)
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] & ~(0x80u >> bit % 8));
  const auto high = std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8;
  prefix.address = prefix.address.is_v4() ? base::IpAddress::v4(high | bytes[3]) : base::IpAddress::v6(bytes);
  return prefix;
}

std::optional<base::Prefix> read_prefix(const Value& word, base::Family family, Report& report) {
  if (word.text == "default") return everything(family);
  const auto prefix = base::Prefix::parse(word.text);
  if (!prefix) {
    report.error(word.place, "virtual_route: " + prefix.error().text, std::string{kHint});
    return std::nullopt;
  }
  if (network(*prefix).address == prefix->address) return *prefix;
  report.error(word.place, fmt::format("virtual_route {}: bits are set beyond the prefix", word.text),
               fmt::format("it would be {}", network(*prefix).to_string()));
  return std::nullopt;
}

}  // namespace

void add_virtual_routes(Build& build, const SectionReader& reader, vrrp::InstanceConfig& instance) {
  for (const auto& value : reader.values("virtual_route")) {
    const auto words = split_words(value);
    const auto prefix = read_prefix(words.front(), instance.family(), build.report);
    if (!prefix) continue;
    vrrp::VirtualRoute route{.prefix = *prefix};
    const bool read = std::ranges::all_of(words.begin() + 1, words.end(),
                                          [&](const Value& word) { return read_option(word, route, build.report); });
    if (!read) continue;
    const auto same = [&](const vrrp::VirtualRoute& other) {
      return other.prefix == route.prefix && other.table == route.table && other.metric == route.metric;
    };
    if (std::ranges::any_of(instance.routes, same)) {
      build.report.error(words.front().place, fmt::format("a second virtual_route to {}", route.prefix.to_string()),
                         "two routes to one prefix need another metric or table");
      continue;
    }
    instance.routes.push_back(std::move(route));
  }
}

void check_virtual_mac(Build& build, const SectionReader& reader, vrrp::InstanceConfig& instance) {
  instance.virtual_mac = reader.boolean("virtual_mac");
  if (!instance.virtual_mac) return;
  const auto place = reader.value("virtual_mac")->place;
  if (instance.is_unicast()) {
    build.report.error(place, "virtual_mac is for multicast, and there are peers",
                       "switches learn the address from advertisements that everybody gets");
  }
  if (instance.priority == 255) {
    build.report.error(place, "virtual_mac with priority = 255: the owner's addresses are on its interface already",
                       "give both directors a priority below 255");
  }
  const auto same_link = [&](const vrrp::InstanceConfig& other) {
    return other.virtual_mac && other.virtual_link() == instance.virtual_link();
  };
  if (const auto other = std::ranges::find_if(build.config.vrrp.instances, same_link);
      other != build.config.vrrp.instances.end() && other->interface != instance.interface) {
    build.report.error(
        place, fmt::format("virtual_mac: [vrrp {}] has the link {} already", other->name, instance.virtual_link()),
        "with virtual_mac a virtual_router_id is used once per director and address family");
  }
}

}  // namespace lvsd::daemon
