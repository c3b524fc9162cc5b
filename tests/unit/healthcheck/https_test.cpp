// https checks against a real TLS server, with certificates made here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "healthcheck/checker.hpp"
#include "run_check.hpp"
#include "tls_server.hpp"

namespace lvsd::healthcheck {
namespace {

using ::testing::HasSubstr;

class HttpsCheck : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    certificates = std::make_unique<Certificates>();
    certificates->make("good", "DNS:good.example,IP:127.0.0.1", 2);
    certificates->make("expired", "DNS:good.example,IP:127.0.0.1", -1);
    certificates->make_self_signed("self", "DNS:good.example,IP:127.0.0.1");
  }
  static void TearDownTestSuite() { certificates.reset(); }

  static CheckResult check(const TlsServer& server, const std::string& options, const char* type = "https") {
    return *run_check(target(type, server.endpoint(), "timeout=5s " + options)).result;
  }
  static std::string ca() { return "ca=" + certificates->path("ca.pem") + " "; }

  static std::unique_ptr<Certificates> certificates;
};

std::unique_ptr<Certificates> HttpsCheck::certificates;

TEST_F(HttpsCheck, PassesWithACertificateOfTheGivenCa) {
  const TlsServer server{*certificates, "good"};
  const auto by_name = check(server, ca() + "host=good.example");
  EXPECT_TRUE(by_name.passed()) << by_name.text;
  const auto by_address = check(server, ca());
  EXPECT_TRUE(by_address.passed()) << by_address.text;
}

TEST_F(HttpsCheck, SaysWhyACertificateIsNotGood) {
  struct Case {
    const char* certificate;
    std::string options;
    const char* words;
  };
  for (const auto& c : {Case{"expired", ca() + "host=good.example", "certificate has expired"},
                        Case{"good", ca() + "host=other.example", "certificate is not for other.example"},
                        Case{"self", ca() + "host=good.example", "self-signed certificate"},
                        Case{"good", "host=good.example", "unable to get local issuer certificate"}}) {
    const TlsServer server{*certificates, c.certificate};
    const auto result = check(server, c.options);
    EXPECT_EQ(result.reason, Reason::Tls) << c.words;
    EXPECT_EQ(result.text, c.words);
  }
}

TEST_F(HttpsCheck, TakesAnyCertificateWithVerifyOff) {
  for (const auto* name : {"expired", "self"}) {
    const TlsServer server{*certificates, name};
    const auto result = check(server, "verify=no host=other.example");
    EXPECT_TRUE(result.passed()) << result.text;
  }
}

TEST_F(HttpsCheck, SendsTheHostAsServerName) {
  certificates->make("named", "DNS:named.example", 2);
  const TlsServer server{*certificates, "good",
                         "-servername named.example -cert2 " + certificates->path("named.pem") + " -key2 " +
                             certificates->path("named.key")};
  EXPECT_TRUE(check(server, ca() + "host=named.example").passed());
  EXPECT_TRUE(check(server, ca() + "host=good.example").passed());
}

TEST_F(HttpsCheck, SpeaksTls12AndTls13) {
  for (const auto* version : {"-tls1_2", "-tls1_3"}) {
    const TlsServer server{*certificates, "good", version};
    const auto result = check(server, ca());
    EXPECT_TRUE(result.passed()) << version << ": " << result.text;
  }
}

TEST_F(HttpsCheck, TrustsASelfSignedCertificateThatIsGivenAsCa) {
  const TlsServer server{*certificates, "self"};
  EXPECT_EQ(check(server, ca()).reason, Reason::Tls);
  const auto result = check(server, "ca=" + certificates->path("self.pem"));
  EXPECT_TRUE(result.passed()) << result.text;
}

TEST_F(HttpsCheck, HasItsWordsInCommonWithTheTlsCheck) {
  struct Case {
    const char* certificate;
    std::string options;
    const char* words;
  };
  for (const auto& c : {Case{"expired", ca() + "host=good.example", "certificate has expired"},
                        Case{"good", ca() + "host=other.example", "certificate is not for other.example"},
                        Case{"self", ca() + "host=good.example", "self-signed certificate"},
                        Case{"good", "host=good.example", "unable to get local issuer certificate"}}) {
    const TlsServer server{*certificates, c.certificate};
    const auto result = check(server, c.options, "tls");
    EXPECT_EQ(result.reason, Reason::Tls) << c.words;
    EXPECT_EQ(result.text, c.words);
  }
}

TEST_F(HttpsCheck, TellsWhenTheCertificateEndsAsTheTlsCheckDoes) {
  const TlsServer server{*certificates, "good"};
  for (const auto* type : {"https", "tls"}) {
    const auto quiet = check(server, ca() + "warn_days=1", type);
    EXPECT_TRUE(quiet.passed()) << quiet.text;
    EXPECT_GT(quiet.certificate_expires_unix_ms, 0) << type;
    EXPECT_THAT(quiet.text, ::testing::Not(HasSubstr("certificate")));
    EXPECT_THAT(check(server, ca(), type).text, HasSubstr(", certificate expires in 1 day"));
    const auto strict = check(server, ca() + "min_days=30", type);
    EXPECT_EQ(strict.reason, Reason::Tls);
    EXPECT_EQ(strict.text, "certificate expires in 1 day, 30 days required");
  }
}

TEST_F(HttpsCheck, IsSpokenByATlsCheckThatSendsAndExpects) {
  for (const auto* version : {"-tls1_2", "-tls1_3"}) {
    const TlsServer server{*certificates, "good", version};
    const auto result = check(server, ca() + "send=GET\\s/\\sHTTP/1.0\\r\\n\\r\\n regex=^HTTP/1.0\\s200", "tls");
    EXPECT_TRUE(result.passed()) << version << ": " << result.text;
    const auto missing = check(server, ca() + "send=GET\\s/\\sHTTP/1.0\\r\\n\\r\\n expect=absent", "tls");
    EXPECT_EQ(missing.reason, Reason::Reply) << missing.text;
  }
}

}  // namespace
}  // namespace lvsd::healthcheck
