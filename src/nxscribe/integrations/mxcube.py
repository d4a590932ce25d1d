"""MXCuBE: a hardware object that records each data collection.

```yaml
class: nxscribe.integrations.mxcube.CollectionScribe
configuration:
  device: id30a1/nxscribe/main
  technique: mx
```

It listens to the signals of the beamline's `collect` object. They do not tell of every end: nothing follows after
`stop_collect`, and after an exception that mxcubecore does not foresee. The signal of a start comes from the greenlet
of the collection, so this object waits for the end of that greenlet, too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, TypeAlias

import gevent
from mxcubecore import HardwareRepository
from mxcubecore.BaseHardwareObjects import HardwareObject

from nxscribe.client import Answer, ScribeClient

log = logging.getLogger("HWR")

Parameters: TypeAlias = Mapping[str, object]
"""What mxcubecore tells of a collection: `to_collect_dict` of its queue model."""

_AT_START: Final = {
    "MX_exposureTime": "exposure_time",
    "MX_numberOfImages": "number_of_images",
    "MX_oscillationRange": "range",
    "MX_oscillationStart": "start",
    "MX_oscillationOverlap": "offset",
    "MX_startImageNumber": "start_image_number",
}
"""Placeholders, and the keys of the first oscillation."""
_AT_END: Final = {
    "MX_beamShape": "beamShape",
    "MX_beamSizeAtSampleX": "beamSizeAtSampleX",
    "MX_beamSizeAtSampleY": "beamSizeAtSampleY",
    "MX_dataCollectionId": "collection_id",
    "MX_detectorDistance": "detectorDistance",
    "MX_flux": "flux",
    "MX_fluxEnd": "flux_end",
    "MX_resolution": "resolution",
    "MX_resolution_at_corner": "resolutionAtCorner",
    "MX_transmission": "transmission",
    "MX_wavelength": "wavelength",
    "MX_xBeam": "xBeam",
    "MX_yBeam": "yBeam",
}
"""Placeholders, and the keys that mxcubecore fills while it collects. They have the units of the definition."""
_STOPPED: Final = "Stopped"
"""The status of a collection that mxcubecore itself has stopped."""


@dataclass(slots=True)
class _Collection:
    """A collection that is recorded."""

    record: str
    parameters: Parameters
    greenlet: gevent.Greenlet | None
    """In which it runs; None if it runs in the main one."""


class CollectionScribe(HardwareObject):
    """Records each data collection of the beamline's `collect` object. It never raises into MXCuBE.

    Its configuration: `device` (the daemon's), `technique` (by default that of nxscribe's config), and `detector`, the
    name of the detector in nxscribe's config whose images are to be named by MXCuBE's file template.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._client: ScribeClient | None = None
        self._open: _Collection | None = None

    def init(self) -> None:
        """Listen to the collections. The `collect` object must be loaded before."""
        self._client = ScribeClient(str(self.get_property("device")))
        collect = HardwareRepository.beamline.collect
        self.connect(collect, "collectOscillationStarted", self._started)
        self.connect(collect, "collectOscillationFinished", self._finished)
        self.connect(collect, "collectOscillationFailed", self._failed)
        self.connect(collect, "progressStop", self._stopped)

    def _started(self, *told: object) -> None:
        """A collection begins, in the greenlet of this call. Its parameters are the fifth value of the signal."""
        self._close_by_its_greenlet(self._open)
        try:
            self._start(_mapping(told[4]))
        except Exception:
            log.exception("nxscribe: this data collection is not recorded")

    def _start(self, parameters: Parameters) -> None:
        if not self._client:
            return
        files = _mapping(parameters.get("fileinfo"))
        name = f"{files.get('prefix')}_{files.get('run_number')}"
        sample = _mapping(parameters.get("sample_reference")).get("sample_name") or files.get("prefix")
        answer = self._client.start(
            str(HardwareRepository.beamline.session.get_proposal()),
            str(sample),
            name,
            str(self.get_property("technique") or ""),
            dict(_values_at_start(parameters)),
        )
        if not answer:
            log.warning("nxscribe: this data collection is not recorded: %s", _why(answer))
            return
        current = gevent.getcurrent()
        greenlet = current if isinstance(current, gevent.Greenlet) else None
        self._open = begun = _Collection(answer.record, parameters, greenlet)
        if greenlet:
            # Such a callback runs in gevent's hub, which must not wait.
            greenlet.link(lambda _: gevent.spawn(self._close_by_its_greenlet, begun))

    def _finished(self, *_told: object) -> None:
        """It has ended well. mxcubecore may say so twice."""
        self._close(self._open, "finished", "")

    def _failed(self, *told: object) -> None:
        """It has failed, with a message as the third value of the signal."""
        self._close(self._open, "failed", str(told[2]) if len(told) > 2 else "")  # noqa: PLR2004

    def _stopped(self, *_told: object) -> None:
        """The progress ends. This alone is told when mxcubecore has stopped the collection."""
        if self._open and self._open.parameters.get("status") == _STOPPED:
            self._close(self._open, "stopped", str(self._open.parameters.get("comments") or ""))

    def _close_by_its_greenlet(self, collection: _Collection | None) -> None:
        """Close a collection of which no signal has told the end."""
        if collection is None:
            return
        greenlet = collection.greenlet
        if greenlet is None or not greenlet.dead:
            self._close(collection, "interrupted", "the next data collection has begun")
        elif greenlet.exception is not None:
            self._close(collection, "failed", repr(greenlet.exception))
        elif isinstance(greenlet.value, gevent.GreenletExit):
            self._close(collection, "stopped", "the data collection was stopped")
        else:
            self._close(collection, "finished", "")

    def _close(self, collection: _Collection | None, end_reason: str, reason: str) -> None:
        """End a collection, unless that was done."""
        if collection is None or collection is not self._open or not self._client:
            return
        self._open = None
        values: dict[str, object] = {}
        files: dict[str, list[str]] = {}
        try:
            values = dict(_values_at_end(collection.parameters))
            # Of a collection that was cut short, nobody knows which images there are.
            if end_reason == "finished" and (detector := self.get_property("detector")):
                files = {str(detector): _images(collection.parameters)}
        except Exception:
            log.exception("nxscribe: the values at the end of this data collection are not recorded")
        answer = self._client.end(values, files, end_reason=end_reason, reason=reason, record=collection.record)
        if not answer:
            log.warning("nxscribe: the end of this data collection was not recorded: %s", _why(answer))


