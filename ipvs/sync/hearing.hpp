// The stream on which one peer tells this director of its connections. What it tells is put into the table before more
// is read, so that a peer is never faster than the table. Used by the exchange, on its loop.
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

class Hearing : public std::enable_shared_from_this<Hearing> {
 public:
  using Put = std::function<void(Batch, std::function<void(Applied)>)>;

  Hearing(std::shared_ptr<Wire> wire, base::IpAddress peer, std::string secret, const Nonce& nonce, Put put,
          base::TimePoint now);
  void start();
  void close();

  void tick(base::TimePoint now);  // gives up who is silent
  bool is_over() const { return over_; }
  bool is_authentic() const { return authentic_; }  // it has shown that it knows the secret
  bool is_complete() const { return complete_at_.has_value(); }
  std::optional<base::TimePoint> complete_at() const { return complete_at_; }
  const base::IpAddress& peer() const { return peer_; }
  const std::string& problem() const { return problem_; }
  std::uint64_t heard() const { return session_.received(); }
  // Since the last call.
  Applied take_applied() { return std::exchange(applied_, {}); }

 private:
  void read(std::span<const std::uint8_t> bytes);
  void go_on();
  void broken(const std::string& reason);

  std::shared_ptr<Wire> wire_;
  base::IpAddress peer_;
  Listening session_;
  Put put_;
  base::TimePoint now_;
  base::TimePoint heard_at_;
  std::optional<base::TimePoint> complete_at_;
  Applied applied_;
  std::string problem_;
  bool authentic_ = false;
  bool over_ = false;
};

}  // namespace lvsd::ipvs::sync
