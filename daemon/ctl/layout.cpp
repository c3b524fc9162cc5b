#include "daemon/ctl/layout.hpp"

#include <algorithm>

namespace lvsd::ctl {
namespace {

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\n\r") == std::string_view::npos) return std::string{text};
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string csv_title(std::string_view title) {
  std::string name;
  for (const char c : title) name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c == ' ' || c == '/' ? '_' : c;
  return name;
}

std::string csv_line(const std::vector<std::string>& fields) {
  std::string line;
  for (const auto& field : fields) line += (&field == &fields.front() ? "" : ",") + field;
  return line + '\n';
}

}  // namespace

std::size_t display_width(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string Layout::table(const View& view) const {
  std::vector<std::vector<Cell>> lines;
  const auto add_titles = [&](const auto& titles, auto title_of) {
    std::vector<Cell> cells;
    for (const auto& t : titles) cells.emplace_back(title_of(t), Tone::Strong);
    lines.push_back(std::move(cells));
  };
  if (view.header) {
    add_titles(columns_, [](const Column& c) { return c.title; });
    if (!second_header_.empty()) add_titles(second_header_, [](const std::string& t) { return t; });
  }
  lines.insert(lines.end(), rows_.begin(), rows_.end());

  std::vector<std::size_t> widths(columns_.size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], display_width(line[i].text));
  }
  std::string out;
  for (const auto& line : lines) {
    std::size_t owed = 0;  // spaces that are written only when something follows
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (columns_[i].only_wide && !view.wide) continue;
      const auto space = widths[i] - display_width(line[i].text);
      const bool right = columns_[i].align == Column::Align::Right;
      if (!line[i].text.empty()) {
        out.append(owed + (right ? space : 0), ' ').append(view.paint(line[i].tone, line[i].text));
        owed = right ? 0 : space;
      } else {
        owed += space;
      }
      owed += 2;
    }
    out += '\n';
  }
  return out;
}

std::string Layout::csv(const View& view) const {
  std::string out;
  std::vector<std::string> fields;
  if (view.header) {
    for (const auto& column : columns_) fields.push_back(csv_title(column.title));
    out += csv_line(fields);
  }
  for (const auto& row : rows_) {
    fields.clear();
    for (const auto& cell : row) fields.push_back(csv_field(cell.text));
    fields.resize(columns_.size());
    out += csv_line(fields);
  }
  return out;
}

}  // namespace lvsd::ctl
