// The stream on which this director tells one peer of its connections: dials until the peer answers, tells all there
// is, then every change. Used by the exchange, on its loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "ipvs/messages.hpp"
#include "ipvs/sync/session.hpp"
#include "ipvs/sync/wire.hpp"

namespace lvsd::ipvs::sync {

class Telling : public std::enable_shared_from_this<Telling> {
 public:
  using Walk = std::function<void(std::uint32_t from, std::uint32_t limit, std::function<void(Walked)>)>;

  Telling(boost::asio::io_context& loop, std::string secret, base::IpAddress from, base::Endpoint peer, Walk walk,
          std::function<void()> ready);
  void close();

  // Twice a second: dials, pings, gives up who is silent.
  void tick(base::TimePoint now);
  // The peer has just been heard of: it is not waited for any longer.
  void hurry(base::TimePoint now);
  // What changed. A peer that is too far behind gets all there is once more instead.
  void tell(const Batch& batch);
  bool listens() const { return teller_ && teller_->ready(); }
  bool has_room() const;

  void describe(SyncPeer& peer) const;

 private:
  void dial(base::TimePoint now);
  void heard(std::span<const std::uint8_t> bytes);
  void begin_full_state();
  void walk_on();
  void send(Bytes bytes);
  void broken(const std::string& reason);

  boost::asio::io_context& loop_;
  std::string secret_;
  base::IpAddress from_;
  base::Endpoint peer_;
  Walk walk_;
  std::function<void()> ready_;
  std::shared_ptr<Wire> wire_;
  std::optional<Teller> teller_;
  base::TimePoint now_;
  base::TimePoint dialled_;
  base::TimePoint heard_at_;
  bool walking_ = false;  // the full state is not told yet
  bool asked_ = false;    // for the walk's next piece
  bool behind_ = false;   // something was left out since the walk began
  std::uint32_t next_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t full_states_ = 0;
  std::string problem_;
};

}  // namespace lvsd::ipvs::sync
