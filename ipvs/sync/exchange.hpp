// The sockets of connection synchronisation: one TCP stream to each peer, over which this director tells, and one from
// each, over which it hears. On the room's loop; nothing waits. What is in the table is asked of, and put into, a
// Store. Used by the engine backend.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "ipvs/config.hpp"
#include "ipvs/messages.hpp"
#include "ipvs/sync/record.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::ipvs::sync {

// The table, which lives in another thread. Answers come on the room's loop, one per question.
struct Store {
  // Changes are noted from now on, or no longer.
  std::function<void(bool)> follow;
  // Once there are some.
  std::function<void(std::function<void(Batch)>)> next_changes;
  std::function<void(std::uint32_t from, std::uint32_t limit, std::function<void(Walked)>)> walk;
  std::function<void(Batch, std::function<void(Applied)>)> put;
};

class Exchange {
 public:
  // Peers that cannot be reached, and an own address that does not exist yet, are tried again every second.
  Exchange(boost::asio::io_context& loop, const SyncConfig& config, Store store);
  ~Exchange();  // closes all streams; answers that are still to come are ignored
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const SyncConfig& config() const;
  SyncStatus status() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lvsd::ipvs::sync
