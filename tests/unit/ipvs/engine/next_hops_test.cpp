#include "ipvs/engine/next_hops.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/frames.hpp"

namespace lvsd::ipvs::engine {
namespace {

using Kind = NextHop::Kind;
using test::ip;

base::Prefix prefix(const char* text) { return *base::Prefix::parse(text); }

NextHops two_networks() {
  NextHops hops;
  hops.replace_interfaces({{3, {{2, 0, 0, 0, 0, 3}}, 9000, true, true, {}},
                           {2, {{2, 0, 0, 0, 0, 2}}, 1500, true, true, {}},
                           {4, {{2, 0, 0, 0, 0, 4}}, 1500, false, false, {}}});
  hops.replace_routes({{prefix("0.0.0.0/0"), 100, 2, ip("192.0.2.254"), false},
                       {prefix("10.0.0.0/24"), 0, 3, {}, false},
                       {prefix("10.0.0.128/25"), 0, 2, ip("192.0.2.253"), false},
                       {prefix("192.0.2.0/24"), 0, 2, {}, false},
                       {prefix("172.16.0.0/12"), 0, 4, {}, false},
                       {prefix("10.0.0.1/32"), 0, 3, {}, true},
                       {prefix("2001:db8::/32"), 0, 3, {}, false},
                       {prefix("2001:db8:1::/48"), 0, 2, ip("fe80::1"), false}});
  return hops;
}

TEST(NextHops, TheLongestPrefixDecides) {
  const auto hops = two_networks();
  struct Case {
    const char* destination;
    Kind kind;
    std::uint32_t interface;
    const char* address;
  };
  for (const auto& c :
       {Case{"10.0.0.5", Kind::Unresolved, 3, "10.0.0.5"}, Case{"10.0.0.200", Kind::Unresolved, 2, "192.0.2.253"},
        Case{"203.0.113.1", Kind::Unresolved, 2, "192.0.2.254"}, Case{"10.0.0.1", Kind::Local, 3, "10.0.0.1"},
        Case{"172.16.1.1", Kind::NoRoute, 4, "172.16.1.1"}, Case{"2001:db8::5", Kind::Unresolved, 3, "2001:db8::5"},
        Case{"2001:db8:1::5", Kind::Unresolved, 2, "fe80::1"}, Case{"2001:db9::5", Kind::NoRoute, 0, "0.0.0.0"}}) {
    const auto hop = hops.find(ip(c.destination));
    EXPECT_EQ(hop.kind, c.kind) << c.destination;
    EXPECT_EQ(hop.interface, c.interface) << c.destination;
    EXPECT_EQ(hop.address, ip(c.address)) << c.destination;
  }
}

TEST(NextHops, OfEqualPrefixesTheLowestMetricDecides) {
  auto hops = two_networks();
  hops.replace_routes({{prefix("10.0.0.0/8"), 20, 2, {}, false}, {prefix("10.0.0.0/8"), 10, 3, {}, false}});
  EXPECT_EQ(hops.find(ip("10.1.1.1")).interface, 3u);
}

TEST(NextHops, ANeighbourResolvesFailsAndIsForgotten) {
  auto hops = two_networks();
  const base::MacAddress mac{{2, 9, 9, 9, 9, 9}};
  hops.set_neighbour({3, ip("10.0.0.5"), mac, true, false});
  const auto hop = hops.find(ip("10.0.0.5"));
  EXPECT_EQ(hop.kind, Kind::Resolved);
  EXPECT_EQ(hop.destination, mac);
  EXPECT_EQ(hop.source, (base::MacAddress{{2, 0, 0, 0, 0, 3}}));
  EXPECT_EQ(hop.mtu, 9000u);
  hops.set_neighbour({3, ip("10.0.0.5"), {}, false, true});
  EXPECT_EQ(hops.find(ip("10.0.0.5")).kind, Kind::Failed);
  hops.forget_neighbour(3, ip("10.0.0.5"));
  EXPECT_EQ(hops.find(ip("10.0.0.5")).kind, Kind::Unresolved);
  hops.set_neighbour({2, ip("10.0.0.5"), mac, true, false});  // of another network
  EXPECT_EQ(hops.find(ip("10.0.0.5")).kind, Kind::Unresolved);
  hops.set_neighbour({3, ip("2001:db8::5"), mac, true, false});
  EXPECT_EQ(hops.find(ip("2001:db8::5")).kind, Kind::Resolved);
  hops.clear_neighbours();
  EXPECT_EQ(hops.find(ip("2001:db8::5")).kind, Kind::Unresolved);
}

TEST(NextHops, OnLinkNeverGoesThroughAGateway) {
  const auto hops = two_networks();
  EXPECT_EQ(hops.find_on_link(ip("10.0.0.5")).kind, Kind::Unresolved);
  EXPECT_EQ(hops.find_on_link(ip("10.0.0.200")).kind, Kind::NoRoute);
  EXPECT_EQ(hops.find_on_link(ip("203.0.113.1")).kind, Kind::NoRoute);
}

TEST(NextHops, EveryChangeIsANewGeneration) {
  auto hops = two_networks();
  auto last = hops.generation();
  const auto changed = [&] { return std::exchange(last, hops.generation()) != hops.generation(); };
  hops.set_neighbour({3, ip("10.0.0.5"), {}, true, false});
  EXPECT_TRUE(changed());
  hops.forget_neighbour(3, ip("10.0.0.5"));
  EXPECT_TRUE(changed());
  hops.replace_routes({});
  EXPECT_TRUE(changed());
  hops.replace_interfaces({});
  EXPECT_TRUE(changed());
}

TEST(NextHops, LookupAgreesWithASearchThroughAllRoutes) {
  const bool holds = rc::check([] {
    NextHops hops;
    hops.replace_interfaces({{1, {}, 1500, true, true, {}}});
    std::vector<Route> routes;
    const auto count = *rc::gen::inRange(0, 20);
    for (int i = 0; i < count; ++i) {
      const auto address =
          base::IpAddress::v4(*rc::gen::inRange<std::uint32_t>(0, 256) << *rc::gen::element(0, 12, 24));
      const auto length = *rc::gen::inRange<std::uint8_t>(0, 33);
      routes.push_back({{address, length}, 0, 1, base::IpAddress::v4(static_cast<std::uint32_t>(i)), false});
    }
    hops.replace_routes(routes);
    const auto wanted = base::IpAddress::v4(*rc::gen::inRange<std::uint32_t>(0, 256) << *rc::gen::element(0, 12, 24));
    const Route* best = nullptr;
    for (const auto& r : routes) {
      if (r.destination.contains(wanted) && (best == nullptr || r.destination.length > best->destination.length))
        best = &r;
    }
    const auto hop = hops.find(wanted);
    RC_ASSERT((hop.kind == Kind::NoRoute) == (best == nullptr));
    if (best != nullptr) RC_ASSERT(hop.address == *best->gateway);
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace lvsd::ipvs::engine
