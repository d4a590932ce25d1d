"""Processes of a benchmark: device servers that can be ended, frozen and started again, and what a process holds."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import tango

from nxscribe.simulation._process import ChildProcess

FOLDERS = (Path(__file__).parent / "devices", Path(__file__).parent.parent / "tests" / "devices")


class Server:
    """One device server, which can be ended and started again."""

    def __init__(self, module: str, instance: str, devices: list[str], folder: Path) -> None:
        self._module, self._instance, self._folder = module, instance, folder
        for name in devices:
            info = tango.DbDevInfo()
            info.server, info.name = f"{module}/{instance}", name
            info._class = module.capitalize()  # noqa: SLF001 - PyTango has no other name for it
            tango.Database().add_device(info)
        self.start()

    def start(self) -> None:
        path = os.pathsep.join(str(Path(entry).resolve()) for entry in (*FOLDERS, *sys.path) if entry)
        log = self._folder / f"{self._instance}.log"
        self._process = ChildProcess(
            self._module, self._instance, directory=self._folder, log=log, env={"PYTHONPATH": path}
        )
        self._process.wait_for("Ready to accept request")

    def stop(self) -> None:
        """End it in good order."""
        self._process.stop()

    def kill(self) -> None:
        """End it without a word, frozen or not."""
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.stop()

    def freeze(self) -> None:
        """Have it do nothing at all, until `thaw`."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.kill(self._process.pid, signal.SIGCONT)


def held_mb(pid: int) -> float:
    """The memory that a process has for itself: not the programs and libraries that it shares with others."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.partition("\nAnonymous:")[2].split()[0]) / 1e3


def cpu_s(pid: int) -> float:
    """The processor time that a process has used, all its threads together, to the microsecond."""
    # The clock of another process, as clock_getcpuclockid(3) makes it: CPUCLOCK_SCHED of <linux/posix-timers.h>.
    return time.clock_gettime((~pid << 3) | 2)


def writer_of(daemon: int) -> int:
    """The process number of a daemon's writer process for NeXus files."""
    for children in Path(f"/proc/{daemon}/task").glob("*/children"):
        for pid in map(int, children.read_text().split()):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if b"nxscribe.projections.writer" in words:
                return pid
    raise LookupError(f"the daemon {daemon} has no writer process")
