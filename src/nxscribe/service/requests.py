"""What control systems send with a trigger: JSON in, checked requests and readings out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, TypeAlias, TypeVar

import msgspec
import numpy as np

from nxscribe.errors import Problem, TriggerRefusedError
from nxscribe.model import RawSeries, Reading, Value, series_of

Json: TypeAlias = object
"""What JSON can say: msgspec knows no recursive type, so each use looks at what it got."""

PARAMETER = "parameter"
"""The source that readings of a trigger's parameters name."""

_INT64_MAX = 2**63
"""The first number beyond."""

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=_INT64_MAX - 1)]
"""One that HDF5 can hold."""


class StartRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The argument of StartScan."""

    proposal: str
    sample: str
    scan: str
    technique: str
    parameters: dict[str, Json] = {}
    """Values for placeholders: a scalar, a list, or `{"value": …, "unit": "mm"}`."""


class EndRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The argument of EndScan; an empty text means none of it."""

    parameters: dict[str, Json] = {}
    files: dict[str, list[str]] = {}
    """Raw files (absolute paths, in order of acquisition) for each detector of the config."""
    frames: dict[str, Count] = {}
    """How many frames each detector was to give."""


_Request = TypeVar("_Request", StartRequest, EndRequest)


def decode_request(text: str, form: type[_Request]) -> _Request:
    """The request in `text`. Raises TriggerRefusedError that shows the form wanted."""
    try:
        return msgspec.json.decode(text.strip() or "{}", type=form)
    except msgspec.DecodeError as error:
        names = ", ".join(
            f'"{field.name}": …' + ("" if field.required else " (optional)") for field in msgspec.structs.fields(form)
        )
        raise TriggerRefusedError(
            Problem(f"the trigger's argument cannot be used: {error}", remedy=f"send one JSON object {{{names}}}")
        ) from None


def decode_parameters(text: str) -> dict[str, Json]:
    """The argument of SetParameters: one JSON object, names to values. Raises TriggerRefusedError."""
    try:
        return msgspec.json.decode(text, type=dict[str, Json])
    except msgspec.DecodeError as error:
        raise TriggerRefusedError(
            Problem(f"the parameters cannot be used: {error}", remedy='send one JSON object {"name": value, …}')
        ) from None


def parameter_readings(parameters: Mapping[str, Json], time: datetime) -> dict[str, Reading]:
    """One reading for each parameter. A value that HDF5 has no form for becomes a reading with its reason:
    metadata never stops a scan.
    """
    return {name: _reading(value, time) for name, value in parameters.items()}


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
            return _refused('an object must be {"value": …} or {"value": …, "unit": "…"}', time)
        value, unit = given["value"], given.get("unit", "")
    if not isinstance(unit, str):
        return _refused(f"its unit is {unit!r}, which is no text", time)
    try:
        return Reading(PARAMETER, time, _array(value), unit)
    except ValueError as error:
        return _refused(str(error), time)


def _refused(why: str, time: datetime) -> Reading:
    return Reading(PARAMETER, time, error=f"the control system's value cannot be kept: {why}")


def _array(given: Json) -> Value:
    """`given` with the narrowest dtype that holds all of it. Raises ValueError where numpy would guess."""
    scalars = list(_scalars(given))
    kinds = {type(one) for one in scalars}
    if kinds <= {int} and all(-_INT64_MAX <= one < _INT64_MAX for one in scalars if isinstance(one, int)):
        dtype: type = np.int64
    elif kinds == {bool}:
        dtype = np.bool_
    elif kinds == {str}:
        dtype = np.str_
    elif float in kinds <= {int, float} and all(float(one) == one for one in scalars if isinstance(one, int)):
        dtype = np.float64
    elif kinds <= {int, float}:
        raise ValueError("an integer in it is beyond 64 bits, or beyond what a float beside it can hold")
    elif type(None) in kinds:
        raise ValueError("it is null, or holds null; leave it out instead")
    else:
        raise ValueError("it mixes texts, numbers and truth values, or holds objects")
    try:
        return np.asarray(given, dtype=dtype)
    except (ValueError, OverflowError):
        raise ValueError("its lists are not of equal length") from None


def _scalars(given: Json) -> list[Json]:
    if not isinstance(given, list):
        return [given]
    return [scalar for one in given for scalar in _scalars(one)]
