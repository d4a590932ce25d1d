from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from some_records import ended, some_record

from nxscribe.model import now
from nxscribe.records import NEXUS, Journal, JournalReader, ProjectionState, Queue, Standing, salvage
from nxscribe.records._outbox import due, sortable


def test_a_new_record_is_due_with_all_that_the_worker_needs_to_know(journal: Journal) -> None:
    record = journal.begin(some_record())
    (work,) = journal.due(now())
    assert (work.record_id, work.revision, work.attempts, work.last_error) == (record.id, 1, 0, "")
    assert (work.entry, work.master, work.session) == ("entry_0001", record.master, record.session)
    assert journal.queue() == Queue(waiting=1, failing=0, set_aside=0)


def test_work_that_is_done_is_due_no_more(journal: Journal) -> None:
    record = journal.begin(some_record())
    assert journal.summaries()[0].files is ProjectionState.WAITING
    journal.done(journal.due(now())[0])
    assert journal.due(now()) == ()
    assert journal.summaries()[0].files is ProjectionState.MADE
    journal.update(ended(record))
    assert len(journal.due(now())) == 1


def test_a_record_that_changed_while_its_files_were_made_is_due_again(journal: Journal) -> None:
    record = journal.begin(some_record())
    (work,) = journal.due(now())
    journal.update(ended(record))
    journal.done(work)
    (again,) = journal.due(now())
    assert again.revision == work.revision + 1


def test_a_failure_of_a_state_that_is_past_does_not_delay_the_new_one(journal: Journal) -> None:
    record = journal.begin(some_record())
    (work,) = journal.due(now())
    journal.update(ended(record))
    journal.failed(work, "the disk is full", None)
    (again,) = journal.due(now())
    assert (again.attempts, again.last_error) == (0, "")


def test_due_work_comes_in_the_order_in_which_the_scans_began(journal: Journal) -> None:
    records = [journal.begin(some_record(scan=f"scan{number}")) for number in range(4)]
    journal.update(ended(records[0]))
    assert [work.record_id for work in journal.due(now())] == [record.id for record in records]
    assert [work.record_id for work in journal.due(now(), limit=2)] == [record.id for record in records[:2]]


def test_what_failed_comes_after_what_did_not_and_the_longest_due_first(journal: Journal) -> None:
    first, second, new = [journal.begin(some_record(scan=f"scan{number}")).id for number in range(3)]
    moment = now()
    journal.failed(journal.due(moment)[0], "it hangs", moment + timedelta(seconds=2))
    journal.failed(journal.due(moment)[0], "it hangs", moment + timedelta(seconds=1))
    due = journal.due(moment + timedelta(seconds=2))
    assert [work.record_id for work in due] == [new, second, first]


def test_failed_work_waits_until_its_time_and_remembers(journal: Journal) -> None:
    journal.begin(some_record())
    retry_at = now() + timedelta(seconds=60)
    journal.failed(journal.due(now())[0], "the disk is full", retry_at)
    assert journal.due(now()) == ()
    assert journal.queue() == Queue(waiting=0, failing=1, set_aside=0, reason="the disk is full")
    assert journal.summaries()[0].files is ProjectionState.FAILING
    (work,) = journal.due(retry_at)
    assert (work.attempts, work.last_error) == (1, "the disk is full")
    before = now()
    journal.failed(work, "still full", retry_at)
    assert journal.due(retry_at)[0].attempts == 2
    standing = journal.summaries()[0].projections[NEXUS]
    assert (standing.reason, standing.attempts, standing.next_at) == ("still full", 2, retry_at)
    assert standing.failed_at
    assert before <= standing.failed_at <= now()


@pytest.mark.parametrize("damage", [b"\0", "yesterday", "2026-03-01", 7])
def test_a_time_that_is_damaged_in_the_outbox_is_not_shown_and_harms_nothing(journal: Journal, damage: str) -> None:
    record = journal.begin(some_record())
    journal.failed(journal.due(now())[0], "the disk is full", None)
    with closing(sqlite3.connect(journal.path)) as connection, connection:
        connection.execute(
            "UPDATE projection SET failed_at = :time, next_at = :time, attempts = :time", {"time": damage}
        )
    standing = journal.standings(record.id)[NEXUS]
    assert (standing.state, standing.reason) == (ProjectionState.SET_ASIDE, "the disk is full")
    assert (standing.failed_at, standing.next_at) == (None, None)


