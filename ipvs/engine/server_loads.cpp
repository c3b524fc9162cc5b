// The counts of connections by server: what schedulers and limits go by. With several workers each counts its own here
// and all together in SharedLoad. Two of them may take a server's last place at once: it then has one more for each.
#include <fmt/format.h>

#include "ipvs/engine/services.hpp"
#include "ipvs/engine/slot_identity.hpp"
#include "ipvs/names.hpp"

namespace lvsd::ipvs::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

void copy_load(const LiveServer& server, Candidate& candidate) {
  candidate.active = server.load ? server.load->active.load(kRelaxed) : server.active;
  const auto total = server.load ? server.load->total.load(kRelaxed) : server.total;
  candidate.inactive = total > candidate.active ? total - candidate.active : 0;
  candidate.overloaded = server.overloaded;
}

}  // namespace

void Services::share_loads(LoadBook& book) {
  book_ = &book;
  for (auto& [name, service] : services_) attach_load(*service);
  for (auto& server : servers_) {
    if (server.service != nullptr) attach_load(server);
  }
}

void Services::attach_load(LiveService& service) {
  if (book_ == nullptr || service.load) return;
  service.load = book_->of(fit_name(service.config.name));
  service.load->total.fetch_add(service.total, kRelaxed);
}

void Services::attach_load(LiveServer& server) {
  if (book_ == nullptr || server.load) return;
  attach_load(*server.service);
  server.load =
      book_->of(fmt::format("{}\n{}\n{} {}", fit_name(server.service->config.name), fit_name(server.config.name),
                            server.config.address.to_string(), ipvs::name(server.config.method)));
  server.load->total.fetch_add(server.total, kRelaxed);
  server.load->active.fetch_add(server.active, kRelaxed);
}

void Services::look_at_loads(LiveService& service) noexcept {
  if (book_ == nullptr) return;
  for (std::size_t i = 0; i < service.candidates.size(); ++i) {
    auto& server = servers_[service.servers[i]];
    server.overloaded = is_overloaded(server);
    copy_load(server, service.candidates[i]);
  }
}

void Services::mirror_load(LiveServer& server) noexcept {
  if (server.position == kNoSlot) return;
  server.overloaded = is_overloaded(server);
  if (server.load) server.load->overloaded.store(server.overloaded, kRelaxed);
  copy_load(server, server.service->candidates[server.position]);
}

void Services::connection_began(LiveServer& server) noexcept {
  ++server.total;
  ++server.service->total;
  if (server.load) {
    server.load->total.fetch_add(1, kRelaxed);
    server.service->load->total.fetch_add(1, kRelaxed);
  }
  mirror_load(server);
}

void Services::connection_ended(LiveServer& server, bool was_active) noexcept {
  --server.total;
  --server.service->total;
  if (was_active) --server.active;
  if (server.load) {
    server.load->total.fetch_sub(1, kRelaxed);
    server.service->load->total.fetch_sub(1, kRelaxed);
    if (was_active) server.load->active.fetch_sub(1, kRelaxed);
  }
  if (server.draining && server.is_unused()) needs_sweep_ = true;
  mirror_load(server);
}

void Services::activity_changed(LiveServer& server, bool active) noexcept {
  server.active += active ? 1u : ~0u;
  if (server.load) server.load->active.fetch_add(active ? 1u : ~0u, kRelaxed);
  mirror_load(server);
}

}  // namespace lvsd::ipvs::engine
