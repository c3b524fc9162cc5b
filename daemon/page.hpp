// The status page: one HTML document without scripts and without anything from elsewhere, for a browser or a printer.
// It only shows. Pure; used by the API's route "/".
#pragma once

#include <cstdint>
#include <string>

#include "daemon/api.hpp"
#include "daemon/questions.hpp"

namespace lvsd::daemon {

struct PageContent {
  const Overview& overview;
  const Snapshot& snapshot;
  const OverrideList& overrides;
  const EventList& events;  // oldest first
  std::int64_t now_unix_ms = 0;
};

std::string status_page(const PageContent& content);

}  // namespace lvsd::daemon
