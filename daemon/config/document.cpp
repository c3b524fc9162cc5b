#include "daemon/config/document.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "daemon/config/ipvs_switches.hpp"

namespace lvsd::daemon {
namespace {

constexpr std::size_t kMaxName = 32;  // bytes

// What people coming from keepalived or ipvsadm write, and what it is here.
constexpr std::array<std::pair<std::string_view, std::string_view>, 16> kForeignKeys{{
    {"lb_algo", "scheduler"},
    {"lvs_sched", "scheduler"},
    {"lb_kind", "method"},
    {"lvs_method", "method"},
    {"forward", "method"},
    {"virtual_ipaddress", "virtual_address"},
    {"unicast_peer", "peer"},
    {"advert_int", "advert_interval"},
    {"nopreempt", "preempt = no"},
    {"no_accept", "accept = no"},
    {"delay_loop", "interval in a check"},
    {"connect_timeout", "timeout in a check"},
    {"retry", "fall in a check"},
    {"persistence_timeout", "persistence"},
    {"inhibit_on_failure", "on_failure = quiesce"},
    {"state", "priority and preempt: they alone decide who is master"},
}};

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto start = text.find_first_not_of(" \t");
    if (start == std::string_view::npos) break;
    const auto end = text.find_first_of(" \t", start);
    out.push_back(text.substr(start, end == std::string_view::npos ? end : end - start));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end);
  }
  return out;
}

std::vector<std::string_view> kind_names() {
  std::vector<std::string_view> names{kDefaultsKind};
  for (const auto& kind : kinds()) names.push_back(kind.name);
  return names;
}

bool is_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  };
  const auto first = text.empty() ? '\0' : text.front();
  return !text.empty() && text.size() <= kMaxName && first != '.' && first != '-' &&
         std::all_of(text.begin(), text.end(), allowed);
}

constexpr std::string_view kNameRule =
    "names are up to 32 letters, digits, \"_\", \".\" and \"-\", beginning with a letter, a digit or \"_\"";

// The name in a header such as "vrrp front" or "real_server web/rs1"; nullopt when it is not one (reported).
std::optional<std::string_view> section_name(const Kind& kind, const std::vector<std::string_view>& header, Place place,
                                             Report& report) {
  if (!kind.named) {
    if (header.size() == 1) return "";
    report.error(place, fmt::format("[{}] takes no name", kind.name));
    return std::nullopt;
  }
  const std::string_view form = kind.name == "real_server" ? "OWNER/NAME" : "NAME";
  if (header.size() != 2) {
    report.error(place, fmt::format("[{0}] needs one name: [{0} {1}]", kind.name, form));
    return std::nullopt;
  }
  const auto name = header[1];
  const auto slash = kind.name == "real_server" ? name.find('/') : std::string_view::npos;
  if (kind.name == "real_server" && slash == std::string_view::npos) {
    report.error(place, fmt::format("[real_server {}] does not say whose server it is", name),
                 "write [real_server OWNER/NAME], where OWNER is a virtual server or a pool");
    return std::nullopt;
  }
  const bool good = slash == std::string_view::npos ? is_name(name)
                                                    : is_name(name.substr(0, slash)) && is_name(name.substr(slash + 1));
  if (!good) report.error(place, fmt::format("\"{}\" is not a name", name), std::string{kNameRule});
  return good ? std::optional{name} : std::nullopt;
}

// The kind whose defaults a [defaults KIND] header sets, or null (reported).
const Kind* defaults_kind(const std::vector<std::string_view>& header, Place place, Report& report) {
  std::vector<std::string_view> allowed;
  for (const auto& kind : kinds()) {
    if (kind.has_defaults) allowed.push_back(kind.name);
  }
  const auto hint = fmt::format("kinds with defaults: {}", fmt::join(allowed, " "));
  if (header.size() != 2) {
    report.error(place, "[defaults] needs the kind it is for: [defaults KIND]", hint);
    return nullptr;
  }
  const auto* kind = find_kind(header[1]);
  if (kind && kind->has_defaults) return kind;
  report.error(place,
               kind ? fmt::format("[{}] has no defaults", kind->name)
                    : fmt::format("unknown kind \"{}\" in [defaults {}]{}", header[1], header[1],
                                  did_you_mean(header[1], allowed)),
               hint);
  return nullptr;
}

void report_unknown_key(const Section& section, const RawEntry& entry, const std::string& where, Report& report) {
  const auto foreign =
      std::find_if(kForeignKeys.begin(), kForeignKeys.end(), [&](const auto& f) { return f.first == entry.key; });
  if (foreign != kForeignKeys.end()) {
    return report.error(entry.key_place, fmt::format("unknown key \"{}\" in {}", entry.key, where),
                        fmt::format("here it is {}", foreign->second));
  }
  if (const auto reason = why_no_engine_key(entry.key); !reason.empty()) {
    const bool kernel = section.kind->name == "kernel";
    return report.error(entry.key_place, fmt::format("unknown key \"{}\" in {}", entry.key, where),
                        kernel ? fmt::format("write sysctl = {} …", entry.key) : std::string{reason});
  }
  auto place = entry.key_place;
  place.length = static_cast<std::uint32_t>(entry.key.size());
  const auto known = section.kind->key_names();
  std::string hint;
  if (nearest(entry.key, known).empty()) {
    for (const auto& kind : kinds()) {
      if (kind.find(entry.key)) hint += fmt::format("{}[{}]", hint.empty() ? "it is a key of " : ", ", kind.name);
    }
  }
  report.error(place, fmt::format("unknown key \"{}\" in {}{}", entry.key, where, did_you_mean(entry.key, known)),
               hint);
}

}  // namespace

