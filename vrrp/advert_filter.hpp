// What the kernel throws away of a flood of packets that are for no virtual router here, or that nobody could take for
// an advertisement: one in kSample of them still comes up and counts for all. Pure; used by the sockets.
#pragma once

#include <bitset>
#include <cstdint>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "vrrp/datagram.hpp"

struct sock_filter;

namespace lvsd::vrrp {

// Whom packets of one channel may be for.
struct Audience {
  std::bitset<256> ids;        // virtual router ids
  bool any_hop_limit = false;  // some instance takes a TTL below 255

  friend bool operator==(const Audience&, const Audience&) = default;
};

inline constexpr unsigned kSample = 16;

// Too short, of no known version and type, without an address or an interval, for no id of the audience, or with a TTL
// below 255 (IPv4: the kernel shows the filter no hop limit of IPv6).
bool is_noise(const Datagram& datagram, const Audience& audience);

// A classic BPF program for a raw socket of protocol 112 that lets through what is no noise, and one in kSample of the
// noise by chance.
std::vector<sock_filter> advert_filter(base::Family family, const Audience& audience);

// Whether there is so much noise that the filter is worth its price: counters that are estimates.
class Flood {
 public:
  static constexpr std::uint64_t kBegins = 1000;  // noise within a second
  static constexpr std::uint64_t kEnds = 500;

  // A packet has come up. Says how many it stands for.
  unsigned heard(bool noise, base::TimePoint now);
  bool lasts() const { return lasts_; }

 private:
  bool lasts_ = false;
  base::TimePoint second_{};  // that is counted
  std::uint64_t noise_ = 0;
};

}  // namespace lvsd::vrrp
