"""The built-in placeholders, which nxscribe fills from the record."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from nxscribe.model import Reading, iso, texts
from nxscribe.records.record import Record

SOURCE = "nxscribe"
"""The `source` of readings of built-in placeholders."""


def built_in(record: Record) -> dict[str, Reading]:
    """The readings of the built-in placeholders, with the spellings of the ESRF in addition to those of nxscribe.

    A value that is not known yet (the end date of a running scan, the number before the commit) is absent.
    """
    who = record.identity
    readings = {
        "beamlineID": _text(who.beamline, record.start_time),
        "proposal": _text(who.proposal, record.start_time),
        "sampleName": _text(who.sample, record.start_time),
        "Sample_name": _text(who.sample, record.start_time),
        "scanName": _text(who.scan, record.start_time),
        "datasetName": _text(who.scan, record.start_time),
        "technique": _text(who.technique, record.start_time),
        "location": _text(record.directory, record.start_time),
        "startDate": _text(iso(record.start_time), record.start_time),
    }
    if record.number:
        readings["entry"] = _text(record.entry, record.start_time)
        readings["scanNumber"] = Reading(SOURCE, record.start_time, np.asarray(record.number))
    if record.end_time and record.end_reason:
        readings["endDate"] = _text(iso(record.end_time), record.end_time)
        readings["endReason"] = _text(record.end_reason.value, record.end_time)
    return readings


def _text(text: str, time: datetime) -> Reading:
    return Reading(SOURCE, time, texts(text))
