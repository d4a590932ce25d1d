"""Makes files again from their records, with the recorded definition or with another one, and repairs damaged files."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from nxscribe.errors import Problem, ProjectionError
from nxscribe.model import NO_DETECTOR, iso, now
from nxscribe.projections.files import FileSettings, Written
from nxscribe.projections.nexus import _inspection as inspection
from nxscribe.projections.nexus._project import names_of, write_nexus
from nxscribe.records.record import DefinitionText, Record


def remake(
    record: Record, settings: FileSettings, definition: DefinitionText | None = None, *, without_raw: bool = False
) -> Written:
    """Write the files of a record again. With the same definition only the times of making differ.

    Raises ProjectionError, also if the entry shows frames whose raw files are not available, because the new entry
    could not show them. `without_raw` allows this.
    """
    if not without_raw and inspection.shows_frames(record, settings) and (gone := _missing_raw(record)):
        raise ProjectionError(
            Problem(
                f"{record.entry} of {record.master} is left as it is",
                f"it shows raw frames, and {gone} is not there to be shown again",
                "bring the raw files back, or make it without them (--without-raw)",
            )
        )
    # Nobody waits for it, and nobody would go on with what is left.
    settings = replace(settings, checksums_s=float("inf"))
    return write_nexus(_with(record, definition) if definition else record, settings)


def mend(record: Record, settings: FileSettings) -> Written:
    """Make the files of a record agree with it again. A file that cannot be opened is renamed, and never deleted.

    An entry that was made with a later definition is made with that definition again. Raises ProjectionError.
    """
    names = names_of(record, settings)
    for file in dict.fromkeys((names.container, names.master)):
        if inspection.is_damaged(file):
            _set_aside(file)
    made_with = inspection.definition_in(names)
    return write_nexus(_with(record, made_with) if made_with else record, settings)


def _with(record: Record, definition: DefinitionText) -> Record:
    if definition.sha256 == record.definition.sha256:
        return record
    note = (
        f"made again at {iso(now())} with another definition than that of the scan's start, which had the sha256"
        f" {record.definition.sha256}"
    )
    return replace(record, definition=definition, notes=(*record.notes, note))


def _missing_raw(record: Record) -> str:
    """The first raw file of a detector that does not exist. Only the first and last file of each series are checked."""
    for series in (one for one in record.raw if one.detector != NO_DETECTOR):
        files = list(series)
        for name in dict.fromkeys((files[0], files[-1])):
            path = os.path.normpath(os.path.join(series.directory, name))  # noqa: PTH118 - texts, not paths of ours
            if not os.path.exists(path):  # noqa: PTH110 - the same
                return path
    return ""


def _set_aside(path: Path) -> None:
    aside = path.with_name(f"{path.name}.damaged-{now():%Y%m%dT%H%M%S%f}")
    try:
        path.rename(aside)
    except OSError as error:
        raise ProjectionError(
            Problem(f"{path} is damaged and cannot be renamed", str(error), "run as a user who may write there")
        ) from error
