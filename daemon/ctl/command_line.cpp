#include "daemon/ctl/command_line.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>
#include <getopt.h>

#include "daemon/ctl/nearest.hpp"

namespace lvsd::ctl {
namespace {

using base::fail;
using base::Result;
using namespace std::chrono_literals;

constexpr int kLongBase = 256;  // getopt's value of an option is its letter or kLongBase + id
constexpr base::Duration kDefaultWatch = 2s;
constexpr base::Duration kLeastDuration = 100ms;

struct GetoptTables {
  std::string letters = "+:";  // stop at the first word; tell a missing argument from an unknown option
  std::vector<::option> longs;

  GetoptTables() {
    for (const auto& o : options()) {
      const int argument = o.argument.empty()          ? no_argument
                           : o.argument.front() == '[' ? optional_argument
                                                       : required_argument;
      longs.push_back({o.name.data(), argument, nullptr, kLongBase + static_cast<int>(o.id)});
      if (o.letter == 0) continue;
      letters += o.letter;
      letters.append(static_cast<std::size_t>(argument), ':');
    }
    longs.push_back({});
  }
};

const Option* option_of(int value) {
  for (const auto& o : options()) {
    if (value == kLongBase + static_cast<int>(o.id) || (o.letter != 0 && value == o.letter)) return &o;
  }
  return nullptr;
}

bool is_choice(std::string_view choices, std::string_view text) {
  while (!choices.empty()) {
    const auto end = std::min(choices.find(' '), choices.size());
    if (choices.substr(0, end) == text) return true;
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return false;
}

Result<base::Duration> duration_argument(const Option& o, const std::string& text) {
  auto duration = base::parse_duration(text);
  if (!duration) return tl::unexpected{duration.error().within(fmt::format("option --{}", o.name))};
  if (*duration < kLeastDuration) return fail(fmt::format("option --{}: {} is less than 100ms", o.name, text));
  return duration;
}

Result<std::uint64_t> number_argument(const Option& o, const std::string& text, std::uint64_t least,
                                      std::uint64_t most) {
  const auto number = parse_number(text, least, most);
  if (!number) return fail(fmt::format("option --{}: \"{}\" is not a number from {} to {}", o.name, text, least, most));
  return *number;
}

Format format_named(std::string_view name) {
  return name == "wide" ? Format::Wide : name == "json" ? Format::Json : name == "csv" ? Format::Csv : Format::Table;
}

Color color_named(std::string_view name) {
  return name == "always" ? Color::Always : name == "never" ? Color::Never : Color::Auto;
}

template <class T, class U>
Result<void> keep(Result<T> value, U& where) {
  if (!value) return tl::unexpected{value.error()};
  where = static_cast<U>(*value);
  return {};
}

Result<void> apply(const Option& o, const std::string& text, Invocation& to, bool& version) {
  if (!o.choices.empty() && !is_choice(o.choices, text)) {
    return fail(fmt::format("option --{}: \"{}\" is none of: {}", o.name, text, o.choices));
  }
  switch (o.id) {
    case OptionId::Json:
      to.format = Format::Json;
      break;
    case OptionId::Output:
      to.format = format_named(text);
      break;
    case OptionId::NoHeader:
      to.no_header = true;
      break;
    case OptionId::Watch:
      return keep(text.empty() ? Result<base::Duration>{kDefaultWatch} : duration_argument(o, text), to.watch);
    case OptionId::Count:
      return keep(number_argument(o, text, 1, UINT32_MAX), to.watch_count);
    case OptionId::Color:
      to.color = color_named(text);
      break;
    case OptionId::Quiet:
      to.quiet = true;
      break;
    case OptionId::Socket:
      to.socket = text;
      break;
    case OptionId::Timeout:
      return keep(duration_argument(o, text), to.timeout);
    case OptionId::Yes:
      break;
    case OptionId::Node:
      if (text.empty()) return fail("option --node needs a name");
      to.node = text;
      break;
    case OptionId::Help:
      to.help = true;
      break;
    case OptionId::Version:
      version = true;
      break;
    case OptionId::ExitCode:
      to.exit_code = true;
      break;
    case OptionId::Stats:
      to.stats = true;
      break;
    case OptionId::Rate:
      to.rate = true;
      break;
    case OptionId::History:
      return keep(number_argument(o, text, 1, 32), to.history);
    case OptionId::CountBy:
      to.count_by = text;
      break;
    case OptionId::For:
      return keep(duration_argument(o, text), to.lasts);
    case OptionId::Reason:
      to.reason = text;
      break;
    case OptionId::Wait:
      to.wait = true;
      if (!text.empty()) return keep(duration_argument(o, text), to.wait_at_most);
      break;
    case OptionId::Force:
      to.force = true;
      break;
    case OptionId::DryRun:
      to.dry_run = true;
      break;
    case OptionId::Now:
      to.now = true;
      break;
    case OptionId::Follow:
      to.follow = true;
      break;
    case OptionId::Write:
      if (text.empty()) return fail("option --write needs a file name");
      to.write_to = text;
      break;
    case OptionId::Packets:
      return keep(number_argument(o, text, 1, UINT32_MAX), to.packets);
    case OptionId::Snap:
      return keep(number_argument(o, text, 14, 65535), to.snap_length);
    case OptionId::Direction:
      to.direction = text;
      break;
    case OptionId::Every:
      return keep(number_argument(o, text, 1, UINT32_MAX), to.every);
    case OptionId::Config:
      if (text.empty()) return fail("option --config needs a file");
      to.config = text;
      break;
    case OptionId::SetupFormat:
      to.setup_format = text;
      break;
    case OptionId::Fix:
      to.fix = true;
      break;
  }
  return {};
}

tl::unexpected<base::Error> unknown_option(std::string_view text) {
  std::vector<std::string_view> names;
  for (const auto& o : options()) names.push_back(o.name);
  const auto near = text.starts_with("--") ? nearest(text.substr(2), names) : std::string_view{};
  return fail(near.empty() ? fmt::format("unknown option \"{}\"", text)
                           : fmt::format("unknown option \"{}\"; did you mean \"--{}\"?", text, near));
}

// One pass over argv. getopt_long reorders nothing ("+"), so that whatever follows the word "ipvsadm" stays untouched.
class Parser {
 public:
  explicit Parser(const std::vector<std::string>& arguments) {
    argv_.push_back(program_.data());
    for (const auto& a : arguments) copies_.push_back(a);
    for (auto& a : copies_) argv_.push_back(a.data());
    argv_.push_back(nullptr);
  }

  Result<Invocation> run() {
    ::optind = 0;  // glibc: start over
    ::opterr = 0;
    while (::optind < argc()) {
      if (auto parsed = parse_options(); !parsed) return tl::unexpected{parsed.error()};
      if (::optind >= argc()) break;
      words_.emplace_back(argv_[static_cast<std::size_t>(::optind++)]);
      if (words_.size() == 1 && is_ipvsadm()) {
        while (::optind < argc()) words_.emplace_back(argv_[static_cast<std::size_t>(::optind++)]);
      }
    }
    return finish();
  }

 private:
  int argc() const { return static_cast<int>(argv_.size()) - 1; }

  bool is_ipvsadm() const {
    const auto found = find_command(words_.front(), "");
    return found && (*found)->action == Action::Ipvsadm;
  }

  Result<void> parse_options() {
    for (;;) {
      const int before = std::max(::optind, 1);
      const int value = ::getopt_long(argc(), argv_.data(), tables_.letters.c_str(), tables_.longs.data(), nullptr);
      if (value == -1) return {};
      const std::string_view seen = argv_[static_cast<std::size_t>(std::min(before, argc() - 1))];
      if (value == ':') return fail(fmt::format("option \"{}\" needs an argument", seen));
      if (value == '?')
        return unknown_option(seen.starts_with("--") ? seen : fmt::format("-{}", static_cast<char>(::optopt)));
      if (auto taken = take(*option_of(value)); !taken) return taken;
    }
  }

  Result<void> take(const Option& o) {
    std::string text = ::optarg ? ::optarg : "";
    const bool may_follow = !o.argument.empty() && o.argument.front() == '[' && !::optarg && ::optind < argc();
    if (may_follow) {
      const std::string_view next = argv_[static_cast<std::size_t>(::optind)];
      // "-w 5": a number right after it is the interval; "--wait 10.0.0.11": an address is not
      const bool number = !next.empty() && std::isdigit(static_cast<unsigned char>(next.front())) != 0;
      if (number && std::ranges::count(next, '.') < 2) {
        text = next;
        ++::optind;
      }
    }
    given_.push_back(o.id);
    return apply(o, text, invocation_, version_);
  }

  Result<Invocation> finish() {
    if (version_) words_ = {"version"};
    if (words_.empty()) words_ = {invocation_.help ? "help" : "status"};
    const bool verb = takes_verb(words_[0]) && words_.size() > 1;
    auto command = find_command(words_[0], verb ? words_[1] : "");
    if (!command) return tl::unexpected{command.error()};
    invocation_.command = *command;
    invocation_.arguments.assign(words_.begin() + (verb ? 2 : 1), words_.end());
    if (auto checked = check(**command); !checked) return tl::unexpected{checked.error()};
    return invocation_;
  }

  Result<void> check(const Command& command) const {
    const auto name = command.name();
    if (invocation_.arguments.size() > command.most_arguments) {
      const auto& surplus = invocation_.arguments[command.most_arguments];
      if (command.most_arguments == 0)
        return fail(fmt::format("\"{}\" takes no argument, \"{}\" was given", name, surplus));
      return fail(fmt::format("\"{}\" takes fewer arguments: \"{}\" is one too many", name, surplus));
    }
    for (const auto id : given_) {
      const bool fits = std::ranges::count(global_options(), id) + std::ranges::count(command.options, id) > 0;
      if (!fits) return fail(fmt::format("option --{} does not belong to \"{}\"", option(id).name, name));
    }
    const bool table_form = invocation_.format == Format::Wide || invocation_.format == Format::Csv;
    if (table_form && !command.tables) return fail(fmt::format("\"{}\" has no table form: leave out -o", name));
    if (invocation_.format == Format::Json && !command.json) return fail(fmt::format("\"{}\" has no JSON form", name));
    if (invocation_.stats && invocation_.rate) return fail("choose one of --stats and --rate");
    if (invocation_.watch_count != 0 && !invocation_.watch) return fail("option --count needs --watch");
    if (invocation_.watch && !command.repeatable)
      return fail(fmt::format("\"{}\" cannot be repeated: leave out --watch", name));
    return {};
  }

  std::string program_ = "lvsctl";
  std::vector<std::string> copies_;
  std::vector<char*> argv_;
  GetoptTables tables_;
  std::vector<std::string> words_;
  std::vector<OptionId> given_;
  Invocation invocation_;
  bool version_ = false;
};

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < least || number > most) return std::nullopt;
  return number;
}

Result<Invocation> parse_command_line(const std::vector<std::string>& arguments) { return Parser{arguments}.run(); }

}  // namespace lvsd::ctl
