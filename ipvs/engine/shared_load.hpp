// What all workers have given to one server, or to one virtual server: schedulers and limits ask for the whole, while
// each worker counts its own connections. Written once per connection and change of state, not per packet.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace lvsd::ipvs::engine {

struct alignas(64) SharedLoad {
  std::atomic<std::uint32_t> active{0};
  std::atomic<std::uint32_t> total{0};
  std::atomic<bool> overloaded{false};
};

// Finds them by name. Used when tables change; not on the data path. Any thread.
class LoadBook {
 public:
  // The one of that name, as long as anybody holds it; else a new one.
  std::shared_ptr<SharedLoad> of(const std::string& name);

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<SharedLoad>> loads_;
};

}  // namespace lvsd::ipvs::engine
