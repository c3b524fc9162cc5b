// The parts of a [vrrp] section that have a page of their own. Used by build_vrrp() alone.
#pragma once

#include "daemon/config/validate.hpp"

namespace lvsd::daemon {

// virtual_address and extra_address, in the order of the advertisement.
void add_virtual_addresses(Build& build, const Section& section, vrrp::InstanceConfig& instance);

// virtual_route; after the addresses.
void add_virtual_routes(Build& build, const SectionReader& reader, vrrp::InstanceConfig& instance);

// virtual_mac: what it cannot be combined with; after the peers.
void check_virtual_mac(Build& build, const SectionReader& reader, vrrp::InstanceConfig& instance);

// peer, multihop, allowed_source, source_address; after the addresses.
void add_peers(Build& build, const SectionReader& reader, vrrp::InstanceConfig& instance);

// What version 2 cannot do, and its password; after the addresses.
void check_version(const SectionReader& reader, vrrp::InstanceConfig& instance, Report& report);

// A key file's keys, at least one; the first is for what this director sends.
base::Result<std::vector<vrrp::HmacKey>> read_keys(std::string_view text);

// auth_key_file, auth_mode; after the peers.
void add_authentication(Build& build, const SectionReader& reader, vrrp::InstanceConfig& instance);

}  // namespace lvsd::daemon
