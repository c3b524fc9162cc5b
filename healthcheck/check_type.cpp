#include "healthcheck/check_type.hpp"

#include <algorithm>
#include <iterator>

namespace lvsd::healthcheck {
namespace {

struct Row {
  CheckType type;
  std::string_view word;
  Carrier carrier;
};

// In the order of CheckType.
constexpr Row kRows[] = {{CheckType::Tcp, "tcp", Carrier::Stream},     {CheckType::Http, "http", Carrier::Http},
                         {CheckType::Https, "https", Carrier::Http},   {CheckType::Tls, "tls", Carrier::Stream},
                         {CheckType::Udp, "udp", Carrier::Datagram},   {CheckType::Dns, "dns", Carrier::Datagram},
                         {CheckType::Smtp, "smtp", Carrier::Stream},   {CheckType::Ping, "ping", Carrier::Echo},
                         {CheckType::Mysql, "mysql", Carrier::Stream}, {CheckType::Pgsql, "pgsql", Carrier::Stream},
                         {CheckType::Redis, "redis", Carrier::Stream}, {CheckType::Ldap, "ldap", Carrier::Stream},
                         {CheckType::Imap, "imap", Carrier::Stream},   {CheckType::Pop3, "pop3", Carrier::Stream},
                         {CheckType::Ftp, "ftp", Carrier::Stream},     {CheckType::Sip, "sip", Carrier::Datagram},
                         {CheckType::Nntp, "nntp", Carrier::Stream},   {CheckType::Script, "script", Carrier::Script},
                         {CheckType::Agent, "agent", Carrier::Stream}, {CheckType::File, "file", Carrier::File},
                         {CheckType::Grpc, "grpc", Carrier::Http},     {CheckType::Process, "process", Carrier::Local},
                         {CheckType::Route, "route", Carrier::Local}};

const Row& row(CheckType type) { return kRows[static_cast<std::size_t>(type)]; }

}  // namespace

std::string_view word(CheckType type) { return row(type).word; }

std::optional<CheckType> check_type(std::string_view word) {
  const auto* found = std::find_if(std::begin(kRows), std::end(kRows), [&](const Row& r) { return r.word == word; });
  return found == std::end(kRows) ? std::nullopt : std::optional{found->type};
}

Carrier carrier(CheckType type) { return row(type).carrier; }

}  // namespace lvsd::healthcheck
