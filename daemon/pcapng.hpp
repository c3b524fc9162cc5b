// Capture files in the pcap-ng format (draft-ietf-opsawg-pcapng): written block by block, each packet with a comment
// that says what became of it. Wireshark, tshark and tcpdump read them. Pure; used by lvsctl and by lvsd --pcap.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace lvsd::daemon {

struct CommentedPacket {
  std::int64_t unix_ns = 0;
  std::string_view interface;
  bool leaves = false;       // outbound, else inbound
  std::uint32_t length = 0;  // on the wire; `bytes` may be shorter
  std::span<const std::uint8_t> bytes;
  std::string_view comment;
};

class Pcapng {
 public:
  // The section's header: what a file begins with.
  static std::string header(std::string_view application);

  // The packet's block, after that of its interface where this is its first packet.
  std::string packet(const CommentedPacket& packet);

 private:
  std::map<std::string, std::uint32_t, std::less<>> interfaces_;
};

}  // namespace lvsd::daemon
