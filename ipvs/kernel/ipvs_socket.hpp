// The generic netlink family "IPVS" of this network namespace: the rim of the kernel backend. Blocking; the kernel
// answers at once, but for the first use of a scheduler, whose module it loads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "ipvs/kernel/kernel_table.hpp"
#include "ipvs/kernel/plan.hpp"

namespace lvsd::ipvs::kernel {

class IpvsSocket {
 public:
  // Asking for the family makes the kernel load ip_vs. Without it: an error that says what to do.
  static base::Result<IpvsSocket> open();
  ~IpvsSocket();
  IpvsSocket(IpvsSocket&&) noexcept;
  IpvsSocket& operator=(IpvsSocket&&) noexcept;

  base::Result<KernelTable> table();  // services with their destinations, in the kernel's order
  base::Result<ProtocolTimeouts> timeouts();
  base::Result<Info> info();
  base::Result<std::vector<SyncDaemon>> daemons();

  // All of them, also after one that failed; the error names the first that did and how many did.
  base::Result<void> execute(std::span<const Operation> operations);
  base::Result<void> set_timeouts(const ProtocolTimeouts& timeouts);
  base::Result<void> start(const SyncDaemon& daemon);
  base::Result<void> stop(SyncState state);

 private:
  struct Free {
    void operator()(void* socket) const;
  };
  using Bytes = std::vector<std::uint8_t>;
  using Take = std::function<bool(std::span<const std::uint8_t>)>;  // false: not understood

  IpvsSocket() = default;
  void append(Bytes& batch, int command, int flags, const Bytes& attributes);
  base::Result<void> send(const Bytes& batch);
  base::Result<void> receive(const std::function<bool(const void* header)>& each);  // until `each` says false
  base::Result<void> dump(int command, const Bytes& attributes, const Take& take);
  base::Result<void> get(int command, const Take& take);
  base::Result<void> change(int command, const Bytes& attributes, const std::string& what);

  std::unique_ptr<void, Free> socket_;
  int family_ = 0;
  std::uint32_t sequence_ = 0;
};

}  // namespace lvsd::ipvs::kernel
