// A virtual server of the table in the words of the messages. Used by desired() and by both backends.
#pragma once

#include "base/time.hpp"
#include "ipvs/messages.hpp"
#include "ipvs/names.hpp"
#include "ipvs/table.hpp"

namespace lvsd::ipvs {

// Without numbers, servers and state.
inline ServiceStatus describe(const VirtualServer& virtual_server) {
  ServiceStatus status;
  status.name = virtual_server.name;
  for (const auto& listener : virtual_server.listeners) {
    status.listeners.push_back({std::string{name(listener.protocol)}, listener.address, listener.last_port});
  }
  status.scheduler = name(virtual_server.scheduler);
  status.scheduler_flags = flag_names(virtual_server.scheduler, virtual_server.flags);
  const auto& options = virtual_server.options;
  status.persistence_s = (base::milliseconds(options.persistence.timeout) + 999) / 1000;
  status.persistence_prefix = options.persistence.prefix;
  status.persistence_engine = options.persistence.sip_call_id ? "sip" : "";
  status.one_packet = options.one_packet;
  status.fwmark = options.fwmark;
  status.family = options.family == base::Family::V6 ? "ipv6" : "ipv4";
  status.max_connections = options.max_connections;
  return status;
}

}  // namespace lvsd::ipvs
