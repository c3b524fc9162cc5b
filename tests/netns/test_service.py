"""The tests' service manager keeps systemd's promises, shown with a small program in lvsd's place."""
import os
import signal
import subprocess
import sys

import pytest
from process import alive, wait_until
from service import Service

PROBE = os.path.join(os.path.dirname(__file__), "notify_probe.py")


def children(pid):
    return [int(child) for child in subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()]


@pytest.fixture
def service(tmp_path):
    family = set()
    made = Service([sys.executable, PROBE], str(tmp_path / "log"), str(tmp_path), restart_delay=0.1, watchdog=1.0,
                   leftovers=lambda: [pid for pid in family if alive(pid)])
    made.family = family
    yield made
    made.abandon()


def started(service):
    service.start().wait_ready()
    service.family.update(children(service.pid))
    return service


def test_ready_and_status_come_from_the_main_process_only(service):
    started(service)
    assert service.status == "life 1"
    assert not any("child" in fields.get("STATUS", "") for _, fields in service.notices)


def test_after_sigkill_the_next_life_gets_the_stored_descriptors_by_name(service):
    started(service)
    wait_until(lambda: [name for name, _ in service.stored] == ["counter"], 2, lambda: f"one stored file: {service.stored}")
    first, orphan = service.pid, list(service.family)[0]

    service.signal(signal.SIGKILL)

    wait_until(lambda: service.starts == 2 and service.state == "ready", 5, "the second life")
    assert service.pid != first
    assert service.status == "life 2"
    assert "life 2 given counter" in service.last_words()
    assert not alive(orphan), "what was left of the first life is gone"


def test_a_failing_exit_is_restarted_after_the_restart_delay(service):
    started(service)
    service.signal(signal.SIGUSR1)
    wait_until(lambda: service.starts == 2 and service.state == "ready", 5, "the second life")
    ended, status = service.exits[0]
    assert os.WEXITSTATUS(status) == 3
    ready = [at for at, fields in service.notices if fields.get("READY") == "1"][1]
    assert ready - ended >= 0.1


def test_a_clean_exit_is_not_restarted(service):
    started(service)
    service.signal(signal.SIGTERM)
    wait_until(lambda: service.state == "inactive", 5, "the end")
    assert service.starts == 1


def test_a_silent_watchdog_ends_the_service_with_sigabrt(service):
    started(service)
    service.signal(signal.SIGUSR2)
    wait_until(lambda: service.starts == 2 and service.state == "ready", 10, "the second life")
    assert os.WTERMSIG(service.exits[0][1]) == signal.SIGABRT


def test_stop_forgets_the_stored_descriptors(service):
    started(service)
    wait_until(lambda: service.stored, 2, "a stored file")
    service.stop()
    assert service.stored == []
    service.start().wait_ready()
    assert service.status == "life 1"


def test_without_restart_the_service_stays_dead(service):
    service.restart = False
    started(service)
    service.signal(signal.SIGKILL)
    wait_until(lambda: service.state == "failed", 5, "the end")
    assert service.starts == 1
