#include "ipvs/sync/multicast.hpp"

#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/log.hpp"
#include "base/time.hpp"
#include "ipvs/sync/multicast_socket.hpp"

namespace lvsd::ipvs::sync {
namespace {

using boost::system::error_code;

constexpr base::Duration kTick = std::chrono::milliseconds{500};
constexpr base::Duration kBetweenSteps = std::chrono::milliseconds{5};  // hearers have only their buffer
constexpr std::uint32_t kWalkStep = 1024;                               // entries of the table

}  // namespace

struct Multicast::Impl : std::enable_shared_from_this<Impl> {
  Impl(boost::asio::io_context& l, IpvsSyncConfig c, Store s, IpvsNames n)
      : loop{l}, config{std::move(c)}, store{std::move(s)}, names{std::move(n)}, timer{l}, step_timer{l} {}

  void start() {
    store.follow(true);
    tick();
  }
  void stop() {
    stopped = true;
    timer.cancel();
    step_timer.cancel();
    socket.reset();
    store.follow(false);
  }

  void tick();
  void open();
  void take_roles(const IpvsRoles& wanted);
  void ask_changes();
  void begin_walk();
  void walk_on();
  void tell(const Batch& batch);
  void hear(std::span<const std::uint8_t> bytes);
  bool can_tell() const { return !stopped && roles.tells && socket != nullptr; }

  boost::asio::io_context& loop;
  IpvsSyncConfig config;
  Store store;
  IpvsNames names;
  IpvsRoles roles;
  boost::asio::steady_timer timer;
  boost::asio::steady_timer step_timer;
  std::unique_ptr<MulticastSocket> socket;
  MulticastStatus counters;
  Applied applied;
  base::TimePoint walked_at{};
  std::uint32_t next = 0;
  bool walking = false;
  bool asked = false;  // for changes
  bool stopped = false;
};

void Multicast::Impl::tick() {
  if (socket && !socket->is_usable()) socket.reset();
  if (!socket) open();
  const bool again = config.refresh.count() != 0 && base::Clock::now() - walked_at >= config.refresh;
  if (can_tell() && again) begin_walk();
  timer.expires_after(kTick);
  timer.async_wait([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (!error && self && !self->stopped) self->tick();
  });
}

void Multicast::Impl::open() {
  auto opened = MulticastSocket::open(loop, config, [weak = weak_from_this()](std::span<const std::uint8_t> bytes) {
    if (const auto self = weak.lock()) self->hear(bytes);
  });
  if (!opened) {
    const auto& reason = opened.error().text;
    if (std::exchange(counters.problem, reason) != reason) base::log::error("sync", "{}", reason);
    return;
  }
  counters.problem.clear();
  socket = std::move(*opened);
  if (!can_tell()) return;
  begin_walk();
  ask_changes();
}

void Multicast::Impl::take_roles(const IpvsRoles& wanted) {
  const bool told = std::exchange(roles, wanted).tells;
  if (told || !can_tell()) return;
  begin_walk();
  ask_changes();
}

// At most one question is open.
void Multicast::Impl::ask_changes() {
  if (asked || !can_tell()) return;
  asked = true;
  store.next_changes([weak = weak_from_this()](const Batch& batch) {
    const auto self = weak.lock();
    if (!self) return;
    self->asked = false;
    self->tell(batch);
    self->ask_changes();
  });
}

void Multicast::Impl::begin_walk() {
  walked_at = base::Clock::now();
  if (std::exchange(walking, true)) return;
  next = 0;
  walk_on();
}

// The whole table, in pieces: nobody says that he has come late.
void Multicast::Impl::walk_on() {
  store.walk(next, kWalkStep, [weak = weak_from_this()](const Walked& walked) {
    const auto self = weak.lock();
    if (!self || self->stopped) return;
    self->tell(walked.batch);
    self->next = walked.next;
    self->walking = !walked.complete && self->can_tell();
    if (!self->walking) return;
    self->step_timer.expires_after(kBetweenSteps);
    self->step_timer.async_wait([weak](const error_code& error) {
      const auto again = weak.lock();
      if (!error && again && !again->stopped) again->walk_on();
    });
  });
}

void Multicast::Impl::tell(const Batch& batch) {
  if (!can_tell()) return;
  const auto told = to_ipvs(batch, names, config.threshold);
  counters.not_told += told.not_possible;
  counters.told += told.connections.size();
  for (const auto& message : encode_ipvs(told.connections, config.id, socket->max_length())) {
    ++(socket->send(message) ? counters.told_messages : counters.unsent_messages);
  }
}

void Multicast::Impl::hear(std::span<const std::uint8_t> bytes) {
  if (stopped || !roles.hears) return;
  const auto message = decode_ipvs(bytes);
  if (!message) {
    ++counters.malformed_messages;
    return;
  }
  if (config.id != 0 && message->id != config.id) {
    ++counters.other_id_messages;
    return;
  }
  ++counters.heard_messages;
  counters.heard += message->connections.size();
  auto heard = from_ipvs(*message, names);
  counters.not_possible += heard.not_possible;
  if (heard.batch.records.empty()) return;
  store.put(std::move(heard.batch), [weak = weak_from_this()](const Applied& done) {
    if (const auto self = weak.lock()) self->applied += done;
  });
}

Multicast::Multicast(boost::asio::io_context& loop, const IpvsSyncConfig& config, Store store, IpvsNames names,
                     const std::set<std::string>& masters)
    : impl_{std::make_shared<Impl>(loop, config, std::move(store), std::move(names))} {
  impl_->roles = roles_of(config, masters);
  impl_->start();
}

Multicast::~Multicast() { impl_->stop(); }

const IpvsSyncConfig& Multicast::config() const { return impl_->config; }

void Multicast::use_names(IpvsNames names) { impl_->names = std::move(names); }

void Multicast::follow_roles(const std::set<std::string>& masters) {
  impl_->take_roles(roles_of(impl_->config, masters));
}

MulticastStatus Multicast::status() const {
  auto status = impl_->counters;
  status.interface = impl_->config.interface;
  status.group = impl_->config.group;
  status.id = impl_->config.id;
  status.counted = true;
  status.tells = impl_->roles.tells && impl_->socket;
  status.hears = impl_->roles.hears && impl_->socket;
  status.taken = impl_->applied.taken;
  status.older = impl_->applied.older;
  status.unknown_server = impl_->applied.unknown_server;
  status.refused = impl_->applied.refused;
  return status;
}

}  // namespace lvsd::ipvs::sync
