// Keys that mean something to some types of a section only ([check], [track]). Used by what reads those sections.
#pragma once

#include <span>
#include <string_view>

#include "daemon/config/validate.hpp"

namespace lvsd::daemon {

struct KeyUse {
  std::string_view key;
  std::string_view types;  // as the operator reads them: "http, https or sip"
};

// Whether `type` is one of the words of `types`.
bool is_among(std::string_view type, std::string_view types);

// Reports each key of the section that means nothing to its type: most likely `type` is wrong.
void refuse_other_keys(const SectionReader& reader, std::string_view type, std::span<const KeyUse> uses,
                       Report& report);

}  // namespace lvsd::daemon
