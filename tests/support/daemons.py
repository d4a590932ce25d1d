"""A running daemon, as a control system meets it: the real program in a process of its own, on a real beamline."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tango

from nxscribe.triggers.client import ScribeClient

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


def wait_until(condition: Callable[[], Any], what: str, timeout_s: float = 20.0) -> Any:
    """The first truthy answer of `condition`."""
    deadline = time.monotonic() + timeout_s
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"in {timeout_s:g} s it never came that {what}"
        time.sleep(0.01)
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
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> Daemon:
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "nxscribe", "run", str(self.config), "--log-format", "json"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment},
            )
        for device in self.devices:
            wait_until(lambda device=device: self._answers(device), f"{device} answers")
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
        proxy = tango.DeviceProxy(self.devices[0])
        proxy.set_timeout_millis(30_000)  # a machine that is busy with other tests is no fault of the daemon's
        return proxy

    @property
    def client(self) -> ScribeClient:
        return ScribeClient(self.devices[0])

    def request(self, **changes: Any) -> str:
        return json.dumps({"proposal": "ma2210", "sample": "phantom", "scan": "a1", "technique": "plain", **changes})

    def start_scan(self, **changes: Any) -> dict[str, Any]:
        return json.loads(self.proxy.StartScan(self.request(**changes)))

    def end_scan(self, **request: Any) -> dict[str, Any]:
        return json.loads(self.proxy.EndScan(json.dumps(request)))

    @property
    def master(self) -> Path:
        return self.data / "ma2210" / "sim" / "ma2210-sim.h5"

    def await_files(self) -> None:
        wait_until(lambda: self.proxy.filesWaiting == 0, "every file is written")

    @property
    def log(self) -> list[dict[str, Any]]:
        """The daemon's own lines; what libraries print beside them is left out."""
        return [json.loads(line) for line in self.log_file.read_text().splitlines() if line.startswith("{")]

    def events(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line["event"] == event]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process
        self.process.send_signal(how)
        return self.process.wait(30)
