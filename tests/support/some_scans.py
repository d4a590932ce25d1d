"""Whole scans of a small experiment, with real raw files, for tests of what is made from records."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import fabio.edfimage
import h5py
import numpy as np
from msgspec import structs

from nxscribe.model import Phase, Quality, RawSeries, Reading, Snapshot
from nxscribe.records import DefinitionText, EndReason, Record, ScanIdentity

START = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
END = datetime(2026, 3, 1, 12, 10, tzinfo=UTC)
HOST = "localhost:10000"
FRAMES = (6, 4, 5)
"""Frames, rows, columns of every detector here."""

DEFINITION = """\
<group NX_class="NXentry" groupName="${entry}">
  <title>${sampleName} - ${scanName}</title>
  <start_time NAPItype="NX_DATE_TIME">${startDate}</start_time>
  <end_time NAPItype="NX_DATE_TIME" record="final">${endDate}</end_time>
  <group NX_class="NXsample" groupName="sample">
    <name>${Sample_name}</name>
    <x NAPItype="NX_FLOAT" units="um" ESRF_description="Sample's position across the beam">${sx}</x>
  </group>
  <group NX_class="NXinstrument" groupName="instrument">
    <group NX_class="NXsource" groupName="source">
      <name>ESRF</name>
      <current NAPItype="NX_FLOAT" units="mA" record="initial">${current}</current>
      <current_end NAPItype="NX_FLOAT" units="mA" record="final">${current}</current_end>
      <pressure NAPItype="NX_FLOAT" units="mbar">${pressure}</pressure>
    </group>
    <group NX_class="NXdetector" groupName="detector01">
      <exposure_time NAPItype="NX_FLOAT" units="s">${exposure}</exposure_time>
      <link groupName="across" ref="/sample/x"/>
    </group>
    <group NX_class="NXattenuator" groupName="attenuator">
      <thickness NAPItype="NX_FLOAT">${nowhere}</thickness>
    </group>
  </group>
  <group NX_class="NXdata" groupName="plot">
    <attribute name="signal">data</attribute>
    <attribute name="axes">rotation_angle</attribute>
    <rotation_angle NAPItype="NX_FLOAT" units="deg" record="final">${rotation_angle}</rotation_angle>
    <link groupName="data" ref="/instrument/detector01/data"/>
  </group>
</group>
"""


def reading(value: object, unit: str = "", *, source: str = "a/b/c/d", time: datetime = START) -> Reading:
    """One from a Tango attribute."""
    return Reading(f"{HOST}/{source}", time, np.asarray(value), unit)


def started(data_root: Path, *, number: int = 1, text: str = DEFINITION, proposal: str = "ma2210") -> Record:
    """A scan that runs."""
    readings = {
        "sx": reading(1.5, "mm", source="sim/motor/sx/position"),
        "current": structs.replace(reading(199.7, "mA"), quality=Quality.CHANGING),
        "pressure": Reading(f"{HOST}/sim/vacuum/gauge1/pressure", START, error="no answer in 0.5 s"),
        "exposure": reading(0.1, "s", source="sim/limaccds/pco/acq_expo_time"),
    }
    directory = data_root / proposal / "id16a" / "bone" / f"scan{number:04d}"
    directory.mkdir(parents=True, exist_ok=True)
    return Record(
        id=str(uuid4()),
        identity=ScanIdentity("id16a", proposal, "bone", f"scan{number:04d}", "tomo"),
        number=number,
        session="id16a/nxscribe/main",
        master=f"{proposal}/id16a/{proposal}-id16a.h5",
        directory=str(directory),
        definition=DefinitionText("tomo", hashlib.sha256(text.encode()).hexdigest(), text),
        start_time=START,
        initial=Snapshot(Phase.INITIAL, START, 0.031, readings),
        detectors={"pco": "instrument/detector01"},
    )


def ended(record: Record, *raw: RawSeries, reason: EndReason = EndReason.FINISHED, **final: Reading) -> Record:
    """The same scan, over."""
    readings = {
        "current": reading(198.2, "mA", time=END),
        "pressure": Reading(f"{HOST}/sim/vacuum/gauge1/pressure", END, error="no answer in 0.5 s"),
        "rotation_angle": reading(np.linspace(0, 180, FRAMES[0]), "deg", source="sim/motor/srot/positions", time=END),
        **final,
    }
    return replace(
        record,
        end_time=END,
        end_reason=reason,
        final=Snapshot(Phase.FINAL, END, 0.029, readings),
        raw=raw,
    )


def frames(seed: int = 1, dtype: str = "uint16") -> np.ndarray:
    """What a detector saw: noise, so that no wrong frame passes for a right one."""
    return np.random.default_rng(seed).integers(0, 60000, FRAMES).astype(dtype)


def hdf5_scan(record: Record, seen: np.ndarray) -> RawSeries:
    """One HDF5 file with all frames, as Lima writes it, in the scan's folder."""
    with h5py.File(Path(record.directory) / "tomo_0000.h5", "w") as file:
        file["entry_0000/measurement/data"] = seen
        file["entry_0000/measurement/exposure"] = np.full(len(seen), 0.1)
    return RawSeries("pco", record.directory, "tomo_%04d.h5")


def hdf5_series(record: Record, seen: np.ndarray, per_file: int = 2) -> RawSeries:
    """Several HDF5 files of a few frames each."""
    starts = range(0, len(seen), per_file)
    for number, start in enumerate(starts):
        with h5py.File(Path(record.directory) / f"part_{number:04d}.h5", "w") as file:
            file["entry_0000/measurement/data"] = seen[start : start + per_file]
    return RawSeries("pco", record.directory, "part_%04d.h5", 0, len(starts))


def edf_series(record: Record, seen: np.ndarray) -> RawSeries:
    """One EDF file for each frame."""
    for number, frame in enumerate(seen):
        fabio.edfimage.EdfImage(data=frame).write(str(Path(record.directory) / f"holo_{number:04d}.edf"))
    return RawSeries("pco", record.directory, "holo_%04d.edf", 0, len(seen))
