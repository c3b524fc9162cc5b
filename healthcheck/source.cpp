#include "healthcheck/source.hpp"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "healthcheck/socket_address.hpp"

namespace lvsd::healthcheck {
namespace {

Fault our_own(std::string_view what, int error) {
  return {Reason::Local, fmt::format("not checked: {}: {}", what, std::strerror(error))};
}

}  // namespace

std::optional<Fault> set_source(int socket, const CheckConfig& check) {
  if (!check.interface.empty()) {
    const auto size = static_cast<socklen_t>(check.interface.size());
    if (setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, check.interface.data(), size) != 0)
      return our_own("interface " + check.interface, errno);
  }
  if (!check.source) return std::nullopt;
  // The port is chosen at connect, so that as many connections fit as there are pairs, not ports.
  const int on = 1;
  setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const auto own = socket_address({*check.source, 0});
  if (bind(socket, own.get(), own.size) != 0) return our_own("source " + check.source->to_string(), errno);
  return std::nullopt;
}

Fault mark_fault(const std::string& trouble) { return {Reason::Local, "not checked: mark: " + trouble}; }

}  // namespace lvsd::healthcheck
