// lvsctl in surroundings made of canned replies. Used by the tests of its commands.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "daemon/ctl/run.hpp"
#include "tests/unit/daemon/ctl/samples.hpp"

namespace lvsd::ctl::test {

// A daemon made of canned replies; a target without one answers 404.
class Run : public ::testing::Test {
 protected:
  Run() {
    view();  // local time becomes UTC
    replies["/api/v1/status"] = {200, body(overview())};
    replies["/api/v1/table"] = {200, body(table())};
    replies["/api/v1/checks"] = {200, body(checks())};
    replies["/api/v1/vrrp"] = {200, body(vrrp_status())};
    replies["/api/v1/connections"] = {200, body(connections())};
    replies["/api/v1/listing"] = {200, body(listing())};
    replies["/api/v1/drops"] = {200, body(drops())};
    replies["/api/v1/reload"] = {200, body(reload_result())};
    replies["/metrics"] = {200, "# TYPE lvsd_up gauge\nlvsd_up 1\n"};
    around.request = [this](const std::string& socket, std::string_view method, const std::string& target,
                            const std::string& body, base::Duration) {
      if (!body.empty()) bodies.push_back(body);
      requests.push_back(fmt::format("{} {} {}", socket, method, target));
      return reply_to(target.substr(0, target.find('?')));
    };
    around.may_use = [this](std::string_view path) { return path != forbidden; };
    around.out = [this](std::string_view text) {
      out += text;
      return reader_present;
    };
    around.err = [this](std::string_view text) { err += text; };
    around.now_unix_ms = [] { return kNow; };
    around.sleep = [this](base::Duration d) { slept += d; };
    around.utf8 = true;
  }

  base::Result<daemon::HttpReply> reply_to(const std::string& target) {
    if (!unreachable.empty()) return base::fail(unreachable);
    if (!replies.contains(target))
      return daemon::HttpReply{404, R"({"error":{"code":"not_found","message":"no such page"}})"};
    return replies[target];
  }

  int lvsctl(const std::vector<std::string>& arguments) {
    out.clear();
    err.clear();
    requests.clear();
    return run(arguments, around);
  }

  Surroundings around;
  std::map<std::string, daemon::HttpReply> replies;
  std::string unreachable;
  std::string forbidden;
  bool reader_present = true;
  std::string out, err;
  std::vector<std::string> requests;
  std::vector<std::string> bodies;
  base::Duration slept{};
};

}  // namespace lvsd::ctl::test
