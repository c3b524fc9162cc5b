// `lvsctl ipvsadm …`: the table in the bytes of ipvsadm 1.31, for scripts that read that program's output. Pure.
#pragma once

#include <string>

#include "daemon/ctl/ipvsadm_words.hpp"
#include "ipvs/messages.hpp"

namespace lvsd::ctl::ipvsadm {

std::string render(const ipvs::Listing& listing, const Wish& wish);
std::string render(const ipvs::Connections& connections, const Wish& wish);

// Whether the service of -t, -u or -f is in the table.
bool has_service(const ipvs::Listing& listing, const Wish& wish);

}  // namespace lvsd::ctl::ipvsadm
