#include "daemon/ctl/command_table.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "daemon/ctl/nearest.hpp"

namespace lvsd::ctl {
namespace {

constexpr std::array kStatusOptions{OptionId::ExitCode};
constexpr std::array kServiceOptions{OptionId::Stats, OptionId::Rate};
constexpr std::array kCheckOptions{OptionId::History, OptionId::Now};
constexpr std::array kEventOptions{OptionId::Follow};
constexpr std::array kConnectionOptions{OptionId::CountBy};
constexpr std::array kDrainOptions{OptionId::For, OptionId::Reason, OptionId::Wait, OptionId::Force, OptionId::DryRun};
constexpr std::array kWeightOptions{OptionId::For, OptionId::Reason, OptionId::Force, OptionId::DryRun};
constexpr std::array kCaptureOptions{OptionId::Write, OptionId::Packets,   OptionId::For,
                                     OptionId::Snap,  OptionId::Direction, OptionId::Every};
constexpr std::array kUndoOptions{OptionId::DryRun};
constexpr std::array kFailoverOptions{OptionId::Reason};
constexpr std::array kMaintenanceOptions{OptionId::For, OptionId::Reason, OptionId::Force};
constexpr std::array kSetupOptions{OptionId::Config, OptionId::SetupFormat};
constexpr std::array kDoctorOptions{OptionId::Config, OptionId::Fix};
constexpr std::string_view kServersMeant =
    "RS is SERVICE/SERVER, a pattern such as '*/rs2', a service, or an address with or without a port: all that it "
    "matches.";

constexpr std::array kCommands{
    Command{
        Action::Status, "status", "", "", "", 0, "What runs, and what needs attention",
        "Opens with this director, its configuration, its VRRP instances, services and traffic; then lists what needs "
        "attention, worst first, each with the command that tells more.",
        kStatusOptions, false, true, true, Completes::Nothing},
    Command{Action::VirtualServers, "vs", "", "service", "[NAME...]", kAnyNumber,
            "Virtual servers and their real servers",
            "NAME is a virtual server's name, a pattern such as 'web*', or an address with or without a port. A weight "
            "shown "
            "as 0/10 is 0 in force and 10 configured.",
            kServiceOptions, true, true, true, Completes::Services},
    Command{Action::RealServers,
            "rs",
            "",
            "server",
            "[NAME...]",
            kAnyNumber,
            "Real servers of all virtual servers, one per line",
            "NAME is SERVICE/SERVER, a pattern such as '*/rs2', a service, or an address with or without a port.",
            {},
            true,
            true,
            true,
            Completes::Servers},
    Command{
        Action::Checks, "checks", "", "", "[NAME]", 1, "Health checks: last result, history, and why a server is down",
        "NAME is SERVICE/SERVER, a service, an address, a check, or a pattern for any of them. With --now its checks "
        "are made out of turn, and count as any other.",
        kCheckOptions, true, true, true, Completes::CheckNames},
    Command{
        Action::Events, "events", "", "", "[NAME...]", kAnyNumber,
        "What happened: servers, services, roles, overrides, reloads, processes",
        "The last 1,000 events of the running lvsd, oldest first. NAME is what an event is about, such as web/rs1 or "
        "front, or a pattern for it. With --follow and --json, one object per line.",
        kEventOptions, true, true, false, Completes::Servers},
    Command{Action::Vrrp,
            "vrrp",
            "",
            "",
            "[NAME]",
            1,
            "VRRP instances: role, priority, timers, history",
            "With NAME, one instance with its counters and its transitions.",
            {},
            true,
            true,
            true,
            Completes::Instances},
    Command{
        Action::Connections, "conn", "", "", "[FILTER...]", 4, "The connection table",
        "FILTER is service=NAME, server=NAME, client=ADDRESS or limit=N (default 1000); all given filters must match.",
        kConnectionOptions, true, true, true, Completes::Filters},
    Command{Action::Sync,
            "sync",
            "",
            "",
            "",
            0,
            "How the directors share their connections",
            "TELLING: what this director tells the peer; HEARING: what it hears. in_step: all of it, and every change.",
            {},
            true,
            true,
            true,
            {}},
    Command{Action::Drops,
            "drops",
            "",
            "",
            "",
            0,
            "Packets that were not forwarded, by reason",
            "Reasons that never occurred are left out; -o wide and -o csv list them all.",
            {},
            true,
            true,
            true,
            Completes::Nothing},
    Command{
        Action::Trace,
        "trace",
        "",
        "",
        "PROTOCOL SOURCE DESTINATION",
        3,
        "What would become of a packet, and why",
        "PROTOCOL is tcp, udp or sctp, SOURCE and DESTINATION are ADDRESS:PORT. Asks the tables in force in the order "
        "of the data path and changes nothing; of TCP a SYN is meant where no connection is known.",
        {},
        true,
        true,
        true,
        Completes::Nothing},
    Command{
        Action::Capture, "capture", "", "", "[FILTER...]", kAnyNumber, "The packets that the engine sees",
        "FILTER is an expression of tcpdump, as in pcap-filter(7); it is held against a packet as it comes in and as "
        "it goes out. Says what became of each packet, in a capture file as its comment. Goes on until Ctrl-C, and "
        "needs the read-write socket. Packets that come faster than they can be fetched are missed and counted; "
        "forwarding never waits.",
        kCaptureOptions, false, true, false, Completes::Nothing},
    Command{Action::Override, "drain", "", "", "RS...", kAnyNumber,
            "Give real servers no new connections; those they have may finish",
            "The override is kept across reload and restart until undrain, or until --for is over. Refused when a "
            "service would be left without a usable server. Each director has its own overrides.",
            kDrainOptions, false, true, false, Completes::Servers},
    Command{Action::Override, "undrain", "", "", "RS...", kAnyNumber, "End a drain", kServersMeant, kUndoOptions, false,
            true, false, Completes::Servers},
    Command{Action::Override, "disable", "", "", "RS...", kAnyNumber, "Treat real servers as if their checks failed",
            "As drain, but what a server holds may also be scheduled anew, as after its death.", kDrainOptions, false,
            true, false, Completes::Servers},
    Command{Action::Override, "enable", "", "", "RS...", kAnyNumber, "End disable or drain", kServersMeant,
            kUndoOptions, false, true, false, Completes::Servers},
    Command{Action::Override, "weight", "", "", "RS... WEIGHT", kAnyNumber, "Give real servers another weight",
            "WEIGHT is 0 to 65535, a share of the configured weight such as 50%, or default.", kWeightOptions, false,
            true, false, Completes::Servers},
    Command{Action::Overrides,
            "overrides",
            "",
            "",
            "",
            0,
            "Everything that operators want otherwise than the configuration: who, when, until when, why",
            "",
            {},
            true,
            true,
            true,
            Completes::Nothing},
    Command{Action::Override, "overrides", "clear", "", "[RS...]", kAnyNumber,
            "End all overrides, or all of these servers", "", kUndoOptions, false, true, false, Completes::Servers},
    Command{Action::Failover, "failover", "", "", "[INSTANCE...]", kAnyNumber,
            "Hand VRRP instances over to another director now, all that are master here when none is named",
            "The addresses stay until the other director has them; when none takes over, this one goes on as master "
            "and nothing is lost. Afterwards this director preempts nobody until it has been master again. A sync "
            "group goes as a whole.",
            kFailoverOptions, false, true, false, Completes::Instances},
    Command{Action::Maintenance,
            "maintenance",
            "",
            "",
            "",
            0,
            "Whether this director is kept from being master: who, when, until when, why",
            "",
            {},
            false,
            true,
            true,
            Completes::Nothing},
    Command{Action::Maintenance, "maintenance", "on", "", "", 0,
            "Hand all VRRP instances over, and be master of none until off",
            "Refused when an instance finds no successor. Kept across reload and restart.", kMaintenanceOptions, false,
            true, false, Completes::Nothing},
    Command{Action::Maintenance,
            "maintenance",
            "off",
            "",
            "",
            0,
            "Take part in elections again",
            "",
            {},
            false,
            true,
            false,
            Completes::Nothing},
    Command{Action::Reload,
            "reload",
            "",
            "",
            "",
            0,
            "Read the configuration again, as SIGHUP does, and wait for the outcome",
            "A configuration with errors changes nothing: the errors are printed and the old one stays in force.",
            {},
            false,
            true,
            false,
            Completes::Nothing},
    Command{Action::ConfigCheck,
            "config",
            "check",
            "",
            "[FILE]",
            1,
            "Check a configuration file; needs no running daemon",
            "FILE is /etc/lvsd.conf when not given. Prints every error and warning, not only the first.",
            {},
            false,
            true,
            false,
            Completes::Files},
    Command{Action::ConfigShow,
            "config",
            "show",
            "",
            "",
            0,
            "The configuration in force, as it was read",
            "",
            {},
            false,
            true,
            true,
            Completes::Nothing},
    Command{
        Action::ConfigDiff,
        "config",
        "diff",
        "",
        "[FILE]",
        1,
        "What a reload with FILE would change",
        "FILE is the path of the running configuration when not given. Ends with 0 when nothing would change, 1 when "
        "something would, 2 or more on trouble.",
        {},
        true,
        true,
        true,
        Completes::Files},
    Command{Action::Reload,
            "config",
            "reload",
            "",
            "",
            0,
            "The same as reload",
            "",
            {},
            false,
            true,
            true,
            Completes::Nothing},
    Command{
        Action::Ipvsadm,
        "ipvsadm",
        "",
        "",
        "-L [OPTION...]",
        kAnyNumber,
        "List the table byte for byte as ipvsadm(8) does",
        "Takes -L or -l with -n, -c, --stats, --rate, --thresholds, --persistent-conn, --tun-info, --exact, --timeout, "
        "--daemon, --sort, --nosort, -t, -u or --sctp-service ADDRESS:PORT and -f MARK, and -S. Names are never "
        "resolved. Options of lvsctl go before the word ipvsadm.",
        {},
        false,
        false,
        true,
        Completes::Nothing},
    Command{
        Action::RealServerSetup, "real-server-setup", "", "", "[RS...]", kAnyNumber,
        "What real servers need to take what is forwarded to them: addresses, ARP, tunnels, gateway",
        "Prints it, host by host, for all services of the hosts that RS means; changes nothing. As it is a script, it "
        "can go to the host at once: lvsctl real-server-setup web/rs1 | ssh root@rs1 sh",
        kSetupOptions, false, false, false, Completes::Servers},
    Command{
        Action::Doctor, "doctor", "", "", "", 0, "Does this host have what the configuration needs of it",
        "Looks at the kernel, the interfaces, the settings, the firewall and other programs that want the same; each "
        "line that is not ok ends with what to do. Needs no running daemon. Ends with 0 when all is well, 1 with "
        "warnings, 2 with failures. --fix sets the kernel's settings at once and writes them to "
        "/etc/sysctl.d/60-lvsd.conf; all else stays advice.",
        kDoctorOptions, true, true, true, Completes::Nothing},
    Command{Action::Metrics,
            "metrics",
            "",
            "",
            "",
            0,
            "All metrics in the Prometheus text format",
            "",
            {},
            false,
            false,
            true,
            Completes::Nothing},
    Command{Action::Version,
            "version",
            "",
            "",
            "",
            0,
            "The versions of lvsctl and of the running daemon",
            "",
            {},
            false,
            true,
            true,
            Completes::Nothing},
    Command{Action::Help,
            "help",
            "",
            "",
            "[COMMAND]",
            2,
            "Explain all commands or one",
            "",
            {},
            false,
            false,
            false,
            Completes::Commands},
    Command{Action::Completion,
            "completion",
            "",
            "",
            "bash",
            1,
            "Print a completion script for the shell",
            "For bash: source <(lvsctl completion bash)",
            {},
            false,
            false,
            false,
            Completes::Shells},
};

bool has_verb(const Command& command) { return !command.verb.empty(); }

// Of these names, the one that is `word` or the only one that begins with it.
base::Result<std::string_view> resolve(std::string_view word, const std::vector<std::string_view>& names,
                                       std::string_view what) {
  if (std::ranges::find(names, word) != names.end()) return word;
  std::vector<std::string_view> candidates;
  for (const auto name : names) {
    if (!word.empty() && name.starts_with(word)) candidates.push_back(name);
  }
  if (candidates.size() == 1) return candidates.front();
  if (!candidates.empty()) {
    return base::fail(fmt::format("{} \"{}\" is ambiguous: {}", what, word, fmt::join(candidates, ", ")));
  }
  const auto near = nearest(word, names);
  const auto hint = near.empty() ? "lvsctl help lists the commands" : fmt::format("did you mean \"{}\"?", near);
  return base::fail(fmt::format("unknown {} \"{}\"; {}", what, word, hint));
}

base::Result<std::string_view> resolve_object(std::string_view word) {
  std::vector<std::string_view> names;
  for (const auto& command : kCommands) {
    if (names.empty() || names.back() != command.object) names.push_back(command.object);
    if (!command.alias.empty()) names.push_back(command.alias);
  }
  auto name = resolve(word, names, "command");
  if (!name) return name;
  const auto* found =
      std::ranges::find_if(kCommands, [&](const auto& c) { return c.object == *name || c.alias == *name; });
  return found->object;
}

}  // namespace

std::string Command::name() const { return verb.empty() ? std::string{object} : fmt::format("{} {}", object, verb); }

std::span<const Command> commands() { return kCommands; }

bool takes_verb(std::string_view object) {
  const auto name = resolve_object(object);
  return name && std::ranges::any_of(kCommands, [&](const auto& c) { return c.object == *name && has_verb(c); });
}

base::Result<const Command*> find_command(std::string_view object, std::string_view verb) {
  const auto name = resolve_object(object);
  if (!name) return tl::unexpected{name.error()};
  std::vector<std::string_view> verbs;
  const Command* plain = nullptr;
  for (const auto& command : kCommands) {
    if (command.object != *name) continue;
    if (has_verb(command)) {
      verbs.push_back(command.verb);
    } else {
      plain = &command;
    }
  }
  if (plain && (verb.empty() || verbs.empty())) return plain;
  if (verb.empty()) return base::fail(fmt::format("\"{}\" needs one of: {}", *name, fmt::join(verbs, ", ")));
  const auto chosen = resolve(verb, verbs, fmt::format("{} command", *name));
  if (!chosen) return tl::unexpected{chosen.error()};
  return std::ranges::find_if(kCommands, [&](const auto& c) { return c.object == *name && c.verb == *chosen; });
}

}  // namespace lvsd::ctl
