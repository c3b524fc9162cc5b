// The one table of what may stand in lvsd.conf: kinds of sections, their keys, types, ranges and defaults. It drives
// parsing, defaults, "did you mean" and docs/configuration.md (a test compares). Keys whose effect does not exist yet
// are in it too and are refused by name, so that a wish is never ignored and never mistaken for a typing error.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace lvsd::daemon {

enum class Form : std::uint8_t {
  Boolean,         // yes no on off true false
  Integer,         // least..most
  Time,            // duration; least..most in ms
  Choice,          // one of the words
  Text,            // anything
  Name,            // of a section of some kind
  Interface,       // Linux interface name
  Address,         // IP address
  VirtualAddress,  // ADDRESS[/LENGTH] [option=value …]
  Endpoint,        // ADDRESS:PORT
  ServerEndpoint,  // ADDRESS[:PORT]
  SorryServer,     // ADDRESS[:PORT] [method=METHOD]
  Listener,        // PROTOCOL ADDRESS:PORT, ADDRESS:FIRST-LAST or ADDRESS:*
  RealServer,      // NAME ADDRESS[:PORT] [key=value …]
  Header,          // "Name: value"
  StatusRanges,    // 200, 200-299
  Path,            // of a file
};

struct Choice {
  std::string_view word;
};

enum Flag : unsigned {
  kNone = 0,
  kList = 1,  // may be repeated; names and status ranges also take commas
  kRequired = 2,
  kOwnOnly = 4,    // not in [defaults KIND]: it tells sections of one kind apart
  kSameOnAll = 8,  // no key@node
};

struct Key {
  std::string_view name;
  Form form = Form::Text;
  unsigned flags = kNone;
  std::string_view fallback;  // as it would stand in the file; empty: none
  std::string_view doc;
  std::span<const Choice> choices = {};
  std::int64_t least = 0;
  std::int64_t most = 0;

  bool is(Flag flag) const { return (flags & flag) != 0; }
};

struct Kind {
  std::string_view name;
  bool named = true;          // [kind NAME]; else [kind]
  bool has_defaults = false;  // [defaults KIND] may exist
  std::span<const Key> keys;
  std::string_view doc;

  const Key* find(std::string_view key) const;
  std::vector<std::string_view> key_names() const;
};

// In the order of the documentation. "defaults" is not among them: its keys are those of the kind it names.
std::span<const Kind> kinds();
const Kind* find_kind(std::string_view name);

inline constexpr std::string_view kDefaultsKind = "defaults";

// "rr wrr lc"
std::string words(std::span<const Choice> choices);

// The Markdown tables of one kind, exactly as docs/configuration.md has them.
std::string describe(const Kind& kind);

}  // namespace lvsd::daemon
