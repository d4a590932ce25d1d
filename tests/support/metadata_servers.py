"""The program `nxscribe-metadata-manager`, as a beamline runs it, and the daemon behind it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import tango
from daemons import START_S, Daemon, wait_until

PROGRAM = Path(sys.executable).with_name("nxscribe-metadata-manager")

MX_FIELDS = """\
  <group NX_class="NXsubentry" groupName="MX">
    <exposureTime NAPItype="NX_NUMBER" units="s" record="final">${MX_exposureTime}</exposureTime>
    <flux NAPItype="NX_NUMBER" units="counts/s" record="final">${MX_flux}</flux>
    <numberOfImages NAPItype="NX_INT" record="final">${MX_numberOfImages}</numberOfImages>
    <template record="final">${MX_template}</template>
    <scanType record="final">${MX_scanType}</scanType>
    <motorsName record="final">${MX_motors_name}</motorsName>
    <motorsValue record="final">${MX_motors_value}</motorsValue>
  </group>
"""


def with_crystallography(daemon: Daemon) -> Daemon:
    """Give a daemon, before its start, the technique `mx` with fields that MXCuBE fills, and images."""
    text = daemon.definition.read_text()
    end = text.rindex("</group>")
    daemon.definition.write_text(f"{text[:end]}{MX_FIELDS}{text[end:]}")
    config = daemon.config.read_text().replace("  plain:", "  mx:")
    daemon.config.write_text(
        f"{config}on_start_while_running: interrupt\n"
        "detectors: {eiger: {files: 'no_such_folder/*.h5', group: instrument/detector01}}\n"
    )
    return daemon


def answers(device: str) -> bool:
    """Whether a device can be used."""
    with contextlib.suppress(tango.DevFailed):
        tango.DeviceProxy(device).state()
        return True
    return False


class MetadataServer:
    """One server with a MetadataManager and its MetaExperiment."""

    def __init__(self, nxscribe: str, folder: Path) -> None:
        self.instance = f"t{os.getpid()}x{time.monotonic_ns():x}"
        self.manager = f"{self.instance}/metadata/ingest"
        self.experiment = f"{self.instance}/metadata/experiment"
        self._log = folder / "metadata.log"
        self._nxscribe = nxscribe
        self.process: subprocess.Popen[bytes] | None = None

    def register(self) -> None:
        words = ["--register", "--nxscribe", self._nxscribe, "--technique", "mx", "--beamline", "sim"]
        subprocess.run([PROGRAM, self.instance, *words], check=True, capture_output=True)

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen([PROGRAM, self.instance], stdout=log, stderr=log)
        wait_until(self._answers, f"{self.manager} answers", START_S, every_s=0.05)

    def _answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self._log.read_text()
        return answers(self.experiment) and answers(self.manager)

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def proxies(self) -> tuple[tango.DeviceProxy, tango.DeviceProxy]:
        """The MetaExperiment and the MetadataManager."""
        found = tango.DeviceProxy(self.experiment), tango.DeviceProxy(self.manager)
        for proxy in found:
            proxy.set_timeout_millis(30_000)  # a machine that is busy with other tests
        return found
