// notify, notify_user and notify_fifo of [global], [vrrp] and [sync_group]: who is told of role changes.
#include <fmt/format.h>

#include "daemon/config/validate.hpp"

namespace lvsd::daemon {
namespace {

constexpr base::Duration kTimeout = std::chrono::seconds{30};

void add_program(Build& build, const SectionReader& reader, const std::string& subject, const std::string& user) {
  const auto value = reader.value("notify");
  if (!value) return;
  build.config.notify.programs[subject] = {read_command("notify", *value, build.report), user, kTimeout};
}

void read_fifo(Build& build, const SectionReader& reader) {
  const auto value = reader.value("notify_fifo");
  if (!value) return;
  build.config.notify.fifo = value->text;
  if (!value->text.starts_with('/'))
    build.report.error(value->place, fmt::format("notify_fifo = {}: must be an absolute path", value->text));
}

}  // namespace

void build_notify(Build& build) {
  std::string user;
  if (const auto* global = build.document.find("global")) {
    const auto reader = build.reader(*global);
    user = reader.text("notify_user");
    read_fifo(build, reader);
    add_program(build, reader, "", user);
  }
  for (const auto* section : build.document.all("vrrp")) {
    const auto reader = build.reader(*section);
    const auto own = reader.text("notify_user");
    add_program(build, reader, fmt::format("INSTANCE {}", section->name), own.empty() ? user : own);
  }
  for (const auto* section : build.document.all("sync_group"))
    add_program(build, build.reader(*section), fmt::format("GROUP {}", section->name), user);
}

}  // namespace lvsd::daemon