def _why(answer: Answer) -> str:
    return "; ".join(answer.warnings) or "the daemon failed a moment ago, and is left alone"


def _values_at_start(parameters: Parameters) -> Iterator[tuple[str, object]]:
    files, oscillation = _mapping(parameters.get("fileinfo")), _oscillation(parameters)
    yield "MX_directory", str(files.get("directory"))
    yield "MX_template", str(files.get("template"))
    yield "MX_scanType", str(parameters.get("experiment_type"))
    for name, key in _AT_START.items():
        if oscillation.get(key) is not None:
            yield name, _sendable(oscillation[key])


def _values_at_end(parameters: Parameters) -> Iterator[tuple[str, object]]:
    for name, key in _AT_END.items():
        if parameters.get(key) is not None:
            yield name, _sendable(parameters[key])
    motors = {
        str(getattr(motor, "name", motor)): position
        for motor, position in _mapping(parameters.get("motors")).items()
        if isinstance(position, int | float)
    }
    if motors:
        yield "MX_motors_name", " ".join(motors)
        yield "MX_motors_value", list(motors.values())


def _images(parameters: Parameters) -> list[str]:
    """The paths of the images, by MXCuBE's template: one for each image, or the master file of an HDF5 detector."""
    files, oscillation = _mapping(parameters.get("fileinfo")), _oscillation(parameters)
    folder, template = PurePosixPath(str(files.get("directory"))), str(files.get("template"))
    first, number = int(str(oscillation["start_image_number"])), int(str(oscillation["number_of_images"]))
    if template.endswith(".h5"):
        return [str(folder / f"{files.get('prefix')}_{files.get('run_number')}_{first}_master.h5")]
    return [str(folder / (template % image)) for image in range(first, first + number)]


def _oscillation(parameters: Parameters) -> Parameters:
    sequence = parameters.get("oscillation_sequence")
    return _mapping(sequence[0]) if isinstance(sequence, Sequence) and sequence else {}


def _mapping(value: object) -> Parameters:
    return value if isinstance(value, Mapping) else {}


def _sendable(value: object) -> object:
    """A number or a text. mxcubecore also has enumerations, and numbers of numpy, which JSON does not know."""
    value = getattr(value, "value", value)
    if isinstance(value, str | int | float):
        return value
    try:
        return float(str(value))
    except ValueError:
        return str(value)
