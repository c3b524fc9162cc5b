// The two ends of one stream from a director that tells to one that listens, as bytes in and bytes out. The teller
// dials. Pure: no socket, no clock, no randomness (nonces are arguments). Used by exchange.
//
//   teller                              listener
//   greeting ->                         <- greeting, Ready
//   Servers, Records … Complete ->      (the full state, with changes between)
//   Servers, Records, Ping ->           <- Handled
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ipvs/sync/record.hpp"
#include "ipvs/sync/stream.hpp"

namespace lvsd::ipvs::sync {

// Why a stream is given up.
enum class Breach : std::uint8_t { None, NotLvsd, OtherVersion, OtherSecret, Malformed, Library };
std::string_view explain(Breach breach);  // "does not speak this protocol"

class Teller {
 public:
  Teller(std::string secret, const Nonce& nonce) : secret_{std::move(secret)}, nonce_{nonce} {}

  Bytes greeting() const { return encode(Greeting{kVersion, nonce_}); }
  // What the listener sent. Not None: give the stream up.
  Breach receive(std::span<const std::uint8_t> bytes);

  bool ready() const { return ready_; }  // the listener is who it should be; only then may be told
  // Frames for the batch: servers that the listener does not know yet, then the records. Empty for an empty batch.
  Bytes tell(const Batch& batch);
  Bytes complete();
  Bytes ping();

  std::uint64_t told() const { return told_; }        // records
  std::uint64_t handled() const { return handled_; }  // of them, by the listener's word

 private:
  Breach greet();

  std::string secret_;
  Nonce nonce_;
  Bytes greeting_;
  std::optional<Sealer> sealer_;
  std::optional<Opener> opener_;
  std::map<std::uint32_t, Server> known_;
  bool ready_ = false;
  std::uint64_t told_ = 0;
  std::uint64_t handled_ = 0;
};

class Listening {
 public:
  Listening(std::string secret, const Nonce& nonce) : secret_{std::move(secret)}, nonce_{nonce} {}

  struct Complete {};  // all that the teller knew is told
  struct Alive {};
  using Event = std::variant<Batch, Complete, Alive>;

  // Takes bytes; `answer` gets what is to be sent back.
  Breach receive(std::span<const std::uint8_t> bytes, Bytes& answer);
  // One at a time, so that what follows can wait until a batch has been dealt with. Nothing: feed more, or see
  // breach().
  std::optional<Event> next();
  Breach breach() const { return breach_; }
  // After a batch of so many records.
  Bytes handled(std::uint64_t records);

  bool greeted() const { return opener_.has_value(); }
  std::size_t waiting() const { return opener_ ? opener_->waiting() : 0; }  // bytes
  std::uint64_t received() const { return received_; }                      // records

 private:
  std::optional<Event> read(const Opener::Frame& frame);
  std::optional<Event> fail(Breach breach);

  std::string secret_;
  Nonce nonce_;
  Bytes greeting_;
  std::optional<Sealer> sealer_;
  std::optional<Opener> opener_;
  std::map<std::uint32_t, Server> known_;
  std::uint64_t received_ = 0;
  std::uint64_t handled_ = 0;
  Breach breach_ = Breach::None;
};

}  // namespace lvsd::ipvs::sync
