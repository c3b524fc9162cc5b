#include "daemon/config/service_options.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ipvs/names.hpp"

namespace lvsd::daemon {
namespace {

using base::Family;

bool all_udp(const std::vector<ListenerPlan>& listeners) {
  return std::all_of(listeners.begin(), listeners.end(),
                     [](const auto& plan) { return plan.listener.protocol == ipvs::Protocol::Udp; });
}

// The word's place where it is written, else the section's: a default cannot be pointed at.
Place place_of(const SectionReader& reader, std::string_view key) {
  const auto value = reader.value(key);
  return value ? value->place : reader.section().place;
}

void read_family(const SectionReader& reader, const std::vector<ListenerPlan>& listeners, ipvs::ServiceOptions& options,
                 Report& report) {
  if (!listeners.empty()) options.family = listeners.front().listener.address.address.family();
  if (!reader.has("family")) return;
  const auto family = reader.choice("family") == "ipv6" ? Family::V6 : Family::V4;
  if (!reader.has_own("fwmark")) {
    if (reader.has_own("family"))
      report.error(place_of(reader, "family"),
                   fmt::format("family has no meaning without fwmark in {}", reader.section().title()));
    return;
  }
  if (!listeners.empty() && options.family != family) {
    report.error(listeners.front().place,
                 fmt::format("match is of another address family than family = {}", reader.choice("family")));
  }
  options.family = family;
}

void read_persistence(const SectionReader& reader, const std::vector<ListenerPlan>& listeners,
                      ipvs::ServiceOptions& options, Report& report) {
  auto& persistence = options.persistence;
  persistence.timeout = reader.time("persistence");
  for (const auto key : {"persistence_mask", "persistence_engine"}) {
    if (!reader.has("persistence") && reader.has_own(key))
      report.error(place_of(reader, key), fmt::format("{} has no meaning without persistence", key));
  }
  if (!reader.has("persistence")) return;
  const std::int64_t longest = options.family == Family::V4 ? 32 : 128;
  const auto prefix = reader.integer("persistence_mask");
  if (prefix > longest) {
    report.error(place_of(reader, "persistence_mask"), fmt::format("persistence_mask = {}: must be 1..{} with {}",
                                                                   prefix, longest, longest == 32 ? "IPv4" : "IPv6"));
  }
  persistence.prefix = static_cast<std::uint8_t>(prefix == longest ? 0 : prefix);
  persistence.sip_call_id = reader.choice("persistence_engine") == "sip";
  if (!persistence.sip_call_id) return;
  if (prefix != 0) {
    report.error(place_of(reader, "persistence_mask"), "persistence_mask has no meaning with persistence_engine = sip",
                 "there the Call-ID of a message stands for the client, not its address");
  }
  if (!all_udp(listeners)) {
    report.error(
        place_of(reader, "persistence_engine"),
        fmt::format("persistence_engine = sip needs UDP, and {} has other listeners", reader.section().title()));
  }
}

void read_one_packet(const SectionReader& reader, const std::vector<ListenerPlan>& listeners,
                     ipvs::ServiceOptions& options, Report& report) {
  options.one_packet = reader.boolean("one_packet");
  if (!options.one_packet || all_udp(listeners)) return;
  report.error(place_of(reader, "one_packet"),
               fmt::format("one_packet needs UDP, and {} has other listeners", reader.section().title()),
               "make two virtual servers, one for each protocol");
}

// What kernel IPVS cannot do.
void check_kernel(const SectionReader& reader, const std::vector<ListenerPlan>& listeners,
                  const ipvs::ServiceOptions& options, Report& report) {
  if (options.max_connections != 0) {
    report.error(place_of(reader, "max_connections"),
                 "max_connections of a virtual server is not possible with backend = kernel",
                 "there only real servers have one");
  }
  if (options.fwmark != 0) return;
  if (options.persistence.timeout.count() != 0 && listeners.size() > 1) {
    report.error(place_of(reader, "persistence"),
                 "persistence across several listeners is possible with backend = kernel only by a firewall mark",
                 "write fwmark = N and match in place of listen");
  }
  for (const auto& [listener, place] : listeners) {
    if (listener.last_port != 0)
      report.error(place, "a range of ports is not possible with backend = kernel",
                   "write fwmark = N and match in place of listen");
    if (listener.all_ports() && options.persistence.timeout.count() == 0)
      report.error(place, "all ports are possible with backend = kernel only with persistence",
                   "add persistence, or write fwmark = N and match in place of listen");
  }
}

}  // namespace

ipvs::ServiceOptions read_service_options(const Build& build, const SectionReader& reader,
                                          const std::vector<ListenerPlan>& listeners) {
  ipvs::ServiceOptions options;
  auto& report = build.report;
  options.fwmark = static_cast<std::uint32_t>(reader.integer("fwmark"));
  read_family(reader, listeners, options, report);
  read_persistence(reader, listeners, options, report);
  read_one_packet(reader, listeners, options, report);
  options.max_connections = static_cast<std::uint32_t>(reader.integer("max_connections"));
  options.fast_path = reader.boolean("fast_path");
  if (build.config.ipvs.backend == ipvs::Backend::Kernel) check_kernel(reader, listeners, options, report);
  return options;
}

ipvs::ConnectionPolicy read_policy(const SectionReader& reader) {
  ipvs::ConnectionPolicy policy;
  policy.secure_tcp = reader.boolean("secure_tcp");
  policy.sloppy_tcp = reader.boolean("sloppy_tcp");
  policy.sloppy_sctp = reader.boolean("sloppy_sctp");
  policy.expire_nodest_conn = reader.boolean("expire_nodest_conn");
  policy.expire_quiescent_template = reader.boolean("expire_quiescent_template");
  policy.conn_reuse_mode = static_cast<unsigned>(reader.integer("conn_reuse_mode"));
  policy.schedule_icmp = reader.boolean("schedule_icmp");
  policy.max_half_open = static_cast<std::uint32_t>(reader.integer("max_half_open"));
  return policy;
}

}  // namespace lvsd::daemon
