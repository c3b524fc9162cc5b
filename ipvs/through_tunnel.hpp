// Health checks under a virtual address of servers under method tun: their packets go into the tunnel that the server's
// clients' packets go into. By a program at traffic control's egress hook (through_tunnel.bpf.c), so that no tunnel
// device and no module is needed; what comes back is through_vip.hpp's business. Owned by the room.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "ipvs/through_vip.hpp"

struct through_tunnel_bpf;

namespace lvsd::ipvs {

class ThroughTunnel {
 public:
  ThroughTunnel();
  ~ThroughTunnel();
  ThroughTunnel(const ThroughTunnel&) = delete;
  ThroughTunnel& operator=(const ThroughTunnel&) = delete;

  // Puts the program on exactly these interfaces, for exactly these checks; without checks on none. Compares with what
  // is there. Needs CAP_NET_ADMIN and CAP_BPF.
  base::Result<void> put_in_force(const std::vector<TunnelledCheck>& checks,
                                  const std::vector<std::string>& interfaces);

 private:
  struct Unload {
    void operator()(through_tunnel_bpf* program) const;
  };
  base::Result<void> load();
  base::Result<void> fill(const std::vector<TunnelledCheck>& checks);
  base::Result<void> attach(const std::string& interface);
  void detach(const std::string& interface);

  std::unique_ptr<through_tunnel_bpf, Unload> program_;
  std::vector<TunnelledCheck> filled_;
  std::map<std::string, bool> attached_;  // and whether the hook (clsact) is ours to take away
};

}  // namespace lvsd::ipvs
