"""Checks for impossible numbers, such as a negative pixel size, or an energy that is not a number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

import h5py
import numpy as np
import numpy.typing as npt

from nxscribe.errors import Severity
from nxscribe.projections.nexus.validate._entry_context import EntryContext, nx_class, objects
from nxscribe.projections.nexus.validate._finding import Check, Finding

Numbers: TypeAlias = npt.NDArray[np.float64]

_POSITIVE: Final = {
    "NXdetector": frozenset({"x_pixel_size", "y_pixel_size"}),
    "NXbeam": frozenset({"incident_energy", "incident_wavelength", "energy", "wavelength"}),
    "NXmonochromator": frozenset({"energy", "wavelength"}),
    "NXsource": frozenset({"energy"}),
    "": frozenset({"incident_energy", "incident_wavelength"}),
}
"""The fields that must be positive, by the class of their group; empty: any group. Not the distance of a source."""
_NOT_NEGATIVE: Final = {
    "NXdetector": frozenset({"distance", "count_time", "exposure_time", "dead_time", "frame_time"}),
    "NXsource": frozenset({"current", "power"}),
    "NXattenuator": frozenset({"thickness", "attenuator_transmission"}),
    "": frozenset({"count_time", "exposure_time", "dwell_time", "duration", "collection_time", "integration_time"}),
}
_FINITE: Final = {"": frozenset({"rotation_angle"})}
_AT_MOST: Final = {"attenuator_transmission": 1.0}
_MOST_VALUES: Final = 1_000_000
"""Larger arrays are data, and their values are not checked."""


def check_numbers(place: EntryContext) -> Iterator[Finding]:
    """Impossible values of fields with a known meaning: not finite, negative, too large, or 0 for a size.

    Other single numbers that are not finite are a warning: a device can give them, but no program can use them.
    """
    for path, node in objects(place.group):
        if not isinstance(node, h5py.Dataset) or node.dtype.kind not in "iuf" or node.is_virtual or node.external:
            continue
        if not 0 < node.size <= _MOST_VALUES:
            continue
        name, above = path.rpartition("/")[2], nx_class(node.parent)
        base = name.removesuffix("_end").removesuffix("_start")
        values: Numbers = np.asarray(node[()], np.float64).ravel()
        if wrong := _wrong(base, above, values):
            wanted, bad = wrong
            what = f"it is {bad[0]:g}" if values.size == 1 else f"{bad.size} of its {values.size} values are {bad[0]:g}"
            yield place.find(
                Check.VALUES, path, f"{what}{' or the like' if bad.size > 1 else ''}, where {name} is {wanted}",
                "the source gave no true value, or it was changed since", "look at the source in the config",
            )  # fmt: skip
        elif values.size == 1 and not np.isfinite(values[0]):
            yield Finding(
                Check.VALUES, str(place.file), path, f"it is {values[0]:g}, which is not a finite number",
                "the source gave it", "look at the source in the config", Severity.WARNING,
            )  # fmt: skip


def _wrong(name: str, above: str, values: Numbers) -> tuple[str, Numbers] | None:
    """What a value of this name is to be, and those that are not so; None where all are."""
    is_positive = _is_of(_POSITIVE, name, above)
    if is_positive and values.size > 1:
        # An array of energies may be a calibration, whose first channels are below zero.
        wanted, good = "finite", np.isfinite(values)
    elif is_positive:
        wanted, good = "greater than 0", values > 0
    elif _is_of(_NOT_NEGATIVE, name, above):
        wanted, good = "0 or more", values >= 0
    elif _is_of(_FINITE, name, above):
        wanted, good = "finite", np.isfinite(values)
    else:
        return None
    if name in _AT_MOST:
        wanted, good = f"from 0 to {_AT_MOST[name]:g}", good & (values <= _AT_MOST[name])
    bad = values[~(good & np.isfinite(values))]
    return (wanted, bad) if bad.size else None


def _is_of(names: dict[str, frozenset[str]], name: str, nx_class_above: str) -> bool:
    return name in names.get(nx_class_above, frozenset()) or name in names[""]
