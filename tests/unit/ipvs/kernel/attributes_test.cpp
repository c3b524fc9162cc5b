#include "ipvs/kernel/attributes.hpp"

#include <cstring>

#include <gmock/gmock.h>
#include <linux/ip_vs.h>
#include <sys/socket.h>

#include "tests/unit/ipvs/kernel/tables.hpp"

namespace lvsd::ipvs::kernel {
namespace {

using test::at;
using test::tcp;

// An attribute as it lies in memory: length, type, value, padding.
Bytes attribute(int type, const Bytes& value) {
  const std::uint16_t head[2] = {static_cast<std::uint16_t>(4 + value.size()), static_cast<std::uint16_t>(type)};
  Bytes out(4 + (value.size() + 3) / 4 * 4);
  std::memcpy(out.data(), head, 4);
  if (!value.empty()) std::memcpy(&out[4], value.data(), value.size());
  return out;
}
template <class Number>
Bytes number(int type, Number value) {
  Bytes raw(sizeof value);
  std::memcpy(raw.data(), &value, sizeof value);
  return attribute(type, raw);
}
template <class... Parts>
Bytes joined(const Parts&... parts) {
  Bytes out;
  (out.insert(out.end(), parts.begin(), parts.end()), ...);
  return out;
}
Bytes address_v4(int type, std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  Bytes raw(16);
  raw[0] = a, raw[1] = b, raw[2] = c, raw[3] = d;
  return attribute(type, raw);
}

TEST(Attributes, AServiceIsNamedByFamilyProtocolAddressAndPort) {
  EXPECT_EQ(encode(tcp("10.0.0.1:80")),
            attribute(IPVS_CMD_ATTR_SERVICE | 0x8000,
                      joined(number<std::uint16_t>(IPVS_SVC_ATTR_AF, AF_INET),
                             number<std::uint16_t>(IPVS_SVC_ATTR_PROTOCOL, 6),
                             address_v4(IPVS_SVC_ATTR_ADDR, 10, 0, 0, 1), attribute(IPVS_SVC_ATTR_PORT, {0, 80}))));
}

TEST(Attributes, AServiceOfAMarkIsNamedByFamilyAndMark) {
  EXPECT_EQ(encode(ServiceKey{5, base::Family::V6, 0, {}}),
            attribute(IPVS_CMD_ATTR_SERVICE | 0x8000, joined(number<std::uint16_t>(IPVS_SVC_ATTR_AF, AF_INET6),
                                                             number<std::uint32_t>(IPVS_SVC_ATTR_FWMARK, 5))));
}

// What is encoded for the kernel reads back as it would from it.
TEST(Attributes, AServiceComesBackAsItWent) {
  for (const auto& key : {tcp("10.0.0.1:80"), tcp("[2001:db8::1]:443"), ServiceKey{7, base::Family::V4, 0, {}},
                          ServiceKey{7, base::Family::V6, 0, {}}}) {
    const ServiceSettings settings{"sh", kPersistent | kOnePacket | kSchedulerFlag2, 300, 0x00ffffff, "sip"};
    const auto back = decode_service(encode(key, settings));
    ASSERT_TRUE(back) << to_string(key);
    EXPECT_EQ(back->key, key);
    EXPECT_EQ(back->settings, settings);
  }
}

TEST(Attributes, ADestinationComesBackAsItWent) {
  for (const auto* address : {"10.0.0.11:8080", "[2001:db8::11]:80"}) {
    const DestinationSettings settings{Forward::Tunnel, 65535, 100, 50, 1, 6080, 2};
    const auto back = decode_destination(encode(tcp("10.0.0.1:80"), at(address), settings), base::Family::V4);
    ASSERT_TRUE(back) << address;
    EXPECT_EQ(back->address, at(address));
    EXPECT_EQ(back->settings, settings);
  }
}

TEST(Attributes, TimeoutsAndSyncDaemonsComeBackAsTheyWent) {
  EXPECT_EQ(decode_timeouts(encode(ProtocolTimeouts{900, 0, 300})), (ProtocolTimeouts{900, 0, 300}));
  const SyncDaemon plain{SyncState::Master, "eth0", 7, 0, std::nullopt, 0, 0};
  const SyncDaemon full{SyncState::Backup, "eth1", 255, 1400, base::IpAddress::parse("224.0.0.88").value(), 9000, 3};
  const SyncDaemon six{SyncState::Backup, "eth1", 1, 0, base::IpAddress::parse("ff02::88").value(), 0, 0};
  for (const auto& daemon : {plain, full, six}) EXPECT_EQ(decode_daemon(encode(daemon)), daemon);
}

Bytes old_destination(const Bytes& statistics) {
  return attribute(
      IPVS_CMD_ATTR_DEST,
      joined(address_v4(IPVS_DEST_ATTR_ADDR, 10, 0, 0, 11), attribute(IPVS_DEST_ATTR_PORT, {0, 80}),
             number<std::uint32_t>(IPVS_DEST_ATTR_FWD_METHOD, 3), number<std::uint32_t>(IPVS_DEST_ATTR_WEIGHT, 2),
             number<std::uint32_t>(IPVS_DEST_ATTR_ACTIVE_CONNS, 9), statistics));
}

TEST(Attributes, OfOldKernelsTheServicesFamilyAndNarrowNumbersCount) {
  const auto narrow =
      attribute(IPVS_DEST_ATTR_STATS, joined(number<std::uint32_t>(IPVS_STATS_ATTR_CONNS, 41),
                                             number<std::uint64_t>(IPVS_STATS_ATTR_INBYTES, 1ull << 40)));
  const auto back = decode_destination(old_destination(narrow), base::Family::V4);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->address, at("10.0.0.11:80"));
  EXPECT_EQ(back->settings.forward, Forward::DirectRoute);
  EXPECT_EQ(back->settings.tunnel_type, 0);
  EXPECT_EQ(back->active, 9u);
  EXPECT_EQ(back->statistics.connections, 41u);
  EXPECT_EQ(back->statistics.in_bytes, 1ull << 40);
}

TEST(Attributes, WideNumbersComeBeforeNarrowOnes) {
  const auto both = joined(attribute(IPVS_DEST_ATTR_STATS, number<std::uint32_t>(IPVS_STATS_ATTR_CONNS, 1)),
                           attribute(IPVS_DEST_ATTR_STATS64, number<std::uint64_t>(IPVS_STATS_ATTR_CONNS, 1ull << 33)));
  EXPECT_EQ(decode_destination(old_destination(both), base::Family::V4)->statistics.connections, 1ull << 33);
}

TEST(Attributes, AMalformedMessageIsNothing) {
  const auto whole = encode(tcp("10.0.0.1:80"), ServiceSettings{"rr", 0, 0, 0, ""});
  EXPECT_FALSE(decode_service({}));
  EXPECT_FALSE(decode_service(std::span{whole}.first(whole.size() / 2)));
  EXPECT_FALSE(decode_destination(whole, base::Family::V4));
  EXPECT_FALSE(decode_service(encode(tcp("10.0.0.1:80"))));  // without scheduler and flags
  EXPECT_FALSE(decode_service(attribute(IPVS_CMD_ATTR_SERVICE, number<std::uint16_t>(IPVS_SVC_ATTR_AF, 99))));
  EXPECT_FALSE(decode_destination(attribute(IPVS_CMD_ATTR_DEST, number<std::uint16_t>(IPVS_DEST_ATTR_WEIGHT, 1)),
                                  base::Family::V4));  // too narrow
  EXPECT_FALSE(decode_info(Bytes{1, 2, 3}));
}

}  // namespace
}  // namespace lvsd::ipvs::kernel
