// The front door: files → Sources → Config, or every diagnostic at once. Used by lvsd at start and reload, by each
// room's process (which parses the same Sources again), by `lvsd --check` and by `lvsctl config check|diff`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "daemon/config/config.hpp"

namespace lvsd::daemon {

struct SourceFile {
  std::string path;
  std::string text;
};

// Every file, read once into memory: the main file, then its includes in the order they were read; and who we are.
struct Sources {
  std::string node;         // from --node or the host name
  bool node_given = false;  // by --node: then a [node NAME] section must exist
  std::vector<SourceFile> files;
  std::vector<SourceFile> secrets{};  // key files that [vrrp] and [sync] sections name; paths as they stand there
};

struct Diagnostic {
  enum class Severity { Error, Warning } severity = Severity::Error;
  std::string file;
  unsigned line = 0;    // from 1; 0: the file as a whole
  unsigned column = 0;  // from 1; 0: the line as a whole
  unsigned length = 1;  // of the marked text
  std::string message;
  std::string hint;           // what to do; may be empty
  unsigned other_column = 0;  // a second marked piece of the same line; 0: none
  unsigned other_length = 0;
};

struct Outcome {
  std::optional<Config> config;         // set when there is no error
  std::vector<Diagnostic> diagnostics;  // in order of file and line
};

// Reads the file and its includes (globs, relative to the including file, lexical order; a missing plain file is an
// error). Diagnostics that concern reading alone come back in `problems`; `node` empty: the host's short name.
Sources read_sources(const std::string& path, const std::string& node, std::vector<Diagnostic>& problems);

// Pure. `problems` of reading are repeated in the outcome and make it fail.
Outcome parse(const Sources& sources, std::vector<Diagnostic> problems = {});

// The names of the [node] sections, in the order of the file. Pure.
std::vector<std::string> node_names(const Sources& sources);

// For people: file:line:col: error: …, the line, a caret line, a hint; then "3 errors, 1 warning".
std::string render(const std::vector<Diagnostic>& diagnostics, const Sources& sources);

// Seven hex digits over all texts and the file names' order: shown as "config 3f9c2e1".
std::string fingerprint(const Sources& sources);

// Text form for the sealed memory file, and back.
// Only the vrrp and ipvs rooms are given the secrets. Where they are missing nothing that needs them is configured.
enum class Secrets { Included, LeftOut };
std::string pack(const Sources& sources, Secrets secrets);
base::Result<Sources> unpack(std::string_view packed);

// One change a reload would make, for `lvsctl config diff` and the log.
struct Change {
  char sign = '~';      // '+', '-', '~'
  std::string subject;  // "virtual_server web", "real_server web/rs4", "vrrp front"
  std::string what;     // "scheduler wlc → mh", "10.0.0.14 weight 10"
  std::string effect;   // "new connections only", "drained, then removed"; may be empty
};
std::vector<Change> changes(const Config& from, const Config& to);

}  // namespace lvsd::daemon
