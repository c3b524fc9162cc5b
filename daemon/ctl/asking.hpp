// Requests to the daemon with every way they can fail turned into a Failure. Used by answer.cpp.
#pragma once

#include <string>
#include <string_view>

#include "daemon/ctl/answer.hpp"

namespace lvsd::ctl {

class Asking {
 public:
  Asking(const Invocation& invocation, const Surroundings& surroundings)
      : invocation_{invocation}, surroundings_{surroundings} {}

  static constexpr base::Duration kTimeout{std::chrono::seconds{10}};

  // The body of a 2xx reply. `timeout` where --timeout was not given.
  base::Result<std::string, Failure> get(const std::string& target, base::Duration timeout = kTimeout) const;

  template <class T>
  base::Result<T, Failure> get_as(const std::string& target) const {
    const auto body = get(target);
    if (!body) return tl::unexpected{body.error()};
    return read<T>(*body);
  }

  template <class T>
  static base::Result<T, Failure> read(std::string_view body) {
    auto value = decode<T>(body);
    if (!value) return tl::unexpected{Failure{kFailed, {"bad_reply", value.error().text, ""}, ""}};
    return std::move(*value);
  }

  // Any reply. Changing requests go to the read-write socket only.
  base::Result<daemon::HttpReply, Failure> post(const std::string& target, base::Duration timeout,
                                                const std::string& body = {}) const;

  static Failure failure_of(const daemon::HttpReply& reply);

 private:
  base::Result<daemon::HttpReply, Failure> request(std::string_view method, const std::string& target,
                                                   const std::string& socket, base::Duration timeout,
                                                   const std::string& body = {}) const;
  std::string socket_to_read() const;

  const Invocation& invocation_;
  const Surroundings& surroundings_;
};

}  // namespace lvsd::ctl
