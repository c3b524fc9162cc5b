// The digest of a body while it comes, by OpenSSL. Which one follows from its length in hex: 64 digits SHA-256, 32 MD5
// (keepalived's). Used by http_1_reply and http_2_transfer.
#pragma once

#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace lvsd::healthcheck {

bool is_digest(std::string_view hex);  // 32 or 64 digits, in small letters

class BodyDigest {
 public:
  explicit BodyDigest(std::string_view expected);  // is_digest()
  void add(std::string_view bytes);
  std::string hex();  // once, at the end; "" where OpenSSL cannot (MD5 forbidden by its policy)

 private:
  struct End {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, End> context_;
  bool good_ = false;
};

}  // namespace lvsd::healthcheck
