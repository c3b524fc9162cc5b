// How two directors trust what they read from a TCP stream: an unkeyed greeting from each side brings a random nonce,
// both and the shared secret give the session's key, and every frame after that carries a MAC over its direction, its
// number in the stream and its bytes. So a frame is neither forged, changed, repeated, reordered, left out nor sent
// back. Not encrypted. Pure; used by the sessions.
//
//   greeting: "LVSDSYNC" | u8 version | 16 bytes nonce                        25 bytes, sender first
//   frame:    u32 length of what follows | u8 type | payload | 16 bytes of HMAC-SHA256
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace lvsd::ipvs::sync {

inline constexpr std::uint8_t kVersion = 1;
inline constexpr std::size_t kNonceSize = 16;
inline constexpr std::size_t kMacSize = 16;
inline constexpr std::size_t kGreetingSize = 8 + 1 + kNonceSize;
inline constexpr std::size_t kMostPayload = 60'000;  // bytes

using Nonce = std::array<std::uint8_t, kNonceSize>;
using Key = std::array<std::uint8_t, 32>;
using Bytes = std::vector<std::uint8_t>;

// Servers, Records, Complete (the full state has been told), Ping: from the sender. Ready (the receiver knows the
// secret), Handled (u64: how many records are dealt with): from the receiver. The last four have no payload but that.
enum class FrameType : std::uint8_t { Servers = 1, Records, Complete, Ping, Ready, Handled };
enum class Side : std::uint8_t { Sender = 1, Receiver };

struct Greeting {
  std::uint8_t version = kVersion;
  Nonce nonce{};
};
Bytes encode(const Greeting& greeting);
std::optional<Greeting> decode_greeting(std::span<const std::uint8_t> bytes);  // kGreetingSize bytes

// Nothing when the library fails, which must not be taken for a key.
std::optional<Key> session_key(std::string_view secret, const Nonce& sender, const Nonce& receiver);

// Puts frames under the key, for one direction of one session.
class Sealer {
 public:
  Sealer(const Key& key, Side from) : key_{key}, from_{from} {}
  Bytes seal(FrameType type, std::span<const std::uint8_t> payload);

 private:
  Key key_;
  Side from_;
  std::uint64_t number_ = 0;
};

// Takes frames out of the bytes of one direction, as they come. After `failed` nothing more comes out.
class Opener {
 public:
  struct Frame {
    FrameType type{};
    Bytes payload;
  };
  Opener(const Key& key, Side from) : key_{key}, from_{from} {}
  void feed(std::span<const std::uint8_t> bytes) { buffer_.insert(buffer_.end(), bytes.begin(), bytes.end()); }
  std::optional<Frame> next();
  bool failed() const { return failed_; }
  std::size_t waiting() const { return buffer_.size() - used_; }  // bytes

 private:
  Key key_;
  Side from_;
  std::uint64_t number_ = 0;
  Bytes buffer_;
  std::size_t used_ = 0;
  bool failed_ = false;
};

}  // namespace lvsd::ipvs::sync
