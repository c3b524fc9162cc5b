#include "ipvs/sync/exchange.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <sys/random.h>

#include "base/log.hpp"
#include "ipvs/sync/hearing.hpp"
#include "ipvs/sync/telling.hpp"

namespace lvsd::ipvs::sync {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr base::Duration kTick = std::chrono::milliseconds{500};
constexpr std::size_t kMostStreams = 16;  // accepted ones, also those that have not shown the secret yet

base::IpAddress address_of(const boost::asio::ip::address& address) {
  if (address.is_v4()) return base::IpAddress::v4(address.to_v4().to_uint());
  return base::IpAddress::v6(address.to_v6().to_bytes());
}

}  // namespace

struct Exchange::Impl : std::enable_shared_from_this<Impl> {
  Impl(boost::asio::io_context& l, SyncConfig c, Store s)
      : loop{l}, config{std::move(c)}, store{std::move(s)}, acceptor{l}, timer{l} {}

  void start();
  void stop();
  void tick();
  void listen();
  void accept();
  void take(tcp::socket socket, const base::IpAddress& from);
  void ask_changes();
  void tidy();
  bool is_peer(const base::IpAddress& address) const {
    return std::ranges::any_of(config.peers, [&](const auto& p) { return p.address == address; });
  }

  boost::asio::io_context& loop;
  SyncConfig config;
  Store store;
  tcp::acceptor acceptor;
  boost::asio::steady_timer timer;
  std::vector<std::shared_ptr<Telling>> tellings;  // as config.peers
  std::vector<std::shared_ptr<Hearing>> hearings;
  struct Sum {
    std::uint64_t heard = 0;  // over streams that have ended
    Applied applied;
    std::optional<base::TimePoint> complete_at;
    std::string problem;
  };
  mutable std::map<base::IpAddress, Sum> sums;
  std::string problem;
  std::uint64_t strangers = 0;
  bool asked = false;  // for changes
  bool stopped = false;
};

void Exchange::Impl::start() {
  store.follow(true);
  for (const auto& peer : config.peers) {
    tellings.push_back(std::make_shared<Telling>(loop, config.secret, config.listen.address, peer, store.walk,
                                                 [weak = weak_from_this()] {
                                                   if (const auto self = weak.lock()) self->ask_changes();
                                                 }));
  }
  tick();
}

void Exchange::Impl::stop() {
  stopped = true;
  error_code ignored;
  acceptor.close(ignored);
  timer.cancel();
  for (const auto& telling : tellings) telling->close();
  for (const auto& hearing : hearings) hearing->close();
  store.follow(false);
}

void Exchange::Impl::tick() {
  const auto now = base::Clock::now();
  if (!acceptor.is_open()) listen();
  for (const auto& telling : tellings) telling->tick(now);
  for (const auto& hearing : hearings) hearing->tick(now);
  tidy();
  timer.expires_after(kTick);
  timer.async_wait([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (!error && self && !self->stopped) self->tick();
  });
}

void Exchange::Impl::listen() {
  const auto& own = config.listen;
  const tcp::endpoint endpoint = own.address.is_v4()
                                     ? tcp::endpoint{boost::asio::ip::address_v4{own.address.v4_host_order()}, own.port}
                                     : tcp::endpoint{boost::asio::ip::address_v6{own.address.bytes()}, own.port};
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address{true}, error);
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(static_cast<int>(kMostStreams), error);
  if (!error) {
    problem.clear();
    return accept();
  }
  error_code ignored;
  acceptor.close(ignored);
  const auto reason = "cannot listen on " + own.to_string() + ": " + error.message();
  if (std::exchange(problem, reason) != reason) base::log::error("sync", "{}", reason);
}

void Exchange::Impl::accept() {
  acceptor.async_accept([weak = weak_from_this()](const error_code& error, tcp::socket socket) {
    const auto self = weak.lock();
    if (!self || self->stopped) return;
    error_code unknown;
    const auto from = socket.remote_endpoint(unknown);
    if (!error && !unknown) self->take(std::move(socket), address_of(from.address()));
    if (self->acceptor.is_open()) self->accept();
  });
}

