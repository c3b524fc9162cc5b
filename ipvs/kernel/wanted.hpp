// lvsd's table in the kernel's words. Pure. Used by kernel_backend.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "ipvs/kernel/kernel_table.hpp"
#include "ipvs/table.hpp"

namespace lvsd::ipvs::kernel {

// A listener is a service of its own with all servers of its virtual server, unless a firewall mark stands for all of
// them. Where two servers of a virtual server come out as one destination, the one that takes connections counts.
KernelTable wanted(const ServiceTable& table);

// What of a virtual server the kernel cannot do, in words; empty when it can do all. Configuration refuses it before.
std::string impossible(const ipvs::Service& service);

// Names of what stands in a kernel table, for listings: the virtual server of a service, the server of a destination.
class Names {
 public:
  struct Name {
    std::string service;
    std::string server;
  };

  void remember(const ServiceTable& table);  // adds; what drains keeps its name
  const std::string* service(const ServiceKey& key) const;
  std::string server(const ServiceKey& key, const base::Endpoint& destination) const;  // the address where unknown

 private:
  std::map<ServiceKey, std::string> services_;
  std::map<std::pair<ServiceKey, base::Endpoint>, std::string> servers_;
};

}  // namespace lvsd::ipvs::kernel
