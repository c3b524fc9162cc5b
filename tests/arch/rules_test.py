"""Each rule of the house can fail: a small tree that keeps it, one change that breaks it."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

import rules  # noqa: E402

HEADER = "// What this is. Used by somebody.\n#pragma once\n"


@pytest.fixture
def tree(tmp_path):
    """A house that stands."""
    def write(path, text):
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    for room in rules.ROOMS:
        write(f"{room}/messages.hpp", HEADER + '#include "base/result.hpp"\n')
        write(f"{room}/CMakeLists.txt", f"lvsd_room({room} SOURCES messages.cpp ROOMS lvsd::base)\n")
    write("daemon/director.cpp", '#include "vrrp/messages.hpp"\n')
    write("healthcheck/curl_multi.cpp", "#include <curl/curl.h>\nvoid f() { curl_multi_init(); }\n")
    write("ipvs/engine/af_xdp.cpp", "void f() { xsk_umem__create(); }\n")
    write("base/json.hpp", HEADER + "#include <boost/json.hpp>\n")
    write("daemon/service_manager.cpp", "void f() { sd_notify(); }\n")
    write("daemon/http.cpp", "#include <boost/beast/core.hpp>\n")
    assert rules.check(str(tmp_path)) == []
    tree = type("Tree", (), {"root": str(tmp_path), "write": staticmethod(write)})
    return tree


BREACHES = {
    "a room includes a sibling": ("vrrp/x.cpp", '#include "ipvs/messages.hpp"\n', "room vrrp includes ipvs/messages.hpp"),
    "the ground floor includes a room": ("base/x.cpp", "#include <daemon/api.hpp>\n", "room base includes daemon/api.hpp"),
    "a room includes tests": ("daemon/x.cpp", '#include "tests/support/x.hpp"\n', "room daemon includes tests/support/x.hpp"),
    "a room links a sibling": ("healthcheck/CMakeLists.txt", "lvsd_room(healthcheck ROOMS lvsd::vrrp)\n",
                               "room healthcheck links vrrp"),
    "the engine includes the kernel backend": ("ipvs/engine/x.cpp", '#include "ipvs/kernel/codec.hpp"\n',
                                               "the engine backend includes ipvs/kernel/codec.hpp"),
    "AF_XDP outside its file": ("ipvs/engine/worker.cpp", "void f() { xsk_socket__fd(); }\n", "AF_XDP belongs in"),
    "netlink outside its files": ("ipvs/engine/worker.cpp", "void f() { rtnl_link_get(); }\n", "netlink belongs in"),
    "curl outside healthcheck": ("daemon/x.cpp", "void f() { curl_easy_init(); }\n", "libcurl belongs in"),
    "inih outside the reader": ("daemon/config/load.cpp", "void f() { ini_parse(); }\n", "inih belongs in"),
    "sd_notify outside its file": ("daemon/director.cpp", "void f() { sd_notify(0, 0); }\n", "service manager belongs in"),
    "Beast in two files": ("daemon/ctl/x.cpp", "#include <boost/beast/http.hpp>\n", "one file only"),
    "a pure file reads the clock": ("vrrp/state_machine.cpp", "auto t = base::Clock::now();\n", "reads a clock"),
    "a pure file logs": ("ipvs/desired.cpp", 'void f() { base::log::info("a", "b"); }\n', "a pure file logs"),
    "a pure file knows an event loop": ("ipvs/diff.cpp", "#include <boost/asio/io_context.hpp>\n", "event loop"),
    "a heavy header in a header": ("daemon/http.hpp", HEADER + "#include <boost/asio.hpp>\n", "includes <boost/asio.hpp>"),
    "curl in a header": ("healthcheck/x.hpp", HEADER + "#include <curl/curl.h>\n", "includes <curl/curl.h>"),
    "using namespace in a header": ("base/x.hpp", HEADER + "using namespace std;\n", "using namespace"),
    "a header without its purpose": ("base/x.hpp", "#pragma once\n", "opens with what it is"),
    "a header without its guard": ("base/x.hpp", "// What.\n", "#pragma once"),
    "a name that says nothing": ("base/string_utils.cpp", "\n", '"utils" says nothing'),
    "a manager": ("daemon/vip_manager.cpp", "\n", '"manager" says nothing'),
    "a name in camel case": ("daemon/StateMachine.cpp", "\n", "snake_case"),
    "a file that is too long": ("daemon/long.cpp", "\n" * (rules.LINE_LIMIT + 1), "lines"),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_found_and_named(tree, breach):
    path, text, words = BREACHES[breach]
    tree.write(path, text)
    found = rules.check(tree.root)
    assert len(found) == 1 and words in found[0] and path in found[0], found


@pytest.mark.parametrize("text", ['// as curl_easy_init() would\n', '/* xsk_umem__create */\n', 'auto s = "ini_parse";\n',
                                  'auto s = R"(rtnl_link_get(1))";\n'])
def test_comments_and_texts_are_not_code(tree, text):
    tree.write("daemon/x.cpp", text)
    assert rules.check(tree.root) == []


def test_the_command_exits_1_with_the_breaches(tree, capfd):
    tree.write("base/x.hpp", "#pragma once\n")
    assert os.waitstatus_to_exitcode(os.spawnv(os.P_WAIT, sys.executable, [sys.executable, rules.__file__, tree.root]) << 8) == 1
    assert "base/x.hpp" in capfd.readouterr().out
