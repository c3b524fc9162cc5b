// The engine as a ForwardingBackend: connection memory, maps, workers, neighbours and attachments under one roof. Made
// by the room, used on its loop.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/result.hpp"
#include "ipvs/backend.hpp"
#include "ipvs/config.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::ipvs::engine {

class EngineBackend final : public ForwardingBackend {
 public:
  // Takes up what an earlier incarnation left. Touches no interface before the first configure(), so that the table can
  // be applied first: no packet finds a listener missing.
  static base::Result<std::unique_ptr<EngineBackend>> create(boost::asio::io_context& loop, const Config& config,
                                                             Kept kept, KeepFd keep);
  ~EngineBackend() override;

  base::Result<std::size_t> put_in_force(const ServiceTable& desired) override;
  base::Result<void> configure(const Config& config) override;
  base::Result<Table> status() override;
  base::Result<Connections> connections(const ConnectionsQuery& query) override;
  base::Result<Listing> listing() override;
  base::Result<Drops> drops() override;
  base::Result<Trace> trace(const TraceQuery& query) override;
  SyncStatus sync_status() override;
  void follow_roles(const std::set<std::string>& masters) override;
  base::Result<Captured> capture(const CaptureQuery& query) override;

  std::uint64_t progress() const override;  // grows while all workers' loops turn
  void stop() override;                     // the kernel gets all packets again

 private:
  struct Impl;
  explicit EngineBackend(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lvsd::ipvs::engine
