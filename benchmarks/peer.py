"""DESY's NXSDataWriter on the same devices: a Tango server of its own, in an environment of its own."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Self
from xml.sax.saxutils import quoteattr

import h5py
import numpy as np
import tango

INSTANCE, DEVICE = "bench", "bench/nxsdatawriter/1"
READY_S = 60.0


class NxsDataWriter:
    """The server, and one client that makes scans with it: each attribute is read at the start and at the end."""

    def __init__(self, python: Path, attributes: list[str], folder: Path) -> None:
        """`python` is the interpreter of an environment with nxswriter; `attributes` are full Tango names."""
        database = tango.Database()
        info = tango.DbDevInfo()
        info.server, info.name = f"NXSDataWriter/{INSTANCE}", DEVICE
        info._class = "NXSDataWriter"  # noqa: SLF001 - PyTango has no other name for it
        database.add_device(info)
        with (folder / "nxsdatawriter.log").open("wb") as log:
            self._process = subprocess.Popen(
                [str(python), str(python.parent / "NXSDataWriter"), INSTANCE], stdout=log, stderr=log, cwd=folder
            )
        self._settings, self._folder, self._scans = settings(attributes), folder, 0
        self._proxy = self._reached(time.monotonic() + READY_S)
        self._proxy.set_timeout_millis(60_000)

    def _reached(self, until: float) -> tango.DeviceProxy:
        while True:
            try:
                proxy = tango.DeviceProxy(DEVICE)
                proxy.ping()
            except tango.DevFailed:
                if time.monotonic() > until or self._process.poll() is not None:
                    raise
                time.sleep(0.1)
            else:
                return proxy

    def prepare(self) -> None:
        """What may be done before the scan, and is not counted."""
        self._scans += 1
        self._proxy.FileName = str(self._folder / f"peer{self._scans}.h5")

    def start(self) -> None:
        self._proxy.OpenFile()
        self._proxy.XMLSettings = self._settings
        self._proxy.JSONRecord = "{}"
        self._proxy.OpenEntry()

    def end(self) -> None:
        self._proxy.CloseEntry()
        self._proxy.CloseFile()

    def check(self, expected: list[float]) -> int:
        """See that every value of every file is right; say how many files there were."""
        for number in range(1, self._scans + 1):
            with h5py.File(self._folder / f"peer{number}.h5") as file:
                for phase in ("initial", "final"):
                    group = file[f"entry/{phase}"]
                    written = [float(np.squeeze(group[f"v{index}"][()])) for index in range(len(expected))]
                    assert written == expected, f"{file.filename}: {phase}"
        return self._scans

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)


def settings(attributes: list[str]) -> str:
    """Its configuration: a field for each attribute and phase."""
    groups = []
    for phase, mode in (("initial", "INIT"), ("final", "FINAL")):
        fields = "".join(field(f"v{index}", name, mode) for index, name in enumerate(attributes))
        groups.append(f'<group type="NXcollection" name="{phase}">{fields}</group>')
    return f'<definition><group type="NXentry" name="entry">{"".join(groups)}</group></definition>'


def field(name: str, attribute: str, mode: str) -> str:
    address, domain, family, member, record = attribute.split("/")
    host, port = address.split(":")
    return (
        f'<field name="{name}" type="NX_FLOAT64" units="mm"><strategy mode="{mode}"/>'
        f'<datasource type="TANGO" name="{attribute}"><record name="{record}"/>'
        f'<device member="attribute" name={quoteattr(f"{domain}/{family}/{member}")} '
        f'hostname="{host}" port="{port}"/></datasource></field>'
    )
