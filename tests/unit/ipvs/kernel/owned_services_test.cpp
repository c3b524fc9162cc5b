#include "ipvs/kernel/owned_services.hpp"

#include <gmock/gmock.h>

#include "tests/unit/ipvs/kernel/tables.hpp"

namespace lvsd::ipvs::kernel {
namespace {

TEST(OwnedServices, ComeBackAsTheyWent) {
  auto all_ports = test::tcp("10.0.0.1:80");
  all_ports.address.port = 0;
  const std::set<ServiceKey> services{test::tcp("10.0.0.1:80"),
                                      all_ports,
                                      test::tcp("[2001:db8::1]:443"),
                                      {5, base::Family::V4, 0, {}},
                                      {4'000'000'000, base::Family::V6, 0, {}}};
  EXPECT_EQ(read_services(write_services(services)), services);
}

TEST(OwnedServices, LeavesOutWhatItDoesNotUnderstand) {
  EXPECT_THAT(read_services("4 fwmark 0\n5 fwmark 1\n4 tcp 10.0.0.1:80\n6 6 10.0.0.1:80\n4 6 10.0.0.1\n4 6 "
                            "10.0.0.1:80x\n\n4 6 10.0.0.1:80"),
              ::testing::ElementsAre(test::tcp("10.0.0.1:80")));
}

}  // namespace
}  // namespace lvsd::ipvs::kernel
