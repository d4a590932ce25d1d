"""Messages of external validators about valid files, and why nxscribe does not report them.

There is one entry for each kind; docs/explanation/validation.md explains them. All other messages are reported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """One kind of message that is not a finding."""

    title: str
    pattern: re.Pattern[str]
    why: str


def _alarm(title: str, pattern: str, why: str) -> FalseAlarm:
    return FalseAlarm(title, re.compile(pattern), why)


NEXUSFORMAT: Final = (
    _alarm(
        "additions",
        r"This field is not defined in NX|is not defined as an attribute in NX",
        "NeXus lets a base class have more than it lists; sources, time stamps and the ESRF's names are such.",
    ),
    _alarm(
        "units of NX_ANY",
        r"Units of NX_ANY not specified",
        "Frames are counts of a detector, and the raw file says no unit. NX_ANY leaves it open.",
    ),
    _alarm(
        "plots without axes",
        r'"@axes" is not present in the group',
        "NeXus asks for axes where there are any. The frames of a detector may have none.",
    ),
)
"""For the warnings of nexusformat. All of its errors are reported."""

PYNXTOOLS: Final = (
    _alarm(
        "reserved endings",
        r"Reserved suffix '_(end|start|offset|set|mask|weights|errors)' was used",
        "A field current_end beside current_start is the ESRF's name for the second reading of one value.",
    ),
    _alarm(
        "the unit 1",
        r"The unit '1' at .* does not match with the unit category NX_(DIMENSIONLESS|UNITLESS)",
        "1 is how UDUNITS spells a share without dimension, and nexusformat asks for a unit there.",
    ),
    _alarm(
        "links between files",
        r"A link was used for .*, but (no '@target' attribute was found|its @target attribute)",
        "NeXus's target is for links within one file: what an external link leads to is another's and is not marked.",
    ),
)
"""For all messages of pynxtools."""


TWO_DEFINITIONS: Final = {
    "NXxas": "nexusformat and pynxtools know unlike definitions of NXxas, that of 2008 with the beams as detectors and "
    "that of 2024 with element, edge and intensity; the entry satisfies the other one",
}
"""Application definitions of which the two have different versions, with the reason. One of them must be satisfied."""


def is_false(message: str, alarms: tuple[FalseAlarm, ...]) -> bool:
    """Whether a message is one of the known false alarms."""
    return any(alarm.pattern.search(message) for alarm in alarms)
