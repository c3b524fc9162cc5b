#include "ipvs/engine/capture.hpp"

#include <gtest/gtest.h>

#include "tests/support/frames.hpp"

namespace lvsd::ipvs::engine {
namespace {

using test::Bytes;

constexpr std::uint32_t kFront = 2, kBack = 3;

// "ip dst host 198.51.100.1" without looking at the type: the word at 30.
CaptureQuery to_the_virtual_address() {
  CaptureQuery query;
  query.filter = {{0x20, 0, 0, 30}, {0x15, 0, 1, 0xc6336401}, {0x06, 0, 0, 65535}, {0x06, 0, 0, 0}};
  return query;
}

// A packet comes with `came`, and is `left` when the core is done with it.
void pass(Capture& capture, Bytes came, Bytes left, Verdict verdict = {Action::Send, DropReason::None, kBack, {}}) {
  Packet packet{came.data(), static_cast<std::uint32_t>(came.size()), 0, 0, kFront};
  capture.arrive({&packet, 1});
  packet.data = left.data();
  packet.length = static_cast<std::uint32_t>(left.size());
  capture.decided({&packet, 1}, {&verdict, 1}, 17);
}

Bytes frame_to(std::string_view destination) {
  test::FrameSpec spec;
  spec.destination = test::endpoint(destination);
  return make_frame(spec);
}

TEST(Capture, KeepsAPacketAsItCameAndAsItLeaves) {
  auto capture = Capture::create({}).value();
  const auto came = frame_to("198.51.100.1:80"), left = frame_to("10.0.0.11:8080");
  pass(*capture, came, left);
  const auto batch = capture->fetch(CapturedBatch::make());
  ASSERT_EQ(batch.frames.size(), 2u);
  EXPECT_EQ(Bytes(batch.bytes.begin(), batch.bytes.begin() + batch.frames[0].kept), came);
  EXPECT_EQ(Bytes(batch.bytes.begin() + batch.frames[1].offset, batch.bytes.end()), left);
  EXPECT_EQ(batch.frames[0].interface, kFront);
  EXPECT_EQ(batch.frames[1].interface, kBack);
  EXPECT_TRUE(batch.frames[1].leaves);
  EXPECT_EQ(batch.frames[1].unix_ns, 17);
  EXPECT_TRUE(capture->fetch(CapturedBatch::make()).frames.empty());
}

TEST(Capture, OfADroppedPacketOnlyWhatCameIsKept) {
  auto capture = Capture::create({}).value();
  const auto frame = frame_to("198.51.100.1:80");
  pass(*capture, frame, frame, {Action::Drop, DropReason::NoServer, 0, {}});
  const auto batch = capture->fetch(CapturedBatch::make());
  ASSERT_EQ(batch.frames.size(), 1u);
  EXPECT_EQ(batch.frames[0].verdict.reason, DropReason::NoServer);
}

TEST(Capture, TheFilterIsHeldAgainstBothForms) {
  auto capture = Capture::create(to_the_virtual_address()).value();
  const auto vip = frame_to("198.51.100.1:80"), server = frame_to("10.0.0.11:8080");
  pass(*capture, vip, server);
  pass(*capture, server, vip);
  pass(*capture, server, server);
  EXPECT_EQ(capture->fetch(CapturedBatch::make()).frames.size(), 4u);
  EXPECT_EQ(capture->counts().seen, 3u);
  EXPECT_EQ(capture->counts().matching, 2u);
}

TEST(Capture, AFilterThatLeadsOutOfItselfIsRefused) {
  CaptureQuery query;
  query.filter = {{0x15, 200, 200, 1}};
  EXPECT_FALSE(Capture::create(query));
  query.filter = {{0x20, 0, 0, 0}};
  EXPECT_FALSE(Capture::create(query)) << "no return at its end";
}

TEST(Capture, OneOfManyIsTaken) {
  CaptureQuery query;
  query.every = 10;
  auto capture = Capture::create(query).value();
  const auto frame = frame_to("198.51.100.1:80");
  for (int i = 0; i < 25; ++i) pass(*capture, frame, frame);
  EXPECT_EQ(capture->fetch(CapturedBatch::make()).frames.size(), 6u) << "three packets, in and out";
}

TEST(Capture, FramesAreCutToTheLengthAskedFor) {
  CaptureQuery query;
  query.snap_length = 20;
  auto capture = Capture::create(query).value();
  const auto frame = frame_to("198.51.100.1:80");
  pass(*capture, frame, frame);
  const auto batch = capture->fetch(CapturedBatch::make());
  EXPECT_EQ(batch.frames[0].kept, 20u);
  EXPECT_EQ(batch.frames[0].length, frame.size());
}

TEST(Capture, WhatFindsNoRoomIsCountedAndMemoryDoesNotGrow) {
  auto capture = Capture::create({}).value();
  auto fresh = CapturedBatch::make();
  const auto capacity = fresh.bytes.capacity();
  static_cast<void>(capture->fetch(std::move(fresh)));
  const Bytes frame(1500, 7);
  for (int i = 0; i < 1000; ++i) pass(*capture, frame, frame);
  const auto batch = capture->fetch(CapturedBatch::make());
  EXPECT_EQ(batch.bytes.capacity(), capacity);
  EXPECT_GT(capture->counts().missed, 0u);
  EXPECT_EQ(capture->counts().missed + batch.frames.size() / 2, 1000u);
  pass(*capture, frame, frame);
  EXPECT_EQ(capture->fetch(CapturedBatch::make()).frames.size(), 2u) << "room again";
}

TEST(Capture, AFrameLongerThanWhatIsKeptOfOneIsNotReadBeyond) {
  auto capture = Capture::create({}).value();
  const Bytes frame(9000, 7);
  pass(*capture, frame, frame);
  EXPECT_EQ(capture->fetch(CapturedBatch::make()).frames[0].kept, 2048u);
}

}  // namespace
}  // namespace lvsd::ipvs::engine
