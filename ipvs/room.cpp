#include "ipvs/room.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <variant>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <net/if.h>

#include "base/link.hpp"
#include "base/log.hpp"
#include "base/nft_table.hpp"
#include "ipvs/desired.hpp"
#include "ipvs/engine/engine_backend.hpp"
#include "ipvs/kernel/kernel_backend.hpp"
#include "ipvs/messages.hpp"
#include "ipvs/through_tunnel.hpp"
#include "ipvs/through_vip.hpp"

namespace lvsd::ipvs {
namespace {

constexpr base::Duration kRepairEvery = std::chrono::seconds{5};
constexpr base::Duration kLookEvery = std::chrono::seconds{1};  // at what servers have not answered
constexpr base::Duration kBeatEvery = std::chrono::milliseconds{500};

class Room {
 public:
  Room(boost::asio::io_context& loop, base::UniqueFd channel, Parse parse)
      : loop_{loop},
        link_{loop, std::move(channel), decode_down, encode},
        parse_{std::move(parse)},
        repair_timer_{loop},
        step_timer_{loop},
        look_timer_{loop},
        beat_timer_{loop} {}

  int run();

 private:
  void receive(Down message, std::vector<base::UniqueFd> fds);
  void handle(const Configure& configure, std::vector<base::UniqueFd>& fds);
  void handle(const Health& health, std::vector<base::UniqueFd>& fds);
  void handle(const Overrides& overrides, std::vector<base::UniqueFd>& fds);
  void handle(const Mastership& mastership, std::vector<base::UniqueFd>& fds);
  void handle(const TableQuery& query, std::vector<base::UniqueFd>& fds);
  void handle(const ConnectionsQuery& query, std::vector<base::UniqueFd>& fds);
  void handle(const ListingQuery& query, std::vector<base::UniqueFd>& fds);
  void handle(const DropsQuery& query, std::vector<base::UniqueFd>& fds);
  void handle(const TraceQuery& query, std::vector<base::UniqueFd>& fds);
  void handle(const SyncQuery& query, std::vector<base::UniqueFd>& fds);
  void handle(const CaptureQuery& query, std::vector<base::UniqueFd>& fds);
  void handle(const Keep& keep, std::vector<base::UniqueFd>& fds);
  void handle(const Stop& stop, std::vector<base::UniqueFd>& fds);

  base::Result<std::unique_ptr<ForwardingBackend>> make_backend(const Config& config);
  base::Result<void> put_in_force(Config config);
  base::Result<std::size_t> apply_difference();
  void keep_checks_through_vip();
  void tell_states();
  void step_on_time();
  void apply_soon();
  void repair_regularly();
  void look_regularly();
  void tell_whether_in_step();
  void beat_regularly();
  void send(const Up& message, std::span<const int> fds = {});
  void finish(int exit_code);

