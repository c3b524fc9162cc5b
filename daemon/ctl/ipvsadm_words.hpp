// The words after `lvsctl ipvsadm`, as ipvsadm 1.31 takes them to list and to save. Pure. Used by answer and ipvsadm.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"

namespace lvsd::ctl::ipvsadm {

struct Wish {
  // Of the forms of a table the first that is asked for counts.
  enum class What { Table, Rules, Connections, Timeouts, Daemons } what = What::Table;
  enum class Form { State, Statistics, Rates, Thresholds, PersistentConnections, Tunnels } form = Form::State;
  bool exact = false;  // numbers in full
  bool sort = true;

  struct One {  // -t, -u, --sctp-service; -f, with -6
    std::uint32_t fwmark = 0;
    bool ipv6 = false;
    std::string protocol;
    base::Endpoint address;
  };
  std::optional<One> only;
};

// What would change the table is an error that says so.
base::Result<Wish> parse(const std::vector<std::string>& words);

}  // namespace lvsd::ctl::ipvsadm
