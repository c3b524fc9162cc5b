#include "daemon/ctl/help.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace lvsd::ctl {
namespace {

constexpr std::size_t kLineWidth = 100;

// Words filled into lines, all but the first indented by `indent`.
std::string filled(std::string_view text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, end);
    const bool first = column == indent;
    if (!first && column + 1 + word.size() > kLineWidth) {
      out += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (!first) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

void add_entry(std::string& out, std::string_view left, std::string_view right, std::size_t width) {
  out += fmt::format("  {:<{}}  {}\n", left, width, filled(right, width + 4));
}

std::string option_list(std::span<const OptionId> ids) {
  std::size_t width = 0;
  for (const auto id : ids) width = std::max(width, option_text(option(id)).size());
  std::string out;
  for (const auto id : ids) add_entry(out, option_text(option(id)), option(id).summary, width);
  return out;
}

// Shell words
// -----------------------------------------------------------------------------------------------------------

constexpr std::string_view kListServices = "$(lvsctl -H -o csv vs 2>/dev/null | cut -d, -f1)";
constexpr std::string_view kListServers = "$(lvsctl -H -o csv rs 2>/dev/null | cut -d, -f1)";
constexpr std::string_view kListInstances = "$(lvsctl -H -o csv vrrp 2>/dev/null | cut -d, -f1)";

std::string object_words() {
  std::string words;
  for (const auto& c : commands()) {
    if (fmt::format(" {} ", words).find(fmt::format(" {} ", c.object)) != std::string::npos) continue;
    words += (words.empty() ? "" : " ") + std::string{c.object};
  }
  return words;
}

std::string verb_words(std::string_view object) {
  std::string words;
  for (const auto& c : commands()) {
    if (c.object == object) words += (words.empty() ? "" : " ") + std::string{c.verb};
  }
  return words;
}

std::string option_words(std::span<const OptionId> ids) {
  std::string words;
  for (const auto id : ids) words += (words.empty() ? "--" : " --") + std::string{option(id).name};
  return words;
}

// What stands for the command's arguments: a word list for compgen -W, or "" (nothing), or "-f".
std::string argument_words(Completes completes) {
  switch (completes) {
    case Completes::Nothing:
      return "";
    case Completes::Services:
      return std::string{kListServices};
    case Completes::Servers:
    case Completes::CheckNames:
      return fmt::format("{} {}", kListServices, kListServers);
    case Completes::Instances:
      return std::string{kListInstances};
    case Completes::Filters:
      return "service= server= client= limit=";
    case Completes::Files:
      return "-f";
    case Completes::Commands:
      return object_words();
    case Completes::Shells:
      return "bash";
  }
  return "";
}

// The case branch for the argument of one option: what may follow it.
std::string option_branch(const Option& o) {
  if (o.argument.empty() || o.argument.front() == '[') return "";
  const auto names = o.letter == 0 ? fmt::format("--{}", o.name) : fmt::format("-{}|--{}", o.letter, o.name);
  const auto reply = !o.choices.empty()     ? fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$current\"))", o.choices)
                     : o.argument == "PATH" ? std::string{"COMPREPLY=($(compgen -f -- \"$current\"))"}
                                            : std::string{"COMPREPLY=()"};
  return fmt::format("    {}) {}; return;;\n", names, reply);
}

// The options whose argument is the next word: the command's own words are searched behind them.
std::string options_with_argument() {
  std::string names;
  for (const auto& o : options()) {
    if (o.argument.empty() || o.argument.front() == '[') continue;
    if (!names.empty()) names += '|';
    names += o.letter == 0 ? fmt::format("--{}", o.name) : fmt::format("-{}|--{}", o.letter, o.name);
  }
  return names;
}

std::string command_branch(const Command& c) {
  auto names = fmt::format("'{}'", c.name());
  if (!c.alias.empty()) names += fmt::format("|'{}'", c.alias);
  const auto words = argument_words(c.completes);
  const auto arguments = words == "-f" ? std::string{"files=1"} : fmt::format("arguments=\"{}\"", words);
  return fmt::format("    {}) options='{}'; {};;\n", names, option_words(c.options), arguments);
}

}  // namespace

std::string usage_of(const Command& command) {
  auto text = "lvsctl " + command.name();
  for (const auto id : command.options) {
    const auto& o = option(id);
    text += fmt::format(" [--{}{}{}]", o.name, o.argument.empty() ? "" : " ", o.argument);
  }
  return command.arguments.empty() ? text : fmt::format("{} {}", text, command.arguments);
}

