#include "daemon/config/servers.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ipvs/names.hpp"

namespace lvsd::daemon {
namespace {

// A server as written, its options still texts: a long form may add to them.
struct Draft {
  Value name;
  ServerOptionTexts options;  // "address" among them
  std::vector<Value> checks;

  const Value* find(std::string_view key) const {
    const auto at = options.find(key);
    return at == options.end() ? nullptr : &at->second;
  }
};

struct Drafts {
  const Section* owner = nullptr;
  std::vector<Draft> list;
  std::map<std::string_view, std::size_t> by_name;
};

constexpr std::string_view kRecordForm = "write NAME ADDRESS[:PORT] [key=value …]";
constexpr std::string_view kReservedName = "sorry";  // what the sorry server is called in the table

const Kind& server_kind() { return *find_kind("real_server"); }

bool is_good_server_name(const Value& name, Report& report) {
  const bool good = name.text.size() <= 32 &&
                    name.text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
                        std::string_view::npos &&
                    name.text.front() != '.' && name.text.front() != '-';
  if (!good)
    report.error(name.place, fmt::format("\"{}\" is not a name for a real server", name.text),
                 std::string{kRecordForm});
  if (name.text == kReservedName) report.error(name.place, "the name \"sorry\" is kept for the sorry server");
  return good && name.text != kReservedName;
}

void add_option(Draft& draft, const Value& word, Report& report) {
  const auto option = split_option(word);
  if (!option)
    return report.error(word.place, fmt::format("\"{}\" is not an option", word.text), std::string{kRecordForm});
  const auto* key = server_kind().find(option->key.text);
  if (!key || key->name == "address") {
    const auto known = server_kind().key_names();
    return report.error(option->key.place, fmt::format("unknown option \"{}\" of a real server{}", option->key.text,
                                                       did_you_mean(option->key.text, known)));
  }
  if (option->value.text.empty()) return report.error(option->key.place, fmt::format("\"{}\" has no value", key->name));
  if (key->name == "check") return draft.checks.push_back(option->value);
  if (!draft.options.emplace(key->name, option->value).second)
    report.error(option->key.place, fmt::format("\"{}\" set twice", key->name));
}

void add_record(Drafts& drafts, const Value& record, Report& report) {
  const auto words = split_words(record);
  Draft draft{words.front(), {}, {}};
  if (!is_good_server_name(draft.name, report)) return;
  if (words.size() < 2 || words[1].text.find('=') != std::string_view::npos) {
    return report.error(record.place, fmt::format("real_server {} has no address", draft.name.text),
                        std::string{kRecordForm});
  }
  draft.options.emplace("address", words[1]);
  for (std::size_t i = 2; i < words.size(); ++i) add_option(draft, words[i], report);
  const auto [first, is_new] = drafts.by_name.try_emplace(draft.name.text, drafts.list.size());
  if (!is_new) {
    return report.error(
        draft.name.place,
        fmt::format("real_server {} stands twice in {} (first at {})", draft.name.text, drafts.owner->title(),
                    report.name(drafts.list[first->second].name.place, draft.name.place)));
  }
  drafts.list.push_back(std::move(draft));
}

// The long form adds to the line; for this node alone (key@node) it also replaces.
void merge_option(const SectionReader& reader, std::string_view key, Draft& draft, Report& report) {
  const auto* item = reader.own_item(key);
  if (!item) return;
  const auto* first = draft.find(key);
  if (first && item->node.empty()) {
    return report.error(item->key_place,
                        fmt::format("\"{}\" set twice (first at {})", key, report.name(first->place, item->key_place)));
  }
  draft.options.insert_or_assign(key, item->value);
}

void apply_long_form(Build& build, Drafts& drafts, const Section& section, std::string_view name) {
  const auto reader = build.reader(section);
  const auto known = drafts.by_name.find(name);
  if (known == drafts.by_name.end()) {
    const Value own_name{name, section.place};
    if (!is_good_server_name(own_name, build.report)) return;
    if (!reader.has_own("address")) {
      return build.report.error(section.place, fmt::format("{} has no real server \"{}\"", drafts.owner->title(), name),
                                fmt::format("add address = ADDRESS[:PORT] here, or real_server = {} ADDRESS to {}",
                                            name, drafts.owner->title()));
    }
    drafts.by_name.emplace(name, drafts.list.size());
    drafts.list.push_back({own_name, {}, {}});
  }
  auto& draft = drafts.list[drafts.by_name.at(name)];
  for (const auto& key : server_kind().keys) {
    if (!key.is(kList)) merge_option(reader, key.name, draft, build.report);
  }
  for (const auto& check : reader.values("check")) draft.checks.push_back(check);
}

void find_owner(Build& build, std::map<const Section*, Drafts>& all, const Section& section) {
  const auto slash = section.name.find('/');
  const auto owner = section.name.substr(0, slash);
  const auto name = section.name.substr(slash + 1);
  std::vector<Drafts*> owners, listing;
  for (const auto kind : {"pool", "virtual_server"}) {
    const auto* candidate = build.document.find(kind, owner);
    if (!candidate) continue;
    owners.push_back(&all.at(candidate));
    if (owners.back()->by_name.contains(name)) listing.push_back(owners.back());
  }
  if (owners.empty()) {
    auto known = build.document.names("virtual_server");
    const auto pools = build.document.names("pool");
    known.insert(known.end(), pools.begin(), pools.end());
    return build.report.error(
        section.place, fmt::format("there is no virtual server or pool \"{}\"{}", owner, did_you_mean(owner, known)));
  }
  const auto& chosen = owners.size() == 1 ? owners : listing;
  if (chosen.size() != 1) {
    return build.report.error(
        section.place,
        fmt::format("[real_server {0}] may belong to [pool {1}] or to [virtual_server {1}]", section.name, owner),
        fmt::format("list \"{}\" in exactly one of them", name));
  }
  apply_long_form(build, *chosen.front(), section, name);
}

// In NAME ADDRESS:PORT the marks of the port alone, without the colon.
Place port_of(const Value& address) {
  const auto colon = address.text.rfind(':');
  auto place = address.place;
  if (colon == std::string_view::npos) return place;
  place.column += static_cast<std::uint32_t>(colon + 1);
  place.length = static_cast<std::uint32_t>(std::max<std::size_t>(1, address.text.size() - colon - 1));
  return place;
}

void read_asked(Build& build, const Draft& draft, Server& server) {
  if (const auto* written = draft.find("check_address")) {
    const auto address = base::IpAddress::parse(written->text);
    if (!address || address->is_unspecified() || address->is_multicast()) {
      build.report.error(written->place, fmt::format("check_address {}: is not an address of a host", written->text));
    } else {
      server.check_address = *address;
    }
  }
  if (const auto* written = draft.find("check_port")) {
    if (const auto port = read_integer(*server_kind().find("check_port"), *written, build.report))
      server.check_port = static_cast<std::uint16_t>(*port);
  }
}

Server finished(Build& build, const Draft& draft, const Value* default_weight) {
  Server server;
  server.name = draft.name;
  server.options = draft.options;
  if (const auto* address = draft.find("address")) {
    const auto endpoint = base::Endpoint::parse(address->text, false);
    server.address_place = address->place;
    server.port_place = port_of(*address);
    if (!endpoint) {
      build.report.error(address->place, fmt::format("real_server {}: {}", draft.name.text, endpoint.error().text));
    } else if (server_address_possible(build, endpoint->address, address->place)) {
      server.address = *endpoint;
      server.address_good = true;
    }
  }
  const auto* own_weight = draft.find("weight");
  if (const auto* weight = own_weight ? own_weight : default_weight) {
    server.weight =
        static_cast<std::uint32_t>(read_integer(*server_kind().find("weight"), *weight, build.report).value_or(1));
  }
  if (const auto* written = draft.find("method")) {
    if (const auto method = read_choice(*server_kind().find("method"), *written, build.report))
      server.method = ipvs::method_named(*method);
  }
  read_asked(build, draft, server);
  server.own_checks = !draft.checks.empty();
  server.checks = find_checks(build, draft.checks);
  return server;
}

std::optional<Value> default_weight(Build& build) {
  const auto* defaults = build.document.defaults("real_server");
  return defaults ? build.reader(*defaults).value("weight") : std::nullopt;
}

}  // namespace

ServerLists build_servers(Build& build) {
  std::map<const Section*, Drafts> all;
  for (const auto kind : {"pool", "virtual_server"}) {
    for (const auto* section : build.document.all(kind)) {
      auto& drafts = all[section];
      drafts.owner = section;
      for (const auto& record : build.reader(*section).values("real_server")) add_record(drafts, record, build.report);
    }
  }
  for (const auto* section : build.document.all("real_server")) find_owner(build, all, *section);
  const auto weight = default_weight(build);
  ServerLists lists;
  for (const auto& [section, drafts] : all) {
    auto& list = lists[section];
    list.reserve(drafts.list.size());
    for (const auto& draft : drafts.list) list.push_back(finished(build, draft, weight ? &*weight : nullptr));
  }
  return lists;
}

bool server_address_possible(const Build& build, const base::IpAddress& address, Place place) {
  if (address.is_unspecified() || address.is_multicast()) {
    build.report.error(place, fmt::format("{} cannot be a server's address", address.to_string()));
    return false;
  }
  const auto& nodes = build.config.nodes;
  const bool local = address.is_loopback() || build.virtual_addresses.contains(address) ||
                     std::any_of(nodes.begin(), nodes.end(), [&](const auto& node) { return node.address == address; });
  if (local) {
    build.report.error(
        place,
        fmt::format("{} is the director itself, whose own stack the engine's packets do not reach",
                    address.to_string()),
        "run the server on another host, or on this one in a network namespace with an address of its own");
  }
  return !local;
}

}  // namespace lvsd::daemon
