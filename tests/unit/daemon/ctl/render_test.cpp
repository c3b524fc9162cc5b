#include "daemon/ctl/render.hpp"

#include <gmock/gmock.h>

#include "tests/unit/daemon/ctl/golden.hpp"
#include "tests/unit/daemon/ctl/samples.hpp"

namespace lvsd::ctl {
namespace {

using namespace lvsd::ctl::test;
using ::testing::HasSubstr;
using ::testing::Not;

Services services_of(const ipvs::Table& table) {
  Services services;
  for (const auto& s : table.services) services.push_back(&s);
  return services;
}

Targets targets_of(const healthcheck::Status& status) {
  Targets targets;
  for (const auto& t : status.targets) targets.push_back(&t);
  return targets;
}

View with(void (*change)(View&)) {
  auto v = view();
  change(v);
  return v;
}

TEST(RenderStatus, NamesEverythingThatNeedsAttention) {
  expect_golden("status.txt", render_status(overview(), view()));
}

TEST(RenderStatus, SaysSoWhenNothingNeedsAttention) {
  expect_golden("status_quiet.txt", render_status(quiet_overview(), view()));
}

TEST(RenderStatus, ShowsAFailedReloadEvenWhereTheDaemonListsNothing) {
  auto o = quiet_overview();
  o.config.last_reload_ok = false;
  o.config.last_reload_error = "broken";
  const auto text = render_status(o, view());
  EXPECT_THAT(text, HasSubstr("reload at"));
  EXPECT_THAT(text, HasSubstr("Attention (1)"));
  EXPECT_THAT(text, HasSubstr("  broken"));
  EXPECT_THAT(text, Not(HasSubstr("nothing needs attention")));
}

TEST(RenderStatus, UsesAsciiMarksOutsideUtf8) {
  const auto text = render_status(overview(), with([](View& v) { v.utf8 = false; }));
  for (const char c : text) EXPECT_GE(c, 0) << text;
  EXPECT_THAT(text, HasSubstr("* front MASTER"));
  EXPECT_THAT(text, HasSubstr("x inside FAULT"));
}

TEST(RenderStatus, ColourIsNeverTheOnlySignal) {
  const auto plain = render_status(overview(), view());
  auto colored = render_status(overview(), with([](View& v) { v.color = true; }));
  EXPECT_NE(colored, plain);
  for (auto at = colored.find('\x1b'); at != colored.npos; at = colored.find('\x1b')) {
    colored.erase(at, colored.find('m', at) - at + 1);
  }
  EXPECT_EQ(colored, plain);
}

TEST(HealthOf, CountsWhatIsDownAboveWhatIsDegraded) {
  EXPECT_EQ(health_of(quiet_overview()), 0);
  auto degraded = quiet_overview();
  degraded.services_degraded = 1;
  EXPECT_EQ(health_of(degraded), 1);
  auto failed_reload = quiet_overview();
  failed_reload.config.last_reload_ok = false;
  EXPECT_EQ(health_of(failed_reload), 1);
  auto room_missing = quiet_overview();
  room_missing.rooms[0].state = "restarting";
  EXPECT_EQ(health_of(room_missing), 1);
  auto fault = quiet_overview();
  fault.vrrp[0].role = "fault";
  EXPECT_EQ(health_of(fault), 2);
  EXPECT_EQ(health_of(overview()), 2);
}

TEST(RenderServices, ShowsServicesAndTheirServers) {
  const auto t = table();
  expect_golden("vs.txt", render_services(services_of(t), checks(), view()));
}

TEST(RenderServices, CsvHasOneLinePerServiceWithPlainNumbers) {
  const auto t = table();
  const auto csv_view = with([](View& v) {
    v.csv = true;
    v.thousands = false;
  });
  EXPECT_EQ(render_services(services_of(t), checks(), csv_view),
            "name,service,sched,state,usable,quorum,active,inact\n"
            "web,tcp 192.0.2.10:80,wlc,degraded,1/2,1,8143,1219\n"
            "shop,tcp 192.0.2.10:443 tcp 192.0.2.10:8443,wrr persistent 300,ok,1/1,2,1022,310\n");
}

TEST(RenderServices, WithoutAnyServiceSaysSo) {
  EXPECT_EQ(render_services({}, {}, view()), "no virtual server configured\n");
}

TEST(RenderServices, ShowsTheFlagsOfAScheduler) {
  auto t = table();
  t.services[0].scheduler = "mh";
  t.services[0].scheduler_flags = {"mh-fallback", "mh-port"};
  EXPECT_THAT(render_services(services_of(t), checks(), view()), HasSubstr("mh (mh-fallback,mh-port)"));
}

TEST(RenderServices, TotalsAndRatesHaveIpvsadmsColumns) {
  const auto t = table();
  expect_golden("vs_stats.txt", render_totals(services_of(t), view()));
  expect_golden("vs_rate.txt", render_rates(services_of(t), view()));
}

TEST(RenderServers, ListsEveryServerOnItsLine) {
  const auto t = table();
  const auto servers = select_servers(t, {});
  expect_golden("rs.txt", render_servers(*servers, checks(), view()));
  expect_golden("rs_wide.txt", render_servers(*servers, checks(), with([](View& v) { v.wide = true; })));
}

TEST(RenderChecks, ShowsResultAndHistoryPerTarget) {
  const auto c = checks();
  expect_golden("checks.txt", render_checks(targets_of(c), table(), view()));
}

TEST(RenderChecks, InFullSaysWhyAServerIsDownAndSinceWhen) {
  const auto c = checks();
  expect_golden("checks_full.txt",
                render_checks_in_full(targets_of(c), table(), with([](View& v) { v.history = 20; })));
}

TEST(RenderChecks, HistoryIsCutToItsNewestResults) {
  const auto c = checks();
  const auto text = render_checks({&c.targets[1]}, table(), with([](View& v) {
                                    v.history = 11;
                                    v.utf8 = false;
                                  }));
  EXPECT_THAT(text, HasSubstr("  +----------\n"));
  EXPECT_THAT(text, Not(HasSubstr("?+-")));
}

TEST(RenderVrrp, ListsInstances) { expect_golden("vrrp.txt", render_instances(vrrp_status(), view())); }

TEST(RenderVrrp, ShowsOneInstanceWithItsHistory) {
  const auto status = vrrp_status();
  expect_golden("vrrp_front.txt", render_instance(status.instances[0], view()));
  expect_golden("vrrp_inside.txt", render_instance(status.instances[1], view()));
}

TEST(RenderConnections, ListsAndCounts) {
  expect_golden("conn.txt", render_connections(connections(), view()));
  EXPECT_EQ(render_connection_counts(connections(), "client", view()),
            "CLIENT        CONNECTIONS\n"
            "198.51.100.7            2\n"
            "198.51.100.9            1\n");
  EXPECT_EQ(render_connection_counts(connections(), "rs", view()),
            "SERVER   CONNECTIONS\n"
            "web/rs1            2\n"
            "dns/ns1            1\n");
  EXPECT_EQ(render_connections({}, view()), "no connection\n");
}

TEST(RenderDrops, LeavesOutWhatNeverHappenedButForWide) {
  EXPECT_EQ(render_drops(drops(), view()),
            "REASON     PACKETS  EXPLANATION\n"
            "no_server    1,204  No server of the service takes connections.\n"
            "malformed        2  A header is shorter than it says.\n");
  EXPECT_THAT(render_drops(drops(), with([](View& v) { v.wide = true; })), HasSubstr("The time to live ran out."));
  EXPECT_EQ(render_drops({0, {{"ttl", "", 0}}}, view()), "no packet dropped (1 reason counted)\n");
}

TEST(RenderReload, SaysWhatChangedAndWhatIsInForce) {
  EXPECT_EQ(render_reload(reload_result(), view()),
            "  virtual_server web: scheduler wlc → wrr\n"
            "  + real_server web/rs4 10.0.0.14\n"
            "a41c77f is in force after 38 ms, 2 changes\n");
}

TEST(RenderChanges, ListsThemAndCountsThem) {
  const std::vector<daemon::Change> changes{{'~', "virtual_server web", "scheduler wlc → mh", "new connections only"},
                                            {'+', "real_server web/rs4", "10.0.0.14 weight 10", ""},
                                            {'-', "real_server web/rs2", "10.0.0.12", "drained, then removed"}};
  EXPECT_EQ(render_changes(changes, view()),
            "  ~ virtual_server web   scheduler wlc → mh   new connections only\n"
            "  + real_server web/rs4  10.0.0.14 weight 10\n"
            "  - real_server web/rs2  10.0.0.12            drained, then removed\n"
            "1 added, 1 removed, 1 changed\n");
  EXPECT_EQ(render_changes({}, view()), "nothing would change\n");
}

TEST(RenderSources, NamesTheFilesWhereThereAreSeveral) {
  EXPECT_EQ(render_sources({"lvs1", false, {{"/etc/lvsd.conf", "[global]"}}}, view()), "[global]\n");
  EXPECT_EQ(render_sources({"lvs1", false, {{"/etc/lvsd.conf", "[global]\n"}, {"/etc/b.conf", "[engine]\n"}}}, view()),
            "; /etc/lvsd.conf\n[global]\n\n; /etc/b.conf\n[engine]\n");
}

TEST(Render, ConnectionsUnderFullnatShowTheLocalEnd) {
  auto found = connections();
  EXPECT_THAT(render_connections(found, view()), ::testing::Not(::testing::HasSubstr("LOCAL")));
  found.connections[0].local_address = *base::Endpoint::parse("10.0.0.200:1024");
  const auto text = render_connections(found, view());
  EXPECT_THAT(text, ::testing::HasSubstr("LOCAL"));
  EXPECT_THAT(text, ::testing::HasSubstr("10.0.0.200:1024"));
}

}  // namespace
}  // namespace lvsd::ctl
