"""The rules of the house, checked on a source tree: rules.py ROOT prints every breach and exits 1 when there is one.

Who may include whom, which system's words belong in which file, what is pure, names and sizes (ARCHITECTURE.md). Run by
ctest (arch.house) and ./dev lint; rules_test.py shows that each rule can fail.
"""
import os
import re
import sys
from fnmatch import fnmatch

ROOMS = {  # room: rooms it may include
    "base": {"base"},
    "vrrp": {"base", "vrrp"},
    "healthcheck": {"base", "healthcheck"},
    "ipvs": {"base", "ipvs"},
    "daemon": {"base", "vrrp", "healthcheck", "ipvs", "daemon"},
}

# What a regular expression finds may stand in these files only.
WORDS = [
    ("AF_XDP", r"\bxsk_\w+", ["ipvs/engine/af_xdp*"]),
    ("netlink", r"\b(?!nl_langinfo)(?:nl|nla|nlmsg|rtnl|genl|genlmsg|nl_cache)_\w+\s*\(",
     ["ipvs/engine/*neighbour*", "ipvs/engine/*link*", "ipvs/engine/kernel_objects*", "ipvs/kernel/*", "vrrp/*link*",
      "vrrp/*address*", "vrrp/*route*"]),
    ("libnftables", r"\bnft_\w+\s*\(", ["base/nft_table.cpp"]),
    ("libpcap", r"\b(?:pcap|bpf)_(?:compile|freecode|open|close|next|validate|filter)\w*\s*\(",
     ["daemon/ctl/capture_filter.cpp", "daemon/replay.cpp", "ipvs/engine/capture.cpp"]),
    ("libcurl", r"\bcurl_\w+|\bCURL\w*_\w+|\bCURLM?\b", ["healthcheck/*"]),
    ("OpenSSL", r"\b(?:SSL|X509|ERR)_\w+\s*\(", ["healthcheck/tls.cpp", "healthcheck/stream.cpp"]),
    ("RE2", r"\bre2::", ["healthcheck/pattern.cpp"]),
    ("inih", r"\bini_\w+", ["daemon/config/raw*"]),
    ("journal and service manager", r"\bsd_(?:notify|pid_notify|listen|journal|watchdog|booted)\w*",
     ["base/log.cpp", "daemon/service_manager.cpp"]),
]

