// The file that keeps the overrides across restarts, STATE_DIR/overrides.json. Written beside the loop, complete at
// once (a new file, renamed over the old one), in the order of the calls. Used by Supervisor.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "daemon/api.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::daemon {

inline constexpr std::size_t kMostOverrideBytes = 16u << 20;

// What an earlier process kept. A file that cannot be understood is renamed to overrides.json.damaged; `problem` says
// so.
struct KeptOverrides {
  OverrideList list;
  std::string problem;
};
KeptOverrides read_overrides(const std::string& state_dir);

class OverrideFile {
 public:
  OverrideFile(boost::asio::io_context& loop, std::string state_dir);
  ~OverrideFile();  // what was asked for is written

  // `then` is called on the loop. The directory is made where it is missing.
  void write(const OverrideList& list, std::function<void(base::Result<void>)> then);

 private:
  struct Writer;
  boost::asio::io_context& loop_;
  std::string state_dir_;
  std::unique_ptr<Writer> writer_;  // a thread of its own, from the first write on
};

}  // namespace lvsd::daemon
