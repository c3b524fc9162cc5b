// Keeps a LinkTable equal to the kernel's by rtnetlink: a full dump, then its notifications; a full dump again after an
// overrun and every 30 s. Owned by the room.
#pragma once

#include <functional>
#include <memory>

#include "base/result.hpp"
#include "vrrp/link_table.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::vrrp {

class LinkMonitor {
 public:
  // Something changed, and everything the kernel had to tell so far is in the table.
  using OnChange = std::function<void()>;

  explicit LinkMonitor(boost::asio::io_context& loop);
  ~LinkMonitor();
  LinkMonitor(const LinkMonitor&) = delete;
  LinkMonitor& operator=(const LinkMonitor&) = delete;

  // Returns with the table filled.
  base::Result<void> start(OnChange on_change);

  // Takes in what the kernel has told already, our own changes among it, then calls OnChange.
  void catch_up();

  // The same by a full dump: of links that are down the kernel does not tell everything.
  void read_anew();

  const LinkTable& table() const;
  std::uint64_t overruns() const;  // notifications lost and made up for by a dump

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lvsd::vrrp
