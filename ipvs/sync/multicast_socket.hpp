// The two sockets of IPVS's own protocol on one interface: one sends to the group, one hears it. Nothing waits. Used by
// multicast, on its loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/result.hpp"
#include "ipvs/config.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::ipvs::sync {

class MulticastSocket {
 public:
  using Heard = std::function<void(std::span<const std::uint8_t>)>;  // one message

  // Fails while the interface is missing, or has no address of the group's family.
  static base::Result<std::unique_ptr<MulticastSocket>> open(boost::asio::io_context& loop,
                                                             const IpvsSyncConfig& config, Heard heard);
  virtual ~MulticastSocket() = default;

  // False: the message is lost.
  virtual bool send(std::span<const std::uint8_t> message) = 0;
  // The interface is still the one that was opened, and the socket works.
  virtual bool is_usable() const = 0;
  virtual std::size_t max_length() const = 0;  // bytes of a message
};

}  // namespace lvsd::ipvs::sync