  boost::asio::io_context& loop_;
  base::Link<Down, Up> link_;
  Parse parse_;
  boost::asio::steady_timer repair_timer_;
  boost::asio::steady_timer step_timer_;
  boost::asio::steady_timer look_timer_;
  boost::asio::steady_timer beat_timer_;
  std::optional<Config> config_;
  HealthView health_;
  OverrideView overrides_;
  std::set<std::string> masters_;
  std::optional<bool> in_step_;  // as last told
  Pools pools_;
  std::optional<StatesChanged> told_;
  AnswerView answers_;
  base::NftTable through_vip_{kThroughVipTable};
  ThroughTunnel through_tunnel_;
  std::string through_vip_trouble_;
  Kept kept_;
  std::unique_ptr<ForwardingBackend> backend_;  // of config_->backend, once there is a configuration
  bool apply_due_ = false;
  std::uint64_t beats_ = 0;
  std::uint64_t last_progress_ = 0;
  int exit_code_ = 0;
};

int Room::run() {
  link_.start([this](Down message, std::vector<base::UniqueFd> fds) { receive(std::move(message), std::move(fds)); },
              [this](const std::string& reason) {
                base::log::error("supervisor", "connection lost: {}", reason);
                finish(1);
              });
  repair_regularly();
  look_regularly();
  beat_regularly();
  loop_.run();
  return exit_code_;
}

void Room::finish(int exit_code) {
  exit_code_ = exit_code;
  loop_.stop();
}

void Room::receive(Down message, std::vector<base::UniqueFd> fds) {
  std::visit([&](const auto& m) { handle(m, fds); }, message);
}

void Room::send(const Up& message, std::span<const int> fds) {
  if (auto sent = link_.send(message, fds); !sent) base::log::error("supervisor", "{}", sent.error().text);
}

void Room::handle(const Configure& configure, std::vector<base::UniqueFd>& fds) {
  if (fds.size() != 1) return send(Configured{configure.generation, "no configuration attached"});
  auto config = parse_(fds.front().get());
  if (!config) return send(Configured{configure.generation, config.error().text});
  const auto done = put_in_force(std::move(*config));
  send(Configured{configure.generation, done ? std::string{} : done.error().text});
}

base::Result<std::unique_ptr<ForwardingBackend>> Room::make_backend(const Config& config) {
  const auto keep = [this](const std::string& name, int fd) { send(Keep{{name}}, std::span{&fd, 1}); };
  if (config.backend == Backend::Kernel) return kernel::KernelBackend::create(config, kept_, keep);
  return engine::EngineBackend::create(loop_, config, std::exchange(kept_, {}), keep);
}

// The table before the interfaces: when the first packet arrives, its listener is there. Another backend is in force
// before the present one stops.
base::Result<void> Room::put_in_force(Config config) {
  std::unique_ptr<ForwardingBackend> present;
  if (!backend_ || (config_ && config_->backend != config.backend)) {
    auto made = make_backend(config);
    if (!made) return tl::unexpected{made.error()};
    (*made)->follow_roles(masters_);
    present = std::exchange(backend_, std::move(*made));
  }
  auto previous = std::exchange(config_, std::move(config));
  auto applied = apply_difference();
  if (applied) {
    auto configured = backend_->configure(*config_);
    if (configured) {
      if (present) present->stop();
      keep_checks_through_vip();
      return {};
    }
    applied = tl::unexpected{configured.error()};
  }
  if (present) std::exchange(backend_, std::move(present))->stop();
  config_ = std::move(previous);
  apply_soon();
  return tl::unexpected{applied.error()};
}

base::Result<std::size_t> Room::apply_difference() {
  if (!backend_ || !config_) return 0;
  pools_.observe(*config_, health_, overrides_, base::Clock::now());
  step_on_time();
  auto done = backend_->put_in_force(desired(*config_, health_, overrides_, pools_.view()));
  if (done) tell_states();
  return done;
}

// An interface may come later: its checks fail until then, and the table is not whole.
void Room::keep_checks_through_vip() {
  if (!config_) return;
  auto interfaces = config_->through_vip.interfaces;
  std::erase_if(interfaces, [](const std::string& name) { return if_nametoindex(name.c_str()) == 0; });
  const auto tunnelled = tunnelled_checks(*config_);
  const auto kept = through_vip_.put_in_force(through_vip_rules(config_->through_vip.addresses, tunnelled, interfaces));
  const auto sent = through_tunnel_.put_in_force(tunnelled, interfaces);
  const auto trouble = !kept ? kept.error().text : !sent ? sent.error().text : std::string{};
  if (trouble != std::exchange(through_vip_trouble_, trouble) && !trouble.empty())
    base::log::error("through_vip", "{}; such checks fail (Linux 5.16 has what they need)", trouble);
}

void Room::tell_states() {
  auto now = states_of(*config_, health_, overrides_, pools_.view());
  const auto changed = news(told_, now);
  told_ = std::move(now);
  if (changed.complete || !changed.servers.empty() || !changed.services.empty()) send(changed);
}

// Slow starts go on without news.
void Room::step_on_time() {
  const auto next = pools_.next_step();
  if (!next) return;
  step_timer_.expires_at(*next);
  step_timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) apply_soon();
  });
}

// Changes of health arrive in bursts; all that are there are put into force at once.
void Room::apply_soon() {
  if (std::exchange(apply_due_, true)) return;
  boost::asio::post(loop_, [this] {
    apply_due_ = false;
    if (auto applied = apply_difference(); !applied) base::log::error("table", "{}", applied.error().text);
  });
}

void Room::repair_regularly() {
  repair_timer_.expires_after(kRepairEvery);
  repair_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    const auto repaired = apply_difference();
    if (!repaired) {
      base::log::error("table", "{}", repaired.error().text);
    } else if (*repaired > 0) {
      base::log::warning("table", "{} differences repaired", *repaired);
    }
    keep_checks_through_vip();
    repair_regularly();
  });
}