void Exchange::Impl::take(tcp::socket socket, const base::IpAddress& from) {
  tidy();
  Nonce nonce{};
  const bool random = getrandom(nonce.data(), nonce.size(), 0) == static_cast<ssize_t>(nonce.size());
  if (!is_peer(from) || hearings.size() >= kMostStreams || !random) {
    ++strangers;
    return;  // closes
  }
  error_code failed;
  const int fd = socket.release(failed);
  if (failed) return;
  auto wire = std::make_shared<Wire>(loop, fd, from.family());
  hearings.push_back(
      std::make_shared<Hearing>(std::move(wire), from, config.secret, nonce, store.put, base::Clock::now()));
  hearings.back()->start();
  for (std::size_t i = 0; i < tellings.size(); ++i) {
    if (config.peers[i].address == from) tellings[i]->hurry(base::Clock::now());
  }
}

// What ended is added up; an authentic stream replaces an older one of the same peer.
void Exchange::Impl::tidy() {
  for (std::size_t i = 0; i < hearings.size(); ++i) {
    if (!hearings[i]->is_authentic() || hearings[i]->is_over()) continue;
    for (std::size_t older = 0; older < i; ++older) {
      if (hearings[older]->peer() == hearings[i]->peer()) hearings[older]->close();
    }
  }
  std::erase_if(hearings, [this](const auto& hearing) {
    auto& sum = sums[hearing->peer()];
    sum.applied += hearing->take_applied();
    if (hearing->is_complete()) sum.complete_at = hearing->complete_at();
    if (hearing->is_authentic() && !hearing->is_over()) sum.problem.clear();
    if (!hearing->is_over()) return false;
    if (!hearing->is_authentic()) ++strangers;
    if (!hearing->problem().empty()) sum.problem = hearing->problem();
    sum.heard += hearing->heard();
    return true;
  });
}

// At most one question is open. While all peers are too far behind, none is: the changes wait where they are.
void Exchange::Impl::ask_changes() {
  const bool room = std::ranges::any_of(tellings, [](const auto& t) { return t->has_room(); });
  if (stopped || asked || !room) return;
  asked = true;
  store.next_changes([weak = weak_from_this()](const Batch& batch) {
    const auto self = weak.lock();
    if (!self) return;
    self->asked = false;
    for (const auto& telling : self->tellings) telling->tell(batch);
    self->ask_changes();
  });
}

Exchange::Exchange(boost::asio::io_context& loop, const SyncConfig& config, Store store)
    : impl_{std::make_shared<Impl>(loop, config, std::move(store))} {
  impl_->start();
}

Exchange::~Exchange() { impl_->stop(); }

const SyncConfig& Exchange::config() const { return impl_->config; }

SyncStatus Exchange::status() const {
  impl_->tidy();
  SyncStatus status;
  status.configured = status.in_step = true;
  status.problem = impl_->problem;
  status.strangers = impl_->strangers;
  const auto now = base::Clock::now();
  for (std::size_t i = 0; i < impl_->tellings.size(); ++i) {
    SyncPeer peer;
    peer.peer = impl_->config.peers[i];
    const auto& sum = impl_->sums[peer.peer.address];
    peer.problem = sum.problem;
    impl_->tellings[i]->describe(peer);
    peer.heard = sum.heard;
    for (const auto& hearing : impl_->hearings) {
      if (hearing->peer() != peer.peer.address || !hearing->is_authentic()) continue;
      peer.hearing = hearing->is_complete() ? SyncStage::in_step : SyncStage::full_state;
      peer.heard += hearing->heard();
    }
    peer.taken = sum.applied.taken;
    peer.older = sum.applied.older;
    peer.unknown_server = sum.applied.unknown_server;
    peer.refused = sum.applied.refused;
    if (sum.complete_at) {
      peer.full_state_age_s = std::chrono::duration_cast<std::chrono::seconds>(now - *sum.complete_at).count();
    }
    status.in_step = status.in_step && peer.hearing == SyncStage::in_step;
    status.peers.push_back(std::move(peer));
  }
  return status;
}

}  // namespace lvsd::ipvs::sync
