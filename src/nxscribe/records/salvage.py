"""Saves the undamaged records of a damaged journal, with SQLite as far as possible, and otherwise page by page."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from nxscribe.errors import JournalError, Problem
from nxscribe.records import _outbox as outbox
from nxscribe.records._database import Access, Database
from nxscribe.records._integrity import positions
from nxscribe.records._journal import Journal
from nxscribe.records._outbox import NEXUS, ProjectionState, Standing
from nxscribe.records._pages import Cell, Pages, Row
from nxscribe.records._storage import (
    FINAL,
    HEAD,
    INITIAL,
    Packed,
    Part,
    Stored,
    fetch,
    is_definition,
    stored_tree,
    tree_in,
)
from nxscribe.records.record import Record

_DUE: Final = Standing(ProjectionState.WAITING)


@dataclass(slots=True)
class Salvaged:
    """The result of saving the records of a damaged journal."""

    saved: int = 0
    lost: dict[str, str] = field(default_factory=dict)
    """The reason for each record that is lost, by its id, or by its position if the id is lost, too."""
    without_definition: list[str] = field(default_factory=list)
    """The ids of records that were saved without the text of their definition."""
    is_listing_whole: bool = True
    """Whether the list of records could be read from end to end. If not, there may have been more, and some that
    had been removed may have come back."""


def salvage(damaged: Path, target: Path) -> Salvaged:
    """Copy every record whose own parts are undamaged into a new journal. The damaged journal is only read.

    A record is also saved if only its definition is damaged. Its text returns with the next scan that has the same
    definition. Projections are due as they were before, or all of them if this cannot be read.

    Args:
        damaged: The path of the damaged journal. What SQLite cannot find is searched page by page.
        target: The path of the new journal.

    Raises:
        JournalError: `target` exists or cannot be written, or nothing can be read.
    """
    if target.exists():
        raise JournalError(Problem(f"{target} exists", "nothing is overwritten", "name a new file"))
    result = Salvaged()
    # The pages are closed last: to close a descriptor of the file drops the locks that SQLite holds on it.
    with ExitStack() as pages, ExitStack() as opened:
        by_sql = _Listed(opened, damaged)
        by_page = _Found(pages, damaged)
        result.is_listing_whole = by_sql.is_whole
        ids: dict[int, str] = dict(by_sql.ids)
        if not by_sql.is_whole:
            ids |= {position: f"at position {position}" for position in by_page.positions if position not in ids}
        if not ids and by_sql.refused:
            raise by_sql.refused
        journal = opened.enter_context(Journal(target))
        for position, id_ in sorted(ids.items()):
            try:
                record = _record(by_sql, by_page, position)
                journal.add(record, by_sql.standings(position))
            except JournalError as error:
                result.lost[id_] = str(error.problems[0].why)
                continue
            result.saved += 1
            if record.definition.is_lost:
                result.without_definition.append(record.id)
    return result


def _record(by_sql: _Listed, by_page: _Found, position: int) -> Record:
    """The record by the first way that gives it whole. Raises JournalError with the reason of the first."""
    stored = by_sql.stored(position)
    try:
        if stored is None:
            raise JournalError(Problem("the record cannot be read", "its row is gone"))
        return stored.join()
    except JournalError:
        for candidate in by_page.stored(position, stored):
            try:
                return candidate.join(with_definition=False)
            except JournalError:
                continue
        raise


class _Listed:
    """What SQLite still gives."""

    def __init__(self, opened: ExitStack, path: Path) -> None:
        self._database: Database | None = None
        self.ids: dict[int, str] = {}
        self.is_whole = False
        self.refused: JournalError | None = None
        try:
            self._database = opened.enter_context(closing(Database(path, Access.READ, is_damaged=True)))
        except JournalError as error:
            self.refused = error
            return
        self.ids, self.is_whole = positions(self._database)
        self.is_whole = self.is_whole and not self._database.commits_passed_over

    def standings(self, position: int) -> dict[str, Standing]:
        """How the record's projections stand. The files are due where that cannot be read."""
        if self._database:
            with suppress(JournalError), self._database.reading() as connection:
                return {NEXUS: _DUE} | outbox.standings(connection, position)
        return {NEXUS: _DUE}

    def stored(self, position: int) -> Stored | None:
        """The record's parts, None where they cannot be read."""
        if self._database:
            try:
                with self._database.reading() as connection:
                    return fetch(connection, position)
            except JournalError:
                return None
        return None


