"""The rule by which records leave the journal: they are archived, and then removed."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from nxscribe.errors import JournalError, Problem
from nxscribe.projections.atomic import sync
from nxscribe.records import Journal, record_to_json
from nxscribe.service.config import Retention

_AT_ONCE: Final = 50
"""The number of records in one transaction. A trigger that comes meanwhile waits for some milliseconds."""


@dataclass(frozen=True, slots=True)
class Retained:
    """The result of applying the rule."""

    removed: int = 0
    archive: Path | None = None
    """The file that contains the removed records."""


def retain(journal: Journal, rule: Retention, now: datetime) -> Retained:
    """Apply the rule. A crash meanwhile can leave records in both the archive and the journal, never in neither.

    Raises JournalError, also when the archive cannot be written: then nothing more is removed.
    """
    ids = journal.expired(now - timedelta(days=rule.keep_days)) if rule.keep_days is not None else ()
    archive = rule.archive / f"records-{now:%Y%m%dT%H%M%SZ}.jsonl.gz" if ids else None
    removed = 0
    for some in _in_batches(ids):
        lines = dict(_readable(journal, some))
        if archive and lines:
            _archive(lines.values(), archive)
            journal.remove(tuple(lines))
            removed += len(lines)
    return Retained(removed, archive if removed else None)


def _in_batches(ids: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]


def _readable(journal: Journal, ids: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """The records as lines. One that is damaged stays where it is: what of it can be saved is in the journal."""
    for id_ in ids:
        with suppress(JournalError):
            yield id_, record_to_json(journal.record(id_)) + b"\n"


def _archive(lines: Iterable[bytes], archive: Path) -> None:
    """Append to the archive, durably. Members of a gzip file one after another are one file."""
    try:
        archive.parent.mkdir(parents=True, exist_ok=True)
        with archive.open("ab") as file:
            file.write(gzip.compress(b"".join(lines)))
        sync(archive)
        sync(archive.parent)
    except OSError as error:
        raise JournalError(
            Problem(
                f"records cannot be archived in {archive}",
                str(error),
                "make room, or correct its permissions; they stay in the journal until then",
            )
        ) from error
