"""A scan that begins and ends with an attribute: its settings, when its condition holds, and the patterns of its names.

A pattern is a text with placeholders of the shared sources and of the cameras. `${pco.saving_directory/-2}` is one part
of a path: the last but one.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from nxscribe.errors import Location
from nxscribe.model import Reading, Template, is_text
from nxscribe.model.arrays import number_of
from nxscribe.sources import Item

BEGUN: Final = "begun"
"""The placeholder of the moment at which a scan began: `20261128T192459`, in the time zone of the beamline."""
TRIGGER_PARAMETER: Final = "watchedTrigger"
"""The parameter of each scan with the name of the trigger that began it."""
NAMES: Final = ("proposal", "session", "sample", "scan", "technique")
"""The names of a scan that patterns make."""
Wanted: TypeAlias = str | int | float | bool

_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "!=": operator.ne,
}
_COMPARISON: Final = re.compile(r"\s*(<=|>=|<|>|!=)\s*(.*)")
_PART: Final = re.compile(r"-?\d{1,3}")


class Level(StrEnum):
    """What an attribute says of the scan."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    ABORTED = "aborted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class WatchedTriggerSettings:
    """A scan that begins and ends with an attribute."""

    name: str
    attribute: str
    device: str
    """The trigger device whose session has the scans."""
    running: tuple[Wanted, ...]
    failed: tuple[Wanted, ...]
    aborted: tuple[Wanted, ...]
    patterns: Mapping[str, str]
    """The pattern of each of `NAMES`."""
    min_length_s: float
    gap_s: float
    poll_s: float
    location: Location | None = None

    @property
    def item(self) -> Item:
        """What is watched."""
        return Item("tango", self.attribute)

    @property
    def placeholders(self) -> frozenset[str]:
        """The placeholders of sources in its patterns."""
        return frozenset(name for pattern in self.patterns.values() for name, _ in parts_in(pattern)) - {BEGUN}

    def level(self, reading: Reading) -> Level:
        """What a reading of the attribute says. It says nothing if it has no value, or is a list."""
        if reading.value is None or reading.value.shape != ():
            return Level.UNKNOWN
        for wanted, level in (
            (self.running, Level.RUNNING),
            (self.failed, Level.FAILED),
            (self.aborted, Level.ABORTED),
        ):
            if any(_matches(reading, one) for one in wanted):
                return level
        return Level.FINISHED


def trigger_of(given: Mapping[str, Reading]) -> str:
    """The name of the watched trigger that began a scan, from the parameters of the scan; empty if none did."""
    reading = given.get(TRIGGER_PARAMETER)
    value = reading.value if reading else None
    return str(value[()]) if value is not None and value.shape == () else ""


def comparison_flaw(wanted: Wanted) -> str:
    """What is wrong with a value of a condition that begins like a comparison; empty if nothing is."""
    found = _COMPARISON.fullmatch(wanted) if isinstance(wanted, str) else None
    try:
        if found:
            number_of(found[2])
    except ValueError as error:
        return str(error)
    return ""


def parts_in(pattern: str) -> Iterator[tuple[str, str]]:
    """The placeholders of a pattern, each with the number of the part of its path; empty for the whole."""
    for placeholder in Template(pattern).placeholders:
        name, _, part = placeholder.partition("/")
        yield name, part


def part_flaw(part: str) -> str:
    """What is wrong with the number of a part; empty if nothing is."""
    return "" if not part or _PART.fullmatch(part) else f"{part!r} is not the number of a part, such as -1 for the last"


def filled(pattern: str, texts: Mapping[str, str]) -> str:
    """A pattern with the texts of its placeholders. Raises LookupError for a part that a path does not have."""
    made = {}
    for placeholder, (name, part) in zip(Template(pattern).placeholders, parts_in(pattern), strict=True):
        text = texts[name]
        if part:
            parts = [one for one in text.split("/") if one]
            try:
                text = parts[int(part)]
            except IndexError:
                raise LookupError(f"${{{placeholder}}}: {text!r} has {len(parts)} parts") from None
        made[placeholder] = text
    return Template(pattern).fill(made)


def begun_text(moment: datetime) -> str:
    """The text of the placeholder `begun`."""
    return moment.strftime("%Y%m%dT%H%M%S")


def _matches(reading: Reading, wanted: Wanted) -> bool:
    assert reading.value is not None  # noqa: S101 - the caller looked
    value = reading.value[()]
    found = _COMPARISON.fullmatch(wanted) if isinstance(wanted, str) else None
    if is_text(reading.value):
        number = reading.details.get("enum_value")
        if isinstance(number, int) and _compares(number, found, wanted):
            return True
        # What is no number is compared as a text; `!=` is of numbers alone.
        return not found and str(value).strip().casefold() == str(wanted).strip().casefold()
    return _compares(value, found, wanted)


def _compares(value: Any, found: re.Match[str] | None, wanted: Wanted) -> bool:  # noqa: ANN401 - a number of numpy's
    if found:
        return bool(_OPERATORS[found[1]](value, number_of(found[2])))
    if isinstance(wanted, str):
        try:
            wanted = number_of(wanted)
        except ValueError:
            return False
    return bool(value == wanted)
