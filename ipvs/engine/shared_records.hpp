// The connections of all workers as one table of records: what peers are told and tell, and what moves between the
// workers themselves. Used by the engine backend, on the room's loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "ipvs/engine/workers.hpp"
#include "ipvs/sync/exchange.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::ipvs::engine {

class SharedRecords : public std::enable_shared_from_this<SharedRecords> {
 public:
  // `capacity`: connections of each worker. Workers and loop outlive it; answers to what was asked of the workers come
  // on the loop.
  SharedRecords(boost::asio::io_context& loop, Workers& workers, std::uint32_t capacity)
      : loop_{loop}, workers_{workers}, capacity_{capacity}, asked_(workers.size(), false) {}

  sync::Store store();

  // After the workers' grouping has changed: each connection goes to the worker that has it now. Waits for them.
  // Returns how many moved, and how many could not: those under fullnat keep their local port, which may be another's.
  struct Moved {
    std::uint64_t moved = 0;
    std::uint64_t lost = 0;
  };
  Moved move_misplaced();

 private:
  void next_changes(std::function<void(sync::Batch)> then);
  void walk(std::uint32_t from, std::uint32_t limit, std::function<void(sync::Walked)> then);
  void put(sync::Batch batch, const std::function<void(sync::Applied)>& then);
  std::vector<sync::Batch> by_owner(sync::Batch batch);
  template <class Answer>
  std::function<void(Answer)> on_loop(std::function<void(Answer)> then);

  boost::asio::io_context& loop_;
  Workers& workers_;
  std::uint32_t capacity_;
  // One batch of changes is told at a time; what other workers have meanwhile waits here, one of each.
  std::vector<bool> asked_;
  std::vector<sync::Batch> waiting_;
  std::function<void(sync::Batch)> wants_changes_;
};

}  // namespace lvsd::ipvs::engine
