"""Which journal, which record: how commands that need no daemon find them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nxscribe.errors import InputError, Problem

if TYPE_CHECKING:
    from nxscribe.records import JournalReader, Summary

Where = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="The beamline's config; or its state folder, or the journal itself.")
]


def journal_path(where: Path) -> Path:
    """The journal of a config, of a state folder, or itself."""
    from nxscribe.records import JOURNAL_FILE

    if where.suffix in {".yaml", ".yml"}:
        from nxscribe.service.config import load_config

        return load_config(where).state_dir / JOURNAL_FILE
    return where / JOURNAL_FILE if where.is_dir() else where


def the_one(journal: JournalReader, beginning: str) -> Summary:
    """The record whose id begins so; the newest for an empty text. Raises InputError for none or several."""
    if not beginning:
        found = journal.summaries(limit=1)
    else:
        found = tuple(summary for summary in journal.summaries() if summary.id.startswith(beginning))
    if len(found) == 1:
        return found[0]
    several = f"{len(found)} records begin with it" if found else "no record begins with it"
    raise InputError(
        Problem(
            f"no record is named by {beginning!r}" if beginning else f"{journal.path} has no records",
            several if beginning else "no scan was started with it",
            "`nxscribe records list` shows all ids",
        )
    )


def chosen(
    journal: JournalReader, *, records: list[str] | None, proposal: str | None, entries: str, everything: bool
) -> tuple[Summary, ...]:
    """What the options of a command name, oldest first. Raises InputError when that is nothing, or unclear."""
    if records:
        return tuple(the_one(journal, beginning) for beginning in records)
    if not proposal and not everything:
        raise InputError(
            Problem("nothing is named", remedy="give records by their ids, --proposal (and --entries), or --all")
        )
    numbers = _numbers(entries)
    found = journal.summaries(proposal=proposal)
    kept = tuple(summary for summary in reversed(found) if numbers is None or summary.number in numbers)
    if not kept:
        raise InputError(
            Problem(
                f"the journal {journal.path} has no such record",
                f"asked for: proposal {proposal or 'any'}, entries {entries or 'all'}",
                "`nxscribe records list` shows all that are there",
            )
        )
    return kept


def _numbers(entries: str) -> set[int] | None:
    """`3-7,12` as numbers; None for all. Raises InputError."""
    if not entries:
        return None
    numbers: set[int] = set()
    for part in entries.split(","):
        first, _, last = part.strip().removeprefix("entry_").partition("-")
        last = last.strip().removeprefix("entry_") or first
        if not first.strip().isdigit() or not last.isdigit():
            raise InputError(Problem(f"{part!r} names no entries", remedy="write --entries 3-7,12"))
        numbers.update(range(int(first), int(last) + 1))
    return numbers
