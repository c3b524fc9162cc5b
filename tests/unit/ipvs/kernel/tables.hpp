// Kernel tables in few words, for the tests of the kernel backend.
#pragma once

#include "ipvs/kernel/kernel_table.hpp"

namespace lvsd::ipvs::kernel::test {

inline base::Endpoint at(const char* text) { return *base::Endpoint::parse(text); }

inline ServiceKey tcp(const char* address) {
  const auto endpoint = at(address);
  return {0, endpoint.address.family(), 6, endpoint};
}

inline Destination server(const char* address, std::uint32_t weight, std::uint32_t connections = 0) {
  Destination d;
  d.address = at(address);
  d.settings.weight = weight;
  d.active = connections;
  return d;
}

inline Service service(const ServiceKey& key, std::vector<Destination> destinations) {
  return {key, {"wlc", 0, 0, ~std::uint32_t{0}, ""}, {}, std::move(destinations)};
}

}  // namespace lvsd::ipvs::kernel::test
