// Any bytes as an answer to a datagram check, as a DNS message and as escaped text: nothing may crash, and no answer of
// chance may pass as one to our question.
#include <array>
#include <cstdlib>
#include <string_view>

#include "healthcheck/dns_message.hpp"
#include "healthcheck/escapes.hpp"
#include "healthcheck/exchange.hpp"

namespace {

using namespace lvsd::healthcheck;

void require(bool condition) {
  if (!condition) std::abort();
}

constexpr std::array kTypes{CheckType::Udp, CheckType::Dns, CheckType::Sip, CheckType::Ping};
constexpr std::array kDnsTypes{"A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "TXT"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};
  Target target;
  target.check.type = kTypes[data[0] % kTypes.size()];
  target.check.query_name = "www.example.com";
  target.check.query_type = kDnsTypes[data[0] / 8 % kDnsTypes.size()];
  target.check.expect_answer = "10.0.0.7";
  const auto exchange = make_exchange(target, 0x1122334455667788u);
  const auto verdict = exchange->judge(bytes);
  if (verdict) require(!verdict->text.empty());
  if (const auto answer = read_dns(bytes, "www.example.com", *dns_type(target.check.query_type)))
    require(answer->records.size() <= kDnsRecords);
  if (is_dns_name(bytes)) require(dns_query(1, bytes, 1).size() <= 12 + 255 + 4);
  if (const auto text = unescape(bytes)) require(text->size() <= bytes.size());
  return 0;
}
