// [kernel], and what of the virtual servers kernel IPVS cannot do.
#include <algorithm>

#include <fmt/format.h>

#include "daemon/config/validate.hpp"

namespace lvsd::daemon {
namespace {

constexpr std::string_view kMarkHint =
    "let the kernel mark its packets: write fwmark = NUMBER, and match in place of listen";

// "conn_reuse_mode 0", "sync_threshold 3 50".
void read_sysctl(const Value& value, std::vector<ipvs::KernelConfig::Sysctl>& into, Report& report) {
  const auto words = split_words(value);
  const auto& name = words.front().text;
  const bool plain = name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
  if (words.size() < 2 || !plain) {
    return report.error(value.place,
                        fmt::format("sysctl = {}: expected a name below net.ipv4.vs and its value", value.text),
                        "write sysctl = expire_nodest_conn 1");
  }
  const auto same = [&](const auto& one) { return one.name == name; };
  if (std::any_of(into.begin(), into.end(), same))
    return report.error(value.place, fmt::format("sysctl {} stands twice", name));
  std::string text;
  for (std::size_t i = 1; i < words.size(); ++i) text.append(i > 1 ? " " : "").append(words[i].text);
  into.push_back({std::string{name}, std::move(text)});
}

struct Obstacle {
  std::string_view key;  // where it stands
  std::string text;
  std::string_view hint;
};

std::optional<Obstacle> obstacle(const ipvs::VirtualServerConfig& service) {
  const auto& options = service.options;
  const bool persistent = options.persistence.timeout > base::Duration{};
  const auto is_fullnat = [](const auto& server) { return server.method == ipvs::Method::Fullnat; };
  if (std::any_of(service.servers.begin(), service.servers.end(), is_fullnat))
    return Obstacle{"method", "there is no method = fullnat with backend = kernel", "use nat, dr or tun"};
  if (options.max_connections) {
    return Obstacle{"max_connections", "with backend = kernel a virtual server has no max_connections",
                    "its real servers may have"};
  }
  if (options.fwmark) return std::nullopt;
  for (const auto& listener : service.listeners) {
    if (listener.last_port) return Obstacle{"listen", "kernel IPVS has no port ranges", kMarkHint};
    if (listener.all_ports() && !persistent)
      return Obstacle{"listen", "kernel IPVS takes all ports of an address only with persistence", kMarkHint};
  }
  if (persistent && service.listeners.size() > 1)
    return Obstacle{"persistence", "kernel IPVS has no persistence across several listeners", kMarkHint};
  return std::nullopt;
}

void check_service(Build& build, const ipvs::VirtualServerConfig& service) {
  const auto* section = build.document.find("virtual_server", service.name);
  const auto found = obstacle(service);
  if (!section || !found) return;
  const auto reader = build.reader(*section);
  const auto values = reader.has(found->key) ? reader.values(found->key) : std::vector<Value>{};
  build.report.error(values.empty() ? section->place : values.front().place, found->text, std::string{found->hint});
}

}  // namespace

void build_kernel(Build& build) {
  const auto* kind = find_kind("kernel");
  Section absent;
  absent.kind = kind;
  const auto* section = build.document.find("kernel");
  const auto reader = build.reader(section ? *section : absent);
  auto& kernel = build.config.ipvs.kernel;
  for (const auto& value : reader.values("sysctl")) read_sysctl(value, kernel.sysctls, build.report);
  const auto time = [&](std::string_view key) { return reader.has(key) ? reader.time(key) : base::Duration{}; };
  kernel.timeouts.tcp = time("tcp_timeout");
  kernel.timeouts.tcp_fin = time("tcp_fin_timeout");
  kernel.timeouts.udp = time("udp_timeout");
  kernel.verify_interval = reader.time("verify_interval");
  if (build.config.ipvs.backend != ipvs::Backend::Kernel) return;
  for (const auto& service : build.config.ipvs.virtual_servers) check_service(build, service);
}

}  // namespace lvsd::daemon
