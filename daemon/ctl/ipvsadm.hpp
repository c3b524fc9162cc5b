// `lvsctl ipvsadm -L …`: the table in the bytes of ipvsadm 1.31, for scripts that read that program's output. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "ipvs/messages.hpp"

namespace lvsd::ctl::ipvsadm {

struct Listing {
  enum class Kind { State, Statistics, Rates, Connections, Timeouts } kind = Kind::State;
  bool exact = false;  // numbers in full
  bool sort = true;
  std::optional<ipvs::ListenerStatus> only;  // -t, -u
};

// The words after "ipvsadm". What would change the table, and what lvsd has no data for, is an error.
base::Result<Listing> parse(const std::vector<std::string>& words);

// Every listener is a service of its own, with all servers of its virtual server.
std::string render(const ipvs::Table& table, const Listing& listing);
std::string render(const ipvs::Connections& connections);

// Whether the listener of -t or -u is in the table.
bool has_service(const ipvs::Table& table, const Listing& listing);

}  // namespace lvsd::ctl::ipvsadm
