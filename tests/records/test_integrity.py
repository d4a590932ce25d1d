from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from some_records import ended, some_record

from nxscribe.errors import JournalError
from nxscribe.model import now
from nxscribe.records import Journal, JournalReader, Record, check_journal, salvage

PAGE = 4096


def a_journal(path: Path, scans: int = 8) -> list[Record]:
    with Journal(path) as journal:
        records = [journal.begin(some_record(scan=f"scan{number}", values=40)) for number in range(scans)]
        for record in records[:-1]:
            journal.update(ended(record, values=40))
        return [journal.record(record.id) for record in records]


def spoil(path: Path, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement, values)


def test_a_sound_journal_has_no_problems_also_while_a_daemon_uses_it(journal: Journal, path: Path) -> None:
    journal.begin(some_record())
    assert check_journal(path) == ()


@pytest.mark.parametrize("part", ["head", "initial", "final"])
def test_a_changed_part_is_told_and_never_read(path: Path, part: str) -> None:
    records = a_journal(path)
    spoil(path, "UPDATE part SET payload = zeroblob(length(payload)) WHERE record = 3 AND name = ?", part)
    with JournalReader(path) as reader:
        with pytest.raises(JournalError, match=f"record {records[2].id} in the journal .* is damaged"):
            reader.record(records[2].id)
        assert reader.record(records[3].id) == records[3]
    (problem,) = check_journal(path)
    assert records[2].id in problem.what
    assert part in problem.why


def test_an_uncompressed_part_that_changed_is_told_by_its_checksum(path: Path) -> None:
    with Journal(path) as journal:
        record = journal.begin(some_record(values=0))
    spoil(path, "UPDATE part SET payload = replace(CAST(payload AS TEXT), '0.5 s', '9.5 s') WHERE name = 'initial'")
    spoil(path, "UPDATE part SET payload = CAST(payload AS BLOB)")
    with JournalReader(path) as reader, pytest.raises(JournalError, match="checksum"):
        reader.record(record.id)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("DELETE FROM part WHERE record = 3 AND name = 'final'", "missing"),
        ("UPDATE part SET payload = 'text' WHERE record = 3 AND name = 'initial'", "cannot be unpacked"),
        ("UPDATE record SET number = 99 WHERE position = 3", "the list says"),
        ("UPDATE record SET end_reason = NULL WHERE position = 3", "the list says"),
        ("DELETE FROM definition", "definition is missing"),
        ("UPDATE definition SET payload = 'text'", "definition cannot be unpacked"),
        ("UPDATE definition SET payload = zeroblob(9), compressed = 0", "definition does not have the checksum"),
        ("DELETE FROM record WHERE position = 3", "refers to a row of record that is not there"),
    ],
)
def test_what_does_not_fit_together_is_told(path: Path, statement: str, why: str) -> None:
    a_journal(path)
    spoil(path, statement)
    assert any(why in str(problem) for problem in check_journal(path))


def test_no_damage_to_a_page_goes_unnoticed_and_all_that_is_whole_is_saved(path: Path, tmp_path: Path) -> None:
    records = {record.id: record for record in a_journal(path)}
    sound = path.read_bytes()
    chance = np.random.default_rng(1)
    for page in range(len(sound) // PAGE):
        damaged = tmp_path / f"damaged-{page}.sqlite"
        garbage = chance.bytes(300)
        start = page * PAGE + int(chance.integers(PAGE - len(garbage)))
        damaged.write_bytes(sound[:start] + garbage + sound[start + len(garbage) :])
        readable = whole_records(damaged, records)
        if len(readable) < len(records):
            assert check_journal(damaged), f"damage to page {page} was not told"
        try:
            result = salvage(damaged, tmp_path / f"saved-{page}.sqlite")
        except JournalError:
            assert not readable
            continue
        saved = whole_records(tmp_path / f"saved-{page}.sqlite", records)
        assert saved >= readable
        assert len(saved) == result.saved
        assert result.lost or not result.is_listing_whole or len(saved) == len(records)


def whole_records(path: Path, records: dict[str, Record]) -> set[str]:
    """The ids of the records that can be read. One that reads otherwise than it was written fails the test."""
    readable = set()
    try:
        with JournalReader(path) as reader:
            for id_, record in records.items():
                try:
                    assert reader.record(id_) == record
                    readable.add(id_)
                except JournalError:
                    continue
    except JournalError:
        return set()
    return readable


def test_salvage_keeps_what_is_due_due(path: Path, tmp_path: Path) -> None:
    records = a_journal(path)
    with Journal(path) as journal:
        journal.done(journal.due(now())[0])
    target = tmp_path / "saved.sqlite"
    result = salvage(path, target)
    assert (result.saved, result.lost, result.is_listing_whole) == (len(records), {}, True)
    with Journal(target) as journal:
        assert [work.record_id for work in journal.due(now())] == [record.id for record in records[1:]]
        assert journal.open_records() == (records[-1],)


def test_salvage_overwrites_nothing(path: Path, tmp_path: Path) -> None:
    a_journal(path)
    (tmp_path / "saved.sqlite").touch()
    with pytest.raises(JournalError, match="nothing is overwritten"):
        salvage(path, tmp_path / "saved.sqlite")
