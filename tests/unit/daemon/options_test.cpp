#include "daemon/options.hpp"

#include <gmock/gmock.h>

namespace lvsd::daemon {
namespace {

using testing::HasSubstr;

TEST(Options, HaveDefaultsOfAnInstalledSystem) {
  const auto options = parse_options({});

  ASSERT_TRUE(options);
  EXPECT_EQ(options->config, "/etc/lvsd.conf");
  EXPECT_EQ(options->run_dir, "/run/lvsd");
  EXPECT_EQ(options->state_dir, "/var/lib/lvsd");
  EXPECT_EQ(options->node, "");
  EXPECT_FALSE(options->check);
}

TEST(Options, ReadWhatIsGiven) {
  const auto options =
      parse_options({"--config", "/tmp/a.conf", "--node=lvs1", "--run-dir", "/tmp/run", "--check", "--foreground"});

  ASSERT_TRUE(options);
  EXPECT_EQ(options->config, "/tmp/a.conf");
  EXPECT_EQ(options->node, "lvs1");
  EXPECT_EQ(options->run_dir, "/tmp/run");
  EXPECT_TRUE(options->check);
}

TEST(Options, ReadTheInternalOnesOfARoom) {
  const auto options = parse_options({"--room=vrrp", "--channel-fd=3", "--parent=17"});

  ASSERT_TRUE(options);
  EXPECT_EQ(options->room, "vrrp");
  EXPECT_EQ(options->channel_fd, 3);
  EXPECT_EQ(options->parent, 17);
}

TEST(Options, RefuseWhatTheyDoNotKnow) {
  for (const std::vector<std::string>& bad : std::vector<std::vector<std::string>>{{"--confg", "x"},
                                                                                   {"--conf", "x"},
                                                                                   {"stray"},
                                                                                   {"--config"},
                                                                                   {"--config="},
                                                                                   {"--run-dir="},
                                                                                   {"--state-dir="},
                                                                                   {"--channel-fd=x"}}) {
    EXPECT_FALSE(parse_options(bad)) << bad[0];
  }
}

TEST(Options, HelpNamesEveryPublicOptionAndNoInternalOne) {
  const auto help = help_text();

  for (const char* name :
       {"--config", "--check", "--node", "--foreground", "--version", "--help", "--run-dir", "--state-dir"}) {
    EXPECT_THAT(help, HasSubstr(name));
  }
  EXPECT_THAT(help, Not(HasSubstr("--room")));
}

}  // namespace
}  // namespace lvsd::daemon
