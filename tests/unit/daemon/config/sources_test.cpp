#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.hpp"

namespace lvsd::daemon {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

class ReadSources : public testing::Test {
 protected:
  ReadSources() {
    std::string pattern = testing::TempDir() + "lvsd-config-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~ReadSources() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, const std::string& text) {
    const auto path = folder_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path{path}.parent_path());
    std::ofstream{path} << text;
    return path;
  }

  std::vector<std::string> names(const Sources& sources) const {
    std::vector<std::string> out;
    for (const auto& file : sources.files) out.push_back(std::filesystem::path{file.path}.filename());
    return out;
  }

  std::string folder_;
  std::vector<Diagnostic> problems_;
};

TEST_F(ReadSources, FollowsIncludesInLexicalOrderRelativeToTheIncludingFile) {
  const auto main = write("lvsd.conf", "[global]\ninclude = conf.d/*.conf\ninclude = last.conf\n" + kFront);
  write("conf.d/20.conf", "[check b]\ntype = tcp\n");
  write("conf.d/10.conf", "[global]\ninclude = sub/*.inc\n");
  write("conf.d/ignored.txt", "nonsense");
  write("conf.d/sub/x.inc", "[check x]\ntype = tcp\n");
  write("last.conf", "[check c]\ntype = tcp\n");
  const auto sources = read_sources(main, "lvs1", problems_);
  EXPECT_THAT(problems_, IsEmpty());
  EXPECT_THAT(names(sources), ElementsAre("lvsd.conf", "10.conf", "x.inc", "20.conf", "last.conf"));
  EXPECT_EQ(sources.node, "lvs1");
  EXPECT_TRUE(sources.node_given);
}

TEST_F(ReadSources, AnEmptyGlobIsFineAMissingFileIsAnErrorAtItsLine) {
  const auto main = write("lvsd.conf", kFront + "[global]\ninclude = none.d/*.conf\ninclude = missing.conf\n");
  const auto sources = read_sources(main, "", problems_);
  ASSERT_EQ(problems_.size(), 1u);
  EXPECT_EQ(problems_[0].file, main);
  EXPECT_EQ(problems_[0].line, 7u);
  EXPECT_EQ(problems_[0].column, 11u);
  EXPECT_EQ(problems_[0].message, folder_ + "/missing.conf cannot be read: No such file or directory");
  EXPECT_FALSE(parse(sources, problems_).config);
}

TEST_F(ReadSources, AMissingMainFileSaysSoAndNothingElse) {
  const auto sources = read_sources(folder_ + "/lvsd.conf", "lvs1", problems_);
  EXPECT_EQ(render(parse(sources, problems_).diagnostics, sources),
            "error: " + folder_ + "/lvsd.conf cannot be read: No such file or directory\n1 error\n");
}

TEST_F(ReadSources, AFileIsReadOnceAlsoInACircle) {
  const auto main = write("lvsd.conf", "[global]\ninclude = a.conf\n" + kFront);
  write("a.conf", "[global]\ninclude = lvsd.conf\n");
  const auto sources = read_sources(main, "", problems_);
  EXPECT_THAT(names(sources), ElementsAre("lvsd.conf", "a.conf"));
  ASSERT_EQ(problems_.size(), 1u);
  EXPECT_EQ(problems_[0].message, folder_ + "/lvsd.conf is read twice");
}

TEST_F(ReadSources, OnlyRegularFilesAreRead) {
  read_sources(folder_, "", problems_);
  ASSERT_EQ(problems_.size(), 1u);
  EXPECT_EQ(problems_[0].message, folder_ + " is not a regular file");
}

TEST_F(ReadSources, WithoutANameTheNodeIsTheHost) {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  const auto sources = read_sources(write("lvsd.conf", kFront), "", problems_);
  EXPECT_EQ(sources.node, std::string{host}.substr(0, std::string{host}.find('.')));
  EXPECT_FALSE(sources.node_given);
}

TEST_F(ReadSources, DiagnosticsNameTheIncludedFile) {
  const auto main = write("lvsd.conf", "[global]\ninclude = a.conf\n" + kFront);
  const auto included = write("a.conf", "\n[vrrp front]\n");
  const auto sources = read_sources(main, "", problems_);
  const auto outcome = parse(sources, problems_);
  ASSERT_EQ(outcome.diagnostics.size(), 1u);
  EXPECT_EQ(outcome.diagnostics[0].file, included);
  EXPECT_EQ(outcome.diagnostics[0].message, "[vrrp front] stands twice (first at " + main + ":3)");
}

