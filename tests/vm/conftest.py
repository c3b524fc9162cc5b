"""Where the tests of the virtual machine find each other and the test bed of the namespaces."""
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "netns")]


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: minutes rather than seconds; runs with LVSD_ALL=1 (./dev test --all) only")


def pytest_collection_modifyitems(items):
    if os.environ.get("LVSD_ALL") != "1":
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow: ./dev test --all, or LVSD_ALL=1"))


def pytest_sessionstart(session):
    if os.geteuid() != 0:
        pytest.exit("the virtual machine needs root: sudo ./dev test", returncode=77)
