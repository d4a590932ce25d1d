"""The kind `nexus`: the NeXus files of a scan, which every record gets.

The daemon imports this module, and must never load HDF5, because a crash in HDF5 would end it. Therefore only the
writer process imports the package `nexus`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar, Final

from nxscribe.errors import EntryTakenError
from nxscribe.model import now
from nxscribe.projections._kept_journal import kept_journal
from nxscribe.projections._protocol import Done, Later, Once, Outcome, Previous, Projection, Remark, Renumber, Settings
from nxscribe.projections.files import Written
from nxscribe.records import NEXUS, Record

_SHARE_OF_AGE: Final = 0.25
"""Raw files that are awaited are checked again after this share of the time since the end of the scan."""
_PAUSES_S: Final = (1.0, 60.0)
"""The shortest and the longest time until raw files are checked again."""


class NexusFiles(Projection):
    """The entry of a scan, the master file that shows it, and links to its raw data."""

    kind: ClassVar[str] = NEXUS

    def __init__(self) -> None:
        self._lacking: dict[str, int] = {}
        """How many entries each master lacked when that was told last."""

    def prepare(self) -> None:
        """Load HDF5, and the table of units."""
        from nxscribe.projections import hdf5_environment  # noqa: PLC0415 - as below

        hdf5_environment.prepare()
        from nxscribe.model import units  # noqa: PLC0415 - as below
        from nxscribe.projections.nexus import write_nexus  # noqa: F401, PLC0415 - HDF5 is for the writer process alone

        units.is_known("mm")

    def project(self, record: Record, settings: Settings, previous: Mapping[str, Previous]) -> Outcome:
        """Write the entry, and its link in the master file."""
        del previous
        from nxscribe.projections.nexus import write_nexus  # noqa: PLC0415 - HDF5 is for the writer process alone

        try:
            written = write_nexus(record, settings.files, settings.last_resort)
        except EntryTakenError as error:
            return Renumber(error.free_from, error.problems)
        result = {"entry": written.entry, "file": str(written.entry_file), "master": str(written.master)}
        awaits = written.awaits_raw and record.end_time is not None
        remarks = tuple(self._remarks(record, written, settings, is_made=not awaits))
        if awaits and record.end_time:
            age_s = (now() - record.end_time).total_seconds()
            pause_s = min(max(age_s * _SHARE_OF_AGE, _PAUSES_S[0]), _PAUSES_S[1])
            return Later(now() + timedelta(seconds=pause_s), result, remarks)
        return Done(result, remarks, _with_found(record, written))

    def expendable(self, record: Record) -> str:
        """The frames: HDF5 opens raw files, which other programs wrote."""
        named = [*(series.detector for series in record.raw), *(search.detector for search in record.searches)]
        detectors = dict.fromkeys(name or "the scan" for name in named)
        return f"the frames of {', '.join(detectors)} were linked" if detectors else ""

    def _remarks(self, record: Record, written: Written, settings: Settings, *, is_made: bool) -> Iterator[Remark]:
        if settings.last_resort:
            yield Remark(
                "error",
                "file written without raw frames",
                {
                    "record": record.id,
                    "entry": written.entry,
                    "reason": settings.last_resort,
                    "remedy": "look at the raw files; `nxscribe regenerate` links them once HDF5 can read them",
                },
            )
        facts: dict[str, str | int | float | bool] = {
            "entry": written.entry,
            "master": str(written.master),
            "values": written.values,
            "missing": len(written.missing),
            "complete": written.complete,
        }
        if written.awaits_raw:
            facts["pending"] = len(written.pending)
        yield Remark("info", "file written", facts)
        yield from self._lacking_entries(record, written, settings, is_made=is_made)
        if not written.alone:
            yield Remark(
                "warning",
                "the data root takes no locks: no two daemons may write into one experiment",
                {"master": str(written.master), "remedy": "mount it with locks (flock)"},
                Once.FOR_DAEMON,
            )
        for trace in written.unforeseen:
            yield Remark(
                "error",
                "unforeseen trouble with raw files: the entry is written without their frames",
                {"entry": written.entry, "remedy": "please report it with this text", "trace": trace},
                Once.FOR_RECORD,
            )
        for warning in written.warnings:
            yield Remark("warning", "in the file", {"entry": written.entry, "what": warning}, Once.FOR_RECORD)

    def _lacking_entries(
        self, record: Record, written: Written, settings: Settings, *, is_made: bool
    ) -> Iterator[Remark]:
        """Of a master that lacks what was written to it before: someone took it away, or put an old one there.

        It is not mended here: the experiment may begin anew on purpose, with its former files in an archive.
        """
        with kept_journal(settings.journal) as journal:
            others = journal.count_made(record.master, apart_from=record.id)
        lacking = others + is_made - written.shown
        if lacking > 0 and self._lacking.get(record.master) != lacking:
            remedy = "`nxscribe fsck CONFIG --mend` makes them again"
            yield Remark(
                "warning",
                "the master lacks entries",
                {"master": str(written.master), "entries": lacking, "remedy": remedy},
            )
        self._lacking.pop(record.master, None)
        if lacking > 0:
            self._lacking[record.master] = lacking


def _with_found(record: Record, written: Written) -> Record | None:
    """The record with raw files that were found: from now on these are what the scan left, whatever comes later."""
    if not written.found:
        return None
    detectors = {series.detector for series in written.found}
    searches = tuple(search for search in record.searches if search.detector not in detectors)
    return replace(record, raw=(*record.raw, *written.found), searches=searches)
