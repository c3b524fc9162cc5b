#include "ipvs/engine/statistics.hpp"

#include <gtest/gtest.h>

namespace lvsd::ipvs::engine {
namespace {

TEST(Estimator, SettlesAtTheTrueRateAndFallsBackToZero) {
  Estimator estimator;
  Counters totals;
  for (int i = 0; i < 60; ++i) {
    totals += {20, 2000, 1000, 128000, 64000};
    estimator.step(totals);
  }
  auto s = estimator.with_rates(totals);
  EXPECT_EQ(s.connections_per_second, 10u);
  EXPECT_EQ(s.in_packets_per_second, 1000u);
  EXPECT_EQ(s.out_packets_per_second, 500u);
  EXPECT_EQ(s.in_bytes_per_second, 64000u);
  EXPECT_EQ(s.out_bytes_per_second, 32000u);
  EXPECT_EQ(s.connections, 1200u);
  for (int i = 0; i < 60; ++i) estimator.step(totals);
  s = estimator.with_rates(totals);
  EXPECT_EQ(s.in_packets_per_second, 0u);
  EXPECT_EQ(s.in_bytes_per_second, 0u);
}

// A quarter of the difference enters per step: 1000/s show as 250, 438, 578 after one, two, three.
TEST(Estimator, ApproachesByAQuarter) {
  Estimator estimator;
  Counters totals;
  for (const std::uint64_t expected : {250u, 437u, 578u}) {
    totals.in_packets += 2000;
    estimator.step(totals);
    EXPECT_NEAR(static_cast<double>(estimator.with_rates(totals).in_packets_per_second), static_cast<double>(expected),
                1);
  }
}

TEST(Estimator, WhatWasCountedBeforeItStartedIsNoRate) {
  Estimator estimator;
  const Counters before{1000, 1000, 1000, 1000, 1000};
  estimator.start(before);
  estimator.step(before);
  EXPECT_EQ(estimator.with_rates(before).in_packets_per_second, 0u);
}

}  // namespace
}  // namespace lvsd::ipvs::engine
