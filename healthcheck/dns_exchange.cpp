#include "healthcheck/dns_exchange.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "healthcheck/dns_message.hpp"

namespace lvsd::healthcheck {
namespace {

std::string_view without_last_dot(std::string_view name) {
  if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);
  return name;
}

std::string records_words(const DnsAnswer& answer) {
  const auto shown = excerpt(fmt::format("{}", fmt::join(answer.records, ", ")));
  return shown.empty() ? "no such record" : fmt::format("\"{}\"", shown);
}

}  // namespace

std::string DnsExchange::request(const base::Endpoint&) {
  return dns_query(id_, check_.query_name, dns_type(check_.query_type).value_or(0));
}

std::optional<Fault> DnsExchange::judge(std::string_view datagram) {
  const auto type = dns_type(check_.query_type).value_or(0);
  const auto answer = read_dns(datagram, check_.query_name, type);
  if (!answer) return Fault{Reason::Protocol, fmt::format("not a DNS answer: \"{}\"", excerpt(datagram))};
  if (!answer->is_response || answer->id != id_) return std::nullopt;
  const auto asked = fmt::format("{} {}", check_.query_name, check_.query_type);
  const auto rcode = dns_rcode_word(answer->rcode);
  // Only an error may come without the question.
  if (!answer->question_matches && answer->rcode == 0) return std::nullopt;
  if (rcode != check_.expect_rcode)
    return Fault{Reason::Reply, fmt::format("{} for {}, expected {}", rcode, asked, check_.expect_rcode)};
  if (check_.expect_answer.empty())
    return Fault{Reason::Ok, fmt::format("{}, {} answers", rcode, answer->records.size())};
  const auto wanted = without_last_dot(check_.expect_answer);
  if (std::find(answer->records.begin(), answer->records.end(), wanted) != answer->records.end())
    return Fault{Reason::Ok, fmt::format("{}, \"{}\"", rcode, excerpt(wanted))};
  return Fault{Reason::Reply, fmt::format("{} for {}, but no answer \"{}\": {}", rcode, asked, excerpt(wanted),
                                          records_words(*answer))};
}

}  // namespace lvsd::healthcheck
