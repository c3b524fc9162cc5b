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
      return words(key.choices);
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
  return fmt::format("| `{}` | {} | {} | {} |\n", key.name, type, fallback, key.doc);
}

}  // namespace

std::string describe(const Kind& kind) {
  std::string out = fmt::format("{}\n\n| key | value | default | meaning |\n|---|---|---|---|\n", kind.doc);
  for (const auto& key : kind.keys) out += row(key);
  return out;
}

}  // namespace lvsd::daemon
