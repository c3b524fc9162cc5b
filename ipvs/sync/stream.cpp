#include "ipvs/sync/stream.hpp"

#include <algorithm>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/bytes.hpp"

namespace lvsd::ipvs::sync {
namespace {

constexpr std::string_view kMagic = "LVSDSYNC";
constexpr std::string_view kPurpose = "lvsd connection sync 1";
constexpr std::size_t kLengthSize = 4;
constexpr std::size_t kLeastFrame = 1 + kMacSize;

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::optional<Key> hmac(std::span<const std::uint8_t> key, std::span<const std::uint8_t> message) {
  Key digest{};
  unsigned size = 0;
  const bool done = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), message.data(), message.size(),
                         digest.data(), &size) != nullptr;
  if (!done || size != digest.size()) return std::nullopt;
  return digest;
}

// Over the direction, the frame's number and its bytes from the length on. Nothing when the library fails, which must
// not be taken for a digest.
std::optional<std::array<std::uint8_t, kMacSize>> mac_of(const Key& key, Side from, std::uint64_t number,
                                                         std::span<const std::uint8_t> frame) {
  base::ByteWriter input;
  input.bytes.reserve(frame.size() + 9);
  input.u8(static_cast<std::uint8_t>(from));
  input.u32(static_cast<std::uint32_t>(number >> 32));
  input.u32(static_cast<std::uint32_t>(number));
  input.append(frame);
  const auto digest = hmac(key, input.bytes);
  if (!digest) return std::nullopt;
  std::array<std::uint8_t, kMacSize> mac{};
  std::copy_n(digest->begin(), mac.size(), mac.begin());
  return mac;
}

}  // namespace

Bytes encode(const Greeting& greeting) {
  base::ByteWriter out;
  out.append(bytes_of(kMagic));
  out.u8(greeting.version);
  out.append(greeting.nonce);
  return std::move(out.bytes);
}

std::optional<Greeting> decode_greeting(std::span<const std::uint8_t> bytes) {
  base::ByteReader in{bytes};
  if (!std::ranges::equal(in.take(kMagic.size()), bytes_of(kMagic))) return std::nullopt;
  Greeting greeting;
  greeting.version = in.u8();
  const auto nonce = in.take(kNonceSize);
  if (!in.ok || in.left() != 0) return std::nullopt;
  std::ranges::copy(nonce, greeting.nonce.begin());
  return greeting;
}

std::optional<Key> session_key(std::string_view secret, const Nonce& sender, const Nonce& receiver) {
  base::ByteWriter input;
  input.append(bytes_of(kPurpose));
  input.append(sender);
  input.append(receiver);
  return hmac(bytes_of(secret), input.bytes);
}

Bytes Sealer::seal(FrameType type, std::span<const std::uint8_t> payload) {
  base::ByteWriter out;
  out.bytes.reserve(kLengthSize + kLeastFrame + payload.size());
  out.u32(static_cast<std::uint32_t>(kLeastFrame + payload.size()));
  out.u8(static_cast<std::uint8_t>(type));
  out.append(payload);
  const auto mac = mac_of(key_, from_, number_++, out.bytes);
  out.append(mac.value_or(std::array<std::uint8_t, kMacSize>{}));
  return std::move(out.bytes);
}

std::optional<Opener::Frame> Opener::next() {
  if (failed_ || waiting() < kLengthSize) return std::nullopt;
  base::ByteReader in{std::span{buffer_}.subspan(used_)};
  const std::size_t length = in.u32();
  if (length < kLeastFrame || length > kLeastFrame + kMostPayload) {
    failed_ = true;
    return std::nullopt;
  }
  if (in.left() < length) return std::nullopt;
  const auto sealed = std::span<const std::uint8_t>{buffer_}.subspan(used_, kLengthSize + length - kMacSize);
  const auto expected = mac_of(key_, from_, number_, sealed);
  const auto* mac = buffer_.data() + used_ + sealed.size();
  if (!expected || CRYPTO_memcmp(expected->data(), mac, kMacSize) != 0) {
    failed_ = true;
    return std::nullopt;
  }
  ++number_;
  Frame frame{static_cast<FrameType>(sealed[kLengthSize]), {}};
  frame.payload.assign(sealed.begin() + kLengthSize + 1, sealed.end());
  used_ += kLengthSize + length;
  if (used_ == buffer_.size() || used_ > kMostPayload) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(used_));
    used_ = 0;
  }
  return frame;
}

}  // namespace lvsd::ipvs::sync
