"""What all namespace tests share: the site of a file, the directors, and the logs of a failed test."""
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from topology import Testbed  # noqa: E402  (after the path is set)

_OPEN = []  # test beds of this session, for the logs of a failure


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit("the namespace tests need root (network namespaces): sudo ./dev test", returncode=77)


@pytest.fixture(scope="module")
def testbed():
    with Testbed() as made:
        _OPEN.append(made)
        yield made
        _OPEN.remove(made)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for made in _OPEN:
            for name in sorted(os.listdir(made.directory)):
                if name.endswith(".log"):
                    report.sections.append((name, _tail(made.path(name))))


def _tail(path, lines=60):
    with open(path, encoding="utf-8", errors="replace") as log:
        return "\n".join(log.read().splitlines()[-lines:])
