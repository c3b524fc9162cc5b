#include "daemon/ctl/capture_filter.hpp"

#include <memory>

#include <fmt/format.h>
#include <pcap/pcap.h>

namespace lvsd::ctl {

base::Result<std::vector<ipvs::CaptureQuery::Instruction>> compile_filter(const std::string& expression) {
  std::vector<ipvs::CaptureQuery::Instruction> filter;
  if (expression.empty()) return filter;
  constexpr int kLongestFrame = 65535;
  const std::unique_ptr<pcap_t, void (*)(pcap_t*)> handle{pcap_open_dead(DLT_EN10MB, kLongestFrame), pcap_close};
  if (!handle) return base::fail("libpcap does not work");
  bpf_program program{};
  if (pcap_compile(handle.get(), &program, expression.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0)
    return base::fail(fmt::format("filter \"{}\": {}", expression, pcap_geterr(handle.get())));
  for (unsigned i = 0; i < program.bf_len; ++i) {
    const auto& one = program.bf_insns[i];
    filter.push_back({one.code, one.jt, one.jf, one.k});
  }
  pcap_freecode(&program);
  return filter;
}

}  // namespace lvsd::ctl
