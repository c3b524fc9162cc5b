"""A Debian kernel to boot, in a cache outside the source tree: found by apt at run time, unpacked, never installed.

    image = kernel_image.ready()      # .vmlinux, .modules, .initrd, .release

The newest cloud kernel 6.12 if apt knows one (it has every scheduler of IPVS), else what linux-image-cloud-amd64 stands for. Both have
virtio and virtiofs built in. What is in the cache is used as it is; a newer package is fetched when apt knows of one.
"""
import fcntl
import functools
import glob
import gzip
import lzma
import os
import re
import shutil
import struct
import subprocess
import tempfile
from dataclasses import dataclass

import initrd

WANTED = r"^linux-image-6\.12\.[0-9.]+.*-cloud-amd64-unsigned$"
FALLBACK = "linux-image-cloud-amd64"
FORMAT = "1"  # of a folder of the cache; another number makes it anew


@dataclass
class Image:
    """Files of one kernel."""

    folder: str

    @property
    def vmlinux(self):
        return os.path.join(self.folder, "vmlinux")

    @property
    def initrd(self):
        return os.path.join(self.folder, "initrd.cpio")

    @property
    def release(self):
        """As `uname -r` says in the guest."""
        return os.path.basename(glob.glob(os.path.join(self.folder, "lib/modules/*"))[0])

    @property
    def modules(self):
        return os.path.join(self.folder, "lib/modules", self.release)


def cache():
    """Where kernels are kept: $LVSD_VM_CACHE, or below the user's cache folder."""
    return os.environ.get("LVSD_VM_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "lvsd", "vm")


def ready():
    """The newest kernel, fetched and unpacked where the cache has it not. Several runs at once wait for each other."""
    os.makedirs(cache(), exist_ok=True)
    with open(os.path.join(cache(), "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        package = _remembered(newest_package)
        folder = os.path.join(cache(), f"{package}-{FORMAT}")
        if not os.path.exists(folder):
            _make(package, folder)
        return Image(folder)


def _remembered(ask):
    """What ask() says, asked once for each state of apt's lists: apt takes a second to answer."""
    lists = "/var/lib/apt/lists"
    stamp = str(os.stat(lists).st_mtime_ns if os.path.exists(lists) else 0)
    place = os.path.join(cache(), "newest")
    if os.path.exists(place):
        with open(place, encoding="ascii") as known:
            then, _, package = known.read().partition(" ")
            if then == stamp:
                return package
    package = ask()
    with open(place, "w", encoding="ascii") as known:
        known.write(f"{stamp} {package}")
    return package


def newest_package():
    """PACKAGE_VERSION of the kernel to take."""
    names = _apt_cache("search", "--names-only", WANTED).split("\n")
    names = [line.split(" ")[0] for line in names if re.match(WANTED, line.split(" ")[0])]
    if not names:
        depends = _apt_cache("depends", "--no-recommends", FALLBACK)
        names = re.findall(r"Depends: (linux-image-\S+-cloud-amd64)", depends)
    found = [(name, version) for name in names if (version := _candidate(name))]
    if not found:
        return _newest_in_cache()
    return "_".join(sorted(found, key=functools.cmp_to_key(lambda a, b: _compare(a[1], b[1])))[-1])


def _newest_in_cache():
    """apt knows no kernel (its lists are not there): what an earlier run left."""
    folders = [name for name in os.listdir(cache()) if name.endswith(f"-{FORMAT}") and "_" in name]
    if not folders:
        raise RuntimeError("apt knows no cloud kernel for the virtual machine: apt-get update, then again")
    folders.sort(key=functools.cmp_to_key(lambda a, b: _compare(a.partition("_")[2], b.partition("_")[2])))
    return folders[-1][: -len(FORMAT) - 1]


def _apt_cache(*arguments):
    return subprocess.run(["apt-cache", *arguments], capture_output=True, text=True, check=False).stdout


def _candidate(name):
    match = re.search(r"Candidate: (\S+)", _apt_cache("policy", name))
    return match[1] if match and match[1] != "(none)" else ""


def _compare(a, b):
    if a == b:
        return 0
    return -1 if subprocess.run(["dpkg", "--compare-versions", a, "lt", b], check=False).returncode == 0 else 1


def _make(package, folder):
    """Complete or not at all: made beside, then renamed."""
    name, _, version = package.partition("_")
    with tempfile.TemporaryDirectory(dir=cache(), prefix="making-") as work:
        # As root, without apt's own user: the cache may be closed to it.
        subprocess.run(["apt-get", "download", "-q", "-o", "APT::Sandbox::User=root", f"{name}={version}"], cwd=work, check=True,
                       stdout=subprocess.DEVNULL)
        made = os.path.join(work, "made")
        subprocess.run(["dpkg", "-x", glob.glob(os.path.join(work, "*.deb"))[0], made], check=True)
        _unpack(made)
        os.rename(made, folder)


def _unpack(folder):
    image = Image(folder)
    modules = [os.path.join(path, name) for path, _, names in os.walk(image.modules) for name in names]
    packed = [path for path in modules if path.endswith(".ko.xz")]
    # In the guest everything is much slower.
    subprocess.run(["xargs", "-0", "-P", "2", "-n", "50", "xz", "-d"], input="\0".join(packed), text=True, check=True)
    subprocess.run(["depmod", "-b", folder, image.release], check=True)
    with open(glob.glob(os.path.join(folder, "boot/vmlinuz-*"))[0], "rb") as packed_kernel:
        kernel = elf(packed_kernel.read())
    with open(image.vmlinux, "wb") as out:
        out.write(kernel)
    with open(image.initrd, "wb") as out:
        out.write(initrd.base(image.modules))
    shutil.rmtree(os.path.join(folder, "usr"), ignore_errors=True)


def elf(bzimage):
    """The kernel inside a bzImage (the kernel's Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length). QEMU
    boots that by its PVH note, without unpacking it in the guest."""
    setup_sectors = bzimage[0x1F1] or 4
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    payload = bzimage[start:start + length]
    if payload.startswith(b"\x1f\x8b"):
        return gzip.decompress(payload)
    if payload.startswith(b"\xfd7zXZ\0"):
        return lzma.LZMADecompressor().decompress(payload)
    tool = "zstd" if payload.startswith(b"\x28\xb5\x2f\xfd") else "lz4"
    done = subprocess.run([tool, "-dcq"], input=payload, capture_output=True, check=False)  # 4 bytes of length follow: no error here
    if not done.stdout.startswith(b"\x7fELF"):
        raise RuntimeError(f"cannot unpack the kernel: {done.stderr.decode(errors='replace')}")
    return done.stdout
