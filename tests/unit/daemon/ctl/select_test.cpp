#include "daemon/ctl/select.hpp"

#include <gmock/gmock.h>

#include "tests/unit/daemon/ctl/samples.hpp"

namespace lvsd::ctl {
namespace {

using namespace lvsd::ctl::test;
using Names = std::vector<std::string>;

Names services_named(const Names& names) {
  const auto t = table();
  const auto selected = select_services(t, names);
  if (!selected) return {selected.error().text};
  Names out;
  for (const auto* s : *selected) out.push_back(s->name);
  return out;
}

Names servers_named(const Names& names) {
  const auto t = table();
  const auto selected = select_servers(t, names);
  if (!selected) return {selected.error().text};
  Names out;
  for (const auto& r : *selected) out.push_back(r.name());
  return out;
}

Names targets_named(const std::string& name) {
  const auto t = table();
  const auto c = checks();
  const auto selected = select_targets(c, t, name);
  if (!selected) return {selected.error().text};
  Names out;
  for (const auto* x : *selected) out.push_back(x->id);
  return out;
}

TEST(Select, ServicesByNamePatternAndAddress) {
  EXPECT_EQ(services_named({}), (Names{"web", "shop"}));
  EXPECT_EQ(services_named({"shop"}), Names{"shop"});
  EXPECT_EQ(services_named({"s*", "web", "shop"}), (Names{"web", "shop"}));
  EXPECT_EQ(services_named({"192.0.2.10:8443"}), Names{"shop"});
  EXPECT_EQ(services_named({"192.0.2.10"}), (Names{"web", "shop"}));
  EXPECT_EQ(services_named({"wbe"}), Names{"no virtual server matches \"wbe\"; did you mean \"web\"?"});
  EXPECT_EQ(services_named({"web", "shpo"}), Names{"no virtual server matches \"shpo\"; did you mean \"shop\"?"});
}

TEST(Select, ServersByNamePatternServiceAndAddress) {
  EXPECT_EQ(servers_named({"web/rs2"}), Names{"web/rs2"});
  EXPECT_EQ(servers_named({"*/rs?"}), (Names{"web/rs1", "web/rs2", "web/rs3"}));
  EXPECT_EQ(servers_named({"shop"}), Names{"shop/app1"});
  EXPECT_EQ(servers_named({"10.0.0.21:8443"}), Names{"shop/app1"});
  EXPECT_EQ(servers_named({"10.0.0.12"}), Names{"web/rs2"});
  EXPECT_EQ(servers_named({"web/rs9"}), Names{"no real server matches \"web/rs9\"; did you mean \"web/rs1\"?"});
}

TEST(Select, TargetsByTheirUserTheirCheckAndTheirId) {
  EXPECT_EQ(targets_named("web/rs2"), Names{"http_ok@10.0.0.12"});
  EXPECT_EQ(targets_named("web").size(), 3u);
  EXPECT_EQ(targets_named("http_ok").size(), 3u);
  EXPECT_EQ(targets_named("http_ok@10.0.0.11"), Names{"http_ok@10.0.0.11"});
  EXPECT_EQ(targets_named("shop/app1"), Names{"nothing checks \"shop/app1\": its servers are used unchecked"});
  EXPECT_EQ(targets_named("http_no"),
            Names{"no server, service or check matches \"http_no\"; did you mean \"http_ok\"?"});
}

}  // namespace
}  // namespace lvsd::ctl
