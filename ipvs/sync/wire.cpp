#include "ipvs/sync/wire.hpp"

#include <array>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

namespace lvsd::ipvs::sync {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

tcp::endpoint endpoint_of(const base::Endpoint& endpoint) {
  if (endpoint.address.is_v4()) return {boost::asio::ip::address_v4{endpoint.address.v4_host_order()}, endpoint.port};
  return {boost::asio::ip::address_v6{endpoint.address.bytes()}, endpoint.port};
}

}  // namespace

struct Wire::Socket {
  explicit Socket(boost::asio::io_context& loop) : tcp{loop} {}
  boost::asio::ip::tcp::socket tcp;
  std::array<std::uint8_t, 65536> buffer{};
};

Wire::Wire(boost::asio::io_context& loop) : socket_{std::make_unique<Socket>(loop)} {}

Wire::Wire(boost::asio::io_context& loop, int accepted_fd, base::Family family) : Wire{loop} {
  error_code ignored;
  socket_->tcp.assign(family == base::Family::V4 ? tcp::v4() : tcp::v6(), accepted_fd, ignored);
  socket_->tcp.set_option(tcp::no_delay{true}, ignored);
}

Wire::~Wire() = default;

void Wire::listen_to(Events events) { events_ = std::move(events); }

void Wire::dial(const base::IpAddress& from, const base::Endpoint& to) {
  const auto own = endpoint_of({from, 0});
  error_code error;
  socket_->tcp.open(own.protocol(), error);
  if (!error) socket_->tcp.set_option(tcp::no_delay{true}, error);
  if (!error) socket_->tcp.bind(own, error);
  if (error) return fail("own address " + from.to_string() + ": " + error.message());
  socket_->tcp.async_connect(endpoint_of(to), [self = shared_from_this()](const error_code& failed) {
    if (self->closed_) return;
    if (failed) return self->fail(failed.message());
    self->events_.connected();
  });
}

void Wire::read() {
  if (closed_) return;
  socket_->tcp.async_read_some(boost::asio::buffer(socket_->buffer),
                               [self = shared_from_this()](const error_code& failed, std::size_t size) {
                                 if (self->closed_) return;
                                 if (failed == boost::asio::error::eof) return self->fail("the peer closed");
                                 if (failed) return self->fail(failed.message());
                                 self->events_.read(std::span{self->socket_->buffer}.first(size));
                               });
}

void Wire::write(Bytes bytes) {
  if (closed_ || bytes.empty()) return;
  waiting_ += bytes.size();
  queue_.push_back(std::move(bytes));
  if (queue_.size() == 1) write_next();
}

void Wire::write_next() {
  boost::asio::async_write(socket_->tcp, boost::asio::buffer(queue_.front()),
                           [self = shared_from_this()](const error_code& failed, std::size_t) {
                             if (self->closed_) return;
                             if (failed) return self->fail(failed.message());
                             self->waiting_ -= self->queue_.front().size();
                             self->queue_.pop_front();
                             if (!self->queue_.empty()) self->write_next();
                             self->events_.written();
                           });
}

void Wire::fail(const std::string& reason) {
  if (closed_) return;
  const auto closed = std::move(events_.closed);
  close();
  if (closed) closed(reason);
}

void Wire::close() {
  if (std::exchange(closed_, true)) return;
  error_code ignored;
  socket_->tcp.close(ignored);
  waiting_ = 0;
}

}  // namespace lvsd::ipvs::sync
