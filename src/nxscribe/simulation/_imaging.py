"""The client of a camera: it sets the files and the number of frames, and waits until the frames are on the disk."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from nxscribe.errors import Problem
from nxscribe.simulation._control import Control
from nxscribe.simulation._process import SimulationError
from nxscribe.simulation.scenes import AnyScene, scene_text

_POLL_S = 0.004
_SUFFIXES = {"EDF": ".edf", "HDF5": ".h5"}


class Imaging:
    """The client of one Lima camera."""

    def __init__(self, control: Control, camera: str) -> None:
        self._proxy = control.device(f"sim/limaccds/{camera}")

    def make_ready(self, directory: Path, file_format: str, exposure_s: float) -> None:
        """Set everything that does not change during a scan.

        The frames will be saved in the folder, which is made if need be, under names that begin with the folder's;
        the numbers go on behind those of the files that are there already.
        """
        suffix = _SUFFIXES[file_format]
        directory.mkdir(parents=True, exist_ok=True)
        prefix = f"{directory.name}_"
        number = 0
        while (directory / f"{prefix}{number:04d}{suffix}").exists():
            number += 1
        for name, value in {
            "saving_directory": str(directory),
            "saving_prefix": prefix,
            "saving_suffix": suffix,
            "saving_format": file_format,
            "saving_index_format": "%04d",
            "saving_next_number": number,
            "saving_mode": "AUTO_FRAME",
            "acq_expo_time": exposure_s,
        }.items():
            self._proxy.write_attribute(name, value)

    @property
    def directory(self) -> Path:
        """The folder in which the camera saves its files."""
        return Path(self._proxy.read_attribute("saving_directory").value)

    @property
    def next_number(self) -> int:
        """The number in the name of the next file."""
        return int(self._proxy.read_attribute("saving_next_number").value)

    def binning(self, pixels: int) -> None:
        """Combine squares of `pixels` by `pixels` into one pixel."""
        self._proxy.write_attribute("image_bin", [pixels, pixels])

    def _status(self) -> str:
        return str(self._proxy.read_attribute("acq_status").value)

    def take(
        self,
        scene: AnyScene,
        frames: int,
        *,
        frames_per_file: int = 1,
        on_frame: Callable[[int], None] | None = None,
    ) -> None:
        """Take a series, and return when all of it is on disk. `on_frame` is told how many frames are, now and then.

        Raises SimulationError when the camera reports a fault, and DevFailed when it refuses.
        """
        proxy = self._proxy
        proxy.write_attribute("scene", scene_text(scene))
        proxy.write_attribute("acq_nb_frames", frames)
        proxy.write_attribute("saving_frame_per_file", frames_per_file)
        proxy.command_inout("prepareAcq")
        proxy.command_inout("startAcq")
        try:
            while (status := self._status()) == "Running":
                if on_frame:
                    on_frame(int(proxy.read_attribute("last_image_saved").value) + 1)
                time.sleep(_POLL_S)
        except BaseException:
            proxy.command_inout("stopAcq")
            while self._status() == "Running":  # a scan that is interrupted leaves whole files behind
                time.sleep(_POLL_S)
            raise
        if status == "Fault":
            why = proxy.read_attribute("acq_status_fault_error").value
            raise SimulationError(Problem(f"{proxy.dev_name()} could not take {frames} frames", why))
        if on_frame:
            on_frame(frames)
