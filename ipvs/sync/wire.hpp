// A TCP stream that writes what it is given in order and reads as it is asked. Closed by either end, or by close();
// after that nothing is called any more. Used by the two ends of an exchange.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "base/address.hpp"
#include "ipvs/sync/stream.hpp"

namespace boost::asio {
class io_context;
}

namespace lvsd::ipvs::sync {

class Wire : public std::enable_shared_from_this<Wire> {
 public:
  struct Events {
    std::function<void()> connected;                          // dial() alone
    std::function<void(std::span<const std::uint8_t>)> read;  // answers read()
    std::function<void()> written;                            // some of what waited has gone
    std::function<void(const std::string& reason)> closed;    // not by close()
  };

  explicit Wire(boost::asio::io_context& loop);
  Wire(boost::asio::io_context& loop, int accepted_fd, base::Family family);
  ~Wire();

  void listen_to(Events events);
  void dial(const base::IpAddress& from, const base::Endpoint& to);
  void read();  // once
  void write(Bytes bytes);
  std::size_t waiting() const { return waiting_; }  // bytes given and not yet taken by the kernel
  void close();

 private:
  struct Socket;
  void write_next();
  void fail(const std::string& reason);

  std::unique_ptr<Socket> socket_;
  Events events_;
  std::deque<Bytes> queue_;
  std::size_t waiting_ = 0;
  bool closed_ = false;
};

}  // namespace lvsd::ipvs::sync
