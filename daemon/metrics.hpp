// Everything lvsd counts, as Prometheus text (exposition format 0.0.4). Pure. Labels are the configuration's names;
// addresses stand in the _info series; a state is one 0/1 series per state, never a label of a counter. docs/metrics.md
// lists them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "daemon/overview.hpp"

namespace lvsd::daemon {

using Labels = std::vector<std::pair<std::string_view, std::string>>;

// Families in the order of their first sample, each with its HELP and TYPE lines once.
class Exposition {
 public:
  void gauge(std::string_view name, std::string_view help, const Labels& labels, double value);
  void counter(std::string_view name, std::string_view help, const Labels& labels, std::uint64_t value);
  std::string text() const;

 private:
  std::string& family(std::string_view name, std::string_view help, std::string_view type);

  std::vector<std::string> families_;
  std::map<std::string, std::size_t, std::less<>> index_;
};

std::string metrics(const Situation& situation, const Snapshot& snapshot);

}  // namespace lvsd::daemon
