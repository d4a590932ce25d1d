"""The values of a scan as JSON, for control systems that want them back."""

from __future__ import annotations

import json
import math
from typing import Final

import numpy as np

from nxscribe.model import Reading, Value, iso
from nxscribe.records import Record, built_in
from nxscribe.service._json_text import Json

_MOST_ELEMENTS: Final = 100_000
"""Of one value: JSON is no form for images."""


def values_json(record: Record) -> str:
    """The newest value of each placeholder that has one, by its name, in ASCII.

    A value that the control system set comes before one of the end, and that before one of the start; without a unit,
    it is in the one of the config, as in the entry. NaN and the infinities are texts, because JSON has no form for
    them: "NaN", "Infinity", "-Infinity".
    """
    final = record.final.readings if record.final else {}
    places = (record.given, final, record.initial.readings, built_in(record))
    readings: dict[str, Reading] = {}
    for name in dict.fromkeys(name for place in places for name in place):
        found = [place[name] for place in places if name in place]
        if good := [reading for reading in found if reading.ok]:
            readings[name] = good[0].in_known_unit(found)
    told = {name: _told(reading, reading.value) for name, reading in readings.items() if reading.value is not None}
    return json.dumps(dict(sorted(told.items())), allow_nan=False)


def _told(reading: Reading, value: Value) -> dict[str, Json]:
    told: dict[str, Json] = {
        "value": _plain(value.tolist()) if value.size <= _MOST_ELEMENTS else None,
        "unit": reading.unit,
        "time": iso(reading.time),
        "source": reading.source,
        "quality": reading.quality.value,
    }
    return told if value.size <= _MOST_ELEMENTS else told | {"shape": list(value.shape)}


def _plain(element: Json) -> Json:
    if isinstance(element, list):
        return [_plain(one) for one in element]
    if isinstance(element, bytes):
        return element.decode("utf-8", "backslashreplace")
    if isinstance(element, float) and not math.isfinite(element):
        return "NaN" if math.isnan(element) else "Infinity" if element > 0 else "-Infinity"
    return element.item() if isinstance(element, np.generic) else element