// Passive checks. The listing costs something: only where somebody wants it.
void Room::look_regularly() {
  look_timer_.expires_after(kLookEvery);
  look_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    if (!backend_ || !config_ || !wants_answers(*config_)) {
      answers_.clear();
    } else if (const auto status = backend_->status()) {
      auto now = answers_in(status->services);
      if (auto found = too_many_unanswered(*config_, answers_, now); !found.servers.empty()) send(found);
      answers_ = std::move(now);
    }
    tell_whether_in_step();
    look_regularly();
  });
}

void Room::tell_whether_in_step() {
  if (!backend_) return;
  const auto sync = backend_->sync_status();
  if (sync.peers.empty() || std::exchange(in_step_, sync.in_step) == sync.in_step) return;
  send(InStep{sync.in_step});
}

void Room::beat_regularly() {
  beat_timer_.expires_after(kBeatEvery);
  beat_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    const bool alive = !backend_ || std::exchange(last_progress_, backend_->progress()) != last_progress_;
    if (alive) send(Beat{++beats_});
    beat_regularly();
  });
}

void Room::handle(const Health& health, std::vector<base::UniqueFd>&) {
  update(health_, health);
  apply_soon();
}

void Room::handle(const Overrides& overrides, std::vector<base::UniqueFd>&) {
  overrides_ = view_of(overrides);
  apply_soon();
}

void Room::handle(const Mastership& mastership, std::vector<base::UniqueFd>&) {
  masters_ = {mastership.instances.begin(), mastership.instances.end()};
  if (backend_) backend_->follow_roles(masters_);
}

void Room::handle(const TableQuery& query, std::vector<base::UniqueFd>&) {
  Table table;
  if (backend_ && config_) {
    if (auto status = backend_->status()) table = std::move(*status);
    describe(table.services, *config_, health_, overrides_, pools_.view());
  }
  table.id = query.id;
  send(std::move(table));
}

void Room::handle(const ConnectionsQuery& query, std::vector<base::UniqueFd>&) {
  Connections connections;
  if (backend_) {
    if (auto found = backend_->connections(query)) connections = std::move(*found);
  }
  connections.id = query.id;
  send(std::move(connections));
}

void Room::handle(const ListingQuery& query, std::vector<base::UniqueFd>&) {
  Listing listing;
  if (backend_) {
    if (auto made = backend_->listing()) listing = std::move(*made);
  }
  listing.id = query.id;
  send(std::move(listing));
}

void Room::handle(const DropsQuery& query, std::vector<base::UniqueFd>&) {
  Drops drops;
  if (backend_) {
    if (auto counted = backend_->drops()) drops = std::move(*counted);
  }
  drops.id = query.id;
  send(std::move(drops));
}

void Room::handle(const TraceQuery& query, std::vector<base::UniqueFd>&) {
  Trace trace;
  if (!backend_) {
    trace.problem = "no configuration is in force yet";
  } else if (auto found = backend_->trace(query)) {
    trace = std::move(*found);
  } else {
    trace.problem = found.error().text;
  }
  trace.id = query.id;
  send(std::move(trace));
}

void Room::handle(const SyncQuery& query, std::vector<base::UniqueFd>&) {
  auto status = backend_ ? backend_->sync_status() : SyncStatus{};
  status.id = query.id;
  send(std::move(status));
}

void Room::handle(const CaptureQuery& query, std::vector<base::UniqueFd>&) {
  Captured captured;
  if (!backend_) {
    captured.problem = "no configuration is in force yet";
  } else if (auto found = backend_->capture(query)) {
    captured = std::move(*found);
  } else {
    captured.problem = found.error().text;
  }
  captured.id = query.id;
  send(std::move(captured));
}

void Room::handle(const Keep& keep, std::vector<base::UniqueFd>& fds) {
  for (std::size_t i = 0; i < keep.names.size() && i < fds.size(); ++i) kept_[keep.names[i]] = std::move(fds[i]);
}

void Room::handle(const Stop& stop, std::vector<base::UniqueFd>&) {
  base::log::notice("ipvs", "stopping: {}", stop.reason);
  if (backend_) backend_->stop();
  static_cast<void>(through_vip_.put_in_force({}));
  static_cast<void>(through_tunnel_.put_in_force({}, {}));
  finish(0);
}

}  // namespace

base::Privileges privileges() {
  // ipc_lock: packet memory of AF_XDP is locked and counted against RLIMIT_MEMLOCK otherwise.
  return {.capabilities = {"net_admin", "net_raw", "bpf", "ipc_lock"}, .user = "lvsd"};
}

int run(base::UniqueFd channel, Parse parse) {
  boost::asio::io_context loop{1};
  return Room{loop, std::move(channel), std::move(parse)}.run();
}

}  // namespace lvsd::ipvs
