// A director in memory: a Core between a clients' network (interface 2, 192.0.2.0/24 and 2001:db8:c::/64) and a
// servers' network (interface 3, 10.0.0.0/24 and 2001:db8:5::/64), virtual addresses 198.51.100.1 and 2001:db8:1::1,
// and what is needed to push frames through. For tests, benchmarks and fuzzers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ipvs/engine/core.hpp"
#include "tests/support/frames.hpp"

namespace lvsd::test {

inline constexpr std::uint32_t kFront = 2;
inline constexpr std::uint32_t kBack = 3;

struct alignas(64) CacheLine {
  std::byte bytes[64];
};

class TableBytes {
 public:
  explicit TableBytes(std::uint32_t connections) : lines_(ipvs::engine::Core::memory_size(connections) / 64 + 1) {}
  std::span<std::byte> span() { return {lines_.data()->bytes, lines_.size() * 64}; }

 private:
  std::vector<CacheLine> lines_;
};

inline base::MacAddress server_mac(std::uint8_t n) { return {{2, 0, 0, 0, 1, n}}; }

// 10.0.0.11, 2001:db8:5::11 and so on.
inline base::IpAddress server_address(int n, bool v6 = false) {
  if (v6) return ip("2001:db8:5::" + std::to_string(10 + n));
  return base::IpAddress::v4(0x0a00000au + static_cast<std::uint32_t>(n));
}

inline void lay_network(ipvs::engine::NextHops& hops, std::uint8_t servers = 3) {
  const auto prefix = [](std::string_view text) { return *base::Prefix::parse(text); };
  hops.replace_interfaces({{kFront, kFrontMac, 1500, true, true, {ip("192.0.2.1"), ip("2001:db8:c::1")}},
                           {kBack, kBackMac, 1500, true, true, {ip("10.0.0.1"), ip("2001:db8:5::1")}}});
  hops.replace_routes({{prefix("192.0.2.0/24"), 0, kFront, {}, false},
                       {prefix("10.0.0.0/24"), 0, kBack, {}, false},
                       {prefix("0.0.0.0/0"), 0, kFront, ip("192.0.2.10"), false},
                       {prefix("2001:db8:c::/64"), 0, kFront, {}, false},
                       {prefix("2001:db8:5::/64"), 0, kBack, {}, false}});
  hops.set_neighbour({kFront, ip("192.0.2.10"), kClientMac, true, false});
  hops.set_neighbour({kFront, ip("2001:db8:c::10"), kClientMac, true, false});
  for (std::uint8_t n = 1; n <= servers; ++n) {
    hops.set_neighbour({kBack, server_address(n), server_mac(n), true, false});
    hops.set_neighbour({kBack, server_address(n, true), server_mac(n), true, false});
  }
}

// Servers s1, s2 … at 10.0.0.11, .12 … port 8080 (nat) or the client's (dr).
inline ipvs::RealServer server(int n, ipvs::Method method = ipvs::Method::Nat, std::uint32_t weight = 1) {
  const auto address = base::IpAddress::v4(0x0a00000au + static_cast<std::uint32_t>(n));
  return {"s" + std::to_string(n),
          {address, static_cast<std::uint16_t>(method == ipvs::Method::Nat ? 8080 : 0)},
          method,
          weight,
          false};
}

inline ipvs::VirtualServer service(std::string name, std::vector<ipvs::Listener> listeners,
                                   ipvs::SchedulerKind scheduler = ipvs::SchedulerKind::Rr) {
  return {std::move(name), std::move(listeners), scheduler};
}

inline std::vector<ipvs::Listener> web_listeners() {
  return {{ipvs::Protocol::Tcp, endpoint("198.51.100.1:80")}, {ipvs::Protocol::Udp, endpoint("198.51.100.1:53")}};
}

struct Result {
  ipvs::engine::Verdict verdict;
  Bytes bytes;
};

class Director {
 public:
  explicit Director(std::uint32_t connections = 1024) : connections_{connections}, memory_{connections}, core_{make()} {
    lay_network(core_->next_hops());
  }

  ipvs::engine::Core& core() { return *core_; }
  ipvs::engine::Core* operator->() { return core_.get(); }
  base::TimePoint now{std::chrono::hours{100}};

  void apply(const std::vector<ipvs::Command>& commands) { static_cast<void>(core_->apply(commands, now)); }
  void serve(const std::vector<ipvs::RealServer>& servers, ipvs::SchedulerKind scheduler = ipvs::SchedulerKind::Rr) {
    std::vector<ipvs::Command> commands{ipvs::AddService{service("web", web_listeners(), scheduler)}};
    for (const auto& s : servers) commands.push_back(ipvs::AddServer{"web", s});
    apply(commands);
  }

  Result push(const Bytes& frame, std::uint32_t interface = kFront, std::uint32_t tailroom = 128) {
    constexpr std::uint32_t kHeadroom = 64;
    Bytes room(kHeadroom + frame.size() + tailroom, 0xee);
    std::copy(frame.begin(), frame.end(), room.begin() + kHeadroom);
    ipvs::engine::Packet packet{room.data() + kHeadroom, static_cast<std::uint32_t>(frame.size()), kHeadroom, tailroom,
                                interface};
    ipvs::engine::Verdict verdict;
    core_->forward({&packet, 1}, {&verdict, 1}, now);
    return {verdict, Bytes(packet.data, packet.data + packet.length)};
  }
  Result push(const FrameSpec& spec, std::uint32_t interface = kFront) { return push(make_frame(spec), interface); }

  std::vector<ipvs::engine::ExtraFrame> extra() { return core_->take_extra_frames(); }

  // The process dies and its successor takes over the same memory.
  void restart() {
    core_.reset();
    core_ = make();
    lay_network(core_->next_hops());
  }
  std::span<std::byte> memory() { return memory_.span(); }
  std::uint64_t drops(ipvs::engine::DropReason reason) { return core_->drops()[static_cast<std::size_t>(reason)]; }

 private:
  std::unique_ptr<ipvs::engine::Core> make() {
    return std::make_unique<ipvs::engine::Core>(memory_.span(), connections_, seed_++);
  }
  std::uint64_t seed_ = 7;
  std::uint32_t connections_;
  TableBytes memory_;
  std::unique_ptr<ipvs::engine::Core> core_;
};

}  // namespace lvsd::test
