"""Finds the journal and the records that the arguments of a command name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nxscribe.cli._problem_view import print_problems
from nxscribe.errors import InputError, JournalError, Problem

if TYPE_CHECKING:
    from nxscribe.records import JournalReader, Summary
    from nxscribe.service.config import Config

Where = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="The beamline's config; or its state folder, or the journal itself.")
]


def taken_up(path: Path, data_root: Path | None = None, state_dir: Path | None = None) -> Config:
    """Load the config at `path`, with other folders if they are given, and use its time zone in this process.

    Raises InputError.
    """
    from nxscribe.model.times import use_zone
    from nxscribe.service.config import load_config

    config = load_config(path).placed(data_root, state_dir)
    use_zone(config.time_zone)
    return config


def journal_path(where: Path) -> Path:
    """The path of the journal, from the path of a config, of a state folder, or of the journal itself."""
    from nxscribe.records import JOURNAL_FILE

    if where.suffix in {".yaml", ".yml"}:
        return taken_up(where).state_dir / JOURNAL_FILE
    return where / JOURNAL_FILE if where.is_dir() else where


def tell_damage(damage: JournalError) -> None:
    """Print the damage. The caller goes on with the undamaged records."""
    print_problems(damage.problems)


def the_one(journal: JournalReader, beginning: str) -> Summary:
    """The record whose id begins with this text; the newest one if it is empty. Raises InputError if it is not one."""
    if not beginning:
        found = journal.summaries(limit=1, on_damage=tell_damage)
    else:
        listed = journal.summaries(on_damage=tell_damage)
        found = tuple(summary for summary in listed if summary.id.startswith(beginning))
    if len(found) == 1:
        return found[0]
    several = f"{len(found)} records begin with it" if found else "no record begins with it"
    raise InputError(
        Problem(
            f"{beginning!r} does not name one record" if beginning else f"{journal.path} has no records",
            several if beginning else "no scan was started with it",
            "`nxscribe records list` shows all ids",
        )
    )


def chosen(
    journal: JournalReader, *, records: list[str] | None, proposal: str | None, entries: str, everything: bool
) -> tuple[Summary, ...]:
    """The records that the options of a command select, oldest first. Raises InputError if there are none."""
    if records:
        return tuple(the_one(journal, beginning) for beginning in records)
    if not proposal and not everything:
        raise InputError(
            Problem("nothing is named", remedy="give records by their ids, --proposal (and --entries), or --all")
        )
    numbers = _numbers(entries)
    found = journal.summaries(proposal=proposal, on_damage=tell_damage)
    kept = tuple(summary for summary in reversed(found) if numbers is None or summary.number in numbers)
    if not kept:
        raise InputError(
            Problem(
                f"the journal {journal.path} does not have this record",
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
        if not first.strip().isdecimal() or not last.isdecimal():
            raise InputError(Problem(f"{part!r} names no entries", remedy="write --entries 3-7,12"))
        numbers.update(range(int(first), int(last) + 1))
    return numbers
