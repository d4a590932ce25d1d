from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from some_records import ended, some_record

from nxscribe.errors import JournalError
from nxscribe.model import Reading, now
from nxscribe.records import EndReason, Journal, JournalReader, Record, check_journal, read_record
from nxscribe.records import _database as database


def test_a_begun_record_is_kept_whole_and_is_there_after_reopening(path: Path) -> None:
    with Journal(path) as journal:
        record = journal.begin(some_record())
        assert journal.record(record.id) == record
    with Journal(path) as journal:
        assert journal.record(record.id) == record
        assert journal.open_records() == (record,)


def test_scans_of_one_master_are_numbered_from_one_and_each_master_has_its_own_count(journal: Journal) -> None:
    numbers = [journal.begin(some_record(proposal=proposal)).number for proposal in ("ma1", "ma1", "ma2", "ma1")]
    assert numbers == [1, 2, 1, 3]


def test_a_number_is_never_below_the_one_asked_for_nor_below_the_last(journal: Journal) -> None:
    assert journal.begin(some_record(), at_least=29).number == 29
    assert journal.begin(some_record(), at_least=3).number == 30
    assert journal.record(journal.summaries(limit=1)[0].id).entry == "entry_0030"


def test_an_update_replaces_what_changed_and_keeps_the_rest(journal: Journal) -> None:
    record = journal.begin(some_record())
    changed = replace(record, given={"frames": Reading("parameter", now(), np.arange(5000))}, notes=("restarted",))
    journal.update(changed)
    assert journal.record(record.id) == changed
    finished = ended(changed)
    journal.update(finished)
    assert journal.record(record.id) == finished
    assert journal.open_records() == ()


def test_what_was_read_at_the_start_never_changes(journal: Journal) -> None:
    record = journal.begin(some_record())
    readings = record.initial.readings | {"energy": Reading("parameter", now(), np.array(17.05), "keV")}
    journal.update(replace(record, initial=replace(record.initial, readings=readings)))
    assert journal.record(record.id) == record


def test_each_change_raises_the_revision_that_a_reader_is_given(journal: Journal, path: Path) -> None:
    record = journal.begin(some_record())
    assert read_record(path, record.id) == (record, 1)
    journal.update(ended(record))
    assert read_record(path, record.id)[1] == 2


def test_an_unknown_record_is_refused_by_its_id(journal: Journal, path: Path) -> None:
    for look in (journal.record, journal.requeue, lambda id_: read_record(path, id_)):
        with pytest.raises(JournalError, match="has no record 4711"):
            look("4711")
    with pytest.raises(JournalError, match="has no record"):
        journal.update(ended(some_record()))


def test_the_same_record_cannot_begin_twice_and_nothing_of_the_second_remains(journal: Journal) -> None:
    record = journal.begin(some_record())
    with pytest.raises(JournalError, match="is there already"):
        journal.begin(replace(record, notes=("again",)))
    assert journal.record(record.id) == record
    assert len(journal.summaries()) == 1


def test_a_record_that_cannot_be_written_is_refused_and_the_journal_goes_on(journal: Journal) -> None:
    with pytest.raises(JournalError, match="cannot be written as JSON"):
        journal.begin(some_record(scan="\ud800"))
    assert journal.begin(some_record()).number == 1


def test_a_definition_that_is_not_what_its_checksum_says_is_refused(journal: Journal) -> None:
    draft = some_record()
    journal.begin(draft)
    forged = replace(some_record(), definition=replace(draft.definition, text="<group/>"))
    with pytest.raises(JournalError, match="the sha256 of its definition"):
        journal.begin(forged)


def test_a_definition_is_stored_once_however_many_scans_use_it(path: Path) -> None:
    # A text that cannot be compressed: stored twice, it would show.
    text = np.random.default_rng(1).bytes(200_000).hex()
    with Journal(path) as journal:
        for _ in range(5):
            record = journal.begin(some_record(text=text))
        assert journal.record(record.id).definition.text == text
    assert path.stat().st_size < 350_000


def test_start_and_end_of_150_values_with_their_provenance_take_less_than_60_kilobytes(path: Path) -> None:
    with Journal(path) as journal:
        for _ in range(20):
            journal.update(ended(journal.begin(some_record(values=150)), values=150))
    assert path.stat().st_size / 20 < 60_000


def test_the_highest_number_is_known_of_each_master(journal: Journal) -> None:
    assert journal.highest_number(some_record().master) == 0
    records = [journal.begin(some_record(proposal=proposal)) for proposal in ("ma1", "ma2", "ma1")]
    assert [journal.highest_number(record.master) for record in records] == [2, 1, 2]


