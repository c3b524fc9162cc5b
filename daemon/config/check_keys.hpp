// What a [check] of one kind says, read into its question. One function per kind of keys; used by validate_checks
// alone.
#pragma once

#include <string>
#include <string_view>

#include "daemon/config/values.hpp"
#include "healthcheck/config.hpp"

namespace lvsd::daemon {

void read_http(const SectionReader& reader, healthcheck::CheckConfig& check, Report& report);         // http, https
void read_http_status(const SectionReader& reader, healthcheck::CheckConfig& check, Report& report);  // also sip
void read_host(const SectionReader& reader, healthcheck::CheckConfig& check, Report& report);
void read_tls(const SectionReader& reader, healthcheck::CheckConfig& check, Report& report);
void read_talk(const SectionReader& reader, healthcheck::CheckConfig& check, Report& report);  // tcp, tls, udp, agent
void read_dns(const SectionReader& reader, healthcheck::CheckConfig& check, Report& report);

// One key each. Wrong values are reported and leave `out` as they stand.
void read_word(const SectionReader& reader, std::string_view key, std::string& out, Report& report);
void read_pattern(const SectionReader& reader, std::string_view key, std::string& pattern, Report& report);
void read_absolute(const SectionReader& reader, std::string_view key, Report& report);  // a path, if any

// Whatever would end or split a line of a protocol; a blank too where it would split it.
bool has_control(std::string_view text, bool blank_too);

}  // namespace lvsd::daemon
