// DNS messages as far as a check needs them (RFC 1035 §4): a query out, an answer's code and records in. Pure, and safe
// on any bytes. Used by dns_exchange; daemon/config asks for the known words.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lvsd::healthcheck {

struct DnsAnswer {
  std::uint16_t id = 0;
  bool is_response = false;
  bool question_matches = false;  // one question, with the name and type that were asked
  unsigned rcode = 0;
  std::vector<std::string> records;  // data of answer records of the asked type as text, at most kDnsRecords
};

inline constexpr std::size_t kDnsRecords = 64;

std::optional<std::uint16_t> dns_type(std::string_view word);  // "A", "SOA"; nullopt: unknown
std::optional<unsigned> dns_rcode(std::string_view word);      // "NOERROR"
std::string dns_rcode_word(unsigned rcode);                    // "SERVFAIL", "RCODE23"
bool is_dns_name(std::string_view name);                       // "." or labels of 1..63 bytes, 253 in all

// The name is one (is_dns_name) and the type known.
std::string dns_query(std::uint16_t id, std::string_view name, std::uint16_t type);

// nullopt: not a well-formed DNS message.
std::optional<DnsAnswer> read_dns(std::string_view message, std::string_view name, std::uint16_t type);

}  // namespace lvsd::healthcheck
