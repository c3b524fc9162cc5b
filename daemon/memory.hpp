// One value that outlives the process: two checksummed slots in a memory file that the service manager holds. A write
// goes to the older slot, so that a process killed in the middle of it leaves the newer one whole. Used by the control
// process for the verdicts and the masters of the moment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace lvsd::daemon {

class Memory {
 public:
  static constexpr std::size_t kMaxValue = 64u << 20;  // bytes; a larger value is not written

  static base::Result<Memory> make(const char* name);

  // Takes over what an earlier process wrote. Never fails: a file in which nothing whole is found reads as empty.
  explicit Memory(base::UniqueFd file);

  std::optional<std::string> read() const;  // the newest whole value
  base::Result<void> write(std::string_view value);
  int fd() const { return file_.get(); }

 private:
  base::UniqueFd file_;
  std::uint64_t sequence_ = 0;  // of the newest whole slot; 0 none. Slot = sequence & 1
};

}  // namespace lvsd::daemon
