"""One command in a virtual machine with a Debian kernel, plainly emulated: no KVM, nothing of the host changes.

    done = machine.run(["ipvsadm", "-Ln"])
    done.status, done.stdout, done.stderr

The guest sees the host's files read-only, at the same paths, below a RAM disk that takes what it writes; the host's programs and this
build run there as root. It has no network but its own lo. A boot takes about two seconds; a processor in there is some 15 times slower
than the host's. Needs root (virtiofsd serves every file).
"""
import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

import initrd
import kernel_image

VIRTIOFSD = "/usr/lib/qemu/virtiofsd"
# Not checked, not guarded, not watched: what costs a slow processor time and gives a test nothing.
KERNEL_LINE = ("console=ttyS0 panic=-1 oops=panic mitigations=off cryptomgr.notests nowatchdog rcupdate.rcu_cpu_stall_suppress=1 "
               "audit=0 apparmor=0 random.trust_cpu=on no_timer_check quiet")
NO_STATUS = 125  # the machine ended without one: it crashed, or time was up
PASSED_ON = ("LVSD_BUILD_DIR", "LVSD_ALL", "LVSD_TEST_SECONDS", "LVSD_KEEP_FILES", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LANG")


@dataclass
class Done:
    """How a command ended. status: its exit code, or NO_STATUS; then stderr closes with the end of the console."""

    status: int
    stdout: str
    stderr: str
    seconds: float


def run(command, directory=None, environment=None, timeout=120, memory=768, processors=1, virtual_time=False, shares=(), live=False):
    """Boots, runs `command` (a list of words) and returns when the machine is off.

    environment: added to a small one. memory: MiB. virtual_time: the guest's clock counts instructions and skips what is idle, so that an
    hour of waiting costs nothing. shares: folders the guest may write into. live: output goes to this process' own as it comes, and
    is empty in Done.
    """
    image = kernel_image.ready()
    directory = directory or os.getcwd()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lvsd-vm-") as work:
        with open(os.path.join(work, "initrd"), "wb") as out:
            with open(image.initrd, "rb") as base:
                out.write(base.read())
            out.write(initrd.per_run(command, directory, _environment(environment), image.modules, list(shares)))
        for name in ("stdout", "stderr", "status", "console"):
            open(os.path.join(work, name), "wb").close()
        late = _boot(image, work, memory, processors, virtual_time, shares, timeout, live)
        return _result(work, late, timeout, time.monotonic() - started, live)


def _environment(added):
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LVSD_IN_VM": "1"}
    environment.update({name: os.environ[name] for name in PASSED_ON if name in os.environ})
    return {**environment, **(added or {})}


def _boot(image, work, memory, processors, virtual_time, shares, timeout, live):
    """Runs the machine to its end; whether that was ours, because time was up."""
    daemons = [_serve(work, index, path, readonly=index == 0) for index, path in enumerate(["/", *shares])]
    try:
        for index, daemon in enumerate(daemons):
            _wait_socket(os.path.join(work, f"fs{index}"), daemon, work)
        arguments = _qemu(image, work, memory, processors, virtual_time, len(daemons))
        with open(os.path.join(work, "qemu"), "wb") as log:
            machine = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_us)
        try:
            return not _wait_end(machine, work, timeout, live)
        finally:
            machine.kill()
            machine.wait()
    finally:
        for daemon in daemons:
            daemon.kill()
            daemon.wait()


def _qemu(image, work, memory, processors, virtual_time, folders):
    accelerator = "tcg,tb-size=256" + (",thread=single" if virtual_time else ",thread=multi")
    arguments = [
        "qemu-system-x86_64", "-accel", accelerator, "-machine", "q35,memory-backend=ram", "-cpu", "max,la57=off,-smap,-smep",
        "-m", str(memory), "-smp", str(processors), "-object", f"memory-backend-memfd,id=ram,size={memory}M,share=on",
        "-nodefaults", "-display", "none", "-no-reboot", "-no-user-config",
        "-kernel", image.vmlinux, "-initrd", os.path.join(work, "initrd"), "-append", KERNEL_LINE,
        "-serial", f"file:{work}/console", "-device", "virtio-serial-pci",
    ]
    for name in ("stdout", "stderr", "status"):
        arguments += ["-chardev", f"file,id={name},path={work}/{name}", "-device", f"virtserialport,chardev={name},name={name}"]
    for index in range(folders):
        arguments += ["-chardev", f"socket,id=fs{index},path={work}/fs{index}",
                      "-device", f"vhost-user-fs-pci,chardev=fs{index},tag=fs{index}"]
    if virtual_time:
        arguments += ["-icount", "shift=auto,sleep=off", "-rtc", "clock=vm"]
    return arguments


def _die_with_us():
    """In the child: it ends with this process, also when that is killed."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def _serve(work, index, path, readonly):
    """virtiofsd on a folder; a read-only one in a mount namespace where nothing below it can be written."""
    daemon = [VIRTIOFSD, f"--socket-path={work}/fs{index}", "-o", "cache=always", "-o", "sandbox=chroot"]
    if readonly:
        place = os.path.join(work, f"root{index}")
        os.mkdir(place)
        argv = [sys.executable, "-B", os.path.join(os.path.dirname(__file__), "readonly.py"), path, place,
                *daemon, "-o", f"source={place}"]
    else:
        argv = [*daemon, "-o", f"source={path}"]
    with open(os.path.join(work, f"fs{index}.log"), "wb") as log:
        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_us)


def _wait_socket(path, daemon, work):
    end = time.monotonic() + 10
    while not os.path.exists(path):
        if daemon.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"virtiofsd does not serve: {_text(work, os.path.basename(path) + '.log')}")
        time.sleep(0.005)


def _wait_end(machine, work, timeout, live):
    """Whether the machine ended by itself in time. live: meanwhile what it says is passed on."""
    end = time.monotonic() + timeout
    streams = [(os.path.join(work, "stdout"), sys.stdout), (os.path.join(work, "stderr"), sys.stderr)] if live else []
    with _opened(streams) as files:
        while True:
            over = machine.poll() is not None
            for source, target in files:
                target.write(source.read().decode(errors="replace"))
                target.flush()
            if over or time.monotonic() > end:
                return over
            try:
                machine.wait(0.05 if live else max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass


class _opened:
    """Several files, open for a while."""

    def __init__(self, streams):
        self._files = [(open(path, "rb"), target) for path, target in streams]

    def __enter__(self):
        return self._files

    def __exit__(self, *_):
        for file, _ in self._files:
            file.close()


def _text(work, name):
    with open(os.path.join(work, name), encoding="utf-8", errors="replace") as file:
        return file.read()


def _result(work, late, timeout, seconds, live):
    status = _text(work, "status").strip()
    out, errors = ("", "") if live else (_text(work, "stdout"), _text(work, "stderr"))
    if status and not late:
        return Done(int(status), out, errors, seconds)
    why = f"the virtual machine did not end within {timeout} s" if late else "the virtual machine ended without an exit status"
    console = "\n".join((_text(work, "console") + _text(work, "qemu")).splitlines()[-80:])
    errors += f"{why}; the end of its console:\n{console}\n"
    if live:
        sys.stderr.write(errors)
    return Done(NO_STATUS, out, errors, seconds)
