// The command line of lvsd. Pure; used by main.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace lvsd::daemon {

// Exit codes, the same words as lvsctl's.
enum ExitCode { kExitOk = 0, kExitFailed = 1, kExitUsage = 2, kExitConfigInvalid = 4 };

struct Options {
  std::string config = "/etc/lvsd.conf";
  std::string node;  // empty: the host's short name
  std::string run_dir = "/run/lvsd";
  std::string state_dir = "/var/lib/lvsd";
  bool check = false;
  std::string pcap;      // run this capture file through the engine's core
  std::string pcap_out;  // … and write the frames with their verdicts here
  bool version = false;
  bool help = false;
  // Internal: this process is a room.
  std::string room;
  int channel_fd = -1;
  int parent = 0;
};

base::Result<Options> parse_options(const std::vector<std::string>& arguments);  // without argv[0]

std::string help_text();

}  // namespace lvsd::daemon
