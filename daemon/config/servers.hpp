// Real servers as pools and virtual servers list them, long forms applied, before a virtual server makes them its own.
// Used by the validator of services.
#pragma once

#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "daemon/config/validate.hpp"

namespace lvsd::daemon {

// What a server's line and its long form say, by key, as texts.
using ServerOptionTexts = std::map<std::string_view, Value>;

struct Server {
  Value name;
  base::Endpoint address;
  bool address_good = false;
  Place address_place;
  Place port_place;
  std::uint32_t weight = 1;
  std::optional<ipvs::Method> method;  // absent: the virtual server's
  std::vector<const CheckPlan*> checks;
  bool own_checks = false;
  std::optional<base::IpAddress> check_address;  // whom its checks ask; absent: whom the check says
  std::optional<std::uint16_t> check_port;
  ServerOptionTexts options;
};

// By [pool] or [virtual_server] section, in the order of the files.
using ServerLists = std::map<const Section*, std::vector<Server>>;
ServerLists build_servers(Build& build);

// Reports addresses no server can have: unspecified, multicast, and those of the director itself.
bool server_address_possible(const Build& build, const base::IpAddress& address, Place place);

}  // namespace lvsd::daemon