def test_changes_that_follow_each_other_closely_are_projected_together(journal: Journal) -> None:
    record = journal.begin(some_record())
    first, second = (now() + timedelta(seconds=seconds) for seconds in (30, 40))
    journal.update(record, due_at=first)
    (work,) = journal.due(now())  # the start is not yet made: it waits for nothing
    journal.done(work)
    journal.update(record, due_at=first)
    journal.update(record, due_at=second)
    assert journal.due(first - timedelta(milliseconds=1)) == ()
    (work,) = journal.due(first)
    journal.update(ended(record))
    assert len(journal.due(now())) == 1


def test_what_is_due_is_not_put_off_by_the_changes_that_follow(journal: Journal) -> None:
    record = journal.begin(some_record())
    journal.done(journal.due(now())[0])
    journal.update(record, due_at=now())
    assert len(journal.due(now())) == 1
    journal.update(record, due_at=now() + timedelta(seconds=30))
    assert len(journal.due(now())) == 1


def test_a_clock_set_back_makes_nothing_wait_longer(journal: Journal) -> None:
    journal.begin(some_record())
    journal.failed(journal.due(now())[0], "the disk is full", now() + timedelta(seconds=60))
    assert len(journal.due(now() - timedelta(hours=1))) == 1


def test_work_set_aside_is_due_again_only_when_asked_for_or_when_the_record_changes(journal: Journal) -> None:
    record = journal.begin(some_record())
    journal.failed(journal.due(now())[0], "the writer crashed", None)
    assert journal.due(now() + timedelta(days=1)) == ()
    assert journal.due(now() - timedelta(days=1)) == ()
    assert journal.queue() == Queue(waiting=0, failing=0, set_aside=1, reason="the writer crashed")
    (summary,) = journal.summaries()
    assert (summary.files, summary.reason) == (ProjectionState.SET_ASIDE, "the writer crashed")
    journal.requeue(record.id)
    (work,) = journal.due(now())
    assert work.attempts == 0
    journal.failed(work, "the writer crashed", None)
    journal.update(ended(record))
    assert len(journal.due(now())) == 1


def test_the_queue_tells_the_reason_of_the_oldest_that_will_be_tried_again(journal: Journal) -> None:
    for _ in range(3):
        journal.begin(some_record())
    first, second, third = journal.due(now())
    journal.failed(first, "the writer crashed", None)
    journal.failed(third, "younger", now() + timedelta(seconds=60))
    journal.failed(second, "older", now() + timedelta(seconds=60))
    assert journal.queue() == Queue(waiting=0, failing=2, set_aside=1, reason="older")


def test_a_record_that_is_done_can_be_asked_for_again(journal: Journal) -> None:
    record = journal.begin(some_record())
    journal.done(journal.due(now())[0])
    journal.requeue(record.id)
    assert [work.record_id for work in journal.due(now())] == [record.id]


def test_what_is_due_outlives_the_daemon(path: Path) -> None:
    with Journal(path) as journal:
        journal.begin(some_record())
        journal.failed(journal.due(now())[0], "the disk is full", now())
    with Journal(path) as journal:
        assert [work.attempts for work in journal.due(now())] == [1]


def test_what_awaits_raw_files_is_due_again_at_its_time_and_counts_as_no_failure(journal: Journal) -> None:
    journal.begin(some_record())
    moment = now()
    (work,) = journal.due(moment)
    journal.postponed(work, moment + timedelta(seconds=30))
    assert journal.due(moment + timedelta(seconds=29)) == ()
    assert journal.queue() == Queue(waiting=0, failing=0, set_aside=0, pending=1)
    assert journal.summaries()[0].files is ProjectionState.PENDING
    (work,) = journal.due(moment + timedelta(seconds=30))
    assert (work.attempts, work.last_error) == (0, "")
    journal.done(work)
    assert journal.summaries()[0].files is ProjectionState.MADE


def test_a_clock_that_was_set_back_does_not_make_what_was_postponed_wait_for_it(journal: Journal) -> None:
    journal.begin(some_record())
    (work,) = journal.due(now())
    journal.postponed(work, now() + timedelta(days=30))
    assert journal.due(now()) == (work,)


