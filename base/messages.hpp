// Messages every room understands, so that the supervisor can treat the rooms alike. Each room's own messages.hpp adds
// its vocabulary and gathers both in its Down (decisions) and Up (observations) variants.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/describe/class.hpp>

namespace lvsd::base {

// Down, one descriptor attached: the configuration as a sealed memory file. The room parses it, compares with what is
// in force, applies the difference and answers with Configured. The first one starts the room's work.
struct Configure {
  static constexpr std::string_view kName = "Configure";
  std::uint64_t generation = 0;
};
BOOST_DESCRIBE_STRUCT(Configure, (), (generation))

// Up. An empty error: `generation` is in force. Otherwise nothing changed.
struct Configured {
  static constexpr std::string_view kName = "Configured";
  std::uint64_t generation = 0;
  std::string error;
};
BOOST_DESCRIBE_STRUCT(Configured, (), (generation, error))

// Up, about twice a second while the room's own work makes progress. The watchdog is fed from these.
struct Beat {
  static constexpr std::string_view kName = "Beat";
  std::uint64_t count = 0;
};
BOOST_DESCRIBE_STRUCT(Beat, (), (count))

// Down: finish in order (vrrp resigns, ipvs drains its rings) and exit 0.
struct Stop {
  static constexpr std::string_view kName = "Stop";
  std::string reason;
};
BOOST_DESCRIBE_STRUCT(Stop, (), (reason))

// Up, descriptors attached, one per name: hold these for my successor. A name replaces what was held under it.
// Down, the same way, before the first Configure: what an earlier incarnation asked to hold.
struct Keep {
  static constexpr std::string_view kName = "Keep";
  std::vector<std::string> names;
};
BOOST_DESCRIBE_STRUCT(Keep, (), (names))

}  // namespace lvsd::base
