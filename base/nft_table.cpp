#include "base/nft_table.hpp"

#include <memory>

#include <fmt/format.h>
#include <nftables/libnftables.h>

namespace lvsd::base {
namespace {

struct Free {
  void operator()(nft_ctx* context) const { nft_ctx_free(context); }
};

std::string text(const char* buffer) { return buffer ? buffer : ""; }

std::string first_line(const std::string& all) { return all.substr(0, all.find('\n')); }

Result<std::string> run(const std::string& commands) {
  const std::unique_ptr<nft_ctx, Free> context{nft_ctx_new(NFT_CTX_DEFAULT)};
  if (!context) return fail("nftables: no memory");
  nft_ctx_buffer_output(context.get());
  nft_ctx_buffer_error(context.get());
  // Neither counters nor what rules themselves put into maps: both change without anybody's doing.
  nft_ctx_output_set_flags(context.get(), NFT_CTX_OUTPUT_STATELESS | NFT_CTX_OUTPUT_TERSE);
  const int failed = nft_run_cmd_from_buffer(context.get(), commands.c_str());
  if (failed) return fail("nftables: " + first_line(text(nft_ctx_get_error_buffer(context.get()))));
  return text(nft_ctx_get_output_buffer(context.get()));
}

}  // namespace

Result<bool> NftTable::put_in_force(const std::string& table) {
  const auto list = fmt::format("list table {}", name_);
  const auto present = run(list);  // an error when it is not there
  if (table.empty() && !present) return false;
  if (present && !table.empty() && table == in_force_ && *present == listed_) return false;
  // Making it first, so that deleting it cannot fail; all of this is one transaction.
  const auto done = run(fmt::format("add table {0}\ndelete table {0}\n{1}", name_, table));
  if (!done) return tl::unexpected{done.error()};
  in_force_ = table;
  listed_ = table.empty() ? "" : run(list).value_or("");
  return true;
}

Result<std::string> firewall_rules() { return run("list ruleset"); }

}  // namespace lvsd::base
