// Between the records that the engine tells and takes (record.hpp) and the connections of IPVS's own messages
// (ipvs_message.hpp), which name services by listener or firewall mark, know neither fullnat nor when a connection was
// last seen, and have no room for more than one family in a connection. Pure; used by multicast.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ipvs/sync/ipvs_message.hpp"
#include "ipvs/sync/record.hpp"
#include "ipvs/table.hpp"

namespace lvsd::ipvs::sync {

// The services of the table in force, as messages name them. Those that only drain are not among them.
class IpvsNames {
 public:
  IpvsNames() = default;
  explicit IpvsNames(const ServiceTable& table);

  struct Named {
    std::string name;
    std::uint32_t fwmark = 0;
    std::vector<Listener> listeners;
    std::uint32_t persistence_s = 0;
    std::vector<RealServer> servers;
  };
  const Named* service(const std::string& name) const;
  const Named* marked(std::uint32_t fwmark, base::Family family) const;

 private:
  std::map<std::string, Named> by_name_;
  std::map<std::pair<std::uint32_t, base::Family>, std::string> by_mark_;
};

struct IpvsTold {
  std::vector<IpvsConnection> connections;
  std::uint64_t not_possible = 0;  // fullnat; a server of another family; a service that has left the table
};
// `threshold`: an established TCP connection or SCTP association is told once it has had so many packets of its client.
// Handshakes are not told, nor what a peer told this director.
IpvsTold to_ipvs(const Batch& batch, const IpvsNames& names, std::uint32_t threshold);

struct IpvsHeard {
  Batch batch;
  std::uint64_t not_possible = 0;  // sequence numbers moved, a persistence engine, an option or a state that is unknown
};
IpvsHeard from_ipvs(const IpvsMessage& message, const IpvsNames& names);

}  // namespace lvsd::ipvs::sync
