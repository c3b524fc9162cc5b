#include <gmock/gmock.h>

#include "base/json.hpp"
#include "tests/unit/daemon/ctl/canned_daemon.hpp"

namespace lvsd::ctl {
namespace {

using namespace lvsd::ctl::test;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class CaptureCommand : public Run {
 protected:
  CaptureCommand() {
    around.write_file = [this](const std::string& path, std::string_view text, bool append) {
      if (path == "/full") return false;
      if (!append) file.clear();
      file += text;
      return true;
    };
    around.interrupted = [this] { return ++asked > rounds; };
    ipvs::Captured captured;
    captured.seen = 10;
    captured.matching = 1;
    captured.frames = {{kNow * 1'000'000, "eth0", false, 60, "0102", "tcp 10.0.0.1:1 > 10.0.0.100:80 SYN, 0 bytes",
                        "sent through eth1 to 10.1.0.11"},
                       {kNow * 1'000'000, "eth1", true, 60, "03ff", "tcp 10.0.0.1:1 > 10.1.0.11:80 SYN, 0 bytes",
                        "sent through eth1 to 10.1.0.11"}};
    answer_with(captured);
  }

  void answer_with(const ipvs::Captured& captured) {
    replies["/api/v1/capture"] = {200, boost::json::serialize(boost::json::value_from(captured))};
  }
  bool ended() const { return bodies.back().find(R"("end":true)") != std::string::npos; }

  std::string file;
  int asked = 0;
  int rounds = 0;  // fetches before Ctrl-C
};

TEST_F(CaptureCommand, PrintsALinePerFrameAndItsVerdictOnce) {
  EXPECT_EQ(lvsctl({"capture"}), 0) << err;
  EXPECT_THAT(out,
              HasSubstr(" eth0 in  tcp 10.0.0.1:1 > 10.0.0.100:80 SYN, 0 bytes: sent through eth1 to 10.1.0.11\n"));
  EXPECT_THAT(out, HasSubstr(" eth1 out tcp 10.0.0.1:1 > 10.1.0.11:80 SYN, 0 bytes\n"));
  EXPECT_THAT(err, HasSubstr("2 frames captured; the engine worked on 10 packets, 1 fit the filter"));
}

TEST_F(CaptureCommand, TellsTheDaemonWhenItEnds) {
  rounds = 2;
  EXPECT_EQ(lvsctl({"capture", "tcp", "port", "80"}), 0) << err;
  ASSERT_EQ(bodies.size(), 3u);
  EXPECT_THAT(bodies[0], HasSubstr(R"("end":false)"));
  EXPECT_TRUE(ended());
  EXPECT_THAT(bodies[0], HasSubstr(R"("filter":[{"code":)"));
}

TEST_F(CaptureCommand, EndsAfterSoManyFrames) {
  rounds = 1000;
  EXPECT_EQ(lvsctl({"capture", "--packets", "3"}), 0) << err;
  EXPECT_EQ(std::count(out.begin(), out.end(), '\n'), 3);
  EXPECT_TRUE(ended());
}

TEST_F(CaptureCommand, ShowsTheDirectionAskedFor) {
  EXPECT_EQ(lvsctl({"capture", "--direction", "out"}), 0) << err;
  EXPECT_THAT(out, Not(HasSubstr(" in ")));
  EXPECT_THAT(out, HasSubstr(" out "));
}

TEST_F(CaptureCommand, WritesACaptureFile) {
  EXPECT_EQ(lvsctl({"capture", "--write", "/tmp/x"}), 0) << err;
  EXPECT_EQ(out, "");
  EXPECT_THAT(file, StartsWith("\x0a\x0d\x0d\x0a"));
  EXPECT_THAT(file, HasSubstr("sent through eth1 to 10.1.0.11"));
  EXPECT_THAT(file, HasSubstr("\x03\xff"));
}

TEST_F(CaptureCommand, SaysWhenItCannotWrite) {
  EXPECT_EQ(lvsctl({"capture", "--write", "/full"}), 1);
  EXPECT_THAT(err, HasSubstr("cannot write /full"));
}

TEST_F(CaptureCommand, RefusesAFilterThatIsNone) {
  EXPECT_EQ(lvsctl({"capture", "tcp prot 80"}), 2);
  EXPECT_THAT(err, HasSubstr("syntax error"));
  EXPECT_TRUE(requests.empty());
}

TEST_F(CaptureCommand, SaysWhyThereIsNone) {
  ipvs::Captured captured;
  captured.problem = "somebody else captures packets just now; one can at a time";
  answer_with(captured);
  EXPECT_EQ(lvsctl({"capture"}), 1);
  EXPECT_THAT(err, HasSubstr("somebody else"));
}

TEST_F(CaptureCommand, SaysHowManyWereMissed) {
  ipvs::Captured captured;
  captured.missed = 7;
  answer_with(captured);
  EXPECT_EQ(lvsctl({"capture"}), 0) << err;
  EXPECT_THAT(err, HasSubstr("7 of them missed"));
}

}  // namespace
}  // namespace lvsd::ctl
