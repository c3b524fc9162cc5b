"""What all namespace tests share: sites with a director pair, the logs of a failed test, and a look for crashes after each."""
import os
import signal
import sys
from contextlib import contextmanager

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from director import start_pair  # noqa: E402  (after the path is set)
from process import DeadlineExpired  # noqa: E402
from servers import Echo, start_nginx  # noqa: E402
from topology import Testbed, one_lan, two_lans  # noqa: E402

_OPEN = []  # test beds of this test run, for the logs of a failure


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: minutes rather than seconds; runs with LVSD_ALL=1 (./dev test --all) only")


def pytest_collection_modifyitems(items):
    if os.environ.get("LVSD_ALL") == "1":
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: ./dev test --all, or LVSD_ALL=1"))


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit("the namespace tests need root (network namespaces): sudo ./dev test", returncode=77)
    seconds = int(os.environ.get("LVSD_TEST_SECONDS", "0"))
    if seconds:
        signal.signal(signal.SIGALRM, lambda *_: _out_of_time(session, seconds))
        signal.alarm(seconds)


def _out_of_time(session, seconds):
    """Before CTest kills us: the running test fails with its logs, and everything is removed."""
    session.shouldstop = f"the file took longer than {seconds} s"
    raise DeadlineExpired(session.shouldstop)


@contextmanager
def open_testbed():
    with Testbed() as made:
        _OPEN.append(made)
        try:
            yield made
        finally:
            _OPEN.remove(made)


@contextmanager
def open_site(method="dr", servers=3):
    """Namespaces with nginx and echo on every real server; no director yet."""
    with open_testbed() as testbed:
        site = (one_lan if method == "dr" else two_lans)(testbed, servers)
        site.nginx = start_nginx(site)
        site.echo = [Echo(server) for server in site.servers]
        yield site


@contextmanager
def open_pair(method="dr", servers=3, settings=None, prepare=None):
    """A site with both directors running: site.pair. settings: makes Settings from the site. prepare: done to it before."""
    with open_site(method, servers) as site:
        if prepare:
            prepare(site)
        site.pair = start_pair(site, settings(site) if settings else None)
        yield site


@pytest.fixture(scope="module")
def testbed():
    with open_testbed() as made:
        yield made


@pytest.fixture(autouse=True)
def no_crash():
    """No sanitizer report, and no room restarted that the test did not kill (Director.killed)."""
    yield
    for testbed in _OPEN:
        for director in testbed.services:
            assert director.sanitizer_reports() == [], f"{director.name}: see its log"
            for name, room in director.rooms().items():
                assert room["restarts"] == 0 or name in director.killed, f"{director.name}: {name} ended: {room['last_exit']}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for testbed in _OPEN:
            for name in sorted(os.listdir(testbed.directory)):
                if name.endswith(".log"):
                    report.sections.append((name, _tail(testbed.path(name), 100 if "lvsd" in name else 12)))


def _tail(path, lines):
    with open(path, encoding="utf-8", errors="replace") as log:
        return "\n".join(log.read().splitlines()[-lines:])