def test_a_change_makes_what_was_postponed_due_at_once(journal: Journal) -> None:
    record = journal.begin(some_record())
    (work,) = journal.due(now())
    journal.postponed(work, now() + timedelta(minutes=1))
    journal.update(ended(record))
    assert len(journal.due(now())) == 1
    journal.postponed(work, now() + timedelta(minutes=1))
    assert len(journal.due(now())) == 1, "a postponement of an older state counts for nothing"


SIDECAR = "sidecar"


@pytest.fixture
def both(journal: Journal) -> Journal:
    """A journal whose daemon asks for a second kind of projection."""
    journal.projections = (NEXUS, SIDECAR)
    return journal


def test_each_kind_of_projection_is_due_and_done_by_itself(both: Journal) -> None:
    record = both.begin(some_record())
    (files,), (sidecar,) = both.due(now()), both.due(now(), kind=SIDECAR)
    assert (files.kind, sidecar.kind) == (NEXUS, SIDECAR)
    both.done(sidecar, '{"file":"a.json"}')
    assert both.due(now(), kind=SIDECAR) == ()
    assert both.due(now()) == (files,)
    both.failed(files, "the disk is full", None)
    moment = both.standings(record.id)[NEXUS].failed_at
    assert both.standings(record.id) == {
        NEXUS: Standing(ProjectionState.SET_ASIDE, "the disk is full", attempts=1, failed_at=moment),
        SIDECAR: Standing(ProjectionState.MADE, "", '{"file":"a.json"}'),
    }
    assert (both.queue().set_aside, both.queue(SIDECAR)) == (1, Queue(0, 0, 0))
    (summary,) = both.summaries()
    assert summary.files is ProjectionState.SET_ASIDE
    assert summary.projections == both.standings(record.id)


def test_a_projection_that_comes_after_another_is_due_when_that_one_is_made(both: Journal) -> None:
    record = both.begin(some_record())
    assert both.due(now(), kind=SIDECAR, after=(NEXUS,)) == ()
    (files,) = both.due(now())
    both.postponed(files, now())
    assert both.due(now(), kind=SIDECAR, after=(NEXUS,)) == (), "raw files are awaited"
    both.done(files)
    (sidecar,) = both.due(now(), kind=SIDECAR, after=(NEXUS,))
    both.update(ended(record))
    assert both.due(now(), kind=SIDECAR, after=(NEXUS,)) == (), "the files are to be made of the record's new state"
    assert sidecar.record_id == record.id


def test_a_result_is_kept_though_the_record_changed_meanwhile(both: Journal) -> None:
    record = both.begin(some_record())
    (work,) = both.due(now(), kind=SIDECAR)
    both.update(ended(record))
    both.done(work, '{"pid":"20.500/1"}')
    assert both.standings(record.id)[SIDECAR] == Standing(ProjectionState.WAITING, "", '{"pid":"20.500/1"}')


def test_a_kind_that_is_asked_for_later_is_due_for_records_that_change_from_then_on(journal: Journal) -> None:
    old, open_one = journal.begin(some_record()), journal.begin(some_record())
    journal.projections = (NEXUS, SIDECAR)
    assert journal.due(now(), kind=SIDECAR) == ()
    journal.update(ended(open_one))
    assert [work.record_id for work in journal.due(now(), kind=SIDECAR)] == [open_one.id]
    journal.requeue(old.id)
    assert len(journal.due(now(), kind=SIDECAR)) == 2


def test_a_kind_that_is_asked_for_no_more_keeps_no_record_from_leaving(both: Journal) -> None:
    records = [both.begin(some_record()) for _ in range(2)]
    both.update(ended(records[0]))
    for work in both.due(now()):
        both.done(work)
    later = now() + timedelta(days=1)
    assert both.expired(later) == ()
    both.projections = (NEXUS,)
    assert both.expired(later) == (records[0].id,)


def test_a_state_that_damage_made_unreadable_counts_as_due(both: Journal) -> None:
    record = both.begin(some_record())
    with both._database.writing() as connection:
        connection.execute("UPDATE projection SET state = 'm\u00a7de', next_at = '9'")
    assert [work.record_id for work in both.due(now())] == [record.id]
    assert both.queue().waiting == 1
    assert both.summaries()[0].files is ProjectionState.WAITING


