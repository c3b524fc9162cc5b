// The rim of the configuration: files into memory, once; and that memory as text for the rooms' processes.
#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>

#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <glob.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.hpp"
#include "daemon/config/load.hpp"
#include "daemon/config/raw.hpp"

namespace lvsd::daemon {
namespace {

constexpr std::size_t kMaxFileBytes = 16u << 20;
constexpr std::size_t kMaxTotalBytes = 64u << 20;  // a packed text must fit into a sealed memory file (base/memfd.hpp)
constexpr std::size_t kMaxFiles = 1000;

struct Include {
  std::string pattern;
  Diagnostic at;  // where it stands, to complain there
};

base::Result<std::string> read_file(const std::string& path) {
  const base::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!fd) return base::fail_errno("cannot be read");
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return base::fail_errno("cannot be read");
  if (!S_ISREG(status.st_mode)) return base::fail("is not a regular file");
  std::string text;
  char buffer[65536];
  while (true) {
    const auto size = ::read(fd.get(), buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return base::fail_errno("cannot be read");
    if (size == 0) return text;
    text.append(buffer, static_cast<std::size_t>(size));
    if (text.size() > kMaxFileBytes) return base::fail(fmt::format("is larger than {} MiB", kMaxFileBytes >> 20));
  }
}

std::string real_path(const std::string& path) {
  char resolved[PATH_MAX];
  return ::realpath(path.c_str(), resolved) ? resolved : path;
}

// The include lines of the file read last. Copies: the texts move when more files are read.
std::vector<Include> includes_of(const Sources& sources) {
  Report ignored{sources};  // parse() reports
  std::vector<RawSection> sections;
  read_raw(sources, static_cast<std::uint32_t>(sources.files.size() - 1), sections, ignored);
  std::vector<Include> out;
  for (const auto& section : sections) {
    if (section.header != "global") continue;
    for (const auto& entry : section.entries) {
      if (entry.key != "include" || !entry.node.empty()) continue;
      Include include{std::string{entry.value}, {}};
      include.at.file = sources.files.back().path;
      include.at.line = entry.value_place.line;
      include.at.column = entry.value_place.column;
      include.at.length = entry.value_place.length;
      out.push_back(std::move(include));
    }
  }
  return out;
}

// Relative to the including file; globs in lexical order, a plain name as it is.
std::vector<std::string> expand(const std::string& pattern, const std::string& including) {
  const auto slash = including.rfind('/');
  const bool relative = !pattern.starts_with('/') && slash != std::string::npos;
  const auto path = relative ? including.substr(0, slash + 1) + pattern : pattern;
  if (path.find_first_of("*?[") == std::string::npos) return {path};
  glob_t found{};
  std::vector<std::string> out;
  if (::glob(path.c_str(), 0, nullptr, &found) == 0) out.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  ::globfree(&found);
  std::sort(out.begin(), out.end());
  return out;
}

class Loader {
 public:
  Loader(Sources& sources, std::vector<Diagnostic>& problems) : sources_{sources}, problems_{problems} {}

  // What the configuration keeps in files of their own.
  void load_secrets() {
    Report ignored{sources_};  // parse() reports
    std::vector<RawSection> sections;
    for (std::uint32_t i = 0; i < sources_.files.size(); ++i) read_raw(sources_, i, sections, ignored);
    for (const auto& section : sections) {
      for (const auto& entry : section.entries) {
        if (entry.key == "auth_key_file" || (section.header == "sync" && entry.key == "key_file"))
          load_secret(entry.key, std::string{entry.value}, entry.value_place);
      }
    }
  }

  void load(const std::string& path, const Diagnostic& at) {
    const auto [first, is_new] = seen_.emplace(real_path(path), at);
    if (!is_new) return complain(at, fmt::format("{} is read twice", path), "a file may be included once");
    if (sources_.files.size() == kMaxFiles) return complain(at, fmt::format("more than {} files", kMaxFiles));
    auto text = read_file(path);
    if (!text) return complain(at, fmt::format("{} {}", path, text.error().text));
    total_ += text->size();
    if (total_ > kMaxTotalBytes)
      return complain(at, fmt::format("the files are larger than {} MiB together", kMaxTotalBytes >> 20));
    sources_.files.push_back({path, std::move(*text)});
    for (const auto& include : includes_of(sources_)) {
      for (const auto& file : expand(include.pattern, path)) load(file, include.at);
    }
  }

