// Operator overrides as values: what a request makes of them, which of them end, and their text in the file that keeps
// them. Pure; used by Supervisor, which holds the list.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "daemon/api.hpp"
#include "ipvs/config.hpp"
#include "ipvs/desired.hpp"
#include "ipvs/messages.hpp"

namespace lvsd::daemon {

inline constexpr std::size_t kMostOverrides = 20'000;
inline constexpr std::size_t kLongestReason = 256;                            // bytes
inline constexpr std::int64_t kLongestOverrideMs = 366LL * 24 * 3600 * 1000;  // of --for

// What a request is judged by.
struct OverrideGround {
  const ipvs::Config& config;      // in force
  const ipvs::HealthView& health;  // of this moment
  std::string by;                  // who asks
  std::int64_t now_unix_ms = 0;
};

struct OverrideDecision {
  OverrideList after;
  OverrideResult result;
};

// Why a request is not done: HTTP status and the members of an API error.
struct Objection {
  int status = 400;
  std::string code;
  std::string text;
  std::string hint;
};

base::Result<OverrideDecision, Objection> decide(const OverrideList& now, const OverrideRequest& request,
                                                 const OverrideGround& ground);

// Takes out what has run out, or what concerns a server that the configuration does not have; returns it.
std::vector<OverrideStatus> take_expired(OverrideList& list, std::int64_t now_unix_ms);
std::vector<OverrideStatus> take_unknown(OverrideList& list, const ipvs::Config& config);

ipvs::Overrides for_room(const OverrideList& list);

std::string words(const OverrideStatus& override_);  // "drain", "weight 50%"

std::string encode_overrides(const OverrideList& list);
base::Result<OverrideList> decode_overrides(std::string_view text);  // strict: all or nothing

}  // namespace lvsd::daemon
