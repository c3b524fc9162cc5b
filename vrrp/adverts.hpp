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

class FrameSender;
struct Link;
class Sockets;

class Adverts {
 public:
  Adverts(Sockets& sockets, FrameSender& frames, const InstanceConfig& config)
      : sockets_{sockets}, frames_{frames}, config_{config} {}

  // To the group, or to every peer. The first failure is returned; the rest is sent all the same.
  // `virtual_from`: the link that it leaves through with the virtual router's MAC address; null: with the link's own.
  base::Result<void> send(const SendAdvert& wanted, const base::IpAddress& source, const Link* virtual_from);

  // What is not accepted has no effect, here neither. `own_address` is where we would send from.
  base::Result<Received, DecodeError> receive(const Datagram& datagram, const base::IpAddress& own_address);

 private:
  Sockets& sockets_;
  FrameSender& frames_;
  const InstanceConfig& config_;
  Authenticator authenticator_;
};

}  // namespace lvsd::vrrp
