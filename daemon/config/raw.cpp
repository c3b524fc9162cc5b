#include "daemon/config/raw.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <ini.h>

namespace lvsd::daemon {
namespace {

constexpr std::string_view kBlank = " \t\v\f\r";
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

// Debian's libinih has variables where upstream has macros. Set once: nothing else in the process uses inih.
bool set_up_inih() {
  static char comments[] = ";#";
  ini_allow_multiline = false;
  ini_allow_inline_comments = true;
  ini_start_comment_prefixes = comments;
  ini_inline_comment_prefixes = comments;
  ini_allow_no_value = false;
  ini_stop_on_first_error = false;
  ini_use_stack = false;
  ini_allow_realloc = false;
  ini_initial_alloc = ini_max_line = static_cast<int>(kMaxLine) + 3;  // '\r', '\n', '\0'
  return true;
}

// Where a comment begins: a comment character at the start or after a blank. npos: none.
std::size_t comment_start(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    const bool begins = line[i] == ';' || line[i] == '#';
    if (begins && (i == 0 || kBlank.find(line[i - 1]) != std::string_view::npos)) return i;
  }
  return std::string_view::npos;
}

std::string_view trimmed_right(std::string_view text) {
  const auto last = text.find_last_not_of(kBlank);
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

class LineReader {
 public:
  LineReader(const Sources& sources, std::uint32_t file, std::vector<RawSection>& sections, Report& report)
      : rest_{sources.files[file].text}, sections_{sections}, report_{report}, file_{file} {
    if (rest_.starts_with(kByteOrderMark)) rest_.remove_prefix(kByteOrderMark.size());
  }

  // inih's reader: the next line that is an entry, without leading blanks; everything else is dealt with here.
  static char* next(char* buffer, int size, void* self) {
    return static_cast<LineReader*>(self)->next_entry(buffer, static_cast<std::size_t>(size));
  }

  // inih's handler: one per entry, right after the line was handed over.
  static int entry(void* self, const char*, const char* key, const char* value) {
    static_cast<LineReader*>(self)->add_entry(std::strlen(key), std::strlen(value));
    return 1;
  }

 private:
  enum class Target { None, Broken, Section };

  Place place(std::string_view piece) const {
    return {file_, line_number_, static_cast<std::uint32_t>(piece.data() - line_.data()) + 1,
            static_cast<std::uint32_t>(std::max<std::size_t>(1, piece.size()))};
  }

  char* next_entry(char* buffer, std::size_t size) {
    while (take_line()) {
      const auto content = line_.substr(std::min(line_.size(), line_.find_first_not_of(kBlank)));
      if (!is_entry(content)) continue;
      if (content.size() + 2 > size) {  // an inih that does not take its limit from us
        report_.error(place(content), fmt::format("the line is longer than the {} bytes of libinih", size));
        continue;
      }
      std::memcpy(buffer, content.data(), content.size());
      buffer[content.size()] = '\n';
      buffer[content.size() + 1] = '\0';
      content_ = content;
      return buffer;
    }
    return nullptr;
  }

  bool take_line() {
    if (rest_.empty()) return false;
    const auto end = rest_.find('\n');
    line_ = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    ++line_number_;
    return true;
  }

  bool is_entry(std::string_view content) {
    if (const auto nul = line_.find('\0'); nul != std::string_view::npos) {
      report_.error(place(line_.substr(nul, 1)), "the line contains a NUL byte", "is this a text file?");
      return false;
    }
    if (line_.size() > kMaxLine) {
      report_.error({file_, line_number_, 0, 1},
                    fmt::format("the line is {} bytes long, at most {} are allowed", line_.size(), kMaxLine));
      return false;
    }
    if (content.empty() || content.front() == ';' || content.front() == '#') return false;
    if (content.front() == '[') {
      open_section(content);
      return false;
    }
    return has_key_and_value(content);
  }

  void open_section(std::string_view content) {
    target_ = Target::Broken;
    content = trimmed_right(content.substr(0, comment_start(content)));
    const auto close = content.find(']');
    if (close == std::string_view::npos) {
      return report_.error(place(content), "the section header has no closing \"]\"");
    }
    auto header = trimmed_right(content.substr(1, close - 1));
    header.remove_prefix(std::min(header.size(), header.find_first_not_of(kBlank)));
    if (close + 1 < content.size()) {
      const auto rest = content.substr(close + 1);
      return report_.error(place(rest.substr(rest.find_first_not_of(kBlank))), "text after the section header",
                           "one section or key per line; comments begin with ; or # after a blank");
    }
    if (header.empty()) return report_.error(place(content), "the section header is empty");
    if (header.size() > kMaxSectionHeader) {
      return report_.error(place(header), fmt::format("the section header is {} bytes long, at most {} are allowed",
                                                      header.size(), kMaxSectionHeader));
    }
    sections_.push_back({header, place(header), {}});
    target_ = Target::Section;
  }

  bool has_key_and_value(std::string_view content) {
    if (target_ == Target::Broken) return false;
    const auto text = trimmed_right(content.substr(0, comment_start(content)));
    const auto separator = text.find_first_of("=:");
    if (separator == std::string_view::npos || text[separator] == ':') {
      const auto word = text.substr(0, std::min(text.size(), text.find_first_of(" \t:=")));
      report_.error(place(word), fmt::format("no \"=\" after \"{}\"", word), fmt::format("write {} = VALUE", word));
      return false;
    }
    if (trimmed_right(text.substr(0, separator)).empty()) {
      report_.error(place(text.substr(0, 1)), "no key before \"=\"");
      return false;
    }
    if (target_ == Target::None) {
      report_.error(place(text), "a key before the first section", "begin with a section, for example [global]");
      return false;
    }
    return true;
  }

  void add_entry(std::size_t key_length, std::size_t value_length) {
    RawEntry entry;
    const auto whole_key = content_.substr(0, key_length);
    entry.key_place = place(whole_key);
    const auto at = whole_key.find('@');
    entry.key = whole_key.substr(0, at);
    if (at != std::string_view::npos) entry.node = whole_key.substr(at + 1);
    const auto after = content_.find('=', key_length) + 1;
    const auto start = std::min(content_.size(), content_.find_first_not_of(kBlank, after));
    entry.value = content_.substr(value_length ? start : after, value_length);
    entry.value_place = place(entry.value);
    if (at != std::string_view::npos && entry.node.empty()) {
      return report_.error(entry.key_place, "no node name after \"@\"",
                           fmt::format("write {}@NODE = VALUE", entry.key));
    }
    if (entry.value.empty()) {
      return report_.error(entry.key_place, fmt::format("\"{}\" has no value", whole_key),
                           "remove the line for the default");
    }
    sections_.back().entries.push_back(entry);
  }

  std::string_view rest_;
  std::string_view line_;
  std::string_view content_;  // of the entry that inih holds
  std::vector<RawSection>& sections_;
  Report& report_;
  std::uint32_t file_;
  std::uint32_t line_number_ = 0;
  Target target_ = Target::None;
};

}  // namespace

void read_raw(const Sources& sources, std::uint32_t file, std::vector<RawSection>& sections, Report& report) {
  [[maybe_unused]] static const bool ready = set_up_inih();
  LineReader reader{sources, file, sections, report};
  if (const int refused = ini_parse_stream(LineReader::next, &reader, LineReader::entry, &reader); refused != 0) {
    report.error({file, 0, 0, 1},
                 refused == -2 ? "not enough memory to read the file" : "libinih refused a line of the file");
  }
}

}  // namespace lvsd::daemon
