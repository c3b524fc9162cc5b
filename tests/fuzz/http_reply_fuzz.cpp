// Any bytes as an HTTP/1.x reply: the first byte picks what is wanted of it, the second the size of the pieces. Nothing
// may crash, no more may be kept than is wanted, and the pieces may not matter.
#include <algorithm>
#include <cstdlib>

#include "healthcheck/http_1_reply.hpp"

namespace {

using namespace lvsd::healthcheck;

void require(bool condition) {
  if (!condition) std::abort();
}

struct Read {
  bool complete = false;
  std::optional<Fault> fault;
  HttpReply reply;
  std::string digest;
};

Read read(std::string_view bytes, std::size_t piece, const Http1Reply::Wanted& wanted) {
  Http1Reply reader{wanted};
  Read out;
  for (std::size_t at = 0; at < bytes.size() && !out.complete && !out.fault; at += piece) {
    auto heard = reader.heard(bytes.substr(at, piece));
    if (heard) {
      out.complete = *heard;
    } else {
      out.fault = heard.error();
    }
  }
  if (!out.complete && !out.fault) out.fault = reader.closed();
  out.reply = reader.reply();
  out.digest = reader.digest();
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 2, size - 2};
  const std::string digest = (data[0] & 2) != 0 ? std::string(32, '0') : "";
  const Http1Reply::Wanted wanted{(data[0] & 1) != 0, (data[0] & 4) != 0 ? kBodyLimit : 16, digest};
  const auto whole = read(bytes, std::max<std::size_t>(1, bytes.size()), wanted);
  const auto pieces = read(bytes, std::max<std::size_t>(1, data[1]), wanted);
  require(whole.reply.body.size() <= wanted.kept);
  require(whole.reply.status >= 0 && whole.reply.status <= 999);
  require(!whole.complete || whole.reply.status != 0);
  require(whole.complete == pieces.complete && whole.reply.status == pieces.reply.status);
  require(whole.reply.body == pieces.reply.body && whole.reply.redirect == pieces.reply.redirect);
  require(whole.digest == pieces.digest);
  require(whole.fault.has_value() == pieces.fault.has_value());
  if (whole.fault) require(whole.fault->reason == pieces.fault->reason && !whole.fault->text.empty());
  return 0;
}
