"""One service under a service manager that behaves as systemd does for lvsd.service. Used by Director, and by its own test.

What of systemd is here, for real: sd_notify(3) over a datagram socket (READY, STATUS, RELOADING, STOPPING, WATCHDOG,
MAINPID is refused, FDSTORE with SCM_RIGHTS and FDNAME, FDPOLL=0, FDSTOREREMOVE, BARRIER), NotifyAccess=main by the
sender's credentials; stored descriptors handed to the next start from 3 upwards with LISTEN_FDS, LISTEN_FDNAMES and
LISTEN_PID; Restart=on-failure after RestartSec; WatchdogSec ends with SIGABRT; KillMode=mixed: when the main process is
gone, what is left of the service is killed before the next start. Stored descriptors survive a restart, not a stop.
"""
import ctypes
import errno
import fcntl
import os
import platform
import select
import selectors
import signal
import socket
import struct
import threading
import time

from process import send_signal, wait_until

CLEAN_SIGNALS = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGPIPE}  # systemd.service(5), SuccessExitStatus=
START_LIMIT = 20         # starts within START_WINDOW, then the service is "failed"
START_WINDOW = 10.0      # s
SYS_KCMP = {"x86_64": 312, "aarch64": 272}[platform.machine()]
FIRST_FREE = 100         # stored descriptors are kept at or above this number: out of the way of 3, 4, …


def same_file(one, other):
    """kcmp(2): whether two of our descriptors are one open file."""
    kcmp_file, pid = 0, os.getpid()
    return ctypes.CDLL(None).syscall(SYS_KCMP, pid, pid, kcmp_file, one, other) == 0


