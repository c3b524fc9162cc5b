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
#include "vrrp/advert_filter.hpp"
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

  // What is noise for this audience does not arrive any more, but for a sample; nobody: everything arrives.
  void filter(const Audience* audience);

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

// One socket per channel in use, reopened when the interface is made anew. In a flood of noise its filter is in the
// kernel.
class Sockets {
 public:
  using Audiences = std::map<Channel, Audience>;
  using OnPacket = std::function<void(const Channel& channel, const std::optional<Datagram>& datagram)>;

  Sockets(boost::asio::io_context& loop, OnPacket on_packet) : loop_{loop}, on_packet_{std::move(on_packet)} {}

  // Idempotent.
  base::Result<void> open(const Link& link, base::Family family);
  // Closes all others. From now on packets are for these.
  void keep_only(Audiences audiences);
  // A datagram that has come up: how many it stands for.
  unsigned weigh(const Channel& channel, const Datagram& datagram, base::TimePoint now);
  // Call every second or more often: where nothing comes up any more, nothing else says so.
  void end_floods(base::TimePoint now);

  base::Result<void> send(const Channel& channel, const base::IpAddress& source, const base::IpAddress& destination,
                          std::span<const std::uint8_t> payload);
  void drain(const Channel& channel);

 private:
  unsigned heard(const Channel& channel, Flood& flood, bool noise, base::TimePoint now);
  void set_filter(const Channel& channel);

  boost::asio::io_context& loop_;
  OnPacket on_packet_;
  std::map<Channel, std::unique_ptr<Socket>> sockets_;
  Audiences audiences_;
  std::map<Channel, Flood> floods_;
};

}  // namespace lvsd::vrrp
