// argv → Invocation, or the sentence that says what is wrong with it. Pure but for getopt_long's own state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "daemon/ctl/command_table.hpp"

namespace lvsd::ctl {

enum class Format { Table, Wide, Json, Csv };
enum class Color { Auto, Always, Never };

struct Invocation {
  const Command* command = nullptr;
  std::vector<std::string> arguments;  // after the command's words; for ipvsadm everything after that word
  bool help = false;                   // explain `command` instead of running it

  Format format = Format::Table;
  Color color = Color::Auto;
  bool no_header = false;
  bool quiet = false;
  bool exit_code = false;
  bool stats = false;
  bool rate = false;
  std::string count_by;
  std::optional<base::Duration> lasts;  // --for
  std::string reason;
  bool wait = false;
  std::optional<base::Duration> wait_at_most;
  bool force = false;
  bool dry_run = false;
  bool now = false;
  bool follow = false;
  std::string write_to;       // --write; "": lines on standard output
  std::uint64_t packets = 0;  // 0: without end
  std::uint32_t snap_length = 65535;
  std::string direction = "both";  // "in", "out"
  std::uint32_t every = 1;
  std::string config;        // --config; "": the running one
  std::string setup_format;  // "": shell
  bool fix = false;
  std::uint32_t history = 10;  // 1..32
  std::string socket;          // "": the default ones
  std::string node;            // "": chosen by the command
  std::optional<base::Duration> timeout;
  std::optional<base::Duration> watch;  // at least 100 ms
  std::uint64_t watch_count = 0;        // 0: without end
};

// `arguments` without the program's name. No command at all means `status`.
base::Result<Invocation> parse_command_line(const std::vector<std::string>& arguments);

// A whole decimal number in [least, most].
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most);

}  // namespace lvsd::ctl
