#include "ipvs/engine/client_notice.hpp"

#include <string>

#include <gtest/gtest.h>

#include "tests/support/frames.hpp"

namespace lvsd::ipvs::engine {
namespace {

using test::Bytes;
using test::endpoint;

Bytes bytes_of(const ClientNotice& notice) { return Bytes(notice.bytes().begin(), notice.bytes().end()); }

const Bytes kSignature{'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};

TEST(ClientNotice, TheOptionIsPortAndAddress) {
  EXPECT_EQ(bytes_of(ClientNotice::option(endpoint("192.0.2.10:40000"))), (Bytes{254, 8, 0x9c, 0x40, 192, 0, 2, 10}));
  EXPECT_EQ(bytes_of(ClientNotice::option(endpoint("[2001:db8::a]:80"))),
            (Bytes{254, 20, 0, 80, 0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0a}));
}

TEST(ClientNotice, TheProxyHeaderNamesClientAndVirtualAddress) {
  auto expected = kSignature;
  for (const int byte : {0x21, 0x11, 0, 12, 192, 0, 2, 10, 198, 51, 100, 1, 0x9c, 0x40, 0, 80})
    expected.push_back(static_cast<std::uint8_t>(byte));
  EXPECT_EQ(bytes_of(ClientNotice::proxy_header(endpoint("192.0.2.10:40000"), endpoint("198.51.100.1:80"))), expected);
}

TEST(ClientNotice, TheProxyHeaderOfIpv6HasItsFamilyAndLength) {
  const auto header =
      bytes_of(ClientNotice::proxy_header(endpoint("[2001:db8::a]:40000"), endpoint("[2001:db8::b]:80")));
  ASSERT_EQ(header.size(), 52u);
  EXPECT_EQ(Bytes(header.begin() + 12, header.begin() + 16), (Bytes{0x21, 0x21, 0, 36}));
  EXPECT_EQ(header[31], 0x0a);
  EXPECT_EQ(header[47], 0x0b);
  EXPECT_EQ(Bytes(header.begin() + 48, header.end()), (Bytes{0x9c, 0x40, 0, 80}));
}

TEST(ClientNotice, TheSizeIsKnownBeforehand) {
  for (const auto how : {ClientAddress::Toa, ClientAddress::ProxyProtocol}) {
    for (const auto* text : {"192.0.2.10:40000", "[2001:db8::a]:40000"}) {
      const auto client = endpoint(text);
      const auto notice =
          how == ClientAddress::Toa ? ClientNotice::option(client) : ClientNotice::proxy_header(client, client);
      EXPECT_EQ(notice.bytes().size(), ClientNotice::size_of(how, client.address.family()));
    }
  }
  EXPECT_EQ(ClientNotice::size_of(ClientAddress::Hidden, base::Family::V4), 0);
}

}  // namespace
}  // namespace lvsd::ipvs::engine
