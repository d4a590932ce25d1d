"""Where the two validators of NeXus know unlike definitions of one name, an entry has to satisfy one of these."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from nxscribe.errors import Severity
from nxscribe.projections.nexus.validate import Check, validate

ENERGY = np.linspace(7.0, 7.4, 41)


@pytest.fixture
def spectrum(tmp_path: Path) -> Path:
    """An absorption spectrum in the form of the NXxas of 2008, which nexusformat has."""
    path = tmp_path / "spectrum.h5"
    groups = {
        "scan": "NXentry",
        "scan/instrument": "NXinstrument",
        "scan/instrument/source": "NXsource",
        "scan/instrument/monochromator": "NXmonochromator",
        "scan/instrument/incoming_beam": "NXdetector",
        "scan/instrument/absorbed_beam": "NXdetector",
        "scan/sample": "NXsample",
        "scan/monitor": "NXmonitor",
        "scan/data": "NXdata",
    }
    fields = {
        "title": "Iron foil",
        "start_time": "2026-03-01T12:00:00+01:00",
        "definition": "NXxas",
        "instrument/source/type": "Synchrotron X-ray Source",
        "instrument/source/name": "ESRF",
        "instrument/source/probe": "x-ray",
        "instrument/monochromator/energy": ENERGY,
        "instrument/incoming_beam/data": np.arange(41) + 100,
        "instrument/absorbed_beam/data": np.arange(41) + 7,
        "sample/name": "Fe",
        "monitor/mode": "timer",
        "monitor/preset": 1.0,
        "monitor/data": np.arange(41) + 100,
        "data/mode": "Transmission",
    }
    links = {"energy": "instrument/monochromator/energy", "absorbed_beam": "instrument/absorbed_beam/data"}
    with h5py.File(path, "w") as file:
        file.attrs.update(NX_class="NXroot", default="scan")
        for name, nx_class in groups.items():
            file.require_group(name).attrs["NX_class"] = nx_class
        for name, value in fields.items():
            file[f"scan/{name}"] = value
        file["scan/instrument/monochromator/energy"].attrs["units"] = "keV"
        file["scan"].attrs["default"] = "data"
        file["scan/data"].attrs.update(signal="absorbed_beam", axes="energy")
        for name, target in links.items():
            file[f"scan/{target}"].attrs["target"] = f"/scan/{target}"
            file[f"scan/data/{name}"] = h5py.SoftLink(f"/scan/{target}")
    return path


def test_an_entry_that_satisfies_one_of_two_unlike_definitions_gets_warnings_with_the_reason(spectrum: Path) -> None:
    findings = [one for one in validate(spectrum).findings if one.check in {Check.NEXUSFORMAT, Check.PYNXTOOLS}]
    assert findings
    assert {one.severity for one in findings} == {Severity.WARNING}
    assert all("unlike definitions of NXxas" in one.why for one in findings)


def test_an_entry_that_satisfies_neither_is_an_error_of_both(spectrum: Path) -> None:
    with h5py.File(spectrum, "a") as file:
        del file["scan/instrument/source/probe"]
    assert {Check.NEXUSFORMAT, Check.PYNXTOOLS} <= {one.check for one in validate(spectrum).errors}