std::string Section::title() const {
  return name.empty() ? fmt::format("[{}]", kind->name) : fmt::format("[{} {}]", kind->name, name);
}

Document::Document(const std::vector<RawSection>& raw, Report& report) {
  for (const auto& section : raw) add(section, report);
  check_nodes(report);
}

void Document::add(const RawSection& raw, Report& report) {
  const auto header = split_words(raw.header);
  const bool defaults = header[0] == kDefaultsKind;
  const Kind* kind = defaults ? defaults_kind(header, raw.place, report) : find_kind(header[0]);
  if (!kind) {
    if (!defaults) {
      const auto names = kind_names();
      report.error(raw.place, fmt::format("unknown section [{}]{}", raw.header, did_you_mean(header[0], names)),
                   fmt::format("sections: {}", fmt::join(names, " ")));
    }
    return;
  }
  auto name = defaults ? std::optional<std::string_view>{""} : section_name(*kind, header, raw.place, report);
  // A section that cannot be kept still has its keys checked.
  Section discarded{kind, name.value_or(""), raw.place, {}};
  Section* section = name ? open(*kind, *name, raw.place, defaults, report) : nullptr;
  for (const auto& entry : raw.entries) add_item(section ? *section : discarded, entry, defaults, report);
}

Section* Document::open(const Kind& kind, std::string_view name, Place place, bool defaults, Report& report) {
  const auto same = [&](const Section& first) {
    const auto title = defaults ? fmt::format("[{} {}]", kDefaultsKind, kind.name) : first.title();
    report.error(place, fmt::format("{} stands twice (first at {})", title, report.name(first.place, place)));
    return nullptr;
  };
  if (defaults) {
    const auto [at, is_new] = defaults_.try_emplace(kind.name, Section{&kind, "", place, {}});
    return is_new ? &at->second : same(at->second);
  }
  const auto [at, is_new] = sections_.try_emplace(Id{kind.name, name}, Section{&kind, name, place, {}});
  if (is_new) by_kind_[kind.name].push_back(&at->second);
  return is_new || !kind.named ? &at->second : same(at->second);
}

void Document::add_item(Section& section, const RawEntry& entry, bool defaults, Report& report) {
  const auto where = defaults ? fmt::format("[{} {}]", kDefaultsKind, section.kind->name) : section.title();
  const auto* key = section.kind->find(entry.key);
  if (!key) return report_unknown_key(section, entry, where, report);
  if (defaults && key->is(kOwnOnly)) {
    return report.error(
        entry.key_place,
        fmt::format("\"{}\" cannot have a default for all [{}] sections", entry.key, section.kind->name),
        "set it in each section");
  }
  if (!entry.node.empty() && key->is(kSameOnAll)) {
    return report.error(entry.key_place, fmt::format("\"{}\" must be the same on all nodes", entry.key));
  }
  const auto first = key->is(kList) ? section.items.end()
                                    : std::find_if(section.items.begin(), section.items.end(),
                                                   [&](const Item& i) { return i.key == key && i.node == entry.node; });
  if (first != section.items.end()) {
    const auto at = entry.node.empty() ? "" : fmt::format("@{}", entry.node);
    return report.error(entry.key_place, fmt::format("\"{}{}\" set twice (first at {})", entry.key, at,
                                                     report.name(first->key_place, entry.key_place)));
  }
  section.items.push_back({key, entry.node, {entry.value, entry.value_place}, entry.key_place});
  if (!entry.node.empty() && !first_override_) first_override_ = section.items.back();
}

void Document::check_nodes(Report& report) const {
  if (!first_override_) return;
  const auto nodes = names("node");
  const auto check = [&](const Section& section) {
    for (const auto& item : section.items) {
      if (item.node.empty() || std::find(nodes.begin(), nodes.end(), item.node) != nodes.end()) continue;
      report.error(item.key_place, fmt::format("unknown node \"{}\"{}", item.node, did_you_mean(item.node, nodes)),
                   fmt::format("there is no section [node {}]", item.node));
    }
  };
  for (const auto& [id, section] : sections_) check(section);
  for (const auto& [kind, section] : defaults_) check(section);
}

std::vector<const Section*> Document::all(std::string_view kind) const {
  const auto found = by_kind_.find(kind);
  return found == by_kind_.end() ? std::vector<const Section*>{} : found->second;
}

const Section* Document::find(std::string_view kind, std::string_view name) const {
  const auto found = sections_.find(Id{kind, name});
  return found == sections_.end() ? nullptr : &found->second;
}

const Section* Document::defaults(std::string_view kind) const {
  const auto found = defaults_.find(kind);
  return found == defaults_.end() ? nullptr : &found->second;
}

std::vector<std::string_view> Document::names(std::string_view kind) const {
  std::vector<std::string_view> out;
  for (const auto* section : all(kind)) out.push_back(section->name);
  return out;
}

}  // namespace lvsd::daemon
