// A director in the middle of its day, as the API tells it: one service degraded, one server draining, one down.
#pragma once

#include "daemon/api.hpp"
#include "daemon/config/load.hpp"
#include "daemon/ctl/view.hpp"
#include "healthcheck/messages.hpp"
#include "ipvs/messages.hpp"
#include "vrrp/messages.hpp"

namespace lvsd::ctl::test {

inline constexpr std::int64_t kNow = 1771406400000;  // 2026-02-18 09:20:00 UTC

View view();  // plain UTF-8 text at kNow; makes local time UTC

daemon::Overview overview();
daemon::Overview quiet_overview();  // nothing needs attention
ipvs::Table table();
healthcheck::Status checks();
vrrp::Status vrrp_status();
ipvs::Connections connections();
ipvs::Listing listing();  // of table()
ipvs::Drops drops();
daemon::ReloadResult reload_result();

// As bodies of replies: with "schema" and "generated_at".
std::string body(const daemon::Overview& value);
std::string body(const ipvs::Table& value);
std::string body(const healthcheck::Status& value);
std::string body(const vrrp::Status& value);
std::string body(const ipvs::Connections& value);
std::string body(const ipvs::Listing& value);
std::string body(const ipvs::Drops& value);
std::string body(const daemon::ReloadResult& value);
std::string body(const daemon::Sources& value);

}  // namespace lvsd::ctl::test
