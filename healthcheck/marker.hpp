// Firewall marks for sockets of a room that may not set them (CAP_NET_ADMIN): the socket is lent to the supervisor,
// which marks it where the configuration has that mark (docs/decisions/0043). Used by the checkers that connect.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

#include "base/awaited.hpp"

namespace lvsd::healthcheck {

class Marker {
 public:
  using OnMarked = base::Awaited<std::string>::OnAnswer;  // with the error; "": marked
  using Lend = std::function<void(std::uint64_t id, std::uint32_t mark, int socket)>;

  explicit Marker(Lend lend) : lend_{std::move(lend)} {}

  // `marked` comes from answered(), once. The socket stays the caller's, who may close it meanwhile.
  void mark(int socket, std::uint32_t mark, OnMarked marked) { lend_(awaited_.add(std::move(marked)), mark, socket); }

  void answered(std::uint64_t id, const std::string& error) { awaited_.answered(id, error); }

 private:
  Lend lend_;
  base::Awaited<std::string> awaited_;
};

}  // namespace lvsd::healthcheck
