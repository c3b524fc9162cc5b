// An IPv4 packet that is too large for its way out, and may be fragmented, as fragments (RFC 791 §3.2). A fragment is
// split further. Used by the forwarder; IPv6 is never fragmented on the way (RFC 8200 §4.5).
#pragma once

#include <cstdint>
#include <span>

namespace lvsd::ipvs::engine {

class Split {
 public:
  // `packet` is a whole IPv4 packet without DF, longer than `mtu`, which is at least 68; it must outlive the Split.
  Split(std::span<const std::uint8_t> packet, std::uint32_t mtu) noexcept;

  // Bytes of the next fragment, IP header included; 0 after the last.
  std::uint32_t next_length() const noexcept;
  // Writes the next fragment, next_length() bytes.
  void write_next(std::uint8_t* to) noexcept;

 private:
  std::uint32_t header() const noexcept;  // of the next fragment

  std::span<const std::uint8_t> packet_;
  std::uint32_t mtu_;
  std::uint32_t first_header_;
  std::uint32_t later_header_;  // only some options are copied
  std::uint32_t done_ = 0;      // bytes of payload
};

}  // namespace lvsd::ipvs::engine
