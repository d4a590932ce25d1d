"""Data without input or output: definitions, readings, snapshots, raw files. All other packages use it.

The names below are used everywhere. The modules have more:

- `arrays`: exact arrays from Python values, numbers from texts
- `identifiers`: whether an ORCID, a DOI or a ROR is well formed
- `nexus_types`: the type names and unit categories of NeXus
- `node_names`: names that HDF5, NeXus and file systems allow
- `number_ranges`: sequences of numbers in a text, such as `0..180/5`
- `reading`: readings, phases, qualities, snapshots
- `tango_names`: names of Tango, without Tango
- `times`: aware times, ISO 8601, the time zone of the beamline
- `units`: spelling, comparison and conversion of units
- `value_format`: values as a person reads them
"""

from nxscribe.model._definition import Attribute, Definition, Field, Group, Link, Node, Template
from nxscribe.model._file_series import series_of, with_file
from nxscribe.model._raw_series import NO_DETECTOR, RawSearch, RawSeries, detector_group, plain
from nxscribe.model.arrays import Value, as_texts, is_text, texts
from nxscribe.model.reading import Phase, Quality, Reading, Snapshot
from nxscribe.model.times import from_iso, iso, local, now

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
    "as_texts",
    "detector_group",
    "from_iso",
    "is_text",
    "iso",
    "local",
    "now",
    "plain",
    "series_of",
    "texts",
    "with_file",
]
