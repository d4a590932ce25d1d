"""bluesky: a document callback that records each run.

```python
from nxscribe.integrations.bluesky import NxScribe

RE.subscribe(NxScribe("id16a/nxscribe/main", technique="scan"))
```

It looks at documents alone, and imports nothing of bluesky. It trusts nothing in them: documents come from plans and
devices of all kinds, and a callback that raises would abort the plan.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import unquote, urlparse

from nxscribe.client import ScribeClient

log = logging.getLogger("nxscribe.bluesky")

Document: TypeAlias = Mapping[str, object]

_PROPOSALS: Final = ("proposal_id", "proposal", "data_session", "instrument_session")
_SAMPLES: Final = ("sample_name", "sample", "sample_id")
_VISIT: Final = re.compile(r"([a-z]{2}\d+)-\d+")
"""A session of an experiment at Diamond: `cm12345-1`."""
_OF_BLUESKY: Final = frozenset(
    {"time", "uid", "versions", "hints", "plan_type", "plan_args", "plan_pattern", "plan_pattern_args"}
    | {"plan_pattern_module", "num_intervals", "shape", "extents", "snaking", "technique", "detectors", "motors"}
)
"""Keys of the start document that are not metadata of the user, or that are told in another form."""
_EVENLY: Final = {"inner_product": 2, "outer_product": 3}
"""Patterns whose positions have equal steps, with how many numbers follow each motor: start, stop, and number."""
_END_REASONS: Final = {"success": "finished", "abort": "aborted", "fail": "failed"}
_LONGEST_NAME: Final = 100
"""The bytes of a name of a folder."""
_MOST_VALUES: Final = 1_000_000
"""Of one data key of a run. JSON is not made for more."""
_LARGEST: Final = 4096
"""The elements of a value of an event. What has more, such as an image, belongs into a file."""


@dataclass(slots=True)
class _Run:
    """A run that is recorded."""

    client: ScribeClient
    record: str
    motors: list[str]
    """In the order of the axes: the fast one first."""
    points: int
    """How many events the plan has announced; 0 if it has not."""
    streams: dict[str, str] = field(default_factory=dict)
    """The names of the streams, by the uids of their descriptors."""
    units: dict[str, str] = field(default_factory=dict)
    columns: dict[str, list[object]] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    """Data keys whose values are not parameters: images, and references to files."""
    configuration: dict[str, object] = field(default_factory=dict)
    frames: dict[str, _WrittenFile] = field(default_factory=dict)
    """By the uids of the stream resources."""
    devices: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    """By the data keys of files: the device, how many dimensions a frame has, and how many frames an event has."""


@dataclass(slots=True)
class _WrittenFile:
    """A file that a detector writes during a run."""

    path: str
    dataset: str
    """The path of the frames in the file; empty if it is not told."""
    device: str
    dimensions: int
    per_event: int
    events: int = 0


class BlueskyCallback:
    """Records each run as a scan. Call it with documents, or let a RunEngine do so.

    A run that begins while another one is open needs a device of its own, because a device has one scan at a time.
    Without one it is not recorded, and the open run is not disturbed.
    """

    def __init__(
        self,
        *devices: str,
        technique: str = "",
        proposal: str = "none",
        sample: str = "none",
        names: Mapping[str, str | None] | None = None,
        detectors: Mapping[str, str] | None = None,
        timeout_s: float = 2.0,
        raises: bool = False,
    ) -> None:
        """Nothing is connected before the first run.

        Args:
            devices: The devices of the daemon: as many as runs can be open at the same time, usually one.
            technique: The technique of runs that have no `technique` in their metadata; by default that of the config.
            proposal: The experiment of runs that have none of `proposal_id`, `proposal`, `data_session` and
                `instrument_session` in their metadata.
            sample: The sample of runs that have none of `sample_name`, `sample` and `sample_id` in their metadata.
            names: The placeholders of metadata and data keys that have another name: `{"det": "diode"}`. None leaves
                one out.
            detectors: The detectors of the config whose files the devices of bluesky write: `{"bdet": "pilatus"}`. A
                device that is not listed is looked for by its own name.
            timeout_s: The longest time that a start or an end waits for the daemon. See ScribeClient.
            raises: Whether a run is aborted that cannot be recorded, for tests of a set-up.
        """
        self._clients = [ScribeClient(device, timeout_s=timeout_s, raises=raises) for device in devices]
        self._technique = technique
        self._proposal = proposal
        self._sample = sample
        self._names = dict(names or {})
        self._detectors = dict(detectors or {})
        self._raises = raises
        self._runs: dict[str, _Run] = {}
        self._handlers = {
            "start": self._start,
            "descriptor": self._descriptor,
            "event": self._event,
            "event_page": self._event_page,
            "stream_resource": self._stream_resource,
            "stream_datum": self._stream_datum,
            "stop": self._stop,
        }

    def __call__(self, name: str, doc: Document) -> None:
        """Take a document of bluesky. Raises nothing, unless that was asked for."""
        handle = self._handlers.get(name)
        try:
            if handle:
                handle(doc)
        except Exception:
            if self._raises:
                raise
            log.exception("a document could not be used: %s", name)

    def _start(self, doc: Document) -> None:
        uid = _text(doc.get("uid"))
        busy = [run.client for run in self._runs.values()]
        client = next((one for one in self._clients if one not in busy), None)
        if client is None:
            log.warning("the run %s is not recorded: each device has a run open; give NxScribe another device", uid)
            return
        points = _count(doc.get("num_points"))
        motors, axes = _axes(doc, points)
        metadata = {key: _plain(value) for key, value in doc.items() if key not in _OF_BLUESKY}
        answer = client.start(
            _VISIT.sub(r"\1", _named(doc, _PROPOSALS, self._proposal)),
            _named(doc, _SAMPLES, self._sample),
            _scan_name(doc, uid),
            _text(doc.get("technique")) or self._technique,
            self._renamed({**metadata, "bluesky_uid": uid, "scan_type": "step_by_step", **axes}),
            session=_text(doc.get("session")),
        )
        if answer:
            self._runs[uid] = _Run(client, answer.record, motors, points)

    def _descriptor(self, doc: Document) -> None:
        run = self._runs.get(_text(doc.get("run_start")))
        if run is None:
            return
        stream = _text(doc.get("name"))
        run.streams[_text(doc.get("uid"))] = stream
        for key, told in _mapping(doc.get("data_keys")).items():
            about = _mapping(told)
            shape = [_count(one) for one in _sequence(about.get("shape"))]
            run.units[_column(stream, key)] = _text(about.get("units"))
            if "external" in about or math.prod(shape) > _LARGEST:
                run.left_out.add(key)
            device = _text(about.get("object_name")) or key
            run.devices[key] = device, len([one for one in shape if one > 1]), shape[0] if len(shape) > 1 else 1
        for told in _mapping(doc.get("configuration")).values():
            for key, value in _mapping(_mapping(told).get("data")).items():
                run.configuration[key] = _plain(value)

    def _event(self, doc: Document) -> None:
        self._add(doc, doc.get("seq_num"), {key: [value] for key, value in _mapping(doc.get("data")).items()})

    def _event_page(self, doc: Document) -> None:
        numbers = _sequence(doc.get("seq_num"))
        data = {key: list(_sequence(values)) for key, values in _mapping(doc.get("data")).items()}
        self._add(doc, numbers[0] if numbers else None, data)

    def _add(self, doc: Document, number: object, data: Mapping[str, list[object]]) -> None:
        descriptor = _text(doc.get("descriptor"))
        run = next((one for one in self._runs.values() if descriptor in one.streams), None)
        if run is None:
            return
        for key in data.keys() - run.left_out:
            column = run.columns.setdefault(_column(run.streams[descriptor], key), [])
            # After a pause, a plan repeats what it did since its last checkpoint, and the events come again.
            del column[(_count(number) or len(column) + 1) - 1 :]
            if len(column) < _MOST_VALUES:
                column += map(_plain, data[key])

    def _stream_resource(self, doc: Document) -> None:
        run = self._runs.get(_text(doc.get("run_start")))
        uri = urlparse(_text(doc.get("uri")))
        if run is None or uri.scheme != "file":
            return
        key = _text(doc.get("data_key"))
        dataset = _text(_mapping(doc.get("parameters")).get("dataset"))
        run.frames[_text(doc.get("uid"))] = _WrittenFile(unquote(uri.path), dataset, *run.devices.get(key, (key, 0, 1)))

    def _stream_datum(self, doc: Document) -> None:
        resource = _text(doc.get("stream_resource"))
        for run in self._runs.values():
            if resource in run.frames:
                frames = run.frames[resource]
                frames.events = max(frames.events, _count(_mapping(doc.get("indices")).get("stop")))

    def _stop(self, doc: Document) -> None:
        run = self._runs.pop(_text(doc.get("run_start")), None)
        if run is None:
            return
        files, frames = self._files(run)
        run.client.end(
            self._renamed({**run.configuration, **_measured(run, _count_of_points(doc))}),
            files,
            frames=frames,
            end_reason=_end_reason(doc, run),
            reason=_text(doc.get("reason")),
            record=run.record,
        )

    def _files(self, run: _Run) -> tuple[dict[str, list[str]], dict[str, int]]:
        """The files of each detector, and how many frames it took. Of several data keys in one file, the frames are
        those with the most dimensions.
        """
        by_detector: dict[str, list[_WrittenFile]] = {}
        for one in run.frames.values():
            by_detector.setdefault(self._detectors.get(one.device, one.device), []).append(one)
        files: dict[str, list[str]] = {}
        counts: dict[str, int] = {}
        for name, written in by_detector.items():
            most = max(one.dimensions for one in written)
            frames = [one for one in written if one.dimensions == most]
            first, *others = dict.fromkeys(one.path for one in frames)
            dataset = frames[0].dataset
            files[name] = [f"{first}::/{dataset.lstrip('/')}" if dataset else first, *others]
            if most and (count := sum(one.events * one.per_event for one in frames)):
                counts[name] = count
        return files, counts

    def _renamed(self, parameters: Mapping[str, object]) -> dict[str, object]:
        named = {self._names.get(key, key): value for key, value in parameters.items() if value is not None}
        return {name: value for name, value in named.items() if name is not None}


NxScribe = BlueskyCallback
"""The name under which users know it. (The class of the daemon's Tango devices has it, too.)"""


def _named(doc: Document, keys: Sequence[str], otherwise: str) -> str:
    """The first of these keys that the metadata has, as the name of a folder."""
    for key in keys:
        value = doc.get(key)
        if name := _folder(_text(_mapping(value).get("name") if isinstance(value, Mapping) else value)):
            return name
    return otherwise


def _scan_name(doc: Document, uid: str) -> str:
    """Such as `count_00012_5a1c9e2f`: the scan_id begins at 1 in each RunEngine whose metadata is not kept."""
    number = doc.get("scan_id")
    told = f"{number:05d}" if isinstance(number, int) else _text(number)
    return "_".join(filter(None, (_folder(_text(doc.get("plan_name"))) or "run", _folder(told), _folder(uid[:8]))))


def _folder(text: str) -> str:
    """A text as the name of a folder, without what no such name may have."""
    told = "".join(letter if letter.isprintable() and letter not in "/\\" else "_" for letter in text)
    return told.encode()[:_LONGEST_NAME].decode(errors="ignore").strip(" ").lstrip(".-~ ")


def _axes(doc: Document, points: int) -> tuple[list[str], dict[str, object]]:
    """The motors with the fast one first, and what the definitions call the axes of a scan.

    bluesky names the slow motor first. Motors that move together are one dimension: the first of them has its points.
    """
    dimensions = [
        [motor for motor in map(_text, _sequence(one[0])) if motor != "time"]
        for one in map(_sequence, _sequence(_mapping(doc.get("hints")).get("dimensions")))
        if one
    ]
    dimensions = [motors for motors in reversed(dimensions) if motors]
    shape = [_count(one) for one in reversed(_sequence(doc.get("shape")))] or [points]
    snaking = [one is True for one in reversed(_sequence(doc.get("snaking")))]
    is_raster = len(shape) == len(dimensions)
    if not is_raster:
        # In whatever order the points come, they are a list: there is no picture that would be wrong.
        dimensions, shape = [[motor for motors in dimensions for motor in motors]], [points]
    motors = [one[0] for one in dimensions if one] + [motor for one in dimensions for motor in one[1:]]
    counts = [count or None for count in shape] + [1] * (len(motors) - len(shape))
    ranges = _ranges(doc) if is_raster else {}
    axes: dict[str, object] = {"points": points or None}
    for number, (motor, count) in enumerate(zip(motors, counts, strict=False), 1):
        axes |= {f"axis{number}_name": motor, f"axis{number}_dimension": count}
        if is_raster and number <= len(snaking):
            axes[f"axis{number}_kind"] = "backnforth" if snaking[number - 1] else "forth"
        if motor in ranges:
            start, stop = ranges[motor]
            axes |= {f"axis{number}_start": start, f"axis{number}_stop": stop, f"axis{number}_range": stop - start}
    return motors, axes


def _ranges(doc: Document) -> dict[str, tuple[float, float]]:
    """The first and the last position of each motor of a plan with equal steps; nothing where they are relative."""
    numbers = _EVENLY.get(_text(doc.get("plan_pattern")))
    if numbers is None or _text(doc.get("plan_name")).startswith("rel_"):
        return {}
    groups: list[list[object]] = []
    for argument in _sequence(_mapping(doc.get("plan_pattern_args")).get("args")):
        if isinstance(argument, str):  # a motor, as Python shows it
            groups.append([])
        elif groups:
            groups[-1].append(argument)
    motors = [_text(motor) for motor in _sequence(doc.get("motors"))]
    if len(groups) != len(motors) or any(len(group) < numbers for group in groups):
        return {}
    found = {motor: _positions(group) for motor, group in zip(motors, groups, strict=True)}
    return {motor: positions for motor, positions in found.items() if positions}


def _positions(group: Sequence[object]) -> tuple[float, float] | None:
    start, stop = map(_plain, group[:2])
    return (float(start), float(stop)) if isinstance(start, int | float) and isinstance(stop, int | float) else None


def _measured(run: _Run, points: int) -> dict[str, object]:
    """What the events brought, by data key, and the positions of each axis by its number."""
    told: dict[str, object] = {"points": points or None}
    for name, values in run.columns.items():
        unit = run.units.get(name)
        told[name] = {"value": values, "unit": unit} if unit and _are_numbers(values) else values
    for number, motor in enumerate(run.motors, 1):
        if motor in told:
            told[f"axis{number}_positions"] = told[motor]
    if not run.columns and run.frames:
        told["scan_type"] = "continuous"
    return told


def _end_reason(doc: Document, run: _Run) -> str:
    """How the run ended. `RE.stop()` is a success to bluesky: it shows in the events that are missing."""
    status = _text(doc.get("exit_status"))
    if status == "success" and (run.columns or not run.frames) and _count_of_points(doc) < run.points:
        return "stopped"
    return _END_REASONS.get(status, status)


def _count_of_points(doc: Document) -> int:
    return _count(_mapping(doc.get("num_events")).get("primary"))


def _column(stream: str, key: str) -> str:
    """The name of a data key: that of another stream than the primary one comes before it."""
    return key if stream == "primary" else f"{stream}_{key}"


def _are_numbers(values: Sequence[object]) -> bool:
    return all(isinstance(value, int | float | list) and not isinstance(value, bool) for value in values)


def _plain(value: object) -> object:
    """A value in the types of JSON; dictionaries and all that JSON does not know as a text."""
    if hasattr(value, "tolist"):  # of numpy
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return json.dumps(value, default=str)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _text(value: object) -> str:
    return "" if value is None or isinstance(value, Mapping | list | tuple) else str(value)


def _count(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: object) -> Sequence[object]:
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()
