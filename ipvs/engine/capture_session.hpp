// The one capture that may run: whose it is, when it ends, and what was seen, in words. Used by the engine backend, on
// the room's loop.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "base/time.hpp"
#include "ipvs/capture_messages.hpp"
#include "ipvs/engine/workers.hpp"

namespace lvsd::ipvs::engine {

class CaptureSession {
 public:
  static constexpr base::Duration kPatience{std::chrono::seconds{5}};

  explicit CaptureSession(Workers& workers) : workers_{workers} {}

  // See CaptureQuery. Another's capture, or a filter that is not one, is an error.
  base::Result<Captured> answer(const CaptureQuery& query,
                                const std::function<std::string(std::uint32_t)>& interface_name, base::TimePoint now);
  // Ends it when nobody has asked for so long.
  void expire(base::TimePoint now);

 private:
  Workers& workers_;
  std::string session_;  // "": none
  base::TimePoint asked_{};
};

}  // namespace lvsd::ipvs::engine
