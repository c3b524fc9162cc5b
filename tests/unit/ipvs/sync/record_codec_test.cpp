#include "ipvs/sync/record_codec.hpp"

#include <gtest/gtest.h>

namespace lvsd::ipvs::sync {
namespace {

base::Endpoint endpoint(const char* text) { return base::Endpoint::parse(text).value(); }

Record full(const char* client, const char* virtual_address, const char* local) {
  Record record{6,
                4,
                Record::kReplied | Record::kFullnat | Record::kProxied | Record::kPersistent,
                0x01020304,
                900'000,
                0xfffffffe,
                0xdeadbeef,
                endpoint(client),
                endpoint(virtual_address),
                endpoint(local),
                8080,
                21,
                22};
  return record;
}

TEST(SyncRecordCodec, BothFamiliesAndEveryFieldReturn) {
  const std::vector<Record> records{full("10.0.0.1:1234", "10.0.0.100:80", "10.1.0.1:1024"),
                                    full("[2001:db8::1]:1234", "[2001:db8::100]:80", "[2001:db8:1::1]:1024")};
  EXPECT_EQ(decode_records(encode_records(records)), records);
}

TEST(SyncRecordCodec, ATemplateNeedsNoVirtualAddress) {
  Record record;
  record.protocol = Record::kAnyProtocol;
  record.flags = Record::kTemplate;
  record.state = 1;
  record.client = {base::IpAddress::parse("2001:db8::").value(), 0};
  const auto bytes = encode_records({&record, 1});
  EXPECT_EQ(decode_records(bytes), std::vector{record});
  EXPECT_LT(bytes.size(), 64u);
}

TEST(SyncRecordCodec, ServersReturn) {
  const std::vector<Server> servers{
      {1, "web", endpoint("10.0.0.11:80"), Method::Dr},
      {0xffffffff, "", {base::IpAddress::parse("2001:db8::1").value(), 0}, Method::Fullnat}};
  EXPECT_EQ(decode_servers(encode_servers(servers)), servers);
}

TEST(SyncRecordCodec, WhatALaterVersionAppendsIsPassedOver) {
  const auto record = full("10.0.0.1:1234", "10.0.0.100:80", "10.1.0.1:1024");
  auto bytes = encode_records({&record, 1});
  bytes[0] = static_cast<std::uint8_t>(bytes[0] + 3);
  bytes.insert(bytes.end(), {1, 2, 3});
  EXPECT_EQ(decode_records(bytes), std::vector{record});
}

TEST(SyncRecordCodec, EveryCutIsNoticed) {
  const auto record = full("10.0.0.1:1234", "10.0.0.100:80", "10.1.0.1:1024");
  const auto bytes = encode_records({&record, 1});
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_records(std::span{bytes}.first(size))) << size;
  }
  auto shorter = bytes;
  for (std::uint8_t length = 0; length + 1u < bytes.size(); ++length) {
    shorter[0] = length;
    shorter.resize(length + 1u);
    EXPECT_FALSE(decode_records(shorter)) << int{length};
    shorter = bytes;
  }
}

TEST(SyncRecordCodec, UnknownFlagsFamiliesAndMethodsAreMalformed) {
  const auto record = full("10.0.0.1:1234", "10.0.0.100:80", "10.1.0.1:1024");
  auto flags = encode_records({&record, 1});
  flags[3] = 0x80;
  EXPECT_FALSE(decode_records(flags));
  const Server server{1, "web", endpoint("10.0.0.11:80"), Method::Dr};
  auto method = encode_servers({&server, 1});
  method[6] = 9;
  EXPECT_FALSE(decode_servers(method));
  auto family = encode_servers({&server, 1});
  family[7] = 5;
  EXPECT_FALSE(decode_servers(family));
}

}  // namespace
}  // namespace lvsd::ipvs::sync