class Service:
    """Runs argv until stop(). All methods are for the test's thread; one thread of its own does the managing."""

    def __init__(self, argv, log_path, directory, restart=True, restart_delay=0.1, watchdog=None, store_max=256,
                 environment=None, leftovers=lambda: []):
        self.argv = argv
        self.log_path = log_path
        self.restart = restart
        self.restart_delay = restart_delay
        self.watchdog = watchdog          # seconds, or None
        self.store_max = store_max
        self.environment = dict(os.environ if environment is None else environment)
        self.leftovers = leftovers        # pids of the service that are not the main one: its control group
        self.state = "inactive"           # starting, ready, reloading, stopping, restarting, inactive, failed
        self.status = ""
        self.pid = None
        self.starts = 0
        self.exits = []                   # (monotonic time, wait status)
        self.notices = []                 # (monotonic time, {key: value}): all that was said
        self.stored = []                  # (name, fd)
        self._polled = set()              # stored descriptors that go when they hang up: all but those with FDPOLL=0
        self._stopping = False
        self._watchdog_deadline = None
        self._recent_starts = []
        self._notify_path = os.path.join(directory, "notify")
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._thread = None

    # For the test.

    def start(self):
        self._stopping = False
        self._notify = self._open_notify_socket()
        self._spawn()
        self._thread = threading.Thread(target=self._manage, daemon=True)
        self._thread.start()
        return self

    def wait_ready(self, seconds=20):
        wait_until(lambda: self.state in ("ready", "failed"), seconds, lambda: f"READY=1 (state {self.state})")
        assert self.state == "ready", f"the service is {self.state}: {self.last_words()}"
        return self

    def reload(self):
        send_signal(self.pid, signal.SIGHUP)

    def signal(self, number):
        send_signal(self.pid, number)

    def stop(self, seconds=10):
        """systemctl stop. Returns the main process's wait status, or None where there was none."""
        self._stopping = True
        self._wake()
        if self.pid:
            send_signal(self.pid, signal.SIGTERM)
        try:
            wait_until(lambda: self.state in ("inactive", "failed"), seconds, "the service to stop")
        finally:
            self._end()
        return self.exits[-1][1] if self.exits else None

    def abandon(self):
        """Removes everything at once; the service learns nothing."""
        self._stopping = True
        self._wake()
        if self.pid:
            send_signal(self.pid, signal.SIGKILL)
        self._end()

    def last_words(self, lines=15):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                return "\n".join(log.read().splitlines()[-lines:])
        except FileNotFoundError:
            return ""

    # The manager's own.

    def _end(self):
        if self._thread:
            self._thread.join(5)
            self._thread = None
            self._notify.close()
            for pid in self.leftovers():
                send_signal(pid, signal.SIGKILL)
            self._drop_stored(lambda _name: True)

    def _wake(self):
        os.write(self._wake_write, b"x")

    def _open_notify_socket(self):
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        notify.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        if os.path.exists(self._notify_path):
            os.unlink(self._notify_path)
        notify.bind(self._notify_path)  # a path, not an abstract name: those end at the network namespace
        os.chmod(self._notify_path, 0o777)
        return notify

    def _spawn(self):
        environment = dict(self.environment, NOTIFY_SOCKET=self._notify_path)
        exported = []
        actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                   (os.POSIX_SPAWN_OPEN, 1, self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
                   (os.POSIX_SPAWN_DUP2, 1, 2)]
        if self.watchdog:
            environment["WATCHDOG_USEC"] = str(int(self.watchdog * 1e6))
            exported.append("WATCHDOG_PID=$$")
        if self.stored:
            environment["LISTEN_FDS"] = str(len(self.stored))
            environment["LISTEN_FDNAMES"] = ":".join(name for name, _ in self.stored)
            exported.append("LISTEN_PID=$$")
            actions += [(os.POSIX_SPAWN_DUP2, fd, 3 + index) for index, (_, fd) in enumerate(self.stored)]
        script = (f"export {' '.join(exported)}; " if exported else "") + 'exec "$@"'  # $$ stays the pid across exec
        self.state = "starting"
        self.pid = os.posix_spawn("/bin/sh", ["/bin/sh", "-c", script, "sh", *self.argv], environment,
                                  file_actions=actions, setsid=True, setsigmask=[],
                                  setsigdef=[signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
        self.starts += 1
        self._recent_starts.append(time.monotonic())
        self._watchdog_deadline = time.monotonic() + self.watchdog if self.watchdog else None

    def _manage(self):
        with selectors.DefaultSelector() as selector:
            selector.register(self._notify, selectors.EVENT_READ)
            selector.register(self._wake_read, selectors.EVENT_READ)
            while self.state not in ("inactive", "failed"):
                self._watch_one_life(selector)

    def _watch_one_life(self, selector):
        main = os.pidfd_open(self.pid)
        selector.register(main, selectors.EVENT_READ)
        try:
            ended = False
            while not ended:
                ready = [key.fileobj for key, _ in selector.select(self._poll_interval())]
                if self._wake_read in ready:
                    os.read(self._wake_read, 64)
                self._receive()
                self._check_watchdog()
                self._drop_hung_up()
                ended = main in ready
        finally:
            selector.unregister(main)
            os.close(main)
        self._reap()

    def _poll_interval(self):
        return 0.25 if self._watchdog_deadline is None else max(0.0, min(0.25, self._watchdog_deadline - time.monotonic()))

    def _reap(self):
        _, wait_status = os.waitpid(self.pid, 0)
        self.exits.append((time.monotonic(), wait_status))
        for pid in self.leftovers():
            if pid != self.pid:
                send_signal(pid, signal.SIGKILL)
        self.pid = None
        clean = (os.WIFEXITED(wait_status) and os.WEXITSTATUS(wait_status) == 0) or (
            os.WIFSIGNALED(wait_status) and os.WTERMSIG(wait_status) in CLEAN_SIGNALS)
        self._recent_starts = [at for at in self._recent_starts if at > time.monotonic() - START_WINDOW]
        if self._stopping or clean:
            self.state = "inactive"
        elif not self.restart or len(self._recent_starts) >= START_LIMIT:
            self.state = "failed"
        else:
            self.state = "restarting"
            select.select([self._wake_read], [], [], self.restart_delay)
            if self._stopping:
                self.state = "inactive"
            else:
                self._spawn()

    def _check_watchdog(self):
        if self._watchdog_deadline is not None and time.monotonic() > self._watchdog_deadline:
            self.notices.append((time.monotonic(), {"MANAGER": "watchdog timeout"}))
            self._watchdog_deadline = None
            send_signal(self.pid, signal.SIGABRT)

    def _receive(self):
        while True:
            try:
                data, ancillary, _, _ = self._notify.recvmsg(65536, 8192, socket.MSG_CMSG_CLOEXEC)
            except OSError as error:
                if error.errno in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EBADF):
                    return
                raise
            sender, fds = None, []
            for level, kind, content in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                    sender = struct.unpack("3i", content[:12])[0]
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    fds += struct.unpack(f"{len(content) // 4}i", content[: len(content) // 4 * 4])
            fields = dict(line.split("=", 1) for line in data.decode("utf-8", "replace").split("\n") if "=" in line)
            if sender == self.pid:
                self._notice(fields, fds)
            for fd in fds:
                os.close(fd)

    def _notice(self, fields, fds):
        self.notices.append((time.monotonic(), fields))
        self.status = fields.get("STATUS", self.status)
        if fields.get("READY") == "1":
            self.state = "ready"
        if fields.get("RELOADING") == "1":
            self.state = "reloading"
        if fields.get("STOPPING") == "1":
            self.state = "stopping"
        if fields.get("WATCHDOG") == "1" and self.watchdog:
            self._watchdog_deadline = time.monotonic() + self.watchdog
        if fields.get("FDSTOREREMOVE") == "1":
            self._drop_stored(lambda name: name == fields.get("FDNAME"))
        elif fields.get("FDSTORE") == "1":
            for fd in fds:
                self._store(fields.get("FDNAME", "stored"), fd, polled=fields.get("FDPOLL") != "0")

    def _store(self, name, fd, polled):
        if len(self.stored) >= self.store_max or any(same_file(fd, held) for _, held in self.stored):
            return  # as systemd: what is there already is not stored twice
        held = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE)
        self.stored.append((name, held))
        if polled:
            self._polled.add(held)

    def _drop_hung_up(self):
        poll = select.poll()
        for _, fd in self.stored:
            if fd in self._polled:
                poll.register(fd, 0)
        gone = {fd for fd, events in poll.poll(0) if events & (select.POLLHUP | select.POLLERR)}
        if gone:
            self._drop_stored_fds(gone)

    def _drop_stored(self, chosen):
        self._drop_stored_fds({fd for name, fd in self.stored if chosen(name)})

    def _drop_stored_fds(self, fds):
        self.stored = [entry for entry in self.stored if entry[1] not in fds]
        for fd in fds:
            self._polled.discard(fd)
            os.close(fd)
