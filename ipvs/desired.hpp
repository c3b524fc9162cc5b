// Which table should be in force: configuration, health, overrides and the past in, ServiceTable out. Pure. Also the
// words for people: state of a service and of its servers.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ipvs/config.hpp"
#include "ipvs/health.hpp"
#include "ipvs/messages.hpp"
#include "ipvs/pools.hpp"
#include "ipvs/table.hpp"

namespace lvsd::ipvs {

// Below quorum the sorry server (named "sorry") gets everything new; without one, what is usable stays in use. Without
// `pools` everything is as at this moment: no slow start, no hysteresis, nobody kept.
ServiceTable desired(const Config& config, const HealthView& health, const OverrideView& overrides = {},
                     const PoolView& pools = {});

// How everything of the configuration stands, in its order.
StatesChanged states_of(const Config& config, const HealthView& health, const OverrideView& overrides,
                        const PoolView& pools);
// What of `now` is not in `told`; all of it when nothing was told yet.
StatesChanged news(const std::optional<StatesChanged>& told, const StatesChanged& now);

// Connections and those without a reply, by service and server, since the ipvs process began.
struct Answers {
  std::uint64_t connections = 0;
  std::uint64_t unanswered = 0;
};
using AnswerView = std::map<std::pair<std::string, std::string>, Answers>;
AnswerView answers_in(const std::vector<ServiceStatus>& measured);
bool wants_answers(const Config& config);  // some server has max_unanswered
Unanswered too_many_unanswered(const Config& config, const AnswerView& before, const AnswerView& now);

// Adds configuration, health, overrides and the past to what the backend measured: states, configured weights, checks,
// order.
void describe(std::vector<ServiceStatus>& measured, const Config& config, const HealthView& health,
              const OverrideView& overrides = {}, const PoolView& pools = {});

}  // namespace lvsd::ipvs
