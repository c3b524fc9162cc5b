#include "ipvs/kernel/marks.hpp"

#include <gmock/gmock.h>

#include "tests/unit/ipvs/kernel/tables.hpp"

namespace lvsd::ipvs::kernel {
namespace {

using test::at;
using ::testing::HasSubstr;

ipvs::Service marked(std::uint32_t mark, std::vector<Listener> matches) {
  ipvs::Service service;
  service.virtual_server.options.fwmark = mark;
  service.virtual_server.listeners = std::move(matches);
  return service;
}

TEST(Marks, EveryMatchIsARule) {
  Listener all{Protocol::Sctp, at("[2001:db8::1]:1")};
  all.address.port = 0;
  const auto text = mark_table(
      {{"ftp", marked(5, {{Protocol::Tcp, at("10.0.0.100:21")}, {Protocol::Tcp, at("10.0.0.100:1024"), 65535}})},
       {"six", marked(4'000'000'000, {all})},
       {"plain", marked(0, {{Protocol::Tcp, at("10.0.0.100:80")}})}});
  EXPECT_THAT(text, HasSubstr("table inet lvsd_marks {"));
  EXPECT_THAT(text, HasSubstr("hook prerouting priority mangle; policy accept;\n"
                              "    ip daddr 10.0.0.100 tcp dport 21 meta mark set 5\n"
                              "    ip daddr 10.0.0.100 tcp dport 1024-65535 meta mark set 5\n"
                              "    ip6 daddr 2001:db8::1 meta l4proto sctp meta mark set 4000000000\n  }\n"));
  EXPECT_THAT(text, HasSubstr("hook output"));
  EXPECT_THAT(text, ::testing::Not(HasSubstr("dport 80")));
}

TEST(Marks, WithoutAnyThereIsNoTable) {
  EXPECT_EQ(mark_table({}), "");
  EXPECT_EQ(mark_table({{"by_others", marked(5, {})}}), "");
}

}  // namespace
}  // namespace lvsd::ipvs::kernel
