"""A camera with the Tango interface of Lima (LimaCCDs): the same names with the same meanings, and real files.

The attribute `scene` has what the camera sees. Everything else is as clients of Lima know it: parameters are set,
`prepareAcq` checks them, `startAcq` returns at once, and `acq_status` tells when the last frame is on disk.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from tango import AttrWriteType, DevState, EnsureOmniThread, Except
from tango.server import Device, attribute, command, device_property

from nxscribe.simulation._saving import FORMATS, Acquisition, SavingSettings
from nxscribe.simulation._series import Series
from nxscribe.simulation.scenes import AnyScene, EmptyBeam, Geometry, read_scene, scene_text

_READ_WRITE = AttrWriteType.READ_WRITE

_CHOICES = {
    "saving_format": tuple(FORMATS),
    "saving_mode": ("MANUAL", "AUTO_FRAME"),
    "saving_overwrite_policy": ("ABORT",),
    "acq_mode": ("SINGLE",),
    "acq_trigger_mode": ("INTERNAL_TRIGGER",),
}
"""The values that these attributes accept. Lima knows more values; this camera does not accept them."""

_DEFAULTS: dict[str, str | float] = {}
"""The values of the settings after a restart."""


def _setting(name: str, start: str | float, doc: str, **properties: object) -> attribute:
    """A read-write attribute that is what it was set to, and cannot be set while the camera runs."""
    _DEFAULTS[name] = start

    def read(camera: LimaCCDs) -> str | float:
        value: str | float = camera.settings[name]
        return value

    def write(camera: LimaCCDs, value: str | float) -> None:
        camera.refuse_if_running(f"{name} cannot be set")
        if name in _CHOICES and value not in _CHOICES[name]:
            camera.refuse(f"{name} cannot be {value!r}; it is one of {', '.join(_CHOICES[name])}")
        camera.settings[name] = value

    return attribute(dtype=type(start), fget=read, fset=write, access=_READ_WRITE, label=name, doc=doc, **properties)


def _told(name: str, dtype: type, doc: str, read: Callable[[LimaCCDs], str | float]) -> attribute:
    """A read-only attribute."""

    def read_it(camera: LimaCCDs) -> str | float:
        return read(camera)

    return attribute(dtype=dtype, fget=read_it, label=name, doc=doc)


class LimaCCDs(Device):
    """A simulated camera with the generic interface of Lima."""

    settings: dict[str, Any]
    status: str
    series: Series | None

    detector_name = device_property(dtype=str, default_value="camera", doc="What the detector is called in its files.")
    type_name = device_property(dtype=str, default_value="Simulator", doc="The kind of camera, such as Pco.")
    model = device_property(dtype=str, default_value="", doc="The camera's model.")
    width = device_property(dtype=int, default_value=256, doc="Pixels in a row.")
    height = device_property(dtype=int, default_value=256, doc="Rows.")
    pixel_size = device_property(dtype=float, default_value=6.5e-6, doc="A pixel's edge, in m.")
    depth = device_property(dtype=str, default_value="Bpp16", doc="Lima's name of the pixel type.")

    acq_nb_frames = _setting("acq_nb_frames", 1, "How many frames the next series has.", min_value=1)
    acq_expo_time = _setting(
        "acq_expo_time", 1.0, "The exposure of each frame.", unit="s", format="%9.6f", min_value=1e-6
    )
    latency_time = _setting("latency_time", 0.0, "The pause between two frames.", unit="s", format="%9.6f", min_value=0)
    acq_mode = _setting("acq_mode", "SINGLE", "How frames are made of exposures.")
    acq_trigger_mode = _setting("acq_trigger_mode", "INTERNAL_TRIGGER", "What starts a series.")
    saving_directory = _setting("saving_directory", "", "The folder that the files go to. It must exist.")
    saving_prefix = _setting("saving_prefix", "", "The beginning of each file's name.")
    saving_suffix = _setting("saving_suffix", "", "The end of each file's name, with its dot.")
    saving_index_format = _setting("saving_index_format", "%04d", "How the number is written between them.")
    saving_next_number = _setting("saving_next_number", 0, "The number of the next file; it rises with each.")
    saving_format = _setting("saving_format", "EDF", "The files' format.")
    saving_frame_per_file = _setting("saving_frame_per_file", 1, "How many frames go into one file.", min_value=1)
    saving_mode = _setting("saving_mode", "MANUAL", "AUTO_FRAME saves every frame, MANUAL none.")
    saving_overwrite_policy = _setting("saving_overwrite_policy", "ABORT", "A file that exists is never overwritten.")

    lima_type = _told("lima_type", str, "The kind of camera.", lambda camera: camera.type_name)
    camera_type = _told("camera_type", str, "The kind, in capitals.", lambda camera: camera.type_name.upper())
    camera_model = _told("camera_model", str, "The camera's model.", lambda camera: camera.model)
    user_detector_name = _told("user_detector_name", str, "Its name in the files.", lambda camera: camera.detector_name)
    image_width = _told("image_width", int, "The width of a frame in pixels, binned.", lambda camera: camera.shape[1])
    image_height = _told(
        "image_height", int, "The height of a frame in pixels, binned.", lambda camera: camera.shape[0]
    )
    image_type = _told("image_type", str, "How many bits a pixel has.", lambda camera: camera.depth)
    acq_status = _told(
        "acq_status",
        str,
        "Ready, Running or Fault. Ready after a series means that all its files are whole.",
        lambda camera: camera.status,
    )
    acq_status_fault_error = _told(
        "acq_status_fault_error",
        str,
        "What went wrong when acq_status is Fault.",
        lambda camera: camera.series.fault if camera.series else "",
    )
    last_image_ready = _told(
        "last_image_ready",
        int,
        "The number of the last frame taken in this series, from 0; -1 before the first.",
        lambda camera: camera.series.last_ready if camera.series else -1,
    )
    last_image_saved = _told(
        "last_image_saved",
        int,
        "The number of the last frame saved in this series, from 0; -1 before the first.",
        lambda camera: camera.series.last_saved if camera.series else -1,
    )
    ready_for_next_acq = _told(
        "ready_for_next_acq", bool, "Whether no series is running.", lambda camera: camera.status != "Running"
    )

    def init_device(self) -> None:
        """Start in the state Ready, with Lima's defaults and an empty beam."""
        super().init_device()
        self.settings = dict(_DEFAULTS)
        self.status = "Ready"
        self.series = None
        self._thread = threading.Thread()
        self._scene: AnyScene = EmptyBeam()
        self._binning = 1
        for name in ("acq_status", "last_image_ready", "last_image_saved"):
            self.set_change_event(name, True, False)
        self.set_state(DevState.ON)

    def delete_device(self) -> None:
        """Stop the series, and wait until its last file is complete."""
        if self._thread.is_alive() and self.series:
            self.series.stop()
            self._thread.join(1.0)

    @attribute(dtype=(float,), max_dim_x=2, unit="m", format="%8.2e", label="camera_pixelsize")
    def camera_pixelsize(self) -> tuple[float, float]:
        """The width and the height of a pixel before binning, in metres."""
        return self.pixel_size, self.pixel_size

    @attribute(dtype=(int,), max_dim_x=2, access=_READ_WRITE, fset="write_image_bin", label="image_bin")
    def image_bin(self) -> tuple[int, int]:
        """The number of pixels that are combined into one, horizontally and vertically."""
        return self._binning, self._binning

    def write_image_bin(self, value: Sequence[int]) -> None:
        """Set the binning. It must be the same in both directions and not larger than the image."""
        self.refuse_if_running("image_bin cannot be set")
        x, y = map(int, value)
        if x != y or not 1 <= x <= min(self.width, self.height):
            self.refuse(f"image_bin cannot be {x} x {y}; this camera bins alike both ways")
        self._binning = x

    @attribute(access=_READ_WRITE, fset="write_scene", label="scene")
    def scene(self) -> str:
        """What the camera sees, as JSON. A Lima camera has no such attribute: it represents the physical world."""
        return scene_text(self._scene)

    def write_scene(self, value: str) -> None:
        """Change what the camera sees."""
        self.refuse_if_running("the scene cannot change")
        self._scene = read_scene(value)

    @command
    def prepareAcq(self) -> None:  # noqa: N802 - Lima's name
        """Check the parameters, and prepare one series."""
        self.refuse_if_running("prepareAcq is not possible")
        saving = SavingSettings(**{one.name: self.settings[f"saving_{one.name}"] for one in fields(SavingSettings)})
        saves = self.settings["saving_mode"] == "AUTO_FRAME"
        if saves:
            self._check(saving)
        self.series = Series(
            scene=self._scene,
            geometry=Geometry(*self.shape, pixel_um=self.pixel_size * 1e6 * self._binning),
            acquisition=self._acquisition(),
            period_s=self.settings["acq_expo_time"] + self.settings["latency_time"],
            saving=saving,
            saves=saves,
        )
        self._show("Ready")

    @command
    def startAcq(self) -> None:  # noqa: N802 - Lima's name
        """Start the series that was prepared. Returns immediately."""
        self.refuse_if_running("startAcq is not possible")
        series = self.series
        if series is None or series.started:
            self.refuse("startAcq is not possible; run prepareAcq before each acquisition")
        series.started = True
        self._show("Running")
        self._thread = threading.Thread(target=self._take, args=(series,), name="series", daemon=True)
        self._thread.start()

    @command
    def stopAcq(self) -> None:  # noqa: N802 - Lima's name
        """Stop after the present frame. The files are complete when `acq_status` is not Running any more."""
        if self.series:
            self.series.stop()

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and columns of a frame after binning."""
        return self.height // self._binning, self.width // self._binning

    def _take(self, series: Series) -> None:
        with EnsureOmniThread():  # events are pushed from here
            series.run(lambda: self._progress(series))
            self._progress(series)
            self._show("Fault" if series.fault else "Ready")

    def _progress(self, series: Series) -> None:
        self.settings["saving_next_number"] = series.saving.next_number
        self.push_change_event("last_image_ready", series.last_ready)
        self.push_change_event("last_image_saved", series.last_saved)

    def _show(self, status: str) -> None:
        self.status = status
        self.push_change_event("acq_status", status)

    def _check(self, saving: SavingSettings) -> None:
        directory = Path(saving.directory)
        if not (directory.is_absolute() and directory.is_dir() and os.access(directory, os.W_OK)):
            self.refuse(f"saving_directory {saving.directory!r} is not a folder that can be written to")
        if existing := [path for path in saving.paths(self.settings["acq_nb_frames"]) if path.exists()]:
            self.refuse(f"{existing[0]} exists already, and saving_overwrite_policy is ABORT")

    def _acquisition(self) -> Acquisition:
        in_header = ("acq_expo_time", "acq_mode", "acq_nb_frames", "acq_trigger_mode")
        return Acquisition(
            detector=self.detector_name,
            type=self.type_name,
            model=self.model,
            pixel_size_m=(self.pixel_size, self.pixel_size),
            max_size=(self.width, self.height),
            exposure_s=self.settings["acq_expo_time"],
            frames=self.settings["acq_nb_frames"],
            trigger_mode=self.settings["acq_trigger_mode"],
            header={
                **{name: str(self.settings[name]) for name in in_header},
                "image_bin": f"<{self._binning}x{self._binning}>",
            },
        )

    def refuse_if_running(self, what: str) -> None:
        """Raise DevFailed while a series runs."""
        if self.status == "Running":
            self.refuse(f"{what} while the camera runs; wait for acq_status Ready, or call stopAcq")

    def refuse(self, why: str) -> NoReturn:
        """Raise DevFailed."""
        Except.throw_exception("LimaError", f"{self.get_name()}: {why}", "LimaCCDs")
        raise AssertionError  # never: the line above raises, which mypy cannot see
