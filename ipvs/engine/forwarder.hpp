// The data path: parse → find the connection, or schedule a new one → rewrite → way out. A batch is worked on in three
// passes, so that the memory each packet needs is on its way while the others are worked on.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "ipvs/engine/answer.hpp"
#include "ipvs/engine/client_notice.hpp"
#include "ipvs/engine/data_connections.hpp"
#include "ipvs/engine/engine_state.hpp"
#include "ipvs/engine/frame.hpp"
#include "ipvs/engine/offload.hpp"
#include "ipvs/engine/opening.hpp"
#include "ipvs/engine/packet.hpp"

namespace lvsd::ipvs::engine {

class Forwarder {
 public:
  explicit Forwarder(EngineState& state)
      : state_{state}, opening_{state}, offload_{state}, data_connections_{state, opening_} {}

  // See Core::forward.
  void forward(std::span<Packet> packets, std::span<Verdict> verdicts, base::TimePoint now) noexcept;

  Offload& offload() { return offload_; }
  // What the director says by itself is limited for all workers together.
  void share_limits(unsigned workers) {
    icmp_limit_ = RateLimit{kIcmpPerSecond / workers};
    reset_limit_ = RateLimit{kResetsPerSecond / workers};
  }

 private:
  static constexpr std::size_t kBatch = 64;
  static constexpr Verdict kToKernel{Action::ToKernel, DropReason::None, 0, {}};
  // Of the director's own words about packets; the kernel's default for ICMP (icmp_msgs_per_sec) is 1000 too.
  static constexpr std::uint32_t kIcmpPerSecond = 1000;
  static constexpr std::uint32_t kResetsPerSecond = 10000;

  struct Work {
    Frame frame;
    Tuple tuple;
    std::uint64_t hash = 0;
    std::uint32_t likely = ConnectionTable::kNone;  // the connection, as far as the index knows
    bool lookup = false;                            // it has ports: tuple and hash are set
    std::uint8_t worker = 0;                        // that is to decide
  };

  void make_room_for_changes(std::size_t packets) noexcept;
  void prepare(const Packet& packet, Work& work) const noexcept;
  Verdict decide(Packet& packet, const Work& work) noexcept;
  Verdict find_and_forward(Packet& packet, const Work& work) noexcept;
  Verdict inbound(Packet& packet, const Work& work) noexcept;
  Verdict reply(Packet& packet, const Work& work) noexcept;
  Verdict unserved(Packet& packet, const Frame& frame) noexcept;

  // ownership.cpp
  unsigned owner(const Packet& packet, const Frame& frame) const noexcept;
  unsigned owner_of_end(const Frame& frame, const WireAddress& address, std::uint16_t port) const noexcept;
  unsigned owner_of_local_fragment(const Packet& packet, const Frame& frame) const noexcept;
  unsigned owner_of_error(const Packet& packet, const Frame& frame) const noexcept;

  // related.cpp
  Verdict ipsec(Packet& packet, const Frame& frame) noexcept;
  Connection* open_for_error(const Packet& packet, const Frame& quoted, DropReason& reason) noexcept;
  Verdict first_fragment(Packet& packet, const Work& work) noexcept;
  Verdict later_fragment(Packet& packet, const Frame& frame) noexcept;
  Verdict related_error(Packet& packet, const Frame& frame) noexcept;
  void rewrite_error_to_server(Packet& packet, const Frame& frame, const Connection& c, const Ends& ends) noexcept;
  void rewrite_error_to_client(Packet& packet, const Frame& frame, const Connection& c, const Ends& ends) noexcept;

  void account(Connection& connection, const Packet& packet, const Frame& frame, Seen seen) noexcept;
  void count(const Connection& connection, const Frame& frame, Seen seen) noexcept;

  // way_out.cpp
  Verdict to_server(Packet& packet, Frame frame, Connection& connection) noexcept;
  Verdict to_client(Packet& packet, Frame frame, Connection& connection) noexcept;
  void rewrite_to_server(Packet& packet, const Frame& frame, const Connection& connection) noexcept;
  void rewrite_to_client(Packet& packet, const Frame& frame, const Connection& connection) noexcept;
  const NextHop& way_to(LiveServer& server) noexcept;
  // The checks of a router, for a packet that will be longer by `growth`. A verdict ends it; the TTL has been
  // decremented otherwise.
  std::optional<Verdict> route(Packet& packet, const Frame& frame, const NextHop& hop, const WireAddress& error_source,
                               std::uint32_t growth = 0) noexcept;
  // As fragments where it is longer than the way out takes.
  Verdict send(Packet& packet, const NextHop& hop) noexcept;
  Verdict split(Packet& packet, std::uint32_t mtu, const Verdict& verdict);

  // forward_tun.cpp
  void fit_tunnel(LiveServer& server) noexcept;
  std::optional<base::IpAddress> outer_source(std::uint32_t interface, base::Family family) const noexcept;
  Verdict send_tunnelled(Packet& packet, const Frame& frame, const LiveServer& server, NextHop hop) noexcept;
  std::optional<Verdict> tunnel_error(Packet& packet, const Frame& frame) noexcept;
  // The inner packet that an error about a tunnel quotes.
  std::optional<Frame> quoted_in_tunnel(const Packet& packet, const Frame& frame) const noexcept;
  Verdict tell_client(Packet& packet, const Frame& inner, IcmpError error) noexcept;

  // forward_fullnat.cpp
  Verdict send_fullnat(Packet& packet, const Frame& frame, Connection& c, const NextHop& hop) noexcept;
  // What the packet has to carry to the server besides what the client sent.
  ClientNotice notice_for(const Packet& packet, const Frame& frame, Connection& c) const noexcept;
  bool give_notice(Packet& packet, const Frame& frame, const Connection& c, const ClientNotice& notice) noexcept;
  void hide_notice(Packet& packet, const Frame& frame, Connection& c) const noexcept;

  Verdict drop(DropReason reason) noexcept;
  Verdict icmp(Packet& packet, const Frame& frame, DropReason reason, IcmpError error,
               const WireAddress& source) noexcept;
  Verdict reset(Packet& packet, const Frame& frame) noexcept;
  WireAddress own_address(std::uint32_t interface, bool v6) const noexcept;

  EngineState& state_;
  std::array<Work, kBatch> work_;  // of the batch in hand
  Opening opening_;
  Offload offload_;
  DataConnections data_connections_;
  RateLimit icmp_limit_{kIcmpPerSecond};
  RateLimit reset_limit_{kResetsPerSecond};
  Connection one_packet_;  // of a service that keeps none
  base::TimePoint now_{};
  std::uint16_t outer_identification_ = 0;
};

}  // namespace lvsd::ipvs::engine
