// The raw socket of one interface and address family: sends and receives IP protocol 112. Shared by the instances of
// that interface and family; owned by Sockets.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "vrrp/datagram.hpp"
#include "vrrp/link_table.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::vrrp {

class Socket {
 public:
  // Nothing: a packet that is not a whole datagram of protocol 112.
  using OnPacket = std::function<void(const std::optional<Datagram>& datagram)>;

  // Bound to the interface, member of the group.
  static base::Result<std::unique_ptr<Socket>> open(boost::asio::io_context& loop, const Link& link,
                                                    base::Family family, OnPacket on_packet);
  ~Socket();

  // From `source` to the group or a peer, with TTL or hop limit 255.
  base::Result<void> send(const base::IpAddress& source, const base::IpAddress& destination,
                          std::span<const std::uint8_t> payload);

  // Hands over what has arrived, a bounded number of packets: an instance calls this before it believes a timer.
  void drain();

  int link_index() const;

 private:
  struct Impl;
  explicit Socket(std::shared_ptr<Impl> impl) : impl_{std::move(impl)} {}
  std::shared_ptr<Impl> impl_;
};

// Where an instance hears and speaks.
struct Channel {
  std::string interface;
  base::Family family = base::Family::V4;

  friend auto operator<=>(const Channel&, const Channel&) = default;
};

// One socket per channel in use, reopened when the interface is made anew.
class Sockets {
 public:
  using OnPacket = std::function<void(const Channel& channel, const std::optional<Datagram>& datagram)>;

  Sockets(boost::asio::io_context& loop, OnPacket on_packet) : loop_{loop}, on_packet_{std::move(on_packet)} {}

  // Idempotent.
  base::Result<void> open(const Link& link, base::Family family);
  // Closes all others.
  void keep_only(const std::vector<Channel>& channels);

  base::Result<void> send(const Channel& channel, const base::IpAddress& source, const base::IpAddress& destination,
                          std::span<const std::uint8_t> payload);
  void drain(const Channel& channel);

 private:
  boost::asio::io_context& loop_;
  OnPacket on_packet_;
  std::map<Channel, std::unique_ptr<Socket>> sockets_;
};

}  // namespace lvsd::vrrp
