from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from some_records import a_journal, some_record

from nxscribe.errors import JournalError
from nxscribe.records import Journal, JournalReader, check_journal


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


def test_a_damaged_definition_is_told_once_and_its_records_keep_their_readings(path: Path) -> None:
    records = a_journal(path)
    spoil(path, "UPDATE definition SET payload = zeroblob(9), compressed = 0")
    (problem,) = check_journal(path)
    assert f"{records[0].definition.sha256[:16]} of {len(records)} records" in problem.what
    with JournalReader(path) as reader:
        found = reader.record(records[0].id)
    assert found.definition.is_lost
    assert found.initial == records[0].initial


def test_a_definition_that_its_index_does_not_lead_to_is_told(path: Path) -> None:
    records = a_journal(path)
    digits = records[0].definition.sha256.encode()
    data = path.read_bytes()
    # The first copy lies in the table or in its index, the other one in the other; `record` has more.
    for place in (data.find(digits), data.rfind(digits)):
        changed = bytearray(data)
        changed[place] ^= 1
        path.write_bytes(changed)
        assert check_journal(path)


def test_a_damaged_row_of_the_list_is_told_and_the_record_itself_is_asked(path: Path) -> None:
    records = a_journal(path)
    for column, value in (("start_time", "202,-03-01"), ("end_reason", "fin,shed"), ("number", "many")):
        spoil(path, f"UPDATE record SET {column} = ? WHERE position = 3", value)  # noqa: S608 - our own words
    damages: list[JournalError] = []
    with JournalReader(path) as reader:
        summaries = reader.summaries(on_damage=damages.append)
        with pytest.raises(JournalError, match=records[2].id):
            reader.summaries()
    assert [summary.number for summary in reversed(summaries)] == [record.number for record in records]
    assert summaries[-3].end_reason == "finished"
    assert records[2].id in str(damages[0])
