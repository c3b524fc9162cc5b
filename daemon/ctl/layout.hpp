// Rows of cells → text: aligned columns without lines between them, or comma-separated values. Used by every listing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemon/ctl/view.hpp"

namespace lvsd::ctl {

struct Cell {
  std::string text;
  Tone tone = Tone::Plain;

  Cell(std::string t = {}, Tone how = Tone::Plain) : text{std::move(t)}, tone{how} {}
  Cell(const char* t) : text{t} {}
};

struct Column {
  std::string title;
  enum class Align { Left, Right } align = Align::Left;
  bool only_wide = false;  // shown by -o wide and -o csv
};

class Layout {
 public:
  explicit Layout(std::vector<Column> columns) : columns_{std::move(columns)} {}

  void second_header(std::vector<std::string> titles) { second_header_ = std::move(titles); }
  void add(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }  // one per column; missing ones are empty
  bool empty() const { return rows_.empty(); }

  // Columns as wide as their widest cell, two spaces apart, nothing behind the last one.
  std::string table(const View& view) const;

  // RFC 4180 with LF; titles in lower_snake_case.
  std::string csv(const View& view) const;

  std::string text(const View& view) const { return view.csv ? csv(view) : table(view); }

 private:
  std::vector<Column> columns_;
  std::vector<std::string> second_header_;
  std::vector<std::vector<Cell>> rows_;
};

// Columns that the text takes on a terminal: one per UTF-8 character (nothing that lvsctl prints is wider).
std::size_t display_width(std::string_view text);

}  // namespace lvsd::ctl
