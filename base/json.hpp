// How values become JSON: one tag per message, members by Boost.Describe, decoding strict (a missing, surplus or
// mistyped member is an error). Heavy: include it in a room's messages.cpp and in the API only, never in a header.
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/address.hpp"
#include "base/result.hpp"

namespace lvsd::base {

inline void tag_invoke(boost::json::value_from_tag, boost::json::value& out, const IpAddress& a) {
  out = a.to_string();
}
inline void tag_invoke(boost::json::value_from_tag, boost::json::value& out, const Prefix& p) { out = p.to_string(); }
inline void tag_invoke(boost::json::value_from_tag, boost::json::value& out, const Endpoint& e) { out = e.to_string(); }
inline void tag_invoke(boost::json::value_from_tag, boost::json::value& out, const MacAddress& m) {
  out = m.to_string();
}

template <class T>
boost::json::result<T> parse_json_text(const boost::json::value& in) {
  if (!in.is_string()) return boost::json::make_error_code(boost::json::error::not_string);
  auto parsed = T::parse(std::string_view{in.get_string()});
  if (!parsed) return boost::json::make_error_code(boost::json::error::syntax);
  return *parsed;
}
inline boost::json::result<IpAddress> tag_invoke(boost::json::try_value_to_tag<IpAddress>,
                                                 const boost::json::value& in) {
  return parse_json_text<IpAddress>(in);
}
inline boost::json::result<Prefix> tag_invoke(boost::json::try_value_to_tag<Prefix>, const boost::json::value& in) {
  return parse_json_text<Prefix>(in);
}
// An endpoint whose port is 0 is written and read as "10.0.0.1:0".
inline boost::json::result<Endpoint> tag_invoke(boost::json::try_value_to_tag<Endpoint>, const boost::json::value& in) {
  if (!in.is_string()) return boost::json::make_error_code(boost::json::error::not_string);
  const std::string_view text{in.get_string()};
  const bool any_port = text.ends_with(":0");
  auto parsed = Endpoint::parse(any_port ? text.substr(0, text.size() - 2) : text, !any_port);
  if (!parsed) return boost::json::make_error_code(boost::json::error::syntax);
  return *parsed;
}

// {"RoleChanged":{…}}: T must be described and have `static constexpr std::string_view kName`.
template <class... Ts>
std::string encode_message(const std::variant<Ts...>& message) {
  return std::visit(
      [](const auto& m) {
        boost::json::object object;
        object[std::remove_cvref_t<decltype(m)>::kName] = boost::json::value_from(m);
        return boost::json::serialize(object);
      },
      message);
}

namespace detail {
template <class Variant, std::size_t I = 0>
Result<Variant> decode_as(std::string_view name, const boost::json::value& body) {
  if constexpr (I == std::variant_size_v<Variant>) {
    return fail(fmt::format("unknown message \"{}\"", name));
  } else {
    using T = std::variant_alternative_t<I, Variant>;
    if (T::kName != name) return decode_as<Variant, I + 1>(name, body);
    auto value = boost::json::try_value_to<T>(body);
    if (!value) return fail(fmt::format("message \"{}\": {}", name, value.error().message()));
    return Variant{std::move(*value)};
  }
}
}  // namespace detail

template <class Variant>
Result<Variant> decode_message(std::string_view text) {
  boost::system::error_code error;
  const auto value = boost::json::parse({text.data(), text.size()}, error);
  if (error) return fail("message is not JSON: " + error.message());
  const auto* object = value.if_object();
  if (!object || object->size() != 1) return fail("message is not one tagged object");
  const auto& [name, body] = *object->begin();
  return detail::decode_as<Variant>(std::string_view{name}, body);
}

}  // namespace lvsd::base
