#include "healthcheck/body_digest.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>

namespace lvsd::healthcheck {

bool is_digest(std::string_view hex) {
  return (hex.size() == 32 || hex.size() == 64) &&
         std::all_of(hex.begin(), hex.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

void BodyDigest::End::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

BodyDigest::BodyDigest(std::string_view expected) : context_{EVP_MD_CTX_new()} {
  const EVP_MD* kind = expected.size() == 32 ? EVP_md5() : EVP_sha256();
  good_ = context_ && EVP_DigestInit_ex(context_.get(), kind, nullptr) == 1;
}

void BodyDigest::add(std::string_view bytes) {
  good_ = good_ && EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1;
}

std::string BodyDigest::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  if (!good_ || EVP_DigestFinal_ex(context_.get(), bytes.data(), &size) != 1) return "";
  std::string out;
  for (unsigned i = 0; i < size; ++i) out += fmt::format("{:02x}", bytes[i]);
  return out;
}

}  // namespace lvsd::healthcheck
