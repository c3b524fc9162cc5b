// Sections and keys that the schema knows, with duplicates and unknown words already reported. What a
// key's value means is left to the validators. Made once per parse; read once per node.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/config/raw.hpp"
#include "daemon/config/schema.hpp"

namespace lvsd::daemon {

struct Value {
  std::string_view text;
  Place place;
};

struct Item {
  const Key* key = nullptr;
  std::string_view node;  // key@node; empty: every node
  Value value;
  Place key_place;
};

struct Section {
  const Kind* kind = nullptr;
  std::string_view name;  // empty for [global] and the like; OWNER/NAME for real_server
  Place place;            // of the header's text
  std::vector<Item> items;

  std::string title() const;  // "[vrrp front]"
};

class Document {
 public:
  Document(const std::vector<RawSection>& raw, Report& report);

  std::vector<const Section*> all(std::string_view kind) const;  // in the order of the files
  const Section* find(std::string_view kind, std::string_view name = "") const;
  const Section* defaults(std::string_view kind) const;
  std::vector<std::string_view> names(std::string_view kind) const;

  // The first key@node of the files.
  const Item* first_override() const { return first_override_ ? &*first_override_ : nullptr; }

 private:
  using Id = std::pair<std::string_view, std::string_view>;  // kind, name
  void add(const RawSection& raw, Report& report);
  Section* open(const Kind& kind, std::string_view name, Place place, bool defaults, Report& report);
  void add_item(Section& section, const RawEntry& entry, bool defaults, Report& report);
  void check_nodes(Report& report) const;

  std::map<Id, Section> sections_;
  std::map<std::string_view, Section> defaults_;
  std::map<std::string_view, std::vector<const Section*>> by_kind_;
  std::optional<Item> first_override_;
};

}  // namespace lvsd::daemon
