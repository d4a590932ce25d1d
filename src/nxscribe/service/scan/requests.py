"""The requests of control systems: decodes and checks the JSON of a trigger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final, TypeAlias, TypeVar

import msgspec

from nxscribe.errors import Problem, TriggerRefusedError
from nxscribe.model import NO_DETECTOR, RawSeries, Reading, Value, series_of
from nxscribe.model.arrays import MOST_DIMENSIONS, exact_array
from nxscribe.model.node_names import unseen_character
from nxscribe.records import LINK_SEPARATOR, EndReason, Record
from nxscribe.service._json_text import Json, Unfit, decode_json

PARAMETER = "parameter"
"""The `source` of readings of parameters."""

_INT64_MAX = 2**63
"""The first number that is too large."""

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=_INT64_MAX - 1)]
"""A number of frames that HDF5 can represent."""

_END_REASONS: Final = {reason.value: reason for reason in EndReason} | {
    **dict.fromkeys(("success", "done", "normal", "completed"), EndReason.FINISHED),
    **dict.fromkeys(("stop", "user_stop"), EndReason.STOPPED),
    **dict.fromkeys(("abort", "user_abort", "user_aborted", "halt"), EndReason.ABORTED),
    **dict.fromkeys(("fail", "failure", "error", "exception", "killed"), EndReason.FAILED),
}
"""The end reasons, with the words of BLISS, Sardana and bluesky for them."""
_LONGEST_QUOTE: Final = 80


class StartRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The argument of StartScan."""

    proposal: str
    sample: str
    scan: str
    technique: str = ""
    """A technique of the config, or one of its aliases. If it has neither, its default technique is used."""
    session: str = ""
    """The session of the experiment, such as `20261101`, for patterns with `{session}`."""
    parameters: dict[str, Json] = {}
    """Values for placeholders: a scalar, a list, or `{"value": …, "unit": "mm"}`."""
    links: dict[str, str] = {}
    """Objects of other HDF5 files to link to in the entry: `{"bliss": "/path/file.h5::/1.1"}`."""


class EndRequest(msgspec.Struct, frozen=True):
    """The argument of EndScan. An empty text is a request without any of these."""

    parameters: dict[str, Json] = {}
    files: dict[str, list[str]] = {}
    """The raw files of each detector of the config, in the order of acquisition: absolute paths, or names in the
    folder of the scan. Those of the detector without a name (`NO_DETECTOR`) are as if named one by one in the scan."""
    frames: dict[str, Count] = {}
    """How many frames each detector should have taken."""
    links: dict[str, str] = {}
    """Objects of other HDF5 files to link to, as in a start."""
    record: str = ""
    entry: str = ""
    scan: str = ""
    """Which scan is meant, by what its start was answered with, or by its name, alone or as `sample - scan`."""
    abort: bool = False
    """Whether a trigger under way is stopped, as AbortScan does; and the end reason is `aborted`, if no other is given.
    """
    end_reason: str = ""
    """How the scan ended, as the control system says it."""
    reason: str = ""
    """Why, in the words of the control system."""
    unusable: tuple[str, ...] = ()
    """What was sent with the end and cannot be used, with the reasons; it is no part of the JSON."""

    @property
    def outcome(self) -> EndReason | None:
        """The end reason that is given; None if none is given, or an unknown one."""
        return _END_REASONS.get(self.end_reason.strip().lower().replace(" ", "_"))

    @property
    def is_named(self) -> bool:
        """Whether the request names a scan."""
        return bool(self.record or self.entry or self.scan)

    def names(self, record: Record) -> bool:
        """Whether a record is that of the scan that is meant; any is, where none is named."""
        who = record.identity
        return (
            self.record in ("", record.id)
            and self.entry in ("", record.entry)
            and self.scan in ("", who.scan, f"{who.sample} - {who.scan}")
        )

    def names_start(self, scan: str) -> bool:
        """Whether a start under way, of `sample - scan`, is of the scan that is meant: it has no record yet."""
        return not (self.record or self.entry) and (self.scan in ("", scan) or scan.endswith(f" - {self.scan}"))


ANY_SCAN: Final = EndRequest()
"""The request that names no scan, and brings nothing."""

_T = TypeVar("_T")
_NAMES_OF_SCAN: Final = ("record", "entry", "scan")
_END_FIELDS: Final = {
    field.name: field.type for field in msgspec.structs.fields(EndRequest) if field.name != "unusable"
}


