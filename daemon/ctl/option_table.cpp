// The options of lvsctl's commands, in the order of OptionId.
#include <array>

#include "daemon/ctl/command_table.hpp"

namespace lvsd::ctl {
namespace {

constexpr std::array kOptions{
    Option{OptionId::Json, 'j', "json", "", "", "Print JSON, as the daemon's API gives it"},
    Option{OptionId::Output, 'o', "output", "FORMAT", "table wide json csv",
           "Print a table (default), a table with more columns, JSON or comma-separated values"},
    Option{OptionId::NoHeader, 'H', "no-header", "", "", "Leave out the header of tables"},
    Option{OptionId::Watch, 'w', "watch", "[SEC]", "", "Repeat every SEC seconds (default 2), on a terminal in place"},
    Option{OptionId::Count, 0, "count", "N", "", "With --watch, end after N repetitions"},
    Option{OptionId::Color, 0, "color", "WHEN", "auto always never",
           "Colour the output; auto (default) means on a terminal, unless NO_COLOR is set or TERM is dumb"},
    Option{OptionId::Quiet, 'q', "quiet", "", "", "Print no notes and no confirmations, only data and errors"},
    Option{OptionId::Socket, 's', "socket", "PATH", "",
           "Ask the daemon at this socket (default /run/lvsd/lvsd.sock, or ro.sock beside it where only that may be "
           "used)"},
    Option{OptionId::Timeout, 0, "timeout", "SEC", "", "Give up after this time (default 10 s; reload 60 s)"},
    Option{OptionId::Yes, 'y', "yes", "", "", "Never ask back; no command of this version does"},
    Option{OptionId::Node, 0, "node", "NAME", "",
           "Read a configuration file as this node (default: the running daemon's, else the host's name)"},
    Option{OptionId::Help, 'h', "help", "", "", "Explain the command"},
    Option{OptionId::Version, 'V', "version", "", "", "Print the version"},
    Option{
        OptionId::ExitCode, 0, "exit-code", "", "",
        "End with 0 when nothing needs attention, 1 when something is degraded, 2 when something is down or in fault"},
    Option{OptionId::Stats, 0, "stats", "", "", "Show totals since the start of the table instead of state"},
    Option{OptionId::Rate, 0, "rate", "", "", "Show current rates instead of state"},
    Option{OptionId::History, 0, "history", "N", "", "Show the last N results (default 10, at most 32)"},
    Option{OptionId::CountBy, 0, "count-by", "KEY", "client rs state", "Count connections by this key, most first"},
    Option{OptionId::For, 0, "for", "TIME", "", "End it by itself after this time: 90s, 30m, 2h, 7d"},
    Option{OptionId::Reason, 0, "reason", "TEXT", "", "Say why, for the log and for everybody who asks"},
    Option{OptionId::Wait, 0, "wait", "[SEC]", "",
           "Follow the connections until none is left, at most SEC seconds (default: without limit)"},
    Option{OptionId::Force, 0, "force", "", "",
           "Also when a service is left without a usable server, or an address without an owner"},
    Option{OptionId::DryRun, 0, "dry-run", "", "", "Say what would change, and change nothing"},
    Option{OptionId::Now, 0, "now", "", "", "Ask the servers at once and wait for what they say"},
    Option{OptionId::Follow, 'f', "follow", "", "", "Go on with what happens from now on"},
    Option{OptionId::Write, 0, "write", "FILE", "",
           "Write a capture file (pcap-ng) instead of lines; - is standard output"},
    Option{OptionId::Packets, 0, "packets", "N", "", "End after N frames"},
    Option{OptionId::Snap, 0, "snap", "BYTES", "", "Keep so much of each frame (default: all)"},
    Option{OptionId::Direction, 0, "direction", "WAY", "in out both",
           "Frames as they come in, as they go out, or both (default)"},
    Option{OptionId::Every, 0, "every", "N", "", "Of N packets that fit the filter take one"},
    Option{OptionId::Config, 'c', "config", "FILE", "", "Read this configuration instead of the running daemon's"},
    Option{OptionId::SetupFormat, 0, "format", "FORMAT", "shell sysctl networkd ifupdown nftables",
           "Print commands for now (default), files for always, or nftables' rules instead of the ARP settings"},
    Option{OptionId::Fix, 0, "fix", "", "", "Change the settings of the kernel that are wrong, for now and for always"},
};

constexpr std::array kGlobal{OptionId::Json,  OptionId::Output, OptionId::NoHeader, OptionId::Watch,   OptionId::Count,
                             OptionId::Color, OptionId::Quiet,  OptionId::Socket,   OptionId::Timeout, OptionId::Yes,
                             OptionId::Node,  OptionId::Help,   OptionId::Version};

}  // namespace

std::span<const Option> options() { return kOptions; }
const Option& option(OptionId id) { return kOptions[static_cast<std::size_t>(id)]; }
std::span<const OptionId> global_options() { return kGlobal; }

}  // namespace lvsd::ctl
