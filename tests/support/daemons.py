"""A running daemon, as a control system meets it: the real program in a process of its own, on a real beamline."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tango

from nxscribe.client import ScribeClient

DEFINITION = """\
<group NX_class="NXentry" groupName="${entry}">
  <title>${sampleName} - ${scanName}</title>
  <start_time NAPItype="NX_DATE_TIME">${startDate}</start_time>
  <end_time NAPItype="NX_DATE_TIME" record="final">${endDate}</end_time>
  <group NX_class="NXsample" groupName="sample"><name>${sampleName}</name></group>
  <group NX_class="NXinstrument" groupName="instrument">
    <group NX_class="NXmonochromator" groupName="monochromator">
      <energy NAPItype="NX_FLOAT" units="keV">${energy}</energy>
    </group>
    <group NX_class="NXsource" groupName="source">
      <current_start NAPItype="NX_FLOAT" units="mA" record="initial">${current}</current_start>
      <current_end NAPItype="NX_FLOAT" units="mA" record="final">${current}</current_end>
    </group>
    <group NX_class="NXcollection" groupName="control">
      <exposure NAPItype="NX_FLOAT" units="s">${exposure}</exposure>
      <broken NAPItype="NX_FLOAT">${broken}</broken>
    </group>
  </group>
</group>
"""

CONFIG = """\
beamline: sim
data_root: {data}
state_dir: {state}
tango: {{server: nxscribe/{name}, devices: [{devices}]}}
limits: {{deadline_s: 1.0, write_timeout_s: 20}}
parameters: [exposure]
sources:
  energy: sim/mono/dcm/energy
  current: sim/machine/ring/current
  broken: sim/mono/dcm/no_such_attribute
techniques:
  plain: {{definition: plain.xml}}
"""


START_S = FILES_S = 60.0
"""A machine that is busy with other tests starts programs and writes files slowly: that is no fault of the daemon's."""


def wait_until(condition: Callable[[], Any], what: str, timeout_s: float = 20.0, every_s: float = 0.01) -> Any:
    """The first truthy answer of `condition`, which is asked again after `every_s`."""
    deadline = time.monotonic() + timeout_s
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"in {timeout_s:g} s it never came that {what}"
        time.sleep(every_s)
    return answer


class Daemon:
    """One daemon with folders of its own; it can be stopped, killed and started again."""

    def __init__(self, folder: Path, name: str, sessions: int = 1) -> None:
        self.data, self.state, self.config = folder / "data", folder / "state", folder / "sim.yaml"
        self.data.mkdir(parents=True, exist_ok=True)
        self.devices = [f"sim/nxscribe/{name}{number}" for number in range(1, sessions + 1)]
        self.definition = folder / "plain.xml"
        self.definition.write_text(DEFINITION)
        self.config.write_text(
            CONFIG.format(data=self.data, state=self.state, name=name, devices=", ".join(self.devices))
        )
        self.log_file = folder / "daemon.log"
        self.program = ["-m", "nxscribe"]
        self.process: subprocess.Popen[bytes] | None = None
        self.proposal = "ma2210"
        self._written = self._times_of_settings()
        self._lines_of_others = 0
        self._proxy: tango.DeviceProxy | None = None
        self._proxied: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> Daemon:
        self.launch(**environment)
        return self.await_answers()

    def launch(self, **environment: str) -> None:
        """Start it, and wait for nothing."""
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.program, "run", str(self.config), "--log-format", "json"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
            )

    def await_answers(self) -> Daemon:
        for device in self.devices:
            # Each question goes to the database, which takes time from the daemon that is about to start.
            wait_until(lambda device=device: self._answers(device), f"{device} answers", START_S, every_s=0.05)
        return self

    def _answers(self, device: str) -> bool:
        assert self.process
        assert self.process.poll() is None, self.log_file.read_text()
        with contextlib.suppress(tango.DevFailed):
            tango.DeviceProxy(device).state()
            return True
        return False

    @property
    def proxy(self) -> tango.DeviceProxy:
        """A proxy of its first device, the same one for as long as its process is the same.

        A new one asks the database: too much work for a test that looks again and again, and impossible while the
        database does not answer.
        """
        if self._proxy is None or self._proxied is not self.process:
            proxy = tango.DeviceProxy(self.devices[0])
            proxy.set_timeout_millis(30_000)  # a machine that is busy with other tests is no fault of the daemon's
            self._proxy, self._proxied = proxy, self.process
        return self._proxy

    @property
    def client(self) -> ScribeClient:
        return ScribeClient(self.devices[0], timeout_s=30, raises=True)

    @property
    def has_hdf5(self) -> bool:
        """Whether the daemon's own process has loaded HDF5."""
        assert self.process
        return "libhdf5" in Path(f"/proc/{self.process.pid}/maps").read_text()

    def request(self, **changes: Any) -> str:
        return json.dumps(
            {"proposal": self.proposal, "sample": "phantom", "scan": "a1", "technique": "plain", **changes}
        )

    def start_scan(self, **changes: Any) -> dict[str, Any]:
        return json.loads(self.proxy.StartScan(self.request(**changes)))

    def end_scan(self, **request: Any) -> dict[str, Any]:
        return json.loads(self.proxy.EndScan(json.dumps(request)))

    def is_read(self, placeholder: str) -> bool:
        """Whether a scan has a value for it."""
        answer = self.start_scan(scan=f"look{time.monotonic_ns()}")
        self.end_scan()
        return placeholder not in answer["missing"]

    @property
    def master(self) -> Path:
        return self.data / self.proposal / "sim" / f"{self.proposal}-sim.h5"

    def entry_file(self, number: int = 1) -> Path:
        return self.master.with_name(f"{self.master.stem}_entries") / f"entry_{number:04d}.h5"

    def await_files(self) -> None:
        wait_until(lambda: self.proxy.filesWaiting == 0, "every file is written", FILES_S)

    @property
    def log(self) -> list[dict[str, Any]]:
        """The daemon's own lines; what libraries print beside them is left out."""
        lines = self.log_file.read_text().splitlines()[self._lines_of_others :]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def events(self, event: str) -> list[dict[str, Any]]:
        """The lines of an event that stand in the log by now. A thread of its own writes them, shortly after it."""
        return [line for line in self.log if line["event"] == event]

    def await_events(self, event: str) -> list[dict[str, Any]]:
        return wait_until(lambda: self.events(event), f"the log says {event!r}")

    def _times_of_settings(self) -> tuple[int, int]:
        return self.config.stat().st_mtime_ns, self.definition.stat().st_mtime_ns

    def is_as_it_began(self) -> bool:
        """Whether another test can have it: it serves, nothing is open, nothing is wrong, no setting was written."""
        if not self.process or self.process.poll() is not None or self._times_of_settings() != self._written:
            return False
        with contextlib.suppress(tango.DevFailed):
            if self.proxy.state() == tango.DevState.RUNNING:
                self.proxy.AbortScan()
            self.await_files()
            return self.proxy.state() == tango.DevState.ON
        return False

    def begin_anew(self, proposal: str) -> None:
        """Give the next test an experiment of its own, whose entries begin at 1, and a log without the lines so far."""
        self.proposal = proposal
        self._lines_of_others = len(self.log_file.read_text().splitlines())

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """It does nothing at all within this block, as under a debugger, and goes on afterwards."""
        assert self.process
        status = Path(f"/proc/{self.process.pid}/stat")
        self.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: ") T " in status.read_text(), "it stands still")
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process
        self.process.send_signal(how)
        return self.process.wait(30)
