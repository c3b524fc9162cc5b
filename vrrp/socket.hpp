// The raw socket of one interface: sends and receives IP protocol 112 on 224.0.0.18, TTL 255. Shared by the instances
// of that interface; owned by Sockets.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "vrrp/link_table.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::vrrp {

class Socket {
 public:
  // A whole IPv4 packet, header included.
  using OnPacket = std::function<void(std::span<const std::uint8_t> packet)>;

  // Bound to the interface, member of the group.
  static base::Result<std::unique_ptr<Socket>> open(boost::asio::io_context& loop, const Link& link,
                                                    OnPacket on_packet);
  ~Socket();

  base::Result<void> send(const base::IpAddress& source, std::span<const std::uint8_t> payload);

  // Hands over what has arrived, a bounded number of packets: an instance calls this before it believes a timer.
  void drain();

  int link_index() const;

 private:
  struct Impl;
  explicit Socket(std::shared_ptr<Impl> impl) : impl_{std::move(impl)} {}
  std::shared_ptr<Impl> impl_;
};

// One socket per interface in use, reopened when the interface is made anew.
class Sockets {
 public:
  using OnPacket = std::function<void(const std::string& interface, std::span<const std::uint8_t> packet)>;

  Sockets(boost::asio::io_context& loop, OnPacket on_packet) : loop_{loop}, on_packet_{std::move(on_packet)} {}

  // Idempotent.
  base::Result<void> open(const Link& link);
  // Closes the sockets of all other interfaces.
  void keep_only(const std::vector<std::string>& interfaces);

  base::Result<void> send(const std::string& interface, const base::IpAddress& source,
                          std::span<const std::uint8_t> payload);
  void drain(const std::string& interface);

 private:
  boost::asio::io_context& loop_;
  OnPacket on_packet_;
  std::map<std::string, std::unique_ptr<Socket>> sockets_;
};

}  // namespace lvsd::vrrp
