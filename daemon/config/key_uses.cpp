#include "daemon/config/key_uses.hpp"

#include <fmt/format.h>

namespace lvsd::daemon {

bool is_among(std::string_view type, std::string_view types) {
  while (!types.empty()) {
    const auto end = types.find_first_of(", ");
    if (types.substr(0, end) == type) return true;
    types.remove_prefix(end == std::string_view::npos ? types.size() : end + 1);
  }
  return false;
}

void refuse_other_keys(const SectionReader& reader, std::string_view type, std::span<const KeyUse> uses,
                       Report& report) {
  for (const auto& use : uses) {
    const auto* item = reader.own_item(use.key);
    if (!item || is_among(type, use.types)) continue;
    report.error(item->key_place, fmt::format("\"{}\" has no meaning in {}", use.key, reader.section().title()),
                 fmt::format("it is for type = {}", use.types));
  }
}

}  // namespace lvsd::daemon
