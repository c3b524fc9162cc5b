"""readonly.py FOLDER PLACE COMMAND…: runs COMMAND where PLACE shows FOLDER with all mounts below it, and none can be written. In a mount
namespace of its own: nobody else sees PLACE."""
import ctypes
import os
import struct
import sys

CLONE_NEWNS, MS_REC, MS_BIND, MS_PRIVATE = 0x20000, 0x4000, 0x1000, 1 << 18
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1

libc = ctypes.CDLL(None, use_errno=True)


def checked(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def main():
    folder, place, *command = sys.argv[1:]
    checked(libc.unshare(CLONE_NEWNS), "unshare")
    checked(libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None), "mount private")
    checked(libc.mount(folder.encode(), place.encode(), None, ctypes.c_ulong(MS_BIND | MS_REC), None), "bind")
    attributes = struct.pack("=QQQQ", MOUNT_ATTR_RDONLY, 0, 0, 0)  # man 2 mount_setattr
    checked(libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, place.encode(), AT_RECURSIVE, attributes, len(attributes)), "mount_setattr")
    os.execvp(command[0], command)


main()
