// Files to sections and entries, nothing understood yet. libinih does the splitting and is wrapped here alone; our line
// reader stands before it, because inih loses line numbers, cuts long lines and section names, and stays silent about
// much else.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "daemon/config/report.hpp"

namespace lvsd::daemon {

inline constexpr std::size_t kMaxLine = 4096;         // bytes, line end not counted
inline constexpr std::size_t kMaxSectionHeader = 48;  // bytes between the brackets; inih truncates longer ones

// All views point into the SourceFile's text.
struct RawEntry {
  std::string_view key;   // without @node
  std::string_view node;  // after "@"; empty: every node
  std::string_view value;
  Place key_place;  // of the key with its @node
  Place value_place;
};

struct RawSection {
  std::string_view header;  // "vrrp front"
  Place place;
  std::vector<RawEntry> entries;
};

// Appends the sections of sources.files[file]. Entries of a section whose header is broken are left out, so that one
// mistake is reported once.
void read_raw(const Sources& sources, std::uint32_t file, std::vector<RawSection>& sections, Report& report);

}  // namespace lvsd::daemon
