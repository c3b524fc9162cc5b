"""The guest's first files: a static busybox, one module and the init script below, as cpio archives (they concatenate). Pure."""
import glob
import os
import shlex

BUSYBOX = "/bin/busybox"

# Runs from memory: the host's / comes read-only over virtiofs, a RAM disk above it takes what is written, and the command runs as root in
# that. Its output and its exit status leave through three serial ports; then the machine is off.
INIT = r"""#!/bin/busybox sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mkdir -p /lower /ram /new
[ -e /overlay.ko ] && insmod /overlay.ko
mount -t virtiofs -o ro fs0 /lower || exec sh
mount -t tmpfs ram /ram
mkdir /ram/upper /ram/work
mount -t overlay -o lowerdir=/lower,upperdir=/ram/upper,workdir=/ram/work root /new
# A port can be opened once only.
for port in /sys/class/virtio-ports/*; do
  device=/dev/${port##*/}
  case $(cat $port/name) in stdout) exec 3>$device ;; stderr) exec 4>$device ;; status) exec 5>$device ;; esac
done
exec 6</dev/null
. /run.settings
mount --move /dev /new/dev
mount --move /proc /new/proc
mount --move /sys /new/sys
mkdir -p /new/dev/pts /new/dev/shm /new/lib/modules/$(uname -r)
mount -t devpts devpts /new/dev/pts
for place in dev/shm run tmp var/tmp; do mount -t tmpfs tmpfs /new/$place; done
chmod 1777 /new/dev/shm /new/tmp /new/var/tmp
mkdir /new/run/netns
mount -t cgroup2 cgroup /new/sys/fs/cgroup
mount -t bpf bpf /new/sys/fs/bpf
mount -t tracefs trace /new/sys/kernel/tracing
mount --bind "/lower$MODULES" /new/lib/modules/$(uname -r)
number=0
for share in $SHARES; do
  number=$((number + 1))
  mkdir -p "/new$share"
  mount -t virtiofs fs$number "/new$share" || echo "cannot share $share" >/new/dev/console
done
ln -s /proc/self/fd /new/dev/fd
hostname guest
ifconfig lo 127.0.0.1
cp /run.command /new/run/command
cp /last /new/run/last
chmod 755 /new/run/command /new/run/last
exec switch_root /new /run/last
"""

# The first process from then on: also the kernel's own helpers (modprobe) see the new root.
LAST = r"""#!/bin/bash
/run/command <&6 >&3 2>&4 3>&- 4>&- 5>&- 6<&-
echo $? >&5
echo b >/proc/sysrq-trigger
sleep 60
"""


def base(modules):
    """What is the same for every run. `modules`: the folder of the kernel's unpacked modules."""
    archive = Archive()
    for folder in ("bin", "dev", "proc", "sys"):
        archive.folder(folder)
    with open(BUSYBOX, "rb") as busybox:
        archive.file("bin/busybox", busybox.read(), 0o755)
    for path in glob.glob(os.path.join(modules, "kernel/fs/overlayfs/overlay.ko")):
        with open(path, "rb") as module:
            archive.file("overlay.ko", module.read())
    return archive.bytes()


def per_run(command, directory, environment, modules, shares):
    """The command (a list of words), its working directory and environment, and folders that are shared for writing."""
    archive = Archive()
    archive.file("init", INIT.encode(), 0o755)
    archive.file("last", LAST.encode(), 0o755)
    settings = f"MODULES={shlex.quote(modules)}\nSHARES={shlex.quote(' '.join(shares))}\n"
    archive.file("run.settings", settings.encode())
    lines = ["#!/bin/bash", *(f"export {name}={shlex.quote(value)}" for name, value in environment.items()),
             f"cd {shlex.quote(directory)} || exit 125", f"exec {shlex.join(command)}"]
    archive.file("run.command", "\n".join([*lines, ""]).encode(), 0o755)
    return archive.bytes()


class Archive:
    """A cpio archive of the "newc" form (the kernel's Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self):
        self._parts = []
        self._number = 0

    def folder(self, name):
        self._add(name, b"", 0o40755)

    def file(self, name, content, mode=0o644):
        self._add(name, content, 0o100000 | mode)

    def bytes(self):
        return b"".join(self._parts) + self._entry("TRAILER!!!", b"", 0)

    def _add(self, name, content, mode):
        self._parts.append(self._entry(name, content, mode))

    def _entry(self, name, content, mode):
        self._number += 1
        name_bytes = name.encode() + b"\0"
        fields = [self._number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name_bytes), 0]
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name_bytes
        return _padded(head) + _padded(content)


def _padded(data):
    return data + b"\0" * (-len(data) % 4)
