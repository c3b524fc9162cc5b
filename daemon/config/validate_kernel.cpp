// [kernel], and what of the virtual servers kernel IPVS cannot do.
#include <algorithm>

#include <fmt/format.h>

#include "daemon/config/validate.hpp"

namespace lvsd::daemon {
namespace {

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

// Of what a service's own keys do not show already (service_options.cpp).
void check_methods(Build& build, const ipvs::VirtualServerConfig& service) {
  const auto is_fullnat = [](const auto& server) { return server.method == ipvs::Method::Fullnat; };
  const auto* section = build.document.find("virtual_server", service.name);
  if (!section || std::none_of(service.servers.begin(), service.servers.end(), is_fullnat)) return;
  const auto value = build.reader(*section).value("method");
  build.report.error(value ? value->place : section->place, "method = fullnat is not possible with backend = kernel",
                     "use nat, dr or tun");
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
  for (const auto& service : build.config.ipvs.virtual_servers) check_methods(build, service);
}

}  // namespace lvsd::daemon
