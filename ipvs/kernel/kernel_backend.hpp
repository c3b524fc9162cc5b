// Kernel IPVS as a ForwardingBackend: reads the kernel's table, changes what differs, reads it back. Made by the room,
// used on its loop. Services that are not in the configuration stay untouched, unless lvsd made them or
// `[global] exclusive` says that the table is its own.
#pragma once

#include <memory>

#include "base/result.hpp"
#include "ipvs/backend.hpp"
#include "ipvs/config.hpp"

namespace lvsd::ipvs::kernel {

class KernelBackend final : public ForwardingBackend {
 public:
  // Fails when the kernel has no IPVS. `kept` and `keep`: which services are lvsd's own, across incarnations.
  static base::Result<std::unique_ptr<KernelBackend>> create(const Config& config, Kept& kept, KeepFd keep);
  ~KernelBackend() override;

  base::Result<std::size_t> put_in_force(const ServiceTable& desired) override;
  base::Result<void> configure(const Config& config) override;
  base::Result<Table> status() override;
  base::Result<Connections> connections(const ConnectionsQuery& query) override;
  base::Result<Listing> listing() override;
  base::Result<Drops> drops() override;
  base::Result<Trace> trace(const TraceQuery& query) override;         // the kernel cannot be asked
  base::Result<Captured> capture(const CaptureQuery& query) override;  // the kernel cannot be asked
  SyncStatus sync_status() override;
  void follow_roles(const std::set<std::string>& masters) override;
  std::uint64_t progress() const override;
  void stop() override;  // removes the table when `[global] on_stop` says so

 private:
  struct Impl;
  explicit KernelBackend(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lvsd::ipvs::kernel
