// Sealed memory files: how text too large for a message, and the configuration, travel between processes. Nobody can
// change one after it was made, so the reader may trust its size.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/result.hpp"

namespace lvsd::base {

inline constexpr std::size_t kMemfdLimit = 256u << 20;  // bytes; larger ones are refused on both sides

Result<UniqueFd> make_sealed_memfd(const char* name, std::string_view content);

// Fails when the file is not sealed against writing, growing and shrinking, or is larger than the limit.
Result<std::string> read_sealed_memfd(int fd);

}  // namespace lvsd::base
