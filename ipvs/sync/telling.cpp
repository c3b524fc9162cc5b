#include "ipvs/sync/telling.hpp"

#include <utility>

#include <sys/random.h>

#include "base/log.hpp"

namespace lvsd::ipvs::sync {
namespace {

constexpr base::Duration kDialEvery = std::chrono::seconds{1};
constexpr base::Duration kSilence = std::chrono::seconds{5};
constexpr std::uint32_t kWalkStep = 1024;              // entries of the table
constexpr std::size_t kWalkBelow = 256 * 1024;         // bytes waiting: room for changes is left
constexpr std::size_t kMostWaiting = 4 * 1024 * 1024;  // bytes

}  // namespace

Telling::Telling(boost::asio::io_context& loop, std::string secret, base::IpAddress from, base::Endpoint peer,
                 Walk walk, std::function<void()> ready)
    : loop_{loop},
      secret_{std::move(secret)},
      from_{from},
      peer_{peer},
      walk_{std::move(walk)},
      ready_{std::move(ready)} {}

void Telling::close() {
  if (wire_) wire_->close();
  wire_.reset();
  teller_.reset();
}

bool Telling::has_room() const { return listens() && wire_->waiting() < kMostWaiting; }

void Telling::tick(base::TimePoint now) {
  now_ = now;
  if (!wire_) {
    if (now - dialled_ >= kDialEvery) dial(now);
    return;
  }
  if (now - heard_at_ > kSilence) return broken("no answer");
  if (listens()) send(teller_->ping());
}

void Telling::hurry(base::TimePoint now) {
  now_ = now;
  if (!wire_) dial(now);
}

void Telling::dial(base::TimePoint now) {
  Nonce nonce{};
  if (getrandom(nonce.data(), nonce.size(), 0) != static_cast<ssize_t>(nonce.size())) return;
  dialled_ = heard_at_ = now;
  teller_.emplace(secret_, nonce);
  wire_ = std::make_shared<Wire>(loop_);
  const std::weak_ptr<Telling> weak = weak_from_this();
  wire_->listen_to({.connected =
                        [weak] {
                          const auto self = weak.lock();
                          if (!self) return;
                          self->send(self->teller_->greeting());
                          self->wire_->read();
                        },
                    .read =
                        [weak](std::span<const std::uint8_t> bytes) {
                          if (const auto self = weak.lock()) self->heard(bytes);
                        },
                    .written =
                        [weak] {
                          const auto self = weak.lock();
                          if (!self) return;
                          self->walk_on();
                          if (self->has_room()) self->ready_();
                        },
                    .closed =
                        [weak](const std::string& reason) {
                          if (const auto self = weak.lock()) self->broken(reason);
                        }});
  const auto wire = wire_;  // stays while it fails at once
  wire->dial(from_, peer_);
}

void Telling::send(Bytes bytes) {
  if (wire_) wire_->write(std::move(bytes));
}

void Telling::broken(const std::string& reason) {
  if (listens()) base::log::warning("sync", "{}: {}; it is not told of connections now", peer_.to_string(), reason);
  problem_ = reason;
  close();
}

void Telling::heard(std::span<const std::uint8_t> bytes) {
  heard_at_ = now_;
  const bool listened = listens();
  if (const auto breach = teller_->receive(bytes); breach != Breach::None) return broken(std::string{explain(breach)});
  if (listens() && !listened) begin_full_state();
  if (wire_) wire_->read();
}

void Telling::begin_full_state() {
  problem_.clear();
  walking_ = true;
  behind_ = false;
  next_ = 0;
  ready_();
  walk_on();
}

void Telling::walk_on() {
  if (!listens() || asked_ || wire_->waiting() > kWalkBelow) return;
  if (!walking_ && behind_) return begin_full_state();
  if (!walking_) return;
  asked_ = true;
  const std::weak_ptr<Telling> weak = weak_from_this();
  walk_(next_, kWalkStep, [weak, wire = wire_](const Walked& walked) {
    const auto self = weak.lock();
    if (!self) return;
    self->asked_ = false;
    if (self->wire_ != wire) return self->walk_on();  // another stream since
    self->next_ = walked.next;
    self->send(self->teller_->tell(walked.batch));
    if (walked.complete) {
      self->walking_ = false;
      ++self->full_states_;
      self->send(self->teller_->complete());
      base::log::info("sync", "{} has been told of all connections", self->peer_.to_string());
    }
    self->walk_on();
  });
}

void Telling::tell(const Batch& batch) {
  if (!listens()) return;
  if (has_room()) return send(teller_->tell(batch));
  dropped_ += batch.records.size();
  behind_ = true;
}

void Telling::describe(SyncPeer& peer) const {
  peer.telling = !listens() ? SyncStage::off : walking_ || behind_ ? SyncStage::full_state : SyncStage::in_step;
  peer.told = listens() ? teller_->told() : 0;
  peer.lag = listens() ? teller_->told() - teller_->handled() : 0;
  peer.dropped = dropped_;
  peer.full_states = full_states_;
  if (!problem_.empty()) peer.problem = problem_;
}

}  // namespace lvsd::ipvs::sync