 private:
  void complain(Diagnostic at, std::string message, std::string hint = "") {
    at.message = std::move(message);
    at.hint = std::move(hint);
    problems_.push_back(std::move(at));
  }

  void load_secret(std::string_view key, const std::string& path, Place place) {
    if (std::ranges::find(sources_.secrets, path, &SourceFile::path) != sources_.secrets.end()) return;
    Diagnostic at;
    at.file = sources_.files[place.file].path;
    at.line = place.line;
    at.column = place.column;
    at.length = place.length;
    if (!path.starts_with('/')) return complain(at, fmt::format("{} = {}: must be an absolute path", key, path));
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
      return complain(at, fmt::format("{} can be read by others than its owner", path),
                      fmt::format("chmod 600 {}", path));
    }
    auto text = read_file(path);
    if (!text) return complain(at, fmt::format("{} {}", path, text.error().text));
    sources_.secrets.push_back({path, std::move(*text)});
  }

  Sources& sources_;
  std::vector<Diagnostic>& problems_;
  std::map<std::string, Diagnostic> seen_;  // by real path
  std::size_t total_ = 0;
};

std::string short_host_name() {
  char name[HOST_NAME_MAX + 1] = {};
  if (::gethostname(name, HOST_NAME_MAX) != 0) return "";
  const std::string full{name};
  return full.substr(0, full.find('.'));
}

std::optional<std::string> text_member(const boost::json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  if (!value || !value->is_string()) return std::nullopt;
  return std::string{std::string_view{value->get_string()}};
}

bool unpack_files(const boost::json::value& packed, std::vector<SourceFile>& files) {
  const auto* entries = packed.if_array();
  if (!entries) return false;
  for (const auto& entry : *entries) {
    const auto* file = entry.if_object();
    if (!file || file->size() != 2) return false;
    auto path = text_member(*file, "path");
    auto text = text_member(*file, "text");
    if (!path || !text) return false;
    files.push_back({std::move(*path), std::move(*text)});
  }
  return true;
}

}  // namespace

Sources read_sources(const std::string& path, const std::string& node, std::vector<Diagnostic>& problems) {
  Sources sources;
  sources.node = node.empty() ? short_host_name() : node;
  sources.node_given = !node.empty();
  Diagnostic whole;
  whole.file = "";
  Loader loader{sources, problems};
  loader.load(path, whole);
  loader.load_secrets();
  return sources;
}

std::string fingerprint(const Sources& sources) {
  // FNV-1a, 64 bits: tells texts apart for people, not against an attacker. Paths do not count, only the order of the
  // texts; nor do secrets, of which nothing is to be learned.
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3; };
  for (const auto& file : sources.files) {
    for (const auto c : file.text) add(static_cast<unsigned char>(c));
    for (unsigned shift = 0; shift < 64; shift += 8)
      add(static_cast<unsigned char>(std::uint64_t{file.text.size()} >> shift));
  }
  return fmt::format("{:07x}", (hash ^ (hash >> 32)) & 0xfffffff);
}

std::string pack(const Sources& sources, Secrets secrets) {
  const auto packed_files = [](const std::vector<SourceFile>& files) {
    boost::json::array packed;
    for (const auto& file : files) packed.push_back({{"path", file.path}, {"text", file.text}});
    return packed;
  };
  const boost::json::value packed = {
      {"node", sources.node},
      {"node_given", sources.node_given},
      {"files", packed_files(sources.files)},
      {"secrets", secrets == Secrets::Included ? packed_files(sources.secrets) : boost::json::array{}}};
  return boost::json::serialize(packed);
}

base::Result<Sources> unpack(std::string_view packed) {
  boost::json::parse_options options;
  options.allow_invalid_utf8 = true;  // comments in other encodings are no reason to refuse a file
  boost::system::error_code error;
  const auto value = boost::json::parse({packed.data(), packed.size()}, error, {}, options);
  const auto bad = [] { return base::fail("not a packed configuration"); };
  const auto* object = error ? nullptr : value.if_object();
  if (!object || object->size() != 4) return bad();
  Sources sources;
  const auto node = text_member(*object, "node");
  const auto* given = object->if_contains("node_given");
  const auto* files = object->if_contains("files");
  const auto* secrets = object->if_contains("secrets");
  if (!node || !given || !given->is_bool() || !files || !secrets) return bad();
  sources.node = *node;
  sources.node_given = given->get_bool();
  if (!unpack_files(*files, sources.files) || !unpack_files(*secrets, sources.secrets)) return bad();
  return sources;
}

}  // namespace lvsd::daemon