# Pure: values and a time point in, values out. No clock, no log, no descriptor, no event loop.
PURE = [
    "base/address.*", "base/bytes.*", "base/checksum.*", "base/time.cpp",
    "vrrp/accept_filter.*", "vrrp/advertisement.*", "vrrp/announce.*", "vrrp/circumstances.*", "vrrp/state_machine.*", "vrrp/timers.*", "vrrp/link_table.*", "vrrp/sync_group.*", "vrrp/tracks.*",
    "vrrp/authenticator.*", "vrrp/config.*", "vrrp/datagram.*", "vrrp/instance_status.*", "vrrp/peer_differences.*",
    "vrrp/flaps.*", "vrrp/alarms.*", "vrrp/arp_filter.*", "vrrp/failovers.*", "vrrp/interference.*",
    "healthcheck/process_name.*", "healthcheck/route_message.*", "daemon/notices.*", "daemon/quorum_tracks.*",
    "vrrp/diff*",
    "healthcheck/dampener.*", "healthcheck/schedule.*", "healthcheck/http_expect.*", "healthcheck/http_request.*", "healthcheck/http_1_reply.*",
    "healthcheck/target_state.*", "healthcheck/result.*", "healthcheck/certificate.*", "healthcheck/check_type.*",
    "healthcheck/*dialogue.*", "healthcheck/*exchange.*", "healthcheck/dns_message.*", "healthcheck/escapes.*",
    "healthcheck/pattern.*", "healthcheck/script_check.*", "healthcheck/share.*", "healthcheck/agent_word.*", "healthcheck/file_check.*", "healthcheck/grpc_health.*", "healthcheck/body_digest.*",
    "ipvs/through_vip.*", "ipvs/desired.*", "ipvs/diff.*", "ipvs/health.*", "ipvs/passive.*", "ipvs/pools.*", "ipvs/table.*", "ipvs/engine/core*", "ipvs/engine/connection_table.*", "ipvs/engine/packet*", "daemon/pcapng.*",
    "ipvs/engine/parse*", "ipvs/engine/rewrite*", "ipvs/engine/scheduler*", "ipvs/engine/tcp_state*", "ipvs/engine/forward*",
    "ipvs/engine/encapsulate.*", "ipvs/engine/split.*", "ipvs/engine/tcp_edit.*", "ipvs/engine/tunnel_error.*", "ipvs/engine/client_notice.*", "ipvs/engine/neighbour_book.*", "ipvs/engine/waiting_packets.*", "ipvs/engine/next_hop*",
    "ipvs/sync/ipvs_*", "ipvs/sync/record*", "ipvs/sync/session.*", "ipvs/sync/stream.*",
    "ipvs/listing.*", "ipvs/kernel/attributes.*", "ipvs/kernel/connection_list.*", "ipvs/kernel/kernel_table.*",
    "ipvs/kernel/marks.*", "ipvs/kernel/owned_services.*", "ipvs/kernel/plan.*", "ipvs/kernel/reading.*", "ipvs/kernel/sync_daemons.*", "ipvs/kernel/wanted.*",
    "daemon/config/check_keys*", "daemon/config/document.*", "daemon/config/listeners.*", "daemon/config/service_options.*", "daemon/config/describe.*", "daemon/config/render.*", "daemon/config/report.*",
    "daemon/config/schema.*", "daemon/config/validate*", "daemon/config/values.*",
    "daemon/host/findings.*", "daemon/ctl/real_server.*", "daemon/back_off.*", "daemon/events.*", "daemon/overview.*", "daemon/page.*", "daemon/standings.*", "daemon/overrides.*", "daemon/metrics.*", "daemon/ctl/render*", "daemon/ctl/layout.*",
    "daemon/ctl/ipvsadm*", "daemon/ctl/words.*", "daemon/ctl/nearest.*", "daemon/ctl/select.*",
]
IMPURE = [
    ("reads a clock", r"\b(?:Clock|steady_clock|system_clock|high_resolution_clock)::now\b|\bclock_gettime\b|\bgettimeofday\b"
                      r"|\bstd::time\s*\(|\btime\s*\(\s*(?:nullptr|NULL)\s*\)"),
    ("logs", r"\blog::(?:error|warning|notice|info|debug|write)\b"),
    ("knows descriptors or an event loop", r"#\s*include\s*[<\"](?:boost/asio|sys/socket\.h|sys/epoll\.h|unistd\.h|fcntl\.h|base/fd\.hpp)"),
]

HEAVY = r"#\s*include\s*<((?:boost/(?:asio|json|beast|program_options)|curl|netlink|xdp|bpf|nlohmann)\b[^>]*|ini\.h|libnl[^>]*)>"
HEAVY_ALLOWED = ["base/json.hpp"]

FORBIDDEN_NAMES = {"util", "utils", "utility", "utilities", "helper", "helpers", "manager", "misc", "common", "stuff"}
FIELD_WORDS = ["service_manager"]  # systemd's own name for itself
CPP = (".cpp", ".hpp", ".c", ".h")
CODE = CPP + (".py", ".sh", ".lua", ".cmake")
LINE_LIMIT = 450


def files(root, suffixes, below):
    """Paths relative to root, of code only."""
    for top in below:
        for folder, subfolders, names in os.walk(os.path.join(root, top)):
            subfolders[:] = sorted(name for name in subfolders if name not in ("__pycache__", "corpus"))
            for name in sorted(names):
                if name.endswith(suffixes):
                    yield os.path.relpath(os.path.join(folder, name), root)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as text:
        return text.read()


def without_comments(text):
    """Comments and string literals blanked, line numbers kept: a rule is about code."""
    pattern = r'//[^\n]*|/\*.*?\*/|R"\w*\(.*?\)\w*"|"(?:\\.|[^"\\\n])*"'

    def blank(match):
        piece = match[0]
        if piece.startswith('"') and text[: match.start()].rpartition("\n")[2].lstrip().startswith("#"):
            return piece  # #include "…"
        return "\n" * piece.count("\n") or " "

    return re.sub(pattern, blank, text, flags=re.DOTALL)


