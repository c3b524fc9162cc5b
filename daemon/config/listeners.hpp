// Where virtual servers listen: `listen` and `match` lines, no two of which may claim the same packets. Used by the
// validator of services.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemon/config/validate.hpp"

namespace lvsd::daemon {

struct ListenerPlan {
  ipvs::Listener listener;
  Place place;  // of the address
};

// The listeners of all services of one node's view.
class ListenerBook {
 public:
  explicit ListenerBook(Build& build) : build_{&build} {}

  // The `listen` lines of a service, or the `match` lines of one that has a firewall mark. What is wrong is reported
  // and left out.
  std::vector<ListenerPlan> read(const SectionReader& reader);

 private:
  void add(std::vector<ListenerPlan>& listeners, std::string_view key, const Value& value);
  bool is_free(const ipvs::Listener& listener, std::string_view key, const Value& value);

  Build* build_;
  std::map<ipvs::Listener, Place> known_;
};

}  // namespace lvsd::daemon
