// What crosses the wall of the ipvs room when somebody looks at the packets: lvsctl capture. Part of messages.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe/class.hpp>

namespace lvsd::ipvs {

// Down / up: frames as the engine sees them. The first question of a session begins it, each answer has what was seen
// since the last; a session that is not asked for five seconds ends. There is one at a time.
struct CaptureQuery {
  static constexpr std::string_view kName = "CaptureQuery";
  struct Instruction {  // classic BPF (bpf(4)) over Ethernet
    std::uint16_t code = 0;
    std::uint8_t jump_true = 0;
    std::uint8_t jump_false = 0;
    std::uint32_t k = 0;
  };
  std::uint64_t id = 0;
  std::string session;                // chosen by who asks
  std::vector<Instruction> filter;    // empty: every frame
  std::uint32_t snap_length = 65535;  // bytes kept of a frame
  std::uint32_t every = 1;            // of so many frames that fit, one
  bool end = false;                   // this is the last question
};
BOOST_DESCRIBE_STRUCT(CaptureQuery::Instruction, (), (code, jump_true, jump_false, k))
BOOST_DESCRIBE_STRUCT(CaptureQuery, (), (id, session, filter, snap_length, every, end))

struct CapturedFrame {
  std::int64_t unix_ns = 0;
  std::string interface;
  bool leaves = false;       // as the engine sends it; else as it came
  std::uint32_t length = 0;  // of the frame
  std::string bytes;         // hexadecimal, of what was kept of it
  std::string summary;       // "tcp 192.0.2.1:40000 > 10.0.0.100:80 SYN"
  std::string verdict;       // what became of it
};
BOOST_DESCRIBE_STRUCT(CapturedFrame, (), (unix_ns, interface, leaves, length, bytes, summary, verdict))

struct Captured {
  static constexpr std::string_view kName = "Captured";
  std::uint64_t id = 0;
  std::vector<CapturedFrame> frames;
  bool more = false;           // there is more to fetch at once
  std::uint64_t seen = 0;      // packets that the engine worked on since the session began
  std::uint64_t matching = 0;  // of them, those that the filter takes
  std::uint64_t missed = 0;    // of those, for which there was no room
  std::string problem;         // "", or why there is no capture
};
BOOST_DESCRIBE_STRUCT(Captured, (), (id, frames, more, seen, matching, missed, problem))

}  // namespace lvsd::ipvs
