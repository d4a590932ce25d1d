"""Writes frames to files with the names and formats of Lima: EDF with one or more frames in a file, and NeXus HDF5.

The HDF5 layout is that of Lima's own `CtSaving_Hdf5`: `/entry_0000/{instrument}/{detector}/data`, reached also by the
soft link `/entry_0000/measurement/data`; one chunk per frame, not compressed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import h5py
from fabio.edfimage import EdfImage

from nxscribe.simulation.scenes import Counts, Frame


@dataclass(frozen=True, slots=True)
class SavingSettings:
    """The `saving_*` parameters of Lima."""

    directory: str = ""
    prefix: str = ""
    suffix: str = ""
    index_format: str = "%04d"
    next_number: int = 0
    format: str = "EDF"
    frame_per_file: int = 1

    def path(self, number: int) -> Path:
        """The path of the file with a number: directory, prefix, number, suffix."""
        index = self.index_format % number if "%" in self.index_format else self.index_format
        return Path(self.directory) / f"{self.prefix}{index}{self.suffix}"

    def paths(self, frames: int) -> tuple[Path, ...]:
        """The paths of all files of a series with this number of frames."""
        files = -(-frames // self.frame_per_file)
        return tuple(self.path(self.next_number + index) for index in range(files))


@dataclass(frozen=True, slots=True)
class Acquisition:
    """The description of the camera and the series that every file contains."""

    detector: str
    type: str
    model: str
    pixel_size_m: tuple[float, float]
    """The width and the height of a pixel, in metres."""
    max_size: tuple[int, int]
    """The width and the height of the sensor in pixels, before binning."""
    exposure_s: float
    frames: int
    trigger_mode: str
    header: dict[str, str] = field(default_factory=dict)
    """The common header of Lima: its acquisition and image parameters, as texts."""


class FrameFile(Protocol):
    """A file to which frames are written one after the other. It is complete when it is closed."""

    def write(self, frame: Frame) -> None:
        """Add a frame, with its metadata."""
        ...

    def close(self) -> None:
        """Finish the file."""
        ...


class EdfFile:
    """An EDF file (ESRF data format): for each frame a text header and the raw pixels."""

    def __init__(self, path: Path, acquisition: Acquisition) -> None:
        path.touch(exist_ok=False)
        self._path = path
        self._header = acquisition.header
        self._image = EdfImage()
        self._frames = 0

    def write(self, frame: Frame) -> None:
        """Add a frame. Its header has the time and the values of the scene."""
        now = datetime.now(UTC)
        times = {"time": now.strftime("%a %b %d %H:%M:%S %Y"), "time_of_day": f"{now.timestamp():.6f}"}
        header = {"acq_frame_nb": str(self._frames), **times, **self._header, **frame.header}
        if self._frames == 0:
            self._image = EdfImage(data=frame.counts, header=header)
        else:
            self._image.append_frame(data=frame.counts, header=header)
        self._frames += 1

    def close(self) -> None:
        """Write the frames that were added."""
        self._image.write(str(self._path))


class LimaNexusFile:
    """A NeXus file of Lima: an NXentry with the frames in an NXdetector."""

    def __init__(self, path: Path, acquisition: Acquisition) -> None:
        self._file = h5py.File(path, "x")
        self._written = 0
        entry = self._entry = _group(self._file, "entry_0000", "NXentry")
        entry["title"] = "Lima 2D detector acquisition"
        entry["start_time"] = _utc()
        instrument = _group(entry, "instrument", "NXinstrument")
        detector = self._detector = _group(instrument, acquisition.detector, "NXdetector")
        _describe(detector, acquisition)
        self._file.attrs.update(NX_class="NXroot", creator="LIMA-simulated", default="entry_0000")
        entry.attrs["default"] = f"instrument/{acquisition.detector}/plot"
        instrument.attrs["default"] = f"{acquisition.detector}/plot"
        detector.attrs["default"] = "plot"

    def write(self, frame: Frame) -> None:
        """Add a frame. The dataset grows with each frame, so that a stopped series has no empty frames."""
        if self._written == 0:
            self._make_dataset(frame.counts)
        self._data.resize(self._written + 1, axis=0)
        self._data[self._written] = frame.counts
        self._written += 1

    def _make_dataset(self, like: Counts) -> None:
        self._data = self._detector.create_dataset(
            "data", (0, *like.shape), like.dtype, chunks=(1, *like.shape), maxshape=(None, *like.shape)
        )
        self._data.attrs["interpretation"] = "image"
        plot = _group(self._detector, "plot", "NXdata")
        plot.attrs["signal"] = "data"
        measurement = _group(self._entry, "measurement", "NXcollection")
        plot["data"] = measurement["data"] = h5py.SoftLink(self._data.name)

    def close(self) -> None:
        """Finish the file."""
        self._entry["end_time"] = _utc()
        self._file.close()


FORMATS: dict[str, type[EdfFile | LimaNexusFile]] = {"EDF": EdfFile, "HDF5": LimaNexusFile}
"""The classes of the formats, by Lima's names. If a file exists, they raise FileExistsError."""


def _describe(detector: h5py.Group, acquisition: Acquisition) -> None:
    header = _group(detector, "header", "NXcollection")
    for key, value in acquisition.header.items():
        header[key] = value
    information = _group(detector, "detector_information", "NXcollection")
    information.update({"name": acquisition.detector, "type": acquisition.type, "model": acquisition.model})
    for name, (x, y) in (("pixel_size", acquisition.pixel_size_m), ("max_image_size", acquisition.max_size)):
        size = _group(information, name, "NXcollection")
        size["xsize"], size["ysize"] = x, y
    parameters = _group(detector, "acquisition", "NXcollection")
    parameters["exposure_time"] = acquisition.exposure_s
    parameters["nb_frames"] = acquisition.frames
    parameters["trigger_mode"] = acquisition.trigger_mode
    parameters["mode"] = "Single"


def _group(parent: h5py.Group, name: str, nx_class: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = nx_class
    return group


def _utc() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