def decode_start(text: str) -> StartRequest:
    """Decode the argument of StartScan. Raises TriggerRefusedError with the expected form."""
    try:
        given = decode_json(text.strip() or "{}")
        _refuse_unfit(given)
        return msgspec.convert(given, StartRequest)
    except (ValueError, msgspec.ValidationError) as error:
        fields = msgspec.structs.fields(StartRequest)
        names = ", ".join(f'"{field.name}": ...' + ("" if field.required else " (optional)") for field in fields)
        raise _unreadable(error, names) from None


def decode_end(text: str) -> EndRequest:
    """Decode the argument of EndScan. What cannot be used of it is left out and told, because a scan that has ended
    must not stay open for a slip in what is told of it.

    Raises TriggerRefusedError if the text is no JSON object, or does not tell which scan is meant.
    """
    try:
        decoded = msgspec.convert(decode_json(text.strip() or "{}"), dict[str, Json])
        given = {name: value for name, value in decoded.items() if value is not None}
        for name in _NAMES_OF_SCAN:
            msgspec.convert(given.get(name, ""), str)
    except (ValueError, msgspec.ValidationError) as error:
        raise _unreadable(error, ", ".join(f'"{name}": ... (optional)' for name in _END_FIELDS)) from None
    usable: dict[str, Json] = {}
    unusable: list[str] = []
    for name, value in given.items():
        if name in _END_FIELDS:
            usable[name] = _usable(name, value, unusable)
        else:
            unusable.append(f"{_quoted(name)} is no key of an end")
    request = msgspec.convert({name: value for name, value in usable.items() if value is not None}, EndRequest)
    if request.end_reason.strip() and not request.outcome:
        known = ", ".join(EndReason)
        unusable.append(f"the end reason {_quoted(request.end_reason)} is none of {known}")
    return msgspec.structs.replace(request, reason=_storable(request.reason.strip()), unusable=tuple(unusable))


def _usable(name: str, value: Json, unusable: list[str]) -> Json:
    """What can be used of one part of an end; the rest is added to `unusable`. None if nothing can."""
    form = _END_FIELDS[name]
    try:
        return _converted(value, form)
    except ValueError as error:
        whole = error
    if not isinstance(value, dict) or name not in ("files", "frames", "links"):
        unusable.append(f"{name}: {whole}")
        return None
    parts: dict[str, Json] = {}
    for key, part in value.items():
        try:
            parts |= _converted({key: part}, form)
        except ValueError as error:
            unusable.append(f"{name} of {_quoted(key)}: {error}")
    return parts


def _converted(value: Json, form: type[_T]) -> _T:
    """Raises ValueError for what is not of the form."""
    for part in (value, *(value.values() if isinstance(value, dict) else ())):
        if isinstance(part, Unfit) and form != _END_FIELDS["parameters"]:
            raise ValueError(part.reason)
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def _unreadable(error: Exception, names: str) -> TriggerRefusedError:
    return TriggerRefusedError(
        Problem(f"the trigger's argument cannot be used: {error}", remedy=f"send one JSON object {{{names}}}")
    )


def _quoted(text: str) -> str:
    return repr(text) if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]!r}..."


def _storable(text: str) -> str:
    """The text with escapes for what is not valid Unicode, which no journal can hold."""
    return text.encode("utf-8", "backslashreplace").decode()


def decode_parameters(text: str) -> dict[str, Json]:
    """Decode the argument of SetParameters, a JSON object of names and values. Raises TriggerRefusedError."""
    try:
        return msgspec.convert(decode_json(text), dict[str, Json])
    except (ValueError, msgspec.ValidationError) as error:
        raise TriggerRefusedError(
            Problem(f"the parameters cannot be used: {error}", remedy='send one JSON object {"name": value, ...}')
        ) from None


def decode_pairs(pairs: Sequence[str]) -> dict[str, Json]:
    """Decode the argument of SetParameter: a name, its value, a name, its value … A value is JSON, or else a text.

    Raises TriggerRefusedError for a name without a value.
    """
    if len(pairs) % 2:
        raise TriggerRefusedError(
            Problem(f"the last name has no value: {_quoted(pairs[-1])}", remedy="send name, value, name, value ...")
        )
    return {name: _json_or_text(value) for name, value in zip(pairs[::2], pairs[1::2], strict=True)}


def _json_or_text(text: str) -> Json:
    try:
        return decode_json(text)
    except ValueError:
        return text


def _refuse_unfit(given: Json) -> None:
    """Raise ValueError for what no part of a request can be; parameters are looked at one by one, later."""
    if not isinstance(given, dict):
        return
    for name, part in given.items():
        inner = part.items() if isinstance(part, dict) and name != "parameters" else ()
        for path, value in [(name, part), *((f"{name}.{below}", value) for below, value in inner)]:
            if isinstance(value, Unfit):
                raise ValueError(f"{value.reason} - at `$.{path}`")  # noqa: TRY004 - a fault of the text


