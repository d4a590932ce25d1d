"""What is saved of a journal that is damaged in any place, and what a journal with damage acknowledges."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import pytest
from some_records import DEFINITION, a_journal, ended, some_record

from nxscribe.errors import JournalError
from nxscribe.model import now
from nxscribe.records import Journal, JournalReader, Record, check_journal, salvage

PAGE = 4096
INTERIOR = {0x02, 0x05}
"""First byte of a page above the leaves, of an index and of a table."""


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


def salvaged(path: Path, target: Path) -> dict[str, Record]:
    salvage(path, target)
    with JournalReader(target) as reader:
        return {summary.id: reader.record(summary.id) for summary in reader.summaries()}


def test_records_are_saved_when_sqlite_cannot_open_the_file(path: Path, tmp_path: Path) -> None:
    records = {record.id: record for record in a_journal(path)}
    path.write_bytes(bytes(PAGE) + path.read_bytes()[PAGE:])
    assert check_journal(path)
    assert salvaged(path, tmp_path / "saved.sqlite") == records


def test_records_are_saved_when_all_that_leads_to_them_is_gone(path: Path, tmp_path: Path) -> None:
    records = {record.id: record for record in a_journal(path, scans=120)}
    data = bytearray(path.read_bytes())
    above = [start for start in range(PAGE, len(data), PAGE) if data[start] in INTERIOR]
    assert above
    for start in above:
        data[start : start + PAGE] = bytes(PAGE)
    path.write_bytes(data)
    assert salvaged(path, tmp_path / "saved.sqlite") == records


def test_what_lies_before_the_end_of_a_file_that_was_cut_is_saved(path: Path, tmp_path: Path) -> None:
    records = {record.id: record for record in a_journal(path, scans=100)}
    data = path.read_bytes()
    saved = []
    for kept in (0.95, 0.85, 0.7):
        path.write_bytes(data[: int(len(data) * kept)])
        found = salvaged(path, tmp_path / f"saved-{kept}.sqlite")
        assert found.items() <= records.items()
        saved.append(len(found))
    assert len(records) > saved[0] > saved[1] > saved[2] > 0


def test_readings_are_saved_without_their_definition_which_comes_back_with_the_next_scan(
    path: Path, tmp_path: Path
) -> None:
    records = {record.id: record for record in a_journal(path)}
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE definition SET payload = zeroblob(length(payload))")
    result = salvage(path, tmp_path / "saved.sqlite")
    assert (result.saved, result.lost) == (len(records), {})
    assert set(result.without_definition) == set(records)
    assert check_journal(tmp_path / "saved.sqlite") == ()
    with Journal(tmp_path / "saved.sqlite") as journal:
        for record in records.values():
            found = journal.record(record.id)
            assert found.definition.is_lost
            assert (found.initial, found.final) == (record.initial, record.final)
        journal.begin(some_record())
        assert {id_: journal.record(id_) for id_ in records} == records


def test_records_that_were_removed_do_not_come_back_while_the_list_is_whole(path: Path, tmp_path: Path) -> None:
    records = a_journal(path)
    with Journal(path) as journal:
        journal.remove([records[0].id])
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE part SET payload = zeroblob(9) WHERE record = 3")
    assert set(salvaged(path, tmp_path / "saved.sqlite")) == {
        record.id for record in records if record not in (records[0], records[2])
    }


@pytest.mark.parametrize("chance", range(4))
def test_no_scan_is_acknowledged_that_cannot_be_read_back(path: Path, chance: int) -> None:
    """One byte is damaged, anywhere: in a row, an index, a header."""
    a_journal(path)
    sound = path.read_bytes()
    choose = np.random.default_rng(chance)
    answered = 0
    for _ in range(60):
        data = bytearray(sound)
        data[int(choose.integers(len(data)))] ^= int(choose.integers(1, 256))
        path.write_bytes(data)
        acknowledged = {}
        with suppress(JournalError), Journal(path) as journal:
            record = journal.begin(some_record(scan="new"))
            acknowledged[record.id] = record
            acknowledged[record.id] = journal.update(ended(record))
            answered += 1
        # In a new process nothing is remembered.
        for id_, record in acknowledged.items():
            with JournalReader(path) as reader:
                assert reader.record(id_) == record
    assert answered


def test_a_definition_that_is_damaged_is_written_anew_by_the_next_scan(path: Path) -> None:
    records = a_journal(path)
    with Journal(path) as journal:
        journal.begin(some_record())
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("UPDATE definition SET payload = replace(CAST(payload AS TEXT), 'NXentry', 'NXentrx')")
        assert journal.record(records[0].id).definition.is_lost
        journal.begin(some_record())
        assert journal.record(records[0].id).definition.text == DEFINITION
    assert check_journal(path) == ()


def test_a_start_that_is_damaged_while_its_scan_runs_is_written_anew_at_the_end(path: Path) -> None:
    with Journal(path) as journal:
        record = journal.begin(some_record(values=40))
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("UPDATE part SET payload = zeroblob(length(payload)) WHERE name = 'initial'")
        with pytest.raises(JournalError, match="damaged"):
            journal.record(record.id)
        record = journal.update(ended(record))
        assert journal.record(record.id) == record


def test_another_process_that_removes_a_definition_does_not_spoil_the_next_scan(path: Path) -> None:
    with Journal(path) as journal, Journal(path, claim=False) as other:
        first = journal.begin(some_record())
        other.remove([first.id])
        second = journal.begin(some_record())
        assert journal.record(second.id) == second


class TestLog:
    """The write-ahead log, left behind by a daemon that was killed."""

    @pytest.fixture
    def records(self, path: Path, tmp_path: Path) -> list[Record]:
        with Journal(tmp_path / "running" / path.name) as journal:
            records = [journal.begin(some_record(scan=f"scan{number}", values=40)) for number in range(12)]
            for name in (path.name, f"{path.name}-wal"):
                shutil.copyfile(tmp_path / "running" / name, path.with_name(name))
        return records

    def flip(self, path: Path, place: int) -> None:
        log = path.with_name(f"{path.name}-wal")
        data = bytearray(log.read_bytes())
        data[place] ^= 1
        log.write_bytes(data)

    def test_a_sound_log_is_not_told_of(self, path: Path, records: list[Record]) -> None:
        assert check_journal(path) == ()
        with Journal(path) as journal:
            assert journal.damage is None
            assert len(journal.summaries()) == len(records)

    @pytest.mark.parametrize("place", [17, 5000, 200_000])
    def test_commits_behind_a_damaged_place_are_told_and_saved(
        self, path: Path, records: list[Record], tmp_path: Path, place: int
    ) -> None:
        self.flip(path, place)
        assert "log of the journal" in str(check_journal(path)[0])
        with Journal(path) as journal:
            assert len(journal.summaries()) < len(records)
            assert "commits lie behind a damaged place" in str(journal.damage)
            # What is written now must not destroy what can still be saved.
            journal.update(ended(journal.begin(some_record())))
        (copy,) = path.parent.glob("damaged-*/journal.sqlite")
        assert str(copy) in str(journal.damage)
        found = salvaged(copy, tmp_path / "saved.sqlite")
        assert [found[record.id] for record in records] == records

    def test_a_last_commit_that_was_cut_off_is_no_damage(self, path: Path, records: list[Record]) -> None:
        log = path.with_name(f"{path.name}-wal")
        log.write_bytes(log.read_bytes()[:-100])
        assert check_journal(path) == ()
        with Journal(path) as journal:
            assert journal.damage is None
            assert len(journal.summaries()) == len(records) - 1
