// The one error type of everything that can fail at the rim of a room, and the alias over tl::expected.
// Used by every room. Decoders of untrusted bytes use Result<T, SomeEnum> instead, so that each enumerator is a
// counter.
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include <tl/expected.hpp>

namespace lvsd::base {

// What failed, outermost context first: "add VIP 10.0.0.1/32 on eth0: netlink: Operation not permitted".
struct Error {
  std::string text;

  Error within(std::string_view context) const { return {std::string{context} + ": " + text}; }
};

template <class T, class E = Error>
using Result = tl::expected<T, E>;

inline tl::unexpected<Error> fail(std::string text) { return tl::unexpected<Error>{Error{std::move(text)}}; }

// `errno` of the call that has just failed, put into words.
inline tl::unexpected<Error> fail_errno(std::string_view call, int number = errno) {
  return fail(std::string{call} + ": " + std::strerror(number));
}

}  // namespace lvsd::base