def parameter_readings(parameters: Mapping[str, Json], time: datetime) -> dict[str, Reading]:
    """One reading for each parameter. A value that HDF5 has no form for becomes a reading with its reason:
    metadata never stops a scan.
    """
    # A name that is not valid Unicode is no placeholder's, and no journal can hold it: it is told escaped.
    return {_storable(name): _reading(value, time) for name, value in parameters.items()}


@dataclass(frozen=True, slots=True)
class ListedFiles:
    """What an end says of raw files, as far as it can be used."""

    series: tuple[RawSeries, ...]
    frames: dict[str, int]
    unusable: tuple[str, ...]
    """What cannot be used, with the reasons."""


def raw_files(request: EndRequest, detectors: Mapping[str, str], directory: str) -> ListedFiles:
    """The raw files of an end, but for those of no detector.

    Args:
        request: The end.
        detectors: The dataset of each detector's frames; empty where it is looked for.
        directory: The folder of the scan, where relative names begin.
    """
    series: list[RawSeries] = []
    unusable: list[str] = []
    known = f"only {', '.join(detectors)}" if detectors else "and none at all"
    for name, files in request.files.items():
        if name == NO_DETECTOR:
            continue
        detector = name if name in detectors else NO_DETECTOR
        if detector == NO_DETECTOR:
            unusable.append(f"the config has no detector {_quoted(name)}, {known}: its files are listed as nobody's")
        paths: list[str] = []
        dataset = ""
        for path in files:
            file, given = with_dataset(path)
            dataset = dataset or given
            if given not in ("", dataset):
                unusable.append(
                    f"the frames of {_quoted(name)} are looked for at {_quoted(dataset)}, not at {_quoted(given)}: the "
                    f"files of a detector all have them at one path"
                )
            paths.append(file if file.startswith("/") else f"{directory}/{file}")
        dataset = dataset or detectors.get(name, "")
        try:
            series += series_of(detector, paths, dataset, named=True)
        except ValueError:
            good = [path for path in paths if _is_usable(path, unusable)]
            series += series_of(detector, good, dataset, named=True)
    frames = {name: count for name, count in request.frames.items() if name in detectors}
    unusable += [
        f"the config has no detector {_quoted(name)}, {known}: its frames are not counted"
        for name in request.frames
        if name not in detectors
    ]
    return ListedFiles(tuple(series), frames, tuple(unusable))


def with_dataset(path: str) -> tuple[str, str]:
    """A raw file and the path of the frames in it, of `/data/a.h5::/entry/data`; the path may be absent."""
    file, separator, dataset = path.rpartition(f"{LINK_SEPARATOR}/")
    return (file, _storable(dataset.replace("\0", ""))) if separator else (path, "")


def _is_usable(path: str, unusable: list[str]) -> bool:
    try:
        series_of("", [path])
    except ValueError as error:
        unusable.append(f"a raw file is left out: {error}")
        return False
    return True


def _reading(given: Json, time: datetime) -> Reading:
    value: Json = given
    unit: Json = ""
    if isinstance(given, dict):
        if not {"value"} <= given.keys() <= {"value", "unit"}:
            return _refused('an object must be {"value": ...} or {"value": ..., "unit": "..."}', time)
        value, unit = given["value"], given.get("unit", "")
    if not isinstance(unit, str):
        return _refused("its unit is no text", time)
    if unseen := unseen_character(unit):
        return _refused(f"its unit holds {unseen}", time)
    try:
        return Reading(PARAMETER, time, _array(value), unit)
    except ValueError as error:
        return _refused(str(error), time)


def _refused(why: str, time: datetime) -> Reading:
    return Reading(PARAMETER, time, error=f"the control system's value cannot be kept: {why}")


def _array(given: Json) -> Value:
    """Convert a list to an array with all its dimensions. Raises ValueError if this is not possible without loss."""
    shape: list[int] = []
    elements: list[Json] = [given]
    while any(isinstance(element, list) for element in elements):
        lists = [element for element in elements if isinstance(element, list)]
        if len(lists) < len(elements) or len({len(one) for one in lists}) > 1:
            raise ValueError("its lists are not of equal length, or stand beside values")
        if len(shape) == MOST_DIMENSIONS:
            raise ValueError(f"its lists are nested deeper than {MOST_DIMENSIONS} levels, which no dataset can be")
        shape.append(len(lists[0]))
        elements = [element for one in lists for element in one]
    unfit = next((element for element in elements if isinstance(element, Unfit)), None)
    if unfit:
        raise ValueError(unfit.reason)
    return exact_array(elements).reshape(shape)
