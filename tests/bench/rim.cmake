find_package(benchmark REQUIRED)
add_executable(nat_replies_bench nat_replies_bench.cpp)
target_link_libraries(nat_replies_bench PRIVATE lvsd::warnings lvsd::engine PkgConfig::LIBBPF benchmark::benchmark)
