// What tracks look at on this host: pure parts by value, the rest at this very process and machine.
#include "healthcheck/local_look.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "healthcheck/process_name.hpp"
#include "healthcheck/route_message.hpp"

namespace lvsd::healthcheck {
namespace {

using namespace std::string_view_literals;

base::Prefix prefix(std::string_view text) { return *base::Prefix::parse(text); }

TEST(ProcessStat, IsReadThoughTheNameHoldsBrackets) {
  EXPECT_EQ(parse_process_stat("4711 (nginx) S 1 4711"), (ProcessStat{"nginx", false}));
  EXPECT_EQ(parse_process_stat("1 (a) b (c) Z 0"), (ProcessStat{"a) b (c", true}));
  for (const auto text : {"", "1", "1 (nginx", "1 (nginx)", "1 )nginx( S"})
    EXPECT_FALSE(parse_process_stat(text).has_value() && parse_process_stat(text)->comm == "nginx") << text;
}

TEST(ProgramName, IsTheFirstArgumentsWithoutItsPath) {
  EXPECT_EQ(program_name("/usr/sbin/a-rather-long-name\0-g\0"sv), "a-rather-long-name");
  EXPECT_EQ(program_name("nginx: master process"), "nginx: master process");
  EXPECT_EQ(program_name(""), "");
}

TEST(LookForProcess, FindsThisOneByItsLongName) {
  EXPECT_TRUE(look_for_process("healthcheck_local_look_test").passed())
      << look_for_process("healthcheck_local_look_test").text;
  EXPECT_FALSE(look_for_process("healthcheck_local_look_tes").passed());
  EXPECT_FALSE(look_for_process("no-such-process").passed());
}

TEST(RouteQuestion, AsksForAHostOfThePrefix) {
  const auto message = route_question(prefix("10.1.0.0/16"));
  ASSERT_EQ(message.size(), 36u);
  EXPECT_EQ(message.substr(32), "\x0a\x01\x00\x01"sv);
  EXPECT_EQ(route_question(prefix("10.1.0.7/32")).substr(32), "\x0a\x01\x00\x07"sv);
  EXPECT_EQ(route_question(prefix("0.0.0.0/0")).substr(32), "\xcb\x00\x71\x01"sv);
  EXPECT_EQ(route_question(prefix("2001:db8:1::/48")).size(), 48u);
}

TEST(RouteAnswer, IsForThePrefixWhenItIsAPartOfIt) {
  EXPECT_TRUE(is_route_for(prefix("10.1.0.0/16"), prefix("10.1.0.0/16")));
  EXPECT_TRUE(is_route_for(prefix("10.1.0.0/24"), prefix("10.1.0.0/16")));
  EXPECT_FALSE(is_route_for(prefix("10.0.0.0/8"), prefix("10.1.0.0/16")));
  EXPECT_FALSE(is_route_for(prefix("0.0.0.0/0"), prefix("10.1.0.0/16")));
  EXPECT_TRUE(is_route_for(prefix("0.0.0.0/0"), prefix("0.0.0.0/0")));
  EXPECT_FALSE(is_route_for(prefix("128.0.0.0/1"), prefix("0.0.0.0/0")));
}

TEST(RouteAnswer, ThatIsCutOffIsAnError) {
  const auto question = route_question(prefix("10.0.0.0/8"));
  for (std::size_t size = 0; size < question.size(); ++size)
    EXPECT_FALSE(parse_route_answer(std::string_view{question}.substr(0, size)));
}

TEST(LookForRoute, AsksTheKernel) {
  EXPECT_TRUE(look_for_route(prefix("127.0.0.0/8")).passed()) << look_for_route(prefix("127.0.0.0/8")).text;
  EXPECT_FALSE(look_for_route(prefix("198.51.100.0/24")).passed());
}

}  // namespace
}  // namespace lvsd::healthcheck
