// The advertisements of one instance: ours onto the wire, those of others from it. Owned by the instance, which must
// outlive it.
#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "base/result.hpp"
#include "vrrp/advertisement.hpp"
#include "vrrp/authenticator.hpp"
#include "vrrp/config.hpp"
#include "vrrp/state_machine.hpp"

namespace lvsd::vrrp {

class Sockets;

class Adverts {
 public:
  Adverts(Sockets& sockets, const InstanceConfig& config) : sockets_{sockets}, config_{config} {}

  // To the group, or to every peer. The first failure is returned; the rest is sent all the same.
  base::Result<void> send(const SendAdvert& wanted, const base::IpAddress& source);

  // What is not accepted has no effect, here neither. `own_address` is where we would send from.
  base::Result<Received, DecodeError> receive(const Datagram& datagram, const base::IpAddress& own_address);

 private:
  Sockets& sockets_;
  const InstanceConfig& config_;
  Authenticator authenticator_;
};

}  // namespace lvsd::vrrp
