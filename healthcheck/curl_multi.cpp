#include "healthcheck/curl_multi.hpp"

#include <array>
#include <optional>
#include <stdexcept>
#include <unordered_map>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <curl/curl.h>
#include <sys/epoll.h>

namespace lvsd::healthcheck {
namespace {

constexpr std::size_t kEventsAtOnce = 256;  // then the loop serves others first

std::uint32_t epoll_interest(int what) {
  std::uint32_t events = 0;
  if (what & CURL_POLL_IN) events |= EPOLLIN;
  if (what & CURL_POLL_OUT) events |= EPOLLOUT;
  return events;
}

int curl_readiness(std::uint32_t events) {
  int bits = 0;
  if (events & (EPOLLIN | EPOLLHUP)) bits |= CURL_CSELECT_IN;
  if (events & EPOLLOUT) bits |= CURL_CSELECT_OUT;
  if (events & EPOLLERR) bits |= CURL_CSELECT_ERR;
  return bits;
}

}  // namespace

struct CurlMulti::Impl : std::enable_shared_from_this<CurlMulti::Impl> {
  explicit Impl(boost::asio::io_context& loop) : sockets{loop}, timer{loop} {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error{"libcurl cannot be initialized"};
    multi = curl_multi_init();
    const int fd = epoll_create1(EPOLL_CLOEXEC);
    if (!multi || fd < 0) throw std::runtime_error{"libcurl's event set cannot be made"};
    sockets.assign(fd);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &Impl::on_socket_wish);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &Impl::on_timer_wish);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 1L);  // nothing is kept for reuse
  }

  ~Impl() {
    curl_multi_cleanup(multi);
    curl_global_cleanup();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // Both "wish" functions are called by curl from inside its own functions; they must not call back into it.
  static int on_socket_wish(CURL*, curl_socket_t socket, int what, void* self_pointer, void* known) {
    auto* self = static_cast<Impl*>(self_pointer);
    const int set = self->sockets.native_handle();
    epoll_event event{};
    event.data.fd = socket;
    if (what == CURL_POLL_REMOVE) {
      epoll_ctl(set, EPOLL_CTL_DEL, socket, &event);
      return 0;
    }
    event.events = epoll_interest(what);
    const int operation = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(set, operation, socket, &event) != 0) return -1;
    curl_multi_assign(self->multi, socket, self);  // allowed here; makes `known` non-null from now on
    return 0;
  }

  static int on_timer_wish(CURLM*, long after_ms, void* self_pointer) {
    auto* self = static_cast<Impl*>(self_pointer);
    const auto wish = ++self->timer_wishes;  // the last one alone counts
    if (after_ms < 0) {
      self->timer.cancel();
    } else if (after_ms == 0) {  // with each new transfer; arming a timer would cost a system call
      boost::asio::post(self->timer.get_executor(), [weak = self->weak_from_this(), wish] {
        if (const auto impl = weak.lock()) impl->time_has_come(wish);
      });
    } else {
      self->timer.expires_after(std::chrono::milliseconds{after_ms});
      self->timer.async_wait([weak = self->weak_from_this(), wish](const boost::system::error_code& error) {
        const auto impl = weak.lock();
        if (impl && !error) impl->time_has_come(wish);
      });
    }
    return 0;
  }

  void time_has_come(std::uint64_t wish) {
    if (wish != timer_wishes) return;
    act(CURL_SOCKET_TIMEOUT, 0);
    report_done();
  }

  void wait() {
    sockets.async_wait(sockets.wait_read, [weak = weak_from_this()](const boost::system::error_code& error) {
      const auto self = weak.lock();
      if (!self || error) return;
      self->serve();
      self->wait();
    });
  }

  void serve() {
    std::array<epoll_event, kEventsAtOnce> events;
    const int count = epoll_wait(sockets.native_handle(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      act(event.data.fd, curl_readiness(event.events));
    }
    report_done();
  }

  void act(curl_socket_t socket, int readiness) {
    int running = 0;
    curl_multi_socket_action(multi, socket, readiness, &running);
  }

  void report_done() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const auto code = static_cast<int>(message->data.result);
      const auto found = transfers.find(message->easy_handle);
      if (found == transfers.end()) continue;
      const OnDone done = found->second;  // the call may remove the entry
      done(code);
    }
  }

  CURLM* multi = nullptr;
  boost::asio::posix::stream_descriptor sockets;
  boost::asio::steady_timer timer;
  std::uint64_t timer_wishes = 0;
  std::unordered_map<void*, OnDone> transfers;
};

CurlMulti::CurlMulti(boost::asio::io_context& loop) : impl_{std::make_shared<Impl>(loop)} { impl_->wait(); }

CurlMulti::~CurlMulti() = default;

base::Result<void> CurlMulti::add(void* easy, OnDone done) {
  impl_->transfers[easy] = std::move(done);
  const CURLMcode code = curl_multi_add_handle(impl_->multi, easy);
  if (code == CURLM_OK) return {};
  impl_->transfers.erase(easy);
  return base::fail(curl_multi_strerror(code));
}

void CurlMulti::remove(void* easy) {
  if (impl_->transfers.erase(easy) != 0) curl_multi_remove_handle(impl_->multi, easy);
}

}  // namespace lvsd::healthcheck
