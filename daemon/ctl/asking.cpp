#include "daemon/ctl/asking.hpp"

#include <fmt/format.h>

namespace lvsd::ctl {
namespace {

int code_of(int status) {
  switch (status) {
    case 404:
      return kNotFound;
    case 409:
      return kRefused;
    case 422:
      return kInvalid;
    case 504:
      return kTimedOut;
    default:
      return kFailed;
  }
}

}  // namespace

base::Result<std::string, Failure> Asking::get(const std::string& target, base::Duration timeout) const {
  auto reply = request("GET", target, socket_to_read(), invocation_.timeout.value_or(timeout));
  if (!reply) return tl::unexpected{reply.error()};
  if (reply->status < 200 || reply->status > 299) return tl::unexpected{failure_of(*reply)};
  return std::move(reply->body);
}

base::Result<daemon::HttpReply, Failure> Asking::post(const std::string& target, base::Duration timeout,
                                                      const std::string& body) const {
  const auto socket = invocation_.socket.empty() ? std::string{kSocket} : invocation_.socket;
  return request("POST", target, socket, invocation_.timeout.value_or(timeout), body);
}

Failure Asking::failure_of(const daemon::HttpReply& reply) {
  return {code_of(reply.status), decode_error(reply.body, reply.status), ""};
}

base::Result<daemon::HttpReply, Failure> Asking::request(std::string_view method, const std::string& target,
                                                         const std::string& socket, base::Duration timeout,
                                                         const std::string& body) const {
  auto reply = surroundings_.request(socket, method, target, body, timeout);
  if (reply) return std::move(*reply);
  std::string_view why = reply.error().text;
  if (why.find("timed out") != why.npos) {  // what daemon::http_request promises to say
    const auto text = fmt::format("lvsd at {} did not answer: {}", socket, why);
    return tl::unexpected{Failure{kTimedOut, {"timed_out", text, "--timeout waits longer; journalctl -u lvsd"}, ""}};
  }
  constexpr std::string_view call = "connect: ";
  if (why.starts_with(call)) why.remove_prefix(call.size());
  const bool denied = why.find("Permission denied") != why.npos;
  const auto* hint =
      denied ? "the socket is open to root and to its group: use sudo" : "is it running? systemctl status lvsd";
  return tl::unexpected{
      Failure{kUnreachable, {"unreachable", fmt::format("cannot reach lvsd at {}: {}", socket, why), hint}, ""}};
}

std::string Asking::socket_to_read() const {
  if (!invocation_.socket.empty()) return invocation_.socket;
  const bool only_read = !surroundings_.may_use(kSocket) && surroundings_.may_use(kReadOnlySocket);
  return std::string{only_read ? kReadOnlySocket : kSocket};
}

}  // namespace lvsd::ctl
