"""Whether a journal is sound, and saving what is sound of one that is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from nxscribe.errors import JournalError, Problem
from nxscribe.records.database import Access, Database
from nxscribe.records.journal import Journal
from nxscribe.records.parts import LISTED, fetch, listing
from nxscribe.records.record import Record

_LISTED = f"SELECT {', '.join(LISTED)} FROM record WHERE position = ?"  # noqa: S608 - our own words


@dataclass(slots=True)
class Salvaged:
    """What became of the records of a damaged journal."""

    saved: int = 0
    lost: dict[str, str] = field(default_factory=dict)
    """Record id to reason. A record whose row itself is lost has no id any more."""
    is_listing_whole: bool = True
    """Whether the list of records could be read from end to end. If not, there may have been more."""


def check_journal(path: Path) -> tuple[Problem, ...]:
    """Everything that is wrong with the journal: its pages, its references, every checksum, every record.

    Reads the whole file. A daemon may be using it.
    """
    try:
        with closing(Database(path, Access.READ)) as database:
            return (*_structure(database), *_records(database))
    except JournalError as error:
        return error.problems


def salvage(damaged: Path, target: Path) -> Salvaged:
    """Copies every record that can be read whole into a new journal. The damaged one is only read.

    Files are due again as they were; where that cannot be read, all are.
    Raises JournalError when `target` exists or cannot be written, or when nothing at all can be read.
    """
    if target.exists():
        raise JournalError(Problem(f"{target} exists", "nothing is overwritten", "name a new file"))
    result = Salvaged()
    with closing(Database(damaged, Access.READ)) as database, Journal(target) as journal:
        due = _due_positions(database)
        for position, id_ in sorted(_positions(database, result).items()):
            try:
                journal.add(_record(database, position)[0], due=due is None or position in due)
                result.saved += 1
            except JournalError as error:
                result.lost[id_] = str(error.problems[0].why)
    return result


def _structure(database: Database) -> Iterator[Problem]:
    findings: list[str] = []
    try:
        with database.reading() as connection:
            findings += [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
            findings += [
                f"a row of {table} refers to a row of {parent} that is not there"
                for table, _, parent, _ in connection.execute("PRAGMA foreign_key_check")
            ]
    except JournalError as error:
        findings.append(error.problems[0].why)
    for finding in findings:
        yield Problem(
            f"the journal {database.path} is damaged",
            finding,
            "stop the daemon, keep a copy, and save what is sound with `nxscribe records salvage`",
        )


def _records(database: Database) -> Iterator[Problem]:
    for position, id_ in sorted(_positions(database, Salvaged()).items()):
        try:
            record, listed = _record(database, position)
        except JournalError as error:
            yield Problem(f"record {id_} in the journal {database.path} is damaged", error.problems[0].why)
            continue
        if listed != listing(record):
            yield Problem(
                f"record {id_} in the journal {database.path} is listed wrongly",
                f"the list says {listed}, the record {listing(record)}",
                "save what is sound with `nxscribe records salvage`: it takes the record's word",
            )


def _record(database: Database, position: int) -> tuple[Record, tuple[object, ...]]:
    """The record, and what the list says of it."""
    with database.reading() as connection:
        listed = connection.execute(_LISTED, (position,)).fetchone()
        stored = fetch(connection, position)
    if not stored:
        raise JournalError(Problem("the record cannot be read", "its row is gone"))
    return stored.join(), listed


def _positions(database: Database, result: Salvaged) -> dict[int, str]:
    """Positions and ids of all records, around damaged pages as far as can be: from both ends, and by the index."""
    found: dict[int, str] = {}
    for query in (
        "SELECT position, id FROM record NOT INDEXED ORDER BY position",
        "SELECT position, id FROM record NOT INDEXED ORDER BY position DESC",
        "SELECT position, id FROM record ORDER BY id",
        "SELECT position, id FROM record ORDER BY id DESC",
    ):
        try:
            with database.reading() as connection:
                for position, id_ in connection.execute(query):
                    found[position] = str(id_)
        except JournalError:
            result.is_listing_whole = False
    return found


def _due_positions(database: Database) -> set[int] | None:
    try:
        with database.reading() as connection:
            return {position for (position,) in connection.execute("SELECT record FROM projection")}
    except JournalError:
        return None
