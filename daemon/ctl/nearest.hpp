// "Did you mean": the known word closest to a mistyped one. Used for commands, options and names of objects.
#pragma once

#include <string_view>
#include <vector>

namespace lvsd::ctl {

// The candidate with the smallest edit distance to `word`; "" when none is within a third of its length (at least 1).
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace lvsd::ctl
