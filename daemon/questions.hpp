// Questions to the rooms on behalf of the API: numbered, answered or given up after two seconds. Used by Supervisor and
// api.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/result.hpp"
#include "base/time.hpp"
#include "daemon/rooms.hpp"
#include "healthcheck/messages.hpp"
#include "ipvs/messages.hpp"
#include "vrrp/messages.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::daemon {

class Timer;

using Answer =
    std::variant<vrrp::Status, vrrp::FailoverDone, healthcheck::Status, healthcheck::CheckedNow, ipvs::Table,
                 ipvs::Connections, ipvs::Listing, ipvs::Drops, ipvs::Trace, ipvs::Captured, ipvs::SyncStatus>;
using Question = std::variant<vrrp::StatusQuery, vrrp::Failover, healthcheck::StatusQuery, healthcheck::CheckNow,
                              ipvs::TableQuery, ipvs::ConnectionsQuery, ipvs::ListingQuery, ipvs::DropsQuery,
                              ipvs::TraceQuery, ipvs::CaptureQuery, ipvs::SyncQuery>;

// What the rooms say of themselves at one moment; a room that did not answer is missing.
struct Snapshot {
  std::optional<vrrp::Status> vrrp;
  std::optional<healthcheck::Status> healthcheck;
  std::optional<ipvs::Table> table;
  std::optional<ipvs::Drops> drops;
  std::optional<ipvs::SyncStatus> sync;
};

class Questions {
 public:
  static constexpr base::Duration kPatience{std::chrono::seconds{2}};
  static constexpr base::Duration kCheckPatience{std::chrono::seconds{50}};    // of CheckNow, which waits for servers
  static constexpr base::Duration kFailoverPatience{std::chrono::seconds{8}};  // more than a handover may take
  static constexpr std::size_t kMostOpen = 256;

  using Send = std::function<base::Result<void>(Room, const std::string& text)>;
  using Then = std::function<void(base::Result<Answer>)>;

  Questions(boost::asio::io_context& loop, Send send);
  ~Questions();

  // `then` is called once, possibly before ask() returns (when the room does not run).
  void ask(Question question, Then then);
  // Every part at once; `then` gets what came in time.
  void ask_all(bool with_drops, std::function<void(Snapshot)> then);

  void answered(Answer answer);  // one that nobody waits for any more is dropped
  void gone(Room room);          // its open questions fail at once

 private:
  struct Open {
    Room room{};
    Then then;
    std::unique_ptr<Timer> timer;
  };
  void give_up(std::uint64_t id, std::string why);

  boost::asio::io_context& loop_;
  Send send_;
  std::map<std::uint64_t, Open> open_;
  std::uint64_t last_id_ = 0;
};

}  // namespace lvsd::daemon