class KeyFile : public ReadSources {
 protected:
  std::string key(const std::string& text, mode_t mode = 0600) {
    const auto path = write("vrrp.key", text);
    ::chmod(path.c_str(), mode);
    return path;
  }
  Outcome outcome_with(const std::string& key_path, const std::string& lines = "") {
    const auto main = write("lvsd.conf", kFront + "auth_key_file = " + key_path + "\n" + lines);
    sources_ = read_sources(main, "", problems_);
    return parse(sources_, problems_);
  }
  Sources sources_;
};

const std::string kKey = "0123456789abcdef0123456789abcdef";

TEST_F(KeyFile, HoldsOneKeyPerLineOfWhichTheFirstSigns) {
  const auto outcome = outcome_with(key("# pair\n7 hex:" + kKey + kKey + "\n\n9  " + kKey + "\n"));
  ASSERT_TRUE(outcome.config) << render(outcome.diagnostics, sources_);
  const auto& hmac = outcome.config->vrrp.instances.at(0).hmac;
  ASSERT_TRUE(hmac);
  ASSERT_EQ(hmac->keys.size(), 2u);
  EXPECT_EQ(hmac->keys[0].id, 7);
  EXPECT_EQ(hmac->keys[0].bytes.size(), 32u);
  EXPECT_EQ(hmac->keys[1], (vrrp::HmacKey{9, kKey}));
  EXPECT_EQ(hmac->mode, vrrp::AuthMode::Enforce);
}

TEST_F(KeyFile, IsTheSecretByWhichDirectorsShareConnections) {
  const auto with = [&](const std::string& node, const std::string& lines) {
    const auto main = write("lvsd.conf", kFront + "[node lvs1]\naddress = 10.0.0.2\n[node lvs2]\naddress = 10.0.0.3\n" +
                                             "[sync]\nkey_file = " + key(kKey) + "\n" + lines);
    sources_ = read_sources(main, node, problems_);
    return parse(sources_, problems_);
  };
  const auto peers_default = with("lvs1", "");
  ASSERT_TRUE(peers_default.config) << render(peers_default.diagnostics, sources_);
  const auto& sync = peers_default.config->ipvs.sync;
  EXPECT_EQ(sync.secret, kKey);
  EXPECT_EQ(sync.listen.to_string(), "10.0.0.2:8849");
  ASSERT_EQ(sync.peers.size(), 1u);
  EXPECT_EQ(sync.peers.front().to_string(), "10.0.0.3:8849");

  const auto named =
      with("lvs2", "port = 9\naddress = 10.9.0.2\naddress@lvs2 = 10.9.0.3\npeer = 10.9.0.3\npeer@lvs2 = 10.9.0.2\n");
  ASSERT_TRUE(named.config) << render(named.diagnostics, sources_);
  EXPECT_EQ(named.config->ipvs.sync.listen.to_string(), "10.9.0.3:9");
  EXPECT_EQ(named.config->ipvs.sync.peers.front().to_string(), "10.9.0.2:9");

  EXPECT_THAT(said(with("lvs1", "peer = 10.0.0.2\npeer@lvs2 = 10.0.0.2\n").diagnostics),
              Contains(testing::HasSubstr("peer 10.0.0.2 is this director's own address")));
  EXPECT_THAT(said(with("lvs1", "peer = fd00::2\n").diagnostics),
              Contains(testing::HasSubstr("peer fd00::2 is of another family than 10.0.0.2")));
  // A process without the secrets shares nothing.
  with("lvs1", "");
  sources_.secrets.clear();
  EXPECT_TRUE(parse(sources_, problems_).config->ipvs.sync.peers.empty());
}

TEST_F(KeyFile, MustBeReadableByItsOwnerAlone) {
  const auto path = key(kKey, 0640);
  const auto outcome = outcome_with(path);
  EXPECT_FALSE(outcome.config);
  EXPECT_THAT(said(outcome.diagnostics), ElementsAre("5:17 error: " + path + " can be read by others than its owner"));
}