def test_salvage_keeps_what_each_projection_said_of_what_it_made(both: Journal, path: Path, tmp_path: Path) -> None:
    record = both.begin(some_record())
    both.done(both.due(now(), kind=SIDECAR)[0], '{"pid":"20.500/1"}')
    both.close()
    salvage(path, tmp_path / "new.sqlite")
    with JournalReader(tmp_path / "new.sqlite") as new:
        assert new.standings(record.id) == {
            NEXUS: Standing(ProjectionState.WAITING),
            SIDECAR: Standing(ProjectionState.MADE, "", '{"pid":"20.500/1"}'),
        }


def test_a_projection_may_come_after_several_others(journal: Journal) -> None:
    journal.projections = (NEXUS, SIDECAR, "catalogue")
    journal.begin(some_record())
    first, second = (journal.due(now(), kind=kind)[0] for kind in (NEXUS, SIDECAR))
    for work in (first, second):
        assert journal.due(now(), kind="catalogue", after=(NEXUS, SIDECAR)) == ()
        journal.done(work)
    assert len(journal.due(now(), kind="catalogue", after=(NEXUS, SIDECAR))) == 1


def test_what_is_unreadable_is_counted_beside_what_waits(both: Journal) -> None:
    both.begin(some_record())
    damaged = both.begin(some_record())
    with both._database.writing() as connection:
        connection.execute(
            "UPDATE projection SET state = '?' WHERE record = (SELECT position FROM record WHERE id = ?)", (damaged.id,)
        )
    assert both.queue().waiting == 2


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
def test_times_sort_as_texts_wherever_the_machine_stands(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        noon = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))
        assert sortable(noon) == "2026-03-01T10:00:00.000000+00:00"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_record_is_asked_for_again_by_its_id_whatever_its_number(journal: Journal) -> None:
    records = [journal.begin(some_record(), at_least=number) for number in (2, 1)]
    for work in journal.due(now()):
        journal.done(work)
    journal.requeue(records[1].id)
    assert [work.record_id for work in journal.due(now())] == [records[1].id]


def test_a_projection_that_says_nothing_of_what_it_made_has_no_result(journal: Journal) -> None:
    record = journal.begin(some_record())
    journal.postponed(journal.due(now())[0], now())
    assert journal.standings(record.id)[NEXUS].result == ""
    journal.done(journal.due(now())[0])
    assert journal.standings(record.id)[NEXUS].result == ""


@pytest.mark.parametrize("state", [state for state in ProjectionState if state is not ProjectionState.WAITING])
def test_what_is_not_due_costs_nothing_however_much_it_is(journal: Journal, state: ProjectionState) -> None:
    journal.begin(some_record())
    moment = now()

    def steps() -> int:
        """How many steps of SQLite's virtual machine it takes to find what is due."""
        count = 0

        def note() -> None:
            nonlocal count
            count += 1

        with journal._database.reading() as connection:
            connection.set_progress_handler(note, 1)
            try:
                assert len(due(connection, moment, 10)) == 1
            finally:
                connection.set_progress_handler(None, 1)
        return count

    few = steps()
    next_at = sortable(moment + timedelta(minutes=1)) if state in {"failing", "pending"} else None
    with journal._database.writing() as connection:
        (position,) = connection.execute("SELECT max(position) FROM record").fetchone()
        columns = "id, beamline, proposal, sample, scan, technique, session, master, definition, start_time, revision"
        for number in range(1, 1001):
            connection.execute(
                f"INSERT INTO record (position, number, {columns}) SELECT position + ?, number + ?, id || ?,"  # noqa: S608
                f" {columns.removeprefix('id, ')} FROM record WHERE position = ?",
                (number, number, number, position),
            )
            connection.execute(
                "INSERT INTO projection (record, kind, state, next_at) VALUES (?, ?, ?, ?)",
                (position + number, NEXUS, state, next_at),
            )
    assert steps() <= few + 20


def test_what_is_due_comes_in_its_order_though_only_some_is_asked_for(journal: Journal) -> None:
    moment = now()
    records = [journal.begin(some_record(scan=f"scan{number}")) for number in range(4)]
    failed, _, awaiting, _ = journal.due(moment)
    journal.failed(failed, "the disk is full", moment)
    journal.postponed(awaiting, moment)
    in_order = [records[number].id for number in (1, 2, 3, 0)]
    for limit in range(1, 5):
        assert [work.record_id for work in journal.due(moment, limit)] == in_order[:limit]
