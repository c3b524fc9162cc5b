// Firewall marks for sockets of a room that may not set them (CAP_NET_ADMIN): the socket is lent to the supervisor,
// which marks it where the configuration has that mark (docs/decisions/0043). Used by the checkers that connect.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>

namespace lvsd::healthcheck {

class Marker {
 public:
  using OnMarked = std::function<void(const std::string& error)>;  // "": marked
  using Lend = std::function<void(std::uint64_t id, std::uint32_t mark, int socket)>;

  explicit Marker(Lend lend) : lend_{std::move(lend)} {}

  // `marked` comes from answered(), once. The socket stays the caller's, who may close it meanwhile.
  void mark(int socket, std::uint32_t mark, OnMarked marked) {
    const auto id = ++last_;
    waiting_.emplace(id, std::move(marked));
    lend_(id, mark, socket);
  }

  void answered(std::uint64_t id, const std::string& error) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return;
    const auto call = std::move(found->second);
    waiting_.erase(found);
    call(error);
  }

 private:
  Lend lend_;
  std::uint64_t last_ = 0;
  std::unordered_map<std::uint64_t, OnMarked> waiting_;
};

}  // namespace lvsd::healthcheck
