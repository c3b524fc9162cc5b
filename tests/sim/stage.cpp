#include "tests/sim/stage.hpp"

#include <algorithm>

namespace lvsd::sim {
namespace {

bool later(const Happening& a, const Happening& b) { return a.at != b.at ? a.at > b.at : a.order > b.order; }

}  // namespace

void Stage::schedule(Happening happening) {
  happening.at = std::max(happening.at, now);
  happening.order = order_++;
  queue_.push_back(happening);
  std::push_heap(queue_.begin(), queue_.end(), later);
}

Happening Stage::pop() {
  std::pop_heap(queue_.begin(), queue_.end(), later);
  const Happening next = queue_.back();
  queue_.pop_back();
  return next;
}

bool Stage::arrives(int from, int to, int router) {
  const unsigned loss = wires.loss_percent[static_cast<std::size_t>(router)];
  return !wires.cut[router][from][to] && (loss == 0 || !choice.percent(loss));
}

Instant Stage::arrival(int from, int to, int router) {
  const int wire = (router * kMaxDirectors + from) * (kMaxDirectors + 1) + to;
  auto& last = last_arrival_[static_cast<std::size_t>(wire)];
  last = std::max(last, now + choice.between(wires.least_delay, wires.most_delay));
  return last;
}

void Stage::advertise(int from, int router, std::uint8_t priority, base::Duration interval) {
  if (onlooker) onlooker->advertised(from, router, priority);
  for (int to = 0; to < directors_; ++to) {
    if (to == from || !arrives(from, to, router)) continue;
    Happening advert{.kind = Kind::advert,
                     .director = static_cast<std::int8_t>(to),
                     .router = static_cast<std::int8_t>(router),
                     .from = static_cast<std::int8_t>(from),
                     .priority = priority,
                     .value = ns(interval)};
    const int copies = wires.twice_percent > 0 && choice.percent(wires.twice_percent) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
      advert.at = arrival(from, to, router);
      schedule(advert);
    }
  }
}

void Stage::announce(int from, int router) {
  if (onlooker) onlooker->announced(from, router);
  if (!arrives(from, kClient, router)) return;
  schedule({.at = arrival(from, kClient, router),
            .kind = Kind::frame,
            .director = kClient,
            .router = static_cast<std::int8_t>(router),
            .from = static_cast<std::int8_t>(from)});
}

}  // namespace lvsd::sim
