"""Checks whether a journal is undamaged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from nxscribe.errors import JournalError, Problem
from nxscribe.records._database import Access, Database, commits_passed_over
from nxscribe.records._sqlite_errors import SALVAGE
from nxscribe.records._storage import LISTED, definition_of, fetch, fetch_definition, listing, tree_in
from nxscribe.records.record import Record

_LISTED = f"SELECT {', '.join(LISTED)} FROM record WHERE position = ?"  # noqa: S608 - our own words


def check_journal(path: Path) -> tuple[Problem, ...]:
    """All errors of a journal: in its pages, its log, its references, every checksum and every record.

    This reads the whole file. A daemon can use it at the same time.
    """
    log = damaged_log(path, commits_passed_over(path))
    problems = (log,) if log else ()
    try:
        with closing(Database(path, Access.READ)) as database:
            return (*problems, *_structure(database), *_definitions(database), *_records(database))
    except JournalError as error:
        return (*problems, *error.problems)


def damaged_log(path: Path, commits: int, copy: Path | None = None) -> Problem | None:
    """The error for a log of which SQLite ignores this number of commits; `copy` is the copy of the damaged journal."""
    if not commits:
        return None
    return Problem(
        f"the log of the journal {path} is damaged",
        f"{commits} commits lie behind a damaged place, and are not seen any more",
        f"save what is undamaged with `nxscribe records salvage {copy} NEW.sqlite`, and move that folder away"
        if copy
        else SALVAGE,
    )


def positions(database: Database) -> tuple[dict[int, str], bool]:
    """The positions and ids of all records. Damaged pages are avoided by reading from both ends, and by the index.

    The second result is whether the whole list could be read. If not, there may have been more records.
    """
    found: dict[int, str] = {}
    is_whole = True
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
            is_whole = False
    return found, is_whole


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
        yield Problem(f"the journal {database.path} is damaged", finding, SALVAGE)


def _definitions(database: Database) -> Iterator[Problem]:
    """The definitions, each once; also one that only scans to come would use."""
    try:
        with database.reading() as connection:
            records = dict(connection.execute("SELECT definition, count(*) FROM record GROUP BY definition"))
            kept = {sha256 for (sha256,) in connection.execute("SELECT sha256 FROM definition NOT INDEXED")}
            stored = {sha256: fetch_definition(connection, sha256) for sha256 in {*records, *kept}}
    except JournalError as error:
        yield from error.problems
        return
    for sha256, (text, tree) in stored.items():
        try:
            definition_of(text, sha256)
            if tree and not tree_in(tree):
                raise JournalError(Problem("", "its data does not have the checksum that it had when it was written"))
        except JournalError as error:
            yield Problem(
                f"the definition {str(sha256)[:16]} of {records.get(sha256, 0)} records in the journal {database.path}"
                " is damaged",
                error.problems[0].why,
                "the next scan that has it writes it anew; `nxscribe records salvage` saves the readings without it",
            )


def _records(database: Database) -> Iterator[Problem]:
    for position, id_ in sorted(positions(database)[0].items()):
        try:
            record, listed = _record(database, position)
        except JournalError as error:
            yield Problem(f"record {id_} in the journal {database.path} is damaged", error.problems[0].why)
            continue
        if listed != listing(record):
            yield Problem(
                f"record {id_} in the journal {database.path} is listed wrongly",
                f"the list says {listed}, the record {listing(record)}",
                "save what is undamaged with `nxscribe records salvage`: it takes the record's word",
            )


def _record(database: Database, position: int) -> tuple[Record, tuple[object, ...]]:
    """The record, and what the list says of it."""
    with database.reading() as connection:
        listed = connection.execute(_LISTED, (position,)).fetchone()
        stored = fetch(connection, position)
    if not stored:
        raise JournalError(Problem("the record cannot be read", "its row is gone"))
    return stored.join(with_definition=False), listed
