#include "ipvs/sync/hearing.hpp"

#include <utility>

#include "base/log.hpp"

namespace lvsd::ipvs::sync {
namespace {

constexpr base::Duration kSilence = std::chrono::seconds{5};

}  // namespace

Hearing::Hearing(std::shared_ptr<Wire> wire, base::IpAddress peer, std::string secret, const Nonce& nonce, Put put,
                 base::TimePoint now)
    : wire_{std::move(wire)},
      peer_{peer},
      session_{std::move(secret), nonce},
      put_{std::move(put)},
      now_{now},
      heard_at_{now} {}

void Hearing::start() {
  const std::weak_ptr<Hearing> weak = weak_from_this();
  wire_->listen_to({.connected = {},
                    .read =
                        [weak](std::span<const std::uint8_t> bytes) {
                          if (const auto self = weak.lock()) self->read(bytes);
                        },
                    .written = [] {},
                    .closed =
                        [weak](const std::string& reason) {
                          if (const auto self = weak.lock()) self->broken(reason);
                        }});
  wire_->read();
}

void Hearing::close() {
  over_ = true;
  wire_->close();
}

void Hearing::tick(base::TimePoint now) {
  now_ = now;
  if (!over_ && now - heard_at_ > kSilence) broken("silent");
}

void Hearing::broken(const std::string& reason) {
  if (over_) return;
  if (authentic_) base::log::warning("sync", "{} tells no more of its connections: {}", peer_.to_string(), reason);
  problem_ = reason;
  close();
}

void Hearing::read(std::span<const std::uint8_t> bytes) {
  heard_at_ = now_;
  Bytes answer;
  const auto breach = session_.receive(bytes, answer);
  wire_->write(std::move(answer));
  if (breach != Breach::None) return broken(std::string{explain(breach)});
  go_on();
}

// Reads on only when all that came is dealt with.
void Hearing::go_on() {
  while (!over_) {
    auto event = session_.next();
    if (session_.breach() != Breach::None) return broken(std::string{explain(session_.breach())});
    if (!event) return wire_->read();
    authentic_ = true;
    if (auto* batch = std::get_if<Batch>(&*event)) {
      const auto records = batch->records.size();
      const std::weak_ptr<Hearing> weak = weak_from_this();
      return put_(std::move(*batch), [weak, records](const Applied& applied) {
        const auto self = weak.lock();
        if (!self || self->over_) return;
        self->applied_ += applied;
        self->wire_->write(self->session_.handled(records));
        self->go_on();
      });
    }
    if (std::holds_alternative<Listening::Complete>(*event)) {
      complete_at_ = now_;
      base::log::info("sync", "{} has told of all its connections: {}", peer_.to_string(), session_.received());
    }
    wire_->write(session_.handled(0));
  }
}

}  // namespace lvsd::ipvs::sync
