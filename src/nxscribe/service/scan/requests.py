"""The requests of control systems: decodes and checks the JSON of a trigger."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, TypeAlias, TypeVar

import msgspec

from nxscribe.errors import Problem, TriggerRefusedError
from nxscribe.model import RawSeries, Reading, Value, series_of
from nxscribe.model.arrays import MOST_DIMENSIONS, exact_array
from nxscribe.model.node_names import unseen_character
from nxscribe.records import Record
from nxscribe.service.json_text import Json, Unfit, decode_json

PARAMETER = "parameter"
"""The `source` of readings of parameters."""

_INT64_MAX = 2**63
"""The first number that is too large."""

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=_INT64_MAX - 1)]
"""A number of frames that HDF5 can represent."""


class StartRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The argument of StartScan."""

    proposal: str
    sample: str
    scan: str
    technique: str
    parameters: dict[str, Json] = {}
    """Values for placeholders: a scalar, a list, or `{"value": …, "unit": "mm"}`."""


class EndRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The argument of EndScan. An empty text is a request without any of these."""

    parameters: dict[str, Json] = {}
    files: dict[str, list[str]] = {}
    """The raw files of each detector of the config: absolute paths in the order of acquisition."""
    frames: dict[str, Count] = {}
    """How many frames each detector should have taken."""
    record: str = ""
    entry: str = ""
    scan: str = ""
    """Which scan is meant, by what its start was answered with, or by its name, alone or as `sample - scan`."""
    abort: bool = False
    """Whether the scan, which is then to be named, is aborted. AbortScan aborts whatever is open."""

    def __post_init__(self) -> None:
        """Raises ValueError for an abort that names no scan."""
        if self.abort and not self.is_named:
            raise ValueError("abort needs record, entry or scan; AbortScan aborts whatever is open")

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

_Request = TypeVar("_Request", StartRequest, EndRequest)


def decode_request(text: str, form: type[_Request]) -> _Request:
    """Decode a request. Raises TriggerRefusedError with the expected form."""
    try:
        given = decode_json(text.strip() or "{}")
        _refuse_unfit(given)
        return msgspec.convert(given, form)
    except (ValueError, msgspec.ValidationError) as error:
        names = ", ".join(
            f'"{field.name}": ...' + ("" if field.required else " (optional)") for field in msgspec.structs.fields(form)
        )
        raise TriggerRefusedError(
            Problem(f"the trigger's argument cannot be used: {error}", remedy=f"send one JSON object {{{names}}}")
        ) from None


def decode_parameters(text: str) -> dict[str, Json]:
    """Decode the argument of SetParameters, a JSON object of names and values. Raises TriggerRefusedError."""
    try:
        return msgspec.convert(decode_json(text), dict[str, Json])
    except (ValueError, msgspec.ValidationError) as error:
        raise TriggerRefusedError(
            Problem(f"the parameters cannot be used: {error}", remedy='send one JSON object {"name": value, ...}')
        ) from None


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
    return {
        name.encode("utf-8", "backslashreplace").decode(): _reading(value, time) for name, value in parameters.items()
    }


def raw_files(request: EndRequest, detectors: Mapping[str, str]) -> tuple[RawSeries, ...]:
    """The trigger's raw files. `detectors` gives the dataset of each detector's frames, empty where it is looked for.

    Raises TriggerRefusedError for an unknown detector or a relative path.
    """
    files = request.files
    try:
        for name in (*files, *request.frames):
            if name not in detectors:
                raise ValueError(f"the config has no detector {name!r}, only {', '.join(detectors) or 'none'}")
        return tuple(series for name, paths in files.items() for series in series_of(name, paths, detectors[name]))
    except ValueError as error:
        raise TriggerRefusedError(
            Problem(
                f"the raw files cannot be taken: {error}",
                remedy="the scan is still open: send the end again, corrected",
            )
        ) from None


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
