"""A daemon in a mount namespace of its own, where a folder can be a small disk, full, read-only or gone."""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from daemons import Daemon


def start_in_namespace(daemon: Daemon, disk: Path, megabytes: int = 1) -> None:
    """Start it with a small file system of its own at `disk`."""
    disk.mkdir(parents=True, exist_ok=True)
    mount = f'mount -t tmpfs -o size={megabytes}m tmpfs {shlex.quote(str(disk))} && exec "$@"'
    start_behind(daemon, ["unshare", "--mount", "--map-root-user", "sh", "-c", mount, "sh"])


def start_behind(daemon: Daemon, before: list[str]) -> None:
    """Start it with a command before it that becomes it.

    In a user namespace everybody is root, and omniORB would keep its sockets in root's own folder, which is closed to
    others: it gets another one.
    """
    with daemon.log_file.open("ab") as log:
        daemon.process = subprocess.Popen(
            [*before, sys.executable, "-m", "nxscribe", "run", str(daemon.config), "--log-format", "json"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": ":".join(sys.path), "ORBunixTransportDirectory": _socket_folder()},
        )
    daemon.await_answers()


@cache
def _socket_folder() -> str:
    """A folder for the sockets of this run. Its name is short: omniORB aborts where a socket's path is longer than the
    system allows (108 bytes).
    """
    folder = tempfile.mkdtemp(prefix="omni-", dir="/tmp")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def within(daemon: Daemon, command: str) -> None:
    """Run a shell command in the daemon's namespace."""
    assert daemon.process
    target = ["nsenter", f"--target={daemon.process.pid}", "--mount", "--user", "--preserve-credentials"]
    subprocess.run([*target, "sh", "-c", command], check=True, stderr=subprocess.DEVNULL)


def writers_of(daemon: Daemon) -> list[int]:
    """The process numbers of its writers: one, unless a former one cannot end."""
    assert daemon.process
    own = f"/proc/{daemon.process.pid}/task"
    pids = [int(pid) for children in Path(own).glob("*/children") for pid in children.read_text().split()]
    return [pid for pid in pids if b"nxscribe.projections.writer" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def writer_of(daemon: Daemon) -> int:
    """The process number of its writer."""
    writers = writers_of(daemon)
    assert writers, "there is no writer"
    return writers[0]
