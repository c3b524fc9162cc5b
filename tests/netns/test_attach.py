"""How the engine takes its interfaces: what it was asked for, what it got, and the reason in lvsctl where that differs."""
import pytest
from conftest import open_pair
from director import Settings
from process import wait_until
from traffic import wrk


@pytest.fixture(scope="module")
def site():
    with open_pair("nat", servers=1, settings=lambda site: with_engine(site, "busy_poll = 50")) as made:
        yield made


def with_engine(site, lines):
    return Settings(site, extra=f"[engine]\n{lines}\n")


def interfaces(site):
    return {one["name"]: one for one in (site.pair[0].ask("vs") or {}).get("interfaces", [])}


def reload_with(site, lines):
    site.pair[0].write(with_engine(site, lines))
    site.pair[0].ctl("reload")


def test_busy_polling_serves_and_is_shown(site):
    assert wrk(site.client, f"http://{site.vip}/", requests=500).failed == 0
    assert all(one["busy_poll"] and not one["zero_copy"] for one in interfaces(site).values()), interfaces(site)


def test_zero_copy_that_a_driver_lacks_is_said_and_auto_does_without(site):
    """veth has none."""
    reload_with(site, "zero_copy = require")
    wait_until(lambda: "has no zero-copy" in interfaces(site).get("eth0", {}).get("problem", ""), 10, "the reason")
    assert "the driver of eth0 has no zero-copy" in site.pair[0].ctl("status").stdout
    reload_with(site, "zero_copy = auto")
    wait_until(lambda: interfaces(site).get("eth0", {}).get("problem") == "", 10, "the interface to be taken")
    assert wrk(site.client, f"http://{site.vip}/", requests=500).failed == 0
