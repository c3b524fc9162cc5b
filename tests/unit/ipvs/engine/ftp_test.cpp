#include "ipvs/engine/ftp.hpp"

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/frames.hpp"

namespace lvsd::ipvs::engine {
namespace {

std::span<const std::uint8_t> bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
std::string words(const std::optional<FtpData>& data) {
  if (!data) return "nothing";
  return fmt::format("{}:{}", data->address ? to_address(*data->address).to_string() : "there", data->port);
}
std::string client(const std::string& text) { return words(ftp_client_listens(bytes(text))); }
std::string server(const std::string& text) { return words(ftp_server_listens(bytes(text))); }

TEST(Ftp, AClientThatWillListenIsUnderstood) {
  EXPECT_EQ(client("PORT 192,0,2,10,195,80\r\n"), "192.0.2.10:50000");
  EXPECT_EQ(client("port 192,0,2,10,0,1\r\n"), "192.0.2.10:1");
  EXPECT_EQ(client("EPRT |1|192.0.2.10|50000|\r\n"), "192.0.2.10:50000");
  EXPECT_EQ(client("EPRT !2!2001:db8::10!50000!\r\n"), "2001:db8::10:50000");
  EXPECT_EQ(client("NOOP\r\nPORT 192,0,2,10,195,80\r\nLIST\r\n"), "192.0.2.10:50000");
}

TEST(Ftp, AServerThatListensIsUnderstood) {
  EXPECT_EQ(server("227 Entering Passive Mode (10,0,0,11,195,80).\r\n"), "10.0.0.11:50000");
  EXPECT_EQ(server("227 =10,0,0,11,195,80\r\n"), "10.0.0.11:50000");
  EXPECT_EQ(server("200 ok\r\n227 (10,0,0,11,195,80)\r\n"), "10.0.0.11:50000");
  EXPECT_EQ(server("229 Entering Extended Passive Mode (|||50000|)\r\n"), "there:50000");
}

TEST(Ftp, WhatSaysNothingOfADataConnectionIsLeftAlone) {
  for (const auto* text :
       {"", "PORT", "PORT 192,0,2,10,195,80", "PORT 192,0,2,10,195\r\n", "PORT 256,0,2,10,1,1\r\n",
        "PORT 192,0,2,10,0,0\r\n", "PORT a,b,c,d,e,f\r\n", "EPRT |1|192.0.2.10|65536|\r\n", "EPRT |1|192.0.2.10|5\r\n",
        "EPRT \r\n", "SITE PORT 192,0,2,10,195,80\r\n", "EPRT |1|x|50000|\r\n"}) {
    EXPECT_EQ(client(text), "nothing") << text;
  }
  for (const auto* text : {"", "227\r\n", "227 no numbers\r\n", "226 (10,0,0,11,195,80)\r\n", "229 (|||0|)\r\n",
                           "229 (|||)\r\n", "229 |||50000|\r\n", "229 (|1||50000|)\r\n", "227 (10,0,0,11,195,80)"}) {
    EXPECT_EQ(server(text), "nothing") << text;
  }
}

std::string rewritten(std::string line, const char* address, std::uint16_t port) {
  const std::span<std::uint8_t> place{reinterpret_cast<std::uint8_t*>(line.data()), line.size()};
  return write_ftp_answer(place, to_packet(test::ip(address)), port) ? line : "no room";
}

TEST(Ftp, AnAnswerIsWrittenAnewInItsOwnLength) {
  EXPECT_EQ(rewritten("227 Entering Passive Mode (10,0,0,11,195,80)", "10.0.0.99", 50000),
            "227 Entering Passive Mode (10,0,0,99,195,80)");
  EXPECT_EQ(rewritten("227 Entering Passive Mode (10,0,0,1,195,80).", "198.151.100.111", 50000),
            "227 Entering Passiv (198,151,100,111,195,80)");
  EXPECT_EQ(rewritten("227 Entering Passive Mode (198,51,100,1,195,80)", "10.0.0.1", 50000),
            "227 Entering Passive Mode     (10,0,0,1,195,80)");
  EXPECT_EQ(rewritten("227 (10,0,0,1,195,80)", "10.0.0.2", 50000), "227 (10,0,0,2,195,80)");
  EXPECT_EQ(rewritten("227 (10,0,0,1,195,80)", "10.0.0.22", 50000), "no room");
}

std::string commanded(std::string line, const char* address, std::uint16_t port) {
  const std::span<std::uint8_t> place{reinterpret_cast<std::uint8_t*>(line.data()), line.size()};
  const bool fits = write_ftp_command(place, to_packet(test::ip(address)), port);
  return fits ? line : line + " (no room)";
}

TEST(Ftp, ACommandIsWrittenAnewInItsOwnLength) {
  EXPECT_EQ(commanded("PORT 192,0,2,10,195,80", "10.0.0.2", 1024), "PORT 010,000,000,2,4,0");
  EXPECT_EQ(commanded("port 1,2,3,4,195,80", "10.0.0.2", 1024), "port 010,00,0,2,4,0");
  EXPECT_EQ(commanded("EPRT |1|192.0.2.10|50000|", "10.0.0.2", 1024), "EPRT |1|10.0.0.2|0001024|");
  EXPECT_EQ(commanded("EPRT !2!2001:db8::10!50000!", "fd00::1", 61001), "EPRT !2!fd00::1!0000061001!");
}

TEST(Ftp, ACommandWithoutRoomBecomesOneThatIsRefused) {
  EXPECT_EQ(commanded("PORT 1,2,3,4,5,6", "192.168.100.200", 61001), "PORT xxxxxxxxxxx (no room)");
  EXPECT_EQ(commanded("EPRT |1|1.2.3.4|5|", "10.0.0.20", 61001), "EPRT xxxxxxxxxxxxx (no room)");
  EXPECT_EQ(client("PORT xxxxxxxxxxx\r\n"), "nothing");
}

TEST(Ftp, ACommandWrittenAnewIsUnderstoodAgain) {
  for (const auto* command : {"PORT 255,255,255,255,255,255", "PORT 192,168,100,200,101,102 ",
                              "EPRT |1|255.255.255.255|65535|", "EPRT |1|198.51.100.99|50000|"}) {
    for (const auto* address : {"1.2.3.4", "10.0.0.2", "198.51.100.1"}) {
      for (const auto port : std::initializer_list<std::uint16_t>{1, 255, 256, 1024, 61001}) {
        const auto line = commanded(command, address, port);
        EXPECT_EQ(line.size(), std::string_view{command}.size()) << line;
        EXPECT_EQ(client(line + "\r\n"), fmt::format("{}:{}", address, port)) << line;
      }
    }
  }
}

TEST(Ftp, WhatWasWrittenAnewIsUnderstoodAgain) {
  for (const auto* address : {"1.2.3.4", "198.51.100.1", "255.255.255.255"}) {
    for (const auto port : std::initializer_list<std::uint16_t>{1, 255, 256, 50000, 65535}) {
      const auto line = rewritten("227 Entering Passive Mode (10,0,0,11,195,80)", address, port);
      EXPECT_EQ(server(line + "\r\n"), fmt::format("{}:{}", address, port));
    }
  }
}

}  // namespace
}  // namespace lvsd::ipvs::engine
