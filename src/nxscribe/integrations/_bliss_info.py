"""What `scan_info` of BLISS tells of a scan, as the parameters of a start and an end: in a session, and in Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

LINK: Final = "bliss"
"""The name of the link from the entry to BLISS's own."""
_AXIS: Final = "axis:"
_MOST_VALUES: Final = 1_000_000
"""Of one channel. JSON is not made for more."""
_LONGEST_NAME: Final = 100


def scan_name(dataset: str, number: str, name: str) -> str:
    """Such as `tomo_0003_0001_ascan`: the dataset, the number of the scan in it, and BLISS's name of the scan."""
    return folder_name("_".join(filter(None, (dataset, f"{number:0>4}", name)))) or "scan"


def is_recorded(info: Mapping[str, Any], *, groups: bool) -> bool:
    """Whether an entry is made of a scan: of a saved one, which is in a sequence or is none, or with `groups` of those
    that are no part of a sequence.
    """
    if not info.get("save"):
        return False
    return info.get("group") is None if groups else not info.get("is_scan_sequence")


def measured_of(streams: Mapping[str, Any], info: Mapping[str, Any]) -> tuple[dict[str, object], int]:
    """The values of each channel with one number a point, and how many points were taken."""
    channels = mapping_of(info.get("channels"))
    told: dict[str, object] = {}
    taken = 0
    for name, stream in streams.items():
        if getattr(stream, "kind", "array") != "array" or tuple(mapping_of(stream.info).get("shape") or ()):
            continue
        values = stream[:_MOST_VALUES]
        values = values.tolist() if hasattr(values, "tolist") else list(values)
        taken = max(taken, len(stream))
        unit = text_of(mapping_of(channels.get(name)).get("unit"))
        told[name.rpartition(":")[2]] = {"value": values, "unit": unit} if unit else values
    for number, (axis, _) in enumerate(axes_of(info), 1):
        if axis in told:
            told[f"axis{number}_positions"] = told[axis]
    return {**told, "points": taken or None}, taken


def renamed(parameters: Mapping[str, object], names: Mapping[str, str | None]) -> dict[str, object]:
    """The parameters that have a value, in the types of JSON, with the names of the config; None leaves one out."""
    named = {names.get(key, key): plain_value(value) for key, value in parameters.items() if value is not None}
    return {name: value for name, value in named.items() if name is not None}


def link_of(info: Mapping[str, Any]) -> dict[str, str]:
    """To BLISS's own entry of the scan; nothing if there is no file."""
    file, number = info.get("filename"), info.get("scan_nb")
    return {LINK: f"{file}::/{number}.1"} if file and number else {}


def positions_of(info: Mapping[str, Any]) -> dict[str, object]:
    """Where each axis of the session was at the start, in its unit."""
    positioners = mapping_of(info.get("positioners"))
    units = mapping_of(positioners.get("positioners_units"))
    found: dict[str, object] = {}
    for name, position in mapping_of(positioners.get("positioners_start")).items():
        unit = text_of(units.get(name))
        found[name] = {"value": position, "unit": unit} if unit and not isinstance(position, str) else position
    return {name: position for name, position in found.items() if not isinstance(position, str)}  # such as "*DIS*"


def account_of(info: Mapping[str, Any]) -> dict[str, object]:
    """What the definitions call the parameters of a scan."""
    count_time = info.get("count_time")
    told: dict[str, object] = {
        "title": text_of(info.get("title")) or None,
        "bliss_type": text_of(info.get("type")) or None,
        "scan_type": "step_by_step" if any(axes_of(info)) else None,
        "dwell_time": {"value": count_time, "unit": "s"} if count_time else None,
        "points": info.get("npoints") or None,
    }
    for number, (name, axis) in enumerate(axes_of(info), 1):
        start, stop = axis.get("start"), axis.get("stop")
        told |= {f"axis{number}_name": name, f"axis{number}_dimension": axis.get("axis_points") or axis.get("points")}
        told[f"axis{number}_kind"] = axis.get("axis_kind")
        if isinstance(start, int | float) and isinstance(stop, int | float):
            told |= {f"axis{number}_start": start, f"axis{number}_stop": stop, f"axis{number}_range": stop - start}
    return told


def axes_of(info: Mapping[str, Any]) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """The axes of the scan with what BLISS tells of them, the fast one first, as BLISS numbers them."""
    channels = mapping_of(info.get("channels"))
    axes = [(key.removeprefix(_AXIS), mapping_of(one)) for key, one in channels.items() if key.startswith(_AXIS)]
    return sorted(axes, key=lambda axis: axis[1].get("axis_id") or 0)


def folder_name(text: str) -> str:
    """A text as the name of a folder, without what no such name may have."""
    told = "".join(letter if letter.isprintable() and letter not in "/\\" else "_" for letter in text)
    return told.encode()[:_LONGEST_NAME].decode(errors="ignore").strip(" ").lstrip(".-~ ")


def plain_value(value: object) -> object:
    """A value in the types of JSON; what JSON does not know as a text."""
    if hasattr(value, "tolist"):  # of numpy
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain_value(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): plain_value(one) for key, one in value.items()}
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def text_of(value: object) -> str:
    return "" if value is None or isinstance(value, Mapping | list | tuple) else str(value)


def mapping_of(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
