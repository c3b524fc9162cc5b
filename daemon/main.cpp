// lvsd: which rooms there are, what each may do, and how each reads its part of the configuration.
#include "base/log.hpp"
#include "base/memfd.hpp"
#include "daemon/config/load.hpp"
#include "daemon/roles.hpp"
#include "daemon/scripts/runner.hpp"
#include "healthcheck/room.hpp"
#include "ipvs/room.hpp"
#include "vrrp/room.hpp"

namespace {

using namespace lvsd;

// A room's process reads the same sources with the same code as the control process did, and takes its own part.
template <class Part>
auto parse_part(Part daemon::Config::*part) {
  return [part](int config_fd) -> base::Result<Part> {
    const auto packed = base::read_sealed_memfd(config_fd);
    if (!packed) return tl::unexpected{packed.error()};
    const auto sources = daemon::unpack(*packed);
    if (!sources) return tl::unexpected{sources.error()};
    auto outcome = daemon::parse(*sources);
    if (!outcome.config) return base::fail(daemon::render(outcome.diagnostics, *sources));
    base::log::set_level(outcome.config->log_level);
    return std::move((*outcome.config).*part);
  };
}

}  // namespace

int main(int argc, char** argv) {
  daemon::Roles roles;
  roles[daemon::Room::Vrrp] = {vrrp::privileges(), [](base::UniqueFd fd) {
                                 return vrrp::run(std::move(fd), parse_part(&daemon::Config::vrrp));
                               }};
  roles[daemon::Room::Healthcheck] = {
      healthcheck::privileges(),
      [](base::UniqueFd fd) { return healthcheck::run(std::move(fd), parse_part(&daemon::Config::healthcheck)); }};
  roles[daemon::Room::Ipvs] = {ipvs::privileges(), [](base::UniqueFd fd) {
                                 return ipvs::run(std::move(fd), parse_part(&daemon::Config::ipvs));
                               }};
  roles[daemon::Room::Scripts] = {daemon::scripts::privileges(), daemon::scripts::run};
  return daemon::run_program(argc, argv, roles);
}
