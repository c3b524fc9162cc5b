#include "vrrp/accept_filter.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nftables/libnftables.h>

#include "vrrp/timers.hpp"

namespace lvsd::vrrp {
namespace {

constexpr std::string_view kTable = "inet lvsd_accept";

std::string drop(std::string_view family, const std::vector<std::string>& addresses) {
  if (addresses.empty()) return {};
  return fmt::format("    {} daddr {{ {} }} counter drop\n", family, fmt::join(addresses, ", "));
}

std::string removal() { return fmt::format("add table {0}\ndelete table {0}\n", kTable); }

}  // namespace

std::string accept_rules(const std::vector<InstanceConfig>& instances) {
  std::vector<std::string> ipv4;
  std::vector<std::string> ipv6;
  for (const auto& instance : instances) {
    if (instance.accept || instance.priority == kOwnerPriority) continue;
    for (const auto& address : instance.virtual_addresses) {
      const auto& ip = address.prefix.address;
      (ip.is_v4() ? ipv4 : ipv6).push_back(ip.to_string());
    }
  }
  if (ipv4.empty() && ipv6.empty()) return {};
  return fmt::format(
      "table {} {{\n"
      "  chain input {{\n"
      "    type filter hook input priority -1; policy accept;\n"
      "    iif lo accept\n"
      "    icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} accept\n"
      "{}{}"
      "  }}\n"
      "}}\n",
      kTable, drop("ip", ipv4), drop("ip6", ipv6));
}

struct AcceptFilter::Impl {
  nft_ctx* context = nft_ctx_new(NFT_CTX_DEFAULT);
  bool is_clean = false;  // nothing of ours is in force
  std::string in_force;
};

AcceptFilter::AcceptFilter() : impl_{std::make_unique<Impl>()} {
  if (!impl_->context) return;
  nft_ctx_buffer_error(impl_->context);
  nft_ctx_buffer_output(impl_->context);
}

AcceptFilter::~AcceptFilter() {
  if (!impl_->in_force.empty()) static_cast<void>(apply({}));
  if (impl_->context) nft_ctx_free(impl_->context);
}

base::Result<void> AcceptFilter::apply(const std::string& rules) {
  if (rules == impl_->in_force && impl_->is_clean == rules.empty()) return {};
  if (!impl_->context) return base::fail("accept = no: nftables: out of memory");
  const auto commands = removal() + rules;
  if (nft_run_cmd_from_buffer(impl_->context, commands.c_str()) != 0) {
    const std::string why = nft_ctx_get_error_buffer(impl_->context);
    if (!rules.empty()) return base::fail("accept = no: nftables: " + why.substr(0, why.find('\n')));
  }
  impl_->in_force = rules;  // without rules a failure means that the kernel has no nftables: nothing is in force
  impl_->is_clean = rules.empty();
  return {};
}

}  // namespace lvsd::vrrp