def test_a_renumbered_record_is_due_and_tells_both_numbers(journal: Journal) -> None:
    first, second = (journal.begin(some_record()) for _ in range(2))
    for work in journal.due(now()):
        journal.done(work)
    kept = journal.renumber(first.id, at_least=2)
    assert (kept.entry, kept.notes) == (
        "entry_0003",
        ("entry_0003 was entry_0001 at first: that name was taken by a scan of another daemon",),
    )
    assert journal.renumber(second.id, at_least=9).number == 9
    assert [work.entry for work in journal.due(now())] == ["entry_0003", "entry_0009"]
    assert journal.record(first.id) == kept
    assert check_journal(journal.path) == ()


def test_a_record_whose_definition_is_damaged_can_be_renumbered(journal: Journal) -> None:
    record = journal.begin(some_record())
    with journal._database.writing() as connection:
        connection.execute("UPDATE definition SET payload = zeroblob(9)")
    assert journal.renumber(record.id, at_least=5).number == 5
    assert journal.record(record.id).number == 5


def test_whoever_updates_a_record_that_was_renumbered_meanwhile_learns_its_number(journal: Journal) -> None:
    record = journal.begin(some_record())
    journal.renumber(record.id, at_least=7)
    assert journal.note(record).number == 7
    kept = journal.update(ended(record))
    assert kept.number == 7
    assert "entry_0007 was entry_0001" in kept.notes[-1]
    assert journal.record(record.id) == kept
    assert check_journal(journal.path) == ()


def test_summaries_are_newest_first_and_can_be_narrowed(journal: Journal) -> None:
    first = journal.begin(some_record(proposal="ma1", scan="a"))
    second = journal.begin(some_record(proposal="ma2", scan="b"))
    journal.update(ended(first))
    assert [summary.id for summary in journal.summaries()] == [second.id, first.id]
    assert [summary.id for summary in journal.summaries(limit=1)] == [second.id]
    assert journal.summaries(beamline="id17") == ()
    (summary,) = journal.summaries(beamline="id16a", proposal="ma1")
    assert summary.identity == first.identity
    assert summary.end_reason is EndReason.FINISHED
    assert (summary.number, summary.master, summary.start_time) == (1, first.master, first.start_time)


def test_an_imported_record_keeps_its_number_and_is_not_due(journal: Journal) -> None:
    record = replace(ended(some_record()), number=17)
    journal.add(record)
    assert journal.record(record.id) == record
    assert journal.due(now()) == ()
    assert journal.begin(some_record()).number == 18


def test_an_imported_record_cannot_take_the_number_of_another(journal: Journal) -> None:
    record = journal.begin(some_record())
    with pytest.raises(JournalError, match=record.id):
        journal.add(replace(some_record(), number=record.number))


def test_threads_share_a_journal_and_no_number_is_given_twice(journal: Journal) -> None:
    def scan(number: int) -> int:
        record = journal.begin(some_record(scan=f"scan{number}"))
        journal.update(ended(record))
        assert journal.record(record.id).identity.scan == f"scan{number}"
        return record.number

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(scan, range(40))) == list(range(1, 41))


ADD_TEN = """
import sys
from pathlib import Path
from nxscribe.records import Journal
from some_records import some_record
with Journal(Path(sys.argv[1]), claim=False) as journal:
    print(*[journal.begin(some_record()).number for _ in range(10)])
"""


def test_processes_share_a_journal_and_no_number_is_given_twice(journal: Journal, path: Path) -> None:
    children = [
        subprocess.Popen(
            [sys.executable, "-c", ADD_TEN, path],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        )
        for _ in range(2)
    ]
    mine = [journal.begin(some_record()).number for _ in range(10)]
    theirs = [int(number) for child in children for number in child.communicate()[0].split()]
    assert sorted(mine + theirs) == list(range(1, 31))


def test_a_second_daemon_on_a_journal_is_refused_and_told_who_has_it(journal: Journal, path: Path) -> None:
    child = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, pathlib, nxscribe.records as r; r.Journal(pathlib.Path(sys.argv[1]))",
            path,
        ],
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    holder = path.with_name("journal.sqlite.lock").read_text().strip()
    assert f"another daemon uses it (process {holder})" in child.stderr
    assert journal.begin(some_record()).number == 1


def test_a_journal_can_be_had_again_after_its_holder_closed_it(path: Path) -> None:
    Journal(path).close()
    Journal(path).close()


def test_a_tool_that_does_not_claim_the_journal_cannot_create_it(path: Path) -> None:
    with pytest.raises(JournalError, match="the file does not exist"):
        Journal(path, claim=False)


