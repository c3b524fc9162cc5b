// What a master holds on its links, kept there as a lease and told to the log when somebody interferes. Owned by the
// instance, which must outlive it.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "vrrp/config.hpp"
#include "vrrp/interference.hpp"
#include "vrrp/virtual_addresses.hpp"

namespace lvsd::vrrp {

class InstanceRecord;
class LinkMonitor;
class RouteWriter;
class VirtualLinks;

// How the kernel is told; shared by all instances of the room.
struct Kernel {
  AddressWriter& addresses;
  RouteWriter& routes;
  VirtualLinks& links;
};

class Holdings {
 public:
  Holdings(const LinkMonitor& links, const Kernel& kernel, const InstanceConfig& config, InstanceRecord& record)
      : links_{links}, kernel_{kernel}, config_{config}, record_{record} {}

  // Everything that is wanted is there for another lease.
  void hold(base::TimePoint now);
  // Also what an earlier life of ours has left.
  void drop();
  // Only what `next` does not want.
  void drop_unwanted(const InstanceConfig& next);
  // Compares what is on the links with what we hold.
  void repair(base::TimePoint now);

  // Why they cannot be kept, for a while after it was so; empty: they can.
  std::string problem(base::TimePoint now) const { return interference_.problem(now); }

  // Refreshed too short ago for a peer to have noticed our absence.
  bool prove_mastership() const;

 private:
  const Link* link(const std::string& interface) const;
  std::chrono::seconds lease() const;
  void hold_on(const std::string& interface, const std::vector<VirtualAddress>& wanted, base::TimePoint now);
  void hold_routes(base::TimePoint now);
  void drop_routes(const std::vector<VirtualRoute>& routes);
  int link_of(const VirtualRoute& route) const;
  void set_virtual_link(bool up, base::TimePoint now);
  void warn_of_foreign(const Link& link, const std::vector<VirtualAddress>& wanted, base::TimePoint now);
  VirtualAddresses& on(const std::string& interface);

  const LinkMonitor& links_;
  Kernel kernel_;
  const InstanceConfig& config_;
  InstanceRecord& record_;
  std::map<std::string, VirtualAddresses> by_interface_;
  Interference interference_;
};

}  // namespace lvsd::vrrp
