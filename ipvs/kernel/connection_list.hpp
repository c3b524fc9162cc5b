// The kernel's list of connections, /proc/net/ip_vs_conn, as values. Pure. Used by kernel_backend.
// After net/netfilter/ipvs/ip_vs_conn.c (ip_vs_conn_seq_show): IPv4 addresses in hexadecimal, IPv6 ones in brackets,
// ports in hexadecimal, seconds, and with a persistence engine its name and data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.hpp"

namespace lvsd::ipvs::kernel {

struct ListedConnection {
  std::string protocol;  // "TCP", "UDP", "SCTP"; "IP" of a persistence template of a firewall mark
  base::Endpoint client;
  base::Endpoint virtual_address;  // of such a template: the mark in the address
  base::Endpoint server;
  std::string state;
  std::uint32_t expires_in_s = 0;
  std::string engine;       // of persistence
  std::string engine_data;  // the Call-ID
};

// Absent for the headline and for what is no such line.
std::optional<ListedConnection> read_connection(std::string_view line);

}  // namespace lvsd::ipvs::kernel