class _Found:
    """What lies in the pages, whether or not SQLite finds it. Looked at when it is first asked for."""

    def __init__(self, opened: ExitStack, path: Path) -> None:
        self._opened, self._path = opened, path
        self._pages: Pages | None = None
        self._parts: dict[tuple[int, str], list[Row]] = defaultdict(list)
        self._definitions: dict[str, list[Row]] = defaultdict(list)

    @property
    def positions(self) -> set[int]:
        """Where heads of records were found."""
        self._look()
        return {position for position, name in self._parts if name == HEAD}

    def stored(self, position: int, listed: Stored | None) -> Iterator[Stored]:
        """The record as it may have been, the likeliest first: of each part every copy that is whole."""
        self._look()
        copies = {name: list(self._copies(position, name, listed)) for name in (HEAD, INITIAL, FINAL)}
        begun = []
        # Without copies of the final part the scan was still open, or what it read at its end is lost.
        finals: list[Part | None] = [*copies[FINAL]] or [None]
        for parts in itertools.product(copies[HEAD], copies[INITIAL], finals):
            head = Stored(0, {HEAD: parts[0]}, None).head
            found = {part.name: part for part in parts if part}
            stored = Stored(0, found, *self._definition(head.definition.sha256, listed))
            # An older copy of the head may lie in a page that is not in use any more.
            if head.is_open:
                begun.append(stored)
            else:
                yield stored
        yield from begun

    def _copies(self, position: int, name: str, listed: Stored | None) -> Iterator[Part]:
        """Each state of the part once, the newest first."""
        found = [part for row in self._parts[position, name] if (part := _as_part(self._values(row))[1])]
        if listed and name in listed.parts:
            found.append(listed.parts[name])
        for part in {part.sha256: part for part in reversed(found)}.values():
            if Stored(0, {name: part}, None).is_whole(name):
                yield part

    def _definition(self, sha256: str, listed: Stored | None) -> tuple[Packed | None, Part | None]:
        """The first text that is whole, and the first tree that is."""
        found = [_as_definition(self._values(row))[1:] for row in self._definitions[sha256]]
        if listed:
            found.append((listed.definition, listed.tree))
        return (
            next((text for text, _ in found if text and is_definition(text, sha256)), None),
            next((tree for _, tree in found if tree_in(tree)), None),
        )

    def _values(self, row: Row) -> tuple[Cell, ...]:
        return self._pages.values(row) if self._pages else ()

    def _look(self) -> None:
        if self._pages:
            return
        try:
            self._pages = self._opened.enter_context(Pages(self._path))
        except OSError as error:
            raise JournalError(Problem(f"cannot read the journal {self._path}", str(error))) from error
        for row in self._pages.rows():
            values = self._pages.values(row)
            key, part = _as_part(values)
            if part:
                self._parts[key].append(row)
            sha256, packed, _ = _as_definition(values)
            if packed:
                self._definitions[sha256].append(row)


def _as_part(values: tuple[Cell, ...]) -> tuple[tuple[int, str], Part | None]:
    """A row of the table `part`: the record's position and the part's name, and the part."""
    match values:
        case (int(position), "head" | "initial" | "final" as name, bytes(payload), 0 | 1 as compressed, bytes(sha256)):
            return (position, name), Part(name, Packed(payload, bool(compressed)), sha256)
    return (0, ""), None


def _as_definition(values: tuple[Cell, ...]) -> tuple[str, Packed | None, Part | None]:
    """A row of the table `definition`: its sha256, and its text and tree as they are stored.

    A row of schema 1 has the first three columns alone.
    """
    match values:
        case (str(sha256), bytes(payload), 0 | 1 as compressed, *tree):
            text = Packed(payload, bool(compressed))
            match tree:
                case [bytes(data), 0 | 1 as is_compressed, bytes(digest)]:
                    return sha256, text, stored_tree(data, is_compressed, digest)
            return sha256, text, None
    return "", None, None
