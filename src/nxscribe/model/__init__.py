"""Pure data, no I/O: the definition's tree, readings and snapshots, units, times, names.

Everything else in nxscribe speaks in these words.
"""

from nxscribe.model.definition import Attribute, Definition, Field, Group, Link, Node, Template
from nxscribe.model.file_series import series_of, with_file
from nxscribe.model.raw import NO_DETECTOR, RawSearch, RawSeries, detector_group
from nxscribe.model.reading import Phase, Quality, Reading, Snapshot, Value
from nxscribe.model.times import iso, now

__all__ = [
    "NO_DETECTOR",
    "Attribute",
    "Definition",
    "Field",
    "Group",
    "Link",
    "Node",
    "Phase",
    "Quality",
    "RawSearch",
    "RawSeries",
    "Reading",
    "Snapshot",
    "Template",
    "Value",
    "detector_group",
    "iso",
    "now",
    "series_of",
    "with_file",
]
