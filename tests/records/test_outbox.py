from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from some_records import ended, some_record

from nxscribe.model import now
from nxscribe.records import FilesState, Journal, Queue


def test_a_new_record_is_due_with_all_that_the_worker_needs_to_know(journal: Journal) -> None:
    record = journal.begin(some_record())
    (work,) = journal.due(now())
    assert (work.record_id, work.revision, work.attempts, work.last_error) == (record.id, 1, 0, "")
    assert (work.entry, work.master, work.session) == ("entry_0001", record.master, record.session)
    assert journal.queue() == Queue(waiting=1, failing=0, set_aside=0)


def test_work_that_is_done_is_due_no_more(journal: Journal) -> None:
    record = journal.begin(some_record())
    assert journal.summaries()[0].files is FilesState.WAITING
    journal.done(journal.due(now())[0])
    assert journal.due(now()) == ()
    assert journal.summaries()[0].files is FilesState.MADE
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
    assert journal.summaries()[0].files is FilesState.FAILING
    (work,) = journal.due(retry_at)
    assert (work.attempts, work.last_error) == (1, "the disk is full")
    journal.failed(work, "still full", retry_at)
    assert journal.due(retry_at)[0].attempts == 2


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
    assert (summary.files, summary.reason) == (FilesState.SET_ASIDE, "the writer crashed")
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
    assert journal.summaries()[0].files is FilesState.PENDING
    (work,) = journal.due(moment + timedelta(seconds=30))
    assert (work.attempts, work.last_error) == (0, "")
    journal.done(work)
    assert journal.summaries()[0].files is FilesState.MADE


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
