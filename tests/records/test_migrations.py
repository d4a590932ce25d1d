from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from some_records import some_record

from nxscribe.errors import JournalError
from nxscribe.model import now
from nxscribe.records import Journal, JournalReader, ProjectionState, Queue, check_journal, record_from_json
from nxscribe.records import _migrations as migrations

HERE = Path(__file__).parent


def test_a_journal_of_the_first_version_opens_with_all_that_is_in_it(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript((HERE / "journal-schema-1.sql").read_text())
    with Journal(path) as journal:
        (summary,) = journal.summaries()
        assert journal.record(summary.id) == record_from_json((HERE / "record-format-1.jsonl").read_bytes())
        assert (summary.files, summary.reason) == (ProjectionState.FAILING, "the disk is full")
        assert journal.begin(some_record()).number == 30
        assert journal.can_shrink
    assert check_journal(path) == ()


def test_what_waits_in_a_journal_of_the_second_version_is_due_as_before(path: Path) -> None:
    with Journal(path) as journal:
        made, waiting, failing = (journal.begin(some_record()) for _ in range(3))
        for_made, _, for_failing = journal.due(now())
        journal.done(for_made)
        journal.failed(for_failing, "the disk is full", now())
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP INDEX due_projection; DROP INDEX unmade_projection;"
            "CREATE INDEX unmade_projection ON projection (kind, record) WHERE state <> 'made'; PRAGMA user_version = 2"
        )
    with Journal(path) as journal:
        assert [work.record_id for work in journal.due(now())] == [waiting.id, failing.id]
        assert journal.queue() == Queue(waiting=1, failing=1, set_aside=0, reason="the disk is full")
        assert journal.record(made.id) == made
    assert check_journal(path) == ()


def test_a_later_version_migrates_a_journal_of_today(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(path) as journal:
        record = journal.begin(some_record())
    monkeypatch.setattr(
        migrations, "MIGRATIONS", (*migrations.MIGRATIONS, ("ALTER TABLE record ADD COLUMN mood TEXT",))
    )
    monkeypatch.setattr(migrations, "VERSION", migrations.VERSION + 1)
    with Journal(path) as journal:
        assert journal.record(record.id) == record
        with journal._database.reading() as connection:
            assert connection.execute("SELECT mood FROM record").fetchone() == (None,)


def test_a_migration_that_fails_leaves_the_journal_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(path) as journal:
        record = journal.begin(some_record())
    with monkeypatch.context() as later:
        later.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, ("DROP TABLE part", "no SQL at all")))
        later.setattr(migrations, "VERSION", migrations.VERSION + 1)
        with pytest.raises(JournalError, match="syntax error"):
            Journal(path)
    with Journal(path) as journal:
        assert journal.record(record.id) == record


def test_a_journal_of_a_later_version_is_refused_and_left_alone(path: Path) -> None:
    Journal(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    for use in (Journal, JournalReader):
        with pytest.raises(JournalError, match=r"it has schema 99, .*a later version wrote it.*install that version"):
            use(path)


def test_a_reader_refuses_a_journal_that_no_daemon_has_used(path: Path) -> None:
    path.touch()
    with pytest.raises(JournalError, match="start the daemon once"):
        JournalReader(path)


def test_the_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE tango_device (name TEXT)")
    before = path.read_bytes()
    for use in (Journal, JournalReader):
        with pytest.raises(JournalError, match="another program's database"):
            use(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    path.write_text("beamline: id16a\n" * 500)
    before = path.read_bytes()
    for use in (Journal, JournalReader):
        with pytest.raises(JournalError, match="the file is not a journal of nxscribe"):
            use(path)
    assert path.read_bytes() == before