def matches(path, patterns):
    return any(fnmatch(path, pattern) for pattern in patterns)


def breaches(root, path, pattern, message):
    """One line per place of the file where the pattern stands."""
    for number, line in enumerate(without_comments(read(root, path)).split("\n"), 1):
        match = re.search(pattern, line)
        if match:
            yield f"{path}:{number}: {message.format(*match.groups(), word=match[0].strip())}"


def included_rooms(root):
    for path in files(root, CPP, ROOMS):
        room = path.split(os.sep)[0]
        for other in (set(ROOMS) | {"tests"}) - ROOMS[room]:
            yield from breaches(root, path, rf'#\s*include\s*["<]({other}/[^">]*)', f"room {room} includes {{0}}")


def linked_rooms(root):
    for path in files(root, ("CMakeLists.txt",), ROOMS):
        room = path.split(os.sep)[0]
        for other in set(ROOMS) - ROOMS[room]:
            for number, line in enumerate(read(root, path).split("\n"), 1):
                if re.search(rf"\blvsd(?:::|_){other}\b", line.split("#")[0]):
                    yield f"{path}:{number}: room {room} links {other}"


def backends_apart(root):
    for one, other in (("engine", "kernel"), ("kernel", "engine")):
        for path in files(root, CPP, [f"ipvs/{one}"]):
            yield from breaches(root, path, rf'#\s*include\s*["<](ipvs/{other}/[^">]*)', f"the {one} backend includes {{0}}")


def system_words(root):
    for name, pattern, allowed in WORDS:
        for path in files(root, CPP, ROOMS):
            if not matches(path, allowed):
                yield from breaches(root, path, pattern, f"{{word}}: {name} belongs in {', '.join(allowed)}")


def one_beast(root):
    users = [path for path in files(root, CPP, ROOMS) if any(breaches(root, path, r"#\s*include\s*<boost/beast", ""))]
    if len(users) > 1:
        yield f"{', '.join(users)}: Boost.Beast is compiled in one file only"


def pure_files(root):
    for path in files(root, CPP, ROOMS):
        if matches(path, PURE):
            for what, pattern in IMPURE:
                yield from breaches(root, path, pattern, f"a pure file {what}: {{word}}")


def light_headers(root):
    for path in files(root, (".hpp", ".h"), ROOMS):
        if path not in HEAVY_ALLOWED:
            yield from breaches(root, path, HEAVY, "a header includes <{0}>; forward-declare, or hide it in the .cpp")
            yield from breaches(root, path, r"\busing\s+namespace\s+(?!std::\w*literals)", "a header has {word}")


def headers_open_with_their_purpose(root):
    for path in files(root, (".hpp",), ROOMS):
        text = read(root, path)
        if not text.startswith("//"):
            yield f"{path}:1: a header opens with what it is and who uses it"
        if "#pragma once" not in text:
            yield f"{path}:1: #pragma once is missing"


def names(root):
    for path in files(root, CODE, [*ROOMS, "tests"]):
        stem = os.path.basename(path).split(".")[0]
        bare = stem
        for word in FIELD_WORDS:
            bare = bare.replace(word, "")
        for word in FORBIDDEN_NAMES & set(bare.lower().split("_")):
            yield f'{path}: "{word}" says nothing; name the file for the one thing inside'
        if path.endswith(CPP) and not re.fullmatch(r"[a-z][a-z0-9_]*", stem):
            yield f"{path}: file names are snake_case"


def sizes(root):
    for path in files(root, CODE, [*ROOMS, "tests"]):
        lines = read(root, path).count("\n")
        if lines > LINE_LIMIT:
            yield f"{path}: {lines} lines; more than {LINE_LIMIT} is more than one subject"


RULES = [included_rooms, linked_rooms, backends_apart, system_words, one_beast, pure_files, light_headers,
         headers_open_with_their_purpose, names, sizes]


def check(root):
    return [breach for rule in RULES for breach in rule(root)]


if __name__ == "__main__":
    found = check(sys.argv[1])
    print("\n".join(found) if found else "the house stands: no breach")
    sys.exit(1 if found else 0)
