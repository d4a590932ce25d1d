"""The built-in placeholders, which nxscribe fills from the trigger and the record."""

from __future__ import annotations

from typing import Final

BUILT_IN: Final = frozenset(
    {
        "beamlineID",
        "datasetName",
        "endDate",
        "endReason",
        "entry",
        "location",
        "proposal",
        "sampleName",
        "Sample_name",
        "scanName",
        "scanNumber",
        "startDate",
        "technique",
    }
)
"""Their names, including the spellings of the ESRF. A source of the config with the same name replaces them."""

AT_THE_END: Final = frozenset({"endDate", "endReason"})
"""The built-in placeholders that are not known before the scan has ended."""
