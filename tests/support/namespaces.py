"""A daemon in a mount namespace of its own, where a folder can be a small disk, full, read-only or gone."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

from daemons import Daemon, wait_until


def start_in_namespace(daemon: Daemon, disk: Path, megabytes: int = 1) -> None:
    """Start it with a small file system of its own at `disk`."""
    disk.mkdir(parents=True, exist_ok=True)
    mount = f'mount -t tmpfs -o size={megabytes}m tmpfs {shlex.quote(str(disk))} && exec "$@"'
    start_behind(daemon, ["unshare", "--mount", "--map-root-user", "sh", "-c", mount, "sh"])


def start_behind(daemon: Daemon, before: list[str]) -> None:
    """Start it with a command before it that becomes it."""
    with daemon.log_file.open("ab") as log:
        daemon.process = subprocess.Popen(
            [*before, sys.executable, "-m", "nxscribe", "run", str(daemon.config), "--log-format", "json"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        )
    for device in daemon.devices:
        wait_until(lambda device=device: daemon._answers(device), f"{device} answers")


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
