"""The placeholders that the service fills by itself, from the trigger and the record."""

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
"""Their names, the ESRF's spellings among them. A source of the same name in the config takes their place."""

AT_THE_END: Final = frozenset({"endDate", "endReason"})
"""Those that nobody knows before the scan has ended."""
