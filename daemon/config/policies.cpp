#include "daemon/config/policies.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ipvs/names.hpp"

namespace lvsd::daemon {
namespace {

constexpr base::Duration kNotifyTimeout{std::chrono::seconds{30}};

// A server's keys, each from the nearest place where it stands.
class PolicyReader {
 public:
  PolicyReader(Build& build, const SectionReader& service, const Server& server)
      : build_{build}, service_{service}, server_{server} {}

  // With the server itself or in [defaults real_server].
  std::optional<Value> find(std::string_view key) const {
    const auto own = server_.options.find(key);
    if (own != server_.options.end()) return own->second;
    const auto* defaults = build_.document.defaults("real_server");
    if (!defaults) return std::nullopt;
    const auto reader = build_.reader(*defaults);
    return reader.has_own(key) ? reader.value(key) : std::nullopt;
  }

  base::Duration time(std::string_view key) const {
    const auto value = find(key);
    return value ? read_time(key_of(key), *value, build_.report).value_or(base::Duration{}) : service_.time(key);
  }
  std::string_view choice(std::string_view key) const {
    const auto value = find(key);
    return value ? read_choice(key_of(key), *value, build_.report).value_or("") : service_.choice(key);
  }
  std::uint32_t integer(std::string_view key) const {
    const auto value = find(key);
    if (value) return static_cast<std::uint32_t>(read_integer(key_of(key), *value, build_.report).value_or(0));
    return key == "max_unanswered" ? static_cast<std::uint32_t>(service_.integer(key)) : 0;
  }
  Place place_of(std::string_view key) const {
    const auto value = find(key);
    return value ? value->place : server_.name.place;
  }

 private:
  static const Key& key_of(std::string_view key) { return *find_kind("real_server")->find(key); }

  Build& build_;
  const SectionReader& service_;
  const Server& server_;
};

void check_limits(Build& build, const PolicyReader& reader, const ipvs::RealServerConfig& config) {
  const auto most = config.options.max_connections;
  const auto least = config.options.min_connections;
  if (least == 0 || least <= most) return;
  const auto text = most == 0 ? fmt::format("real server {} has min_connections without max_connections", config.name)
                              : fmt::format("real server {}: min_connections {} is more than max_connections {}",
                                            config.name, least, most);
  build.report.error(reader.place_of("min_connections"), text,
                     "at max_connections a server gets no new ones until it has fewer than min_connections");
}

void check_passive(Build& build, const PolicyReader& reader, const ipvs::RealServerConfig& config) {
  if (config.policy.max_unanswered == 0) return;
  const auto place = reader.place_of("max_unanswered");
  if (config.method != ipvs::Method::Nat) {
    build.report.error(place, fmt::format("max_unanswered of real server {} needs method = nat", config.name),
                       "only there do the replies pass the director");
  } else if (config.checks.empty()) {
    build.report.error(place, fmt::format("max_unanswered of real server {} needs a check", config.name),
                       "a passing check is what brings the server back");
  }
}

}  // namespace

void read_server_policy(Build& build, const SectionReader& service, const Server& server,
                        ipvs::RealServerConfig& config) {
  const PolicyReader reader{build, service, server};
  config.policy.any_check = reader.choice("check_mode") == "any";
  config.policy.on_failure =
      reader.choice("on_failure") == "quiesce" ? ipvs::OnFailure::Quiesce : ipvs::OnFailure::Remove;
  config.policy.slow_start = reader.time("slow_start");
  config.policy.max_unanswered = reader.integer("max_unanswered");
  config.options.max_connections = reader.integer("max_connections");
  config.options.min_connections = reader.integer("min_connections");
  check_passive(build, reader, config);
  check_limits(build, reader, config);
  if (config.policy.slow_start.count() > 0 && config.weight == 1) {
    build.report.warning(server.name.place,
                         fmt::format("slow_start of real server {} has no effect: its weight is 1", config.name),
                         "a weight grows in whole numbers; give the servers weights of 10 or more");
  }
}

void read_notify(Build& build, const SectionReader& service, const std::vector<const Server*>& servers) {
  const auto put = [&](const std::string& name, const Value& command) {
    build.config.scripts["notify " + name] = {read_command("notify", command, build.report), "", kNotifyTimeout};
  };
  const std::string name{service.section().name};
  if (const auto command = service.value("notify")) put(name, *command);
  for (const auto* server : servers) {
    const auto command = PolicyReader{build, service, *server}.find("notify");
    if (command) put(fmt::format("{}/{}", name, server->name.text), *command);
  }
}

void read_service_policy(Build& build, const SectionReader& service, ipvs::VirtualServerConfig& config) {
  config.all_down = ipvs::all_down_named(service.choice("all_down")).value_or(ipvs::AllDown::Auto);
  config.hysteresis = static_cast<std::uint32_t>(service.integer("hysteresis"));
  const auto title = service.section().title();
  if (config.all_down == ipvs::AllDown::Sorry && !config.has_sorry_server) {
    build.report.error(service.value("all_down")->place, fmt::format("{} has no sorry_server", title),
                       "add sorry_server = ADDRESS[:PORT], or leave all_down out");
  }
  if (config.hysteresis == 0) return;
  const auto place = service.value("hysteresis")->place;
  if (config.hysteresis >= config.quorum) {
    return build.report.error(place, fmt::format("hysteresis {} of {} is not smaller than its quorum {}",
                                                 config.hysteresis, title, config.quorum));
  }
  std::uint64_t sum = 0;
  for (const auto& server : config.servers) sum += server.weight;
  if (!config.servers.empty() && sum < std::uint64_t{config.quorum} + config.hysteresis) {
    build.report.error(
        place, fmt::format("{}: quorum {} + hysteresis {} can never be reached, the weights add up to {}", title,
                           config.quorum, config.hysteresis, sum));
  }
}

}  // namespace lvsd::daemon
