"""Processes and waiting: the two things every namespace test does. Used by the whole test bed.

Nothing here sleeps for its own sake: wait_until polls a condition and fails with words when its deadline passes.
"""
import os
import signal
import subprocess
import time


class DeadlineExpired(AssertionError):
    """A condition did not come true in time."""


def wait_until(condition, seconds, what, every=0.02):
    """The condition's first true value; DeadlineExpired after `seconds`. `what` completes the sentence 'waited for …'."""
    start = time.monotonic()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() - start > seconds:
            raise DeadlineExpired(f"waited {seconds:g} s for {what() if callable(what) else what}; last value: {value!r}")
        time.sleep(every)


def stays(condition, seconds, what, every=0.05):
    """The opposite: the condition holds at every look for `seconds`. Returns the number of looks."""
    end = time.monotonic() + seconds
    looks = 0
    while time.monotonic() < end:
        value = condition()
        assert value, f"{what} did not hold for {seconds:g} s; value: {value!r}"
        looks += 1
        time.sleep(every)
    return looks


def alive(pid):
    """Whether the process exists and is not a zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def send_signal(pid, number):
    """Signals one process; one that is gone already is no error."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


class Process:
    """A child of the test bed with its output in a file. Ended by pid, never by name."""

    def __init__(self, argv, log_path, stdin=subprocess.DEVNULL, env=None):
        self.argv = argv
        self.log_path = log_path
        with open(log_path, "ab") as log:
            self._popen = subprocess.Popen(argv, stdin=stdin, stdout=log, stderr=log, env=env, start_new_session=True)
        self.pid = self._popen.pid

    def running(self):
        return self._popen.poll() is None

    def signal(self, number):
        if self.running():
            self._popen.send_signal(number)

    def wait(self, seconds):
        """Exit status, or DeadlineExpired."""
        try:
            return self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            raise DeadlineExpired(f"waited {seconds:g} s for the end of: {' '.join(self.argv)}") from None

    def stop(self, seconds=5):
        """SIGTERM, and SIGKILL where that is not heard."""
        self.signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except DeadlineExpired:
            self.kill()
            return self.wait(seconds)

    def kill(self):
        self.signal(signal.SIGKILL)
        self._popen.wait(5)

    def output(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()