def test_a_journal_makes_its_folder_and_takes_any_name(tmp_path: Path) -> None:
    path = tmp_path / "état #1 ?" / "id16a" / "100%.sqlite"
    with Journal(path) as journal:
        record = journal.begin(some_record())
    assert read_record(path, record.id) == (record, 1)


def test_a_closed_journal_says_that_it_is_closed(path: Path) -> None:
    journal = Journal(path)
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.begin(some_record())


def test_commits_are_synced_to_the_disk(journal: Journal) -> None:
    with journal._database.writing() as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,), "FULL: the WAL is synced at each commit"
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_a_reader_sees_each_commit_at_once_and_hinders_none(journal: Journal, path: Path) -> None:
    record = journal.begin(some_record())
    with JournalReader(path) as reader:
        assert reader.record(record.id) == record
        journal.update(ended(record))
        assert reader.record(record.id) == journal.record(record.id)
        assert reader.summaries()[0].end_reason is EndReason.FINISHED


def test_nobody_waits_for_a_commit_to_look_at_the_queue(journal: Journal) -> None:
    record = journal.begin(some_record())
    with journal._database.writing():
        assert journal.queue().waiting == 1
        assert journal.record(record.id) == record


def test_a_reader_cannot_be_had_of_a_journal_that_is_not_there(path: Path) -> None:
    with pytest.raises(JournalError, match="the file does not exist"):
        JournalReader(path)
    assert not path.exists()


def test_a_wal_that_has_grown_is_taken_into_the_database_by_the_outbox(path: Path) -> None:
    wal = path.with_name("journal.sqlite-wal")
    with Journal(path) as journal:
        while wal.stat().st_size < 5 << 20:
            record = journal.begin(some_record(values=400))
        before = path.stat().st_size
        journal.done(journal.due(now(), 1)[0])
        assert path.stat().st_size > before
        journal.begin(some_record())
        assert wal.stat().st_size < 100_000
        assert journal.record(record.id) == record


def as_before(path: Path, scans: int, *, removed: int = 0) -> list[Record]:
    """A journal of the time when no page could be given back alone; the records that are left in it."""
    with Journal(path) as journal:
        records = [journal.begin(some_record(values=50)) for _ in range(scans)]
        journal.remove([record.id for record in records[:removed]])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA auto_vacuum = NONE")
        free = connection.execute("PRAGMA freelist_count").fetchone()[0]
        connection.execute("VACUUM")
        if removed:
            connection.execute("CREATE TABLE padding (data BLOB)")
            connection.executemany("INSERT INTO padding VALUES (zeroblob(4000))", [()] * free)
            connection.execute("DROP TABLE padding")
        connection.commit()
        connection.execute("PRAGMA journal_mode = WAL")
        connection.commit()
    return records[removed:]


def is_rewritten(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_what_is_unused_is_given_back_a_few_pages_at_a_time(path: Path) -> None:
    with Journal(path) as journal:
        records = [journal.begin(some_record(values=50)) for _ in range(40)]
        journal.remove([record.id for record in records[:20]])
        shares = [journal.unused_share()]
        while shares[-1]:
            journal.shrink(2)
            shares.append(journal.unused_share())
        assert len(shares) > 5
        assert 0.1 < shares[0] < 0.9
        assert shares == sorted(shares, reverse=True)
        assert [journal.record(record.id) for record in records[20:]] == records[20:]
    assert check_journal(path) == ()


def test_the_small_journal_of_an_earlier_version_can_shrink_once_a_daemon_opened_it(path: Path) -> None:
    records = as_before(path, 3)
    with JournalReader(path) as reader:
        assert [reader.record(record.id) for record in records] == records
    Journal(path, claim=False).close()
    assert not is_rewritten(path)
    with Journal(path) as journal:
        assert journal.can_shrink
        assert [journal.record(record.id) for record in records] == records
    assert is_rewritten(path)
    assert check_journal(path) == ()


@pytest.mark.parametrize(("removed", "rewritten"), [(0, False), (15, True)])
def test_a_large_one_is_rewritten_at_that_start_only_that_has_much_to_gain(
    path: Path, removed: int, *, rewritten: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_SMALL_BYTES", 0)
    records = as_before(path, 20, removed=removed)
    with Journal(path) as journal:
        assert journal.can_shrink == rewritten
        assert [journal.record(record.id) for record in records] == records


def test_a_damaged_one_is_left_as_it_is(path: Path) -> None:
    as_before(path, 20)
    with closing(sqlite3.connect(path)) as connection:
        page = "SELECT rootpage FROM sqlite_master WHERE name = 'sqlite_autoindex_record_1'"
        offset = connection.execute(page).fetchone()[0] * 4096 - 200  # near the end of the page, where its cells are
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(bytes(100))
    assert check_journal(path)
    Journal(path).close()
    assert not is_rewritten(path)
