#include "vrrp/authenticator.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/bytes.hpp"

namespace lvsd::vrrp {
namespace {

constexpr std::uint8_t kSha256Truncated = 1;
constexpr std::size_t kDigestSize = 16;
constexpr std::size_t kPrefixSize = kTrailerSize - kDigestSize;
constexpr std::size_t kChecksumAt = 6;
constexpr std::size_t kLeastMessage = 8;
constexpr unsigned kSecondsShift = 32;
constexpr unsigned kFractionShift = 16;

using Digest = std::array<std::uint8_t, kDigestSize>;

// RFC 1982: the field may wrap.
bool is_after(std::uint64_t a, std::uint64_t b) { return static_cast<std::int64_t>(a - b) > 0; }

std::uint64_t stamp(base::Duration wall) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(wall);
  const auto rest = static_cast<std::uint64_t>((wall - seconds).count());
  const auto fraction = (rest << 16) / 1'000'000'000;
  return (std::uint64_t{static_cast<std::uint32_t>(seconds.count())} << kSecondsShift) | (fraction << kFractionShift);
}

std::uint32_t seconds_of(std::uint64_t sequence) { return static_cast<std::uint32_t>(sequence >> kSecondsShift); }
std::uint32_t whole_seconds(base::Duration time) {
  return static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(time).count());
}

// In both directions; modular, as the stamp is.
bool is_within(std::uint32_t a, std::uint32_t b, std::chrono::seconds window) {
  const std::int64_t difference = static_cast<std::int32_t>(a - b);
  return difference <= window.count() && -difference <= window.count();
}

// Nothing when the library fails, which must not be taken for a digest.
std::optional<Digest> digest(const HmacKey& key, std::span<const std::uint8_t> message,
                             std::span<const std::uint8_t> prefix, const base::IpAddress& source) {
  base::ByteWriter input;
  input.u8(source.is_v4() ? 4 : 6);
  input.u8(static_cast<std::uint8_t>(message[0] >> 4));  // version
  input.u8(message[1]);                                  // virtual router id
  input.u8(0);
  input.append(source.bytes());  // an IPv4 address opens them, the rest is zero
  const std::size_t message_at = input.bytes.size();
  input.append(message);
  input.bytes[message_at + kChecksumAt] = 0;
  input.bytes[message_at + kChecksumAt + 1] = 0;
  input.append(prefix);
  input.append(Digest{});
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> whole{};
  unsigned size = 0;
  if (!HMAC(EVP_sha256(), key.bytes.data(), static_cast<int>(key.bytes.size()), input.bytes.data(), input.bytes.size(),
            whole.data(), &size) ||
      size < kDigestSize) {
    return std::nullopt;
  }
  Digest result{};
  std::copy_n(whole.begin(), kDigestSize, result.begin());
  return result;
}

struct Trailer {
  std::uint8_t type = 0;
  std::uint8_t key = 0;
  std::uint16_t reserved = 0;
  std::uint64_t sequence = 0;
};

Trailer read(std::span<const std::uint8_t> bytes) {
  base::ByteReader in{bytes};
  Trailer trailer;
  trailer.type = in.u8();
  trailer.key = in.u8();
  trailer.reserved = in.u16();
  const std::uint64_t seconds = in.u32();
  trailer.sequence = (seconds << kSecondsShift) | in.u32();
  return trailer;
}

}  // namespace

std::uint64_t Sequence::next(base::Duration wall, std::chrono::seconds window) {
  const std::uint64_t clock = stamp(wall);
  const std::int64_t ahead = static_cast<std::int32_t>(seconds_of(last_) - seconds_of(clock));
  last_ = is_after(clock, last_) || ahead > window.count() ? clock : last_ + 1;
  return last_;
}

const ReplayGuard::Sender* ReplayGuard::find(const base::IpAddress& source) const {
  const auto it = std::ranges::find(senders_, source, &Sender::address);
  return it == senders_.end() ? nullptr : &*it;
}

bool ReplayGuard::is_fresh(const base::IpAddress& source, std::uint64_t sequence, Moment now,
                           std::chrono::seconds window) const {
  if (is_within(seconds_of(sequence), whole_seconds(now.wall), window)) return true;
  const Sender* sender = find(source);
  return sender && is_within(seconds_of(sequence), whole_seconds(now.boot + sender->offset), window);
}

std::optional<DecodeError> ReplayGuard::judge(const base::IpAddress& source, std::uint64_t sequence, Moment now,
                                              std::chrono::seconds window) {
  if (!is_fresh(source, sequence, now, window)) return DecodeError::HmacStale;
  const bool near_wall = is_within(seconds_of(sequence), whole_seconds(now.wall), window);
  const Sender* known = find(source);
  if (known) {
    const bool forgotten = near_wall && !is_within(seconds_of(known->sequence), whole_seconds(now.wall), window);
    if (!forgotten && !is_after(sequence, known->sequence)) return DecodeError::HmacReplay;
  }
  Sender next{source, sequence, {}, now.boot};
  const auto boot = std::chrono::floor<std::chrono::seconds>(now.boot);
  // Anchored where the wall clock agrees, so that delays do not add up.
  next.offset = near_wall || !known ? std::chrono::seconds{seconds_of(sequence)} - boot : known->offset;
  std::erase_if(senders_, [&](const Sender& sender) { return sender.address == source; });
  if (senders_.size() == kSenders) senders_.erase(std::ranges::min_element(senders_, {}, &Sender::heard));
  senders_.push_back(next);
  return std::nullopt;
}

std::vector<std::uint8_t> Authenticator::sign(const HmacConfig& config, std::span<const std::uint8_t> message,
                                              const base::IpAddress& source, Moment now, std::chrono::seconds window) {
  const std::uint64_t sequence = sequence_.next(now.wall, window);
  base::ByteWriter out;
  out.u8(kSha256Truncated);
  out.u8(config.keys.front().id);
  out.u16(0);
  out.u32(seconds_of(sequence));
  out.u32(static_cast<std::uint32_t>(sequence));
  out.append(digest(config.keys.front(), message, out.bytes, source).value_or(Digest{}));
  return std::move(out.bytes);
}

std::optional<DecodeError> Authenticator::judge(const HmacConfig& config, std::span<const std::uint8_t> message,
                                                std::span<const std::uint8_t> trailer, const base::IpAddress& source,
                                                Moment now, std::chrono::seconds window) {
  if (trailer.empty()) {
    if (config.mode == AuthMode::Enforce) return DecodeError::HmacMissing;
    return std::nullopt;
  }
  if (trailer.size() != kTrailerSize || message.size() < kLeastMessage) return DecodeError::HmacMalformed;
  const Trailer told = read(trailer);
  if (told.type != kSha256Truncated || told.reserved != 0) return DecodeError::HmacMalformed;
  const auto key = std::ranges::find(config.keys, told.key, &HmacKey::id);
  if (key == config.keys.end()) return DecodeError::HmacKey;
  // Before the digest, so that a flood of old ones costs little.
  if (!replays_.is_fresh(source, told.sequence, now, window)) return DecodeError::HmacStale;
  const auto expected = digest(*key, message, trailer.first(kPrefixSize), source);
  if (!expected || CRYPTO_memcmp(expected->data(), trailer.data() + kPrefixSize, kDigestSize) != 0)
    return DecodeError::HmacDigest;
  return replays_.judge(source, told.sequence, now, window);
}

}  // namespace lvsd::vrrp