std::string option_text(const Option& o) {
  auto text = o.letter == 0 ? fmt::format("    --{}", o.name) : fmt::format("-{}, --{}", o.letter, o.name);
  if (o.argument.empty()) return text;
  return text + (o.argument.front() == '[' ? "" : " ") +
         (o.argument.front() == '[' ? fmt::format("[={}", o.argument.substr(1)) : std::string{o.argument});
}

std::string help_text() {
  std::string out =
      "lvsctl asks and directs lvsd.\n\nUsage: lvsctl [OPTION...] COMMAND [ARGUMENT...]\n\nCommands (unique beginnings "
      "will do):\n";
  std::size_t width = 0;
  const auto left = [](const Command& c) {
    return c.arguments.empty() ? c.name() : fmt::format("{} {}", c.name(), c.arguments);
  };
  for (const auto& c : commands()) width = std::max(width, left(c).size());
  for (const auto& c : commands()) {
    const auto also = c.alias.empty() ? "" : fmt::format(" (also: {})", c.alias);
    add_entry(out, left(c), fmt::format("{}{}", c.summary, also), width);
  }
  out += "\nOptions:\n" + option_list(global_options());
  out +=
      "\nExit codes: 0 ok, 1 failed, 2 usage, 3 daemon not reachable, 4 configuration invalid, 5 no such object,\n"
      "            6 refused, 7 timed out. \"config diff\": 0 same, 1 differs, 2 or more trouble.\n"
      "\n\"lvsctl help COMMAND\" explains one command.\n";
  return out;
}

std::string help_text(const Command& command) {
  std::string out = fmt::format("{}\n\nUsage: {}\n", command.summary, usage_of(command));
  if (!command.details.empty()) out += fmt::format("\n{}\n", filled(command.details, 0));
  if (!command.options.empty()) out += "\nOptions:\n" + option_list(command.options);
  return out + "\n\"lvsctl help\" lists the options that every command takes.\n";
}

std::string bash_completion() {
  std::string out =
      "# bash completion for lvsctl: source <(lvsctl completion bash)\n"
      "_lvsctl() {\n"
      "  local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
      "  local object='' command='' options='' arguments='' files='' word i\n"
      "  COMPREPLY=()\n"
      "  case \"$previous\" in\n";
  for (const auto& o : options()) out += option_branch(o);
  out +=
      "  esac\n"
      "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    word=\"${COMP_WORDS[i]}\"\n"
      "    case \"$word\" in\n"
      "      " +
      options_with_argument() +
      ") ((i++));;\n"
      "      -*|[0-9]*) ;;\n"
      "      *) if [[ -z $object ]]; then object=\"$word\"; command=\"$word\"; elif [[ $command == \"$object\" ]]; "
      "then command+=\" $word\"; fi;;\n"
      "    esac\n"
      "  done\n"
      "  if [[ $current == -* ]]; then\n"
      "    options='" +
      option_words(global_options()) +
      "'\n"
      "  fi\n"
      "  local common=\"$options\"\n"
      "  options=''\n"
      "  case \"$object\" in\n"
      "    '') arguments='" +
      object_words() + "';;\n";
  std::vector<std::string_view> done;
  for (const auto& c : commands()) {
    if (c.verb.empty()) {
      out += command_branch(c);
    } else if (std::ranges::find(done, c.object) == done.end()) {
      done.push_back(c.object);
      out += fmt::format("    '{0}') if [[ $command == '{0}' ]]; then arguments='{1}'; fi;;\n", c.object,
                         verb_words(c.object));
    }
  }
  out += "  esac\n  case \"$command\" in\n";
  for (const auto& c : commands()) {
    if (!c.verb.empty()) out += command_branch(c);
  }
  out +=
      "  esac\n"
      "  if [[ $current == -* ]]; then COMPREPLY=($(compgen -W \"$common $options\" -- \"$current\"))\n"
      "  elif [[ -n $files ]]; then COMPREPLY=($(compgen -f -- \"$current\"))\n"
      "  else COMPREPLY=($(compgen -W \"$arguments\" -- \"$current\")); fi\n"
      "  if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi\n"
      "}\n"
      "complete -F _lvsctl lvsctl\n";
  return out;
}

}  // namespace lvsd::ctl
