// The schema as the reference prints it.
#include <fmt/format.h>

#include "base/time.hpp"
#include "daemon/config/schema.hpp"

namespace lvsd::daemon {
namespace {

std::string milliseconds_text(std::int64_t ms) { return base::format_duration(std::chrono::milliseconds{ms}); }

std::string type_text(const Key& key) {
  switch (key.form) {
    case Form::Boolean:
      return "yes or no";
    case Form::Integer:
      return fmt::format("{}..{}", key.least, key.most);
    case Form::Time:
      return fmt::format("duration {}..{}", milliseconds_text(key.least), milliseconds_text(key.most));
    case Form::Choice:
      return words(key.choices, true);
    case Form::Text:
      return "text";
    case Form::Name:
      return "name";
    case Form::Interface:
      return "interface";
    case Form::Address:
      return "ADDRESS";
    case Form::VirtualAddress:
      return "ADDRESS[/LENGTH]";
    case Form::Endpoint:
      return "ADDRESS:PORT";
    case Form::ServerEndpoint:
      return "ADDRESS[:PORT]";
    case Form::SorryServer:
      return "ADDRESS[:PORT] [method=METHOD]";
    case Form::Listener:
      return "tcp\\|udp\\|sctp ADDRESS:PORTS";
    case Form::RealServer:
      return "NAME ADDRESS[:PORT] [key=value …]";
    case Form::Header:
      return "Name: value";
    case Form::StatusRanges:
      return "CODE or CODE-CODE";
    case Form::Path:
      return "path";
  }
  return "";
}

std::string row(const Key& key) {
  std::string type = type_text(key);
  if (key.is(kList)) type += ", list";
  std::string fallback = key.is(kRequired) ? "required" : key.fallback.empty() ? "" : fmt::format("`{}`", key.fallback);
  std::string doc{key.doc};
  if (const auto more = words(key.choices, false); !more.empty()) doc += fmt::format(" Not supported yet: {}.", more);
  return fmt::format("| `{}` | {} | {} | {} |\n", key.name, type, fallback, doc);
}

}  // namespace

std::string describe(const Kind& kind) {
  std::string now, later;
  for (const auto& key : kind.keys) {
    if (key.is(kLater)) {
      later += fmt::format("| `{}` | {} |\n", key.name, key.doc);
    } else {
      now += row(key);
    }
  }
  std::string out = std::string{kind.doc} + "\n";
  if (!now.empty()) out += "\n| key | value | default | meaning |\n|---|---|---|---|\n" + now;
  if (!later.empty()) out += "\n| not supported yet | meaning |\n|---|---|\n" + later;
  return out;
}

}  // namespace lvsd::daemon