TEST_F(KeyFile, ThatIsMissingIsAnErrorAtItsLine) {
  EXPECT_THAT(said(outcome_with("/nonexistent/key").diagnostics),
              ElementsAre("5:17 error: /nonexistent/key cannot be read: No such file or directory"));
}

TEST_F(KeyFile, WithABadKeyIsRefusedWithoutShowingIt) {
  for (const auto* text : {"", "short-and-secret", "x y", "0 ", "256 ", "hex:0", "hex:zz"}) {
    problems_.clear();
    const auto outcome = outcome_with(key(text));
    EXPECT_FALSE(outcome.config) << text;
    EXPECT_THAT(render(outcome.diagnostics, sources_), testing::Not(testing::HasSubstr("secret"))) << text;
  }
}

TEST_F(KeyFile, IsForTheVrrpRoomAlone) {
  ASSERT_TRUE(outcome_with(key(kKey)).config);
  EXPECT_THAT(pack(sources_, Secrets::Included), testing::HasSubstr(kKey));
  const auto others = pack(sources_, Secrets::LeftOut);
  EXPECT_THAT(others, testing::Not(testing::HasSubstr(kKey)));
  const auto outcome = parse(*unpack(others));
  ASSERT_TRUE(outcome.config);
  EXPECT_FALSE(outcome.config->vrrp.instances.at(0).hmac);
}

TEST_F(KeyFile, IsWhatPeersBeyondRoutersNeed) {
  const std::string peer = "peer = 10.0.0.3\nmultihop = yes\n";
  EXPECT_THAT(said_of(kFront + peer),
              ElementsAre("6:12 error: multihop needs auth_key_file, with auth_mode = enforce"));
  EXPECT_FALSE(outcome_with(key(kKey), peer + "auth_mode = permissive\n").config);
  problems_.clear();
  EXPECT_TRUE(outcome_with(key(kKey), peer).config);
}

TEST(Changes, TellThatAKeyIsAnotherAndNotWhich) {
  auto from = one_file(kFront + "auth_key_file = /k\n");
  from.secrets = {{"/k", kKey}};
  auto to = from;
  to.secrets[0].text = kKey + "x";
  const auto told = changes(*parse(from).config, *parse(to).config);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].what, "auth_key_file changed");
}

TEST(Pack, RoundTripsAnyText) {
  const Sources sources{"lvs1", true, {{"/etc/lvsd.conf", std::string{"a\0\"\\\n\xe4\xff", 7}}, {"b", ""}}};
  const auto back = unpack(pack(sources, Secrets::Included));
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(back->node, "lvs1");
  EXPECT_TRUE(back->node_given);
  ASSERT_EQ(back->files.size(), 2u);
  EXPECT_EQ(back->files[0].path, "/etc/lvsd.conf");
  EXPECT_EQ(back->files[0].text, sources.files[0].text);
}

TEST(Pack, UnpackIsStrict) {
  EXPECT_TRUE(unpack(R"({"node":"a","node_given":false,"files":[],"secrets":[]})"));
  for (const auto* text : {"", "{", "[]", "{}", R"({"node":"a","node_given":false,"secrets":[]})",
                           R"({"node":"a","node_given":0,"files":[],"secrets":[]})",
                           R"({"node":"a","node_given":false,"files":[],"more":1})",
                           R"({"node":"a","node_given":false,"files":[],"secrets":{}})",
                           R"({"node":"a","node_given":false,"files":[{"path":"x"}],"secrets":[]})",
                           R"({"node":"a","node_given":false,"files":[{"path":"x","text":1}],"secrets":[]})"}) {
    EXPECT_FALSE(unpack(text)) << text;
  }
}

TEST(Fingerprint, IsSevenDigitsOfTheTextsInTheirOrder) {
  const Sources sources{"lvs1", false, {{"a", "x"}, {"b", "yz"}}};
  EXPECT_EQ(fingerprint(sources).size(), 7u);
  EXPECT_EQ(fingerprint(sources), fingerprint({"lvs2", true, {{"c", "x"}, {"d", "yz"}}}))
      << "both directors show the same";
  EXPECT_NE(fingerprint(sources), fingerprint({"", false, {{"b", "yz"}, {"a", "x"}}}));
  EXPECT_NE(fingerprint(sources), fingerprint({"", false, {{"a", "xy"}, {"b", "z"}}}));
}

}  // namespace
}  // namespace lvsd::daemon
