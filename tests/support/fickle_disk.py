"""A file system that can meet its quota, go stale or hang, as a file server's can: FUSE, spoken here in its bare form.

Run as a program: `fickle_disk.py FOLDER MOUNTPOINT MOOD COMMAND…` in a mount namespace of its own. It shows FOLDER at
MOUNTPOINT, becomes COMMAND, and leaves a child that serves. The file MOOD says how: `good`, `quota` (nothing is made or
written: EDQUOT), `stale` (nothing is known any more: ESTALE), `hang` (what is asked waits until the mood changes).
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import stat
import struct
import sys
from collections import deque
from enum import IntEnum
from pathlib import Path
from select import select

HEADER, ANSWER = struct.Struct("<IIQQIIIHH"), struct.Struct("<IiQ")


class Op(IntEnum):
    """What the kernel asks for."""

    LOOKUP = 1
    FORGET = 2
    GETATTR = 3
    SETATTR = 4
    MKDIR = 9
    UNLINK = 10
    RMDIR = 11
    RENAME = 12
    OPEN = 14
    READ = 15
    WRITE = 16
    STATFS = 17
    RELEASE = 18
    FSYNC = 20
    INIT = 26
    OPENDIR = 27
    READDIR = 28
    RELEASEDIR = 29
    CREATE = 35
    INTERRUPT = 36
    DESTROY = 38
    BATCH_FORGET = 42


UNANSWERED = {Op.FORGET, Op.BATCH_FORGET, Op.INTERRUPT}
MADE_OR_WRITTEN = {Op.MKDIR, Op.WRITE, Op.CREATE}
MODE, SIZE = 1, 8  # what SETATTR changes; owners stay
DIRECT = 1
MOST = 128 << 10


class Disk:
    """One folder, served request by request."""

    def __init__(self, folder: str, mood: Path, device: int) -> None:
        self._mood, self._device = mood, device
        self._paths = {1: folder}
        self._nodes = {folder: 1}
        self._listings: dict[int, list[os.DirEntry[str]]] = {}

    def serve(self) -> None:
        """Until the file system is gone. What hangs is taken and not answered: who asked cannot even be killed."""
        held: deque[bytes] = deque()
        while True:
            hangs = self._mood.read_text() == "hang"
            if hangs and not select([self._device], [], [], 0.02)[0]:
                continue
            try:
                request = held.popleft() if held and not hangs else os.read(self._device, MOST + 4096)
            except OSError as error:
                if error.errno in {errno.EINTR, errno.ENOENT, errno.EAGAIN}:
                    continue
                return
            if self._mood.read_text() == "hang":
                held.append(request)
                continue
            _, operation, unique, node, *_ = HEADER.unpack_from(request)
            if operation in UNANSWERED:
                continue
            try:
                self._suffer(operation)
                code, data = 0, self._do(operation, node, request[HEADER.size :])
            except OSError as error:
                code, data = -(error.errno or errno.EIO), b""
            try:
                os.write(self._device, ANSWER.pack(ANSWER.size + len(data), code, unique) + data)
            except OSError:
                continue  # who asked has been killed meanwhile

    def _suffer(self, operation: int) -> None:
        mood = self._mood.read_text()
        if mood == "stale" and operation != Op.INIT:
            raise OSError(errno.ESTALE, "")
        if mood == "quota" and operation in MADE_OR_WRITTEN:
            raise OSError(errno.EDQUOT, "")

    def _do(self, operation: int, node: int, given: bytes) -> bytes:  # noqa: PLR0911, PLR0912, C901 - it is a table
        path = self._paths[node] if node else ""
        match operation:
            case Op.INIT:
                return struct.pack("<IIIIHHIIHHI28x", 7, 31, MOST, 0, 12, 9, MOST, 1, 0, 0, 0)
            case Op.LOOKUP:
                return self._entry(f"{path}/{_text(given)}")
            case Op.GETATTR:
                return struct.pack("<QII", 0, 0, 0) + _attributes(path)
            case Op.SETATTR:
                return self._changed(path, given)
            case Op.MKDIR:
                made = f"{path}/{_text(given[8:])}"
                Path(made).mkdir(struct.unpack_from("<I", given)[0] & 0o7777)
                return self._entry(made)
            case Op.UNLINK:
                Path(f"{path}/{_text(given)}").unlink()
            case Op.RMDIR:
                Path(f"{path}/{_text(given)}").rmdir()
            case Op.RENAME:
                old, new = given[8:].split(b"\0")[:2]
                self._rename(
                    f"{path}/{old.decode()}", f"{self._paths[struct.unpack_from('<Q', given)[0]]}/{new.decode()}"
                )
            case Op.OPEN:
                flags = struct.unpack_from("<I", given)[0] & ~(os.O_NOFOLLOW | os.O_DIRECT)
                return struct.pack("<QII", os.open(path, flags), DIRECT, 0)
            case Op.CREATE:
                flags, mode = struct.unpack_from("<II", given)
                made = f"{path}/{_text(given[16:])}"
                handle = os.open(made, flags | os.O_CREAT, mode & 0o7777)
                return self._entry(made) + struct.pack("<QII", handle, DIRECT, 0)
            case Op.READ:
                handle, offset, size = struct.unpack_from("<QQI", given)
                return os.pread(handle, size, offset)
            case Op.WRITE:
                handle, offset, size = struct.unpack_from("<QQI", given)
                return struct.pack("<II", os.pwrite(handle, given[40 : 40 + size], offset), 0)
            case Op.STATFS:
                return struct.pack("<5QIIII24x", 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 4096, 255, 4096, 0)
            case Op.RELEASE:
                os.close(struct.unpack_from("<Q", given)[0])
            case Op.FSYNC:
                os.fsync(struct.unpack_from("<Q", given)[0])
            case Op.OPENDIR:
                with os.scandir(path) as entries:
                    self._listings[node] = sorted(entries, key=lambda entry: entry.name)
                return struct.pack("<QII", node, 0, 0)
            case Op.READDIR:
                handle, offset, size = struct.unpack_from("<QQI", given)
                return self._listed(handle, offset, size)
            case Op.RELEASEDIR:
                self._listings.pop(struct.unpack_from("<Q", given)[0], None)
            case Op.DESTROY:
                sys.exit()
            case _:
                raise OSError(errno.ENOSYS, "")
        return b""

    def _entry(self, path: str) -> bytes:
        attributes = _attributes(path)
        node = self._nodes.setdefault(path, max(self._paths) + 1)
        self._paths[node] = path
        return struct.pack("<4QII", node, 0, 0, 0, 0, 0) + attributes

    def _rename(self, old: str, new: str) -> None:
        Path(old).rename(new)
        if node := self._nodes.pop(old, None):
            self._nodes[new], self._paths[node] = node, new

    def _changed(self, path: str, given: bytes) -> bytes:
        what, _, _, size = struct.unpack_from("<IIQQ", given)
        if what & MODE:
            Path(path).chmod(struct.unpack_from("<I", given, 68)[0] & 0o7777)
        if what & SIZE:
            os.truncate(path, size)
        return struct.pack("<QII", 0, 0, 0) + _attributes(path)

    def _listed(self, node: int, offset: int, size: int) -> bytes:
        listed = b""
        for number, entry in enumerate(self._listings[node][offset:], offset + 1):
            name = entry.name.encode()
            kind = stat.S_IFDIR if entry.is_dir() else stat.S_IFREG
            one = struct.pack("<QQII", entry.inode(), number, len(name), kind >> 12) + name
            one += bytes(-len(one) % 8)
            if len(listed) + len(one) > size:
                break
            listed += one
        return listed


def _text(given: bytes) -> str:
    return given.split(b"\0")[0].decode()


def _attributes(path: str) -> bytes:
    there = os.lstat(path)
    seconds = [int(moment) for moment in (there.st_atime, there.st_mtime, there.st_ctime)]
    parts = [moment % 10**9 for moment in (there.st_atime_ns, there.st_mtime_ns, there.st_ctime_ns)]
    owner = there.st_uid, there.st_gid
    numbers = [there.st_ino, there.st_size, there.st_blocks, *seconds, *parts, there.st_mode, there.st_nlink, *owner]
    return struct.pack("<6Q10I", *numbers, 0, 4096, 0)


def main() -> None:
    folder, mountpoint, mood, *command = sys.argv[1:]
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0"
    if libc.mount(b"fickle", mountpoint.encode(), b"fuse", 0, options.encode()):
        sys.exit(f"cannot mount: {os.strerror(ctypes.get_errno())}")
    parent = os.getpid()
    if os.fork():
        os.execvp(command[0], command)  # noqa: S606 - no shell is what is meant
    libc.prctl(1, signal.SIGKILL)
    if os.getppid() == parent:
        Disk(folder, Path(mood), device).serve()


if __name__ == "__main__":
    main()
