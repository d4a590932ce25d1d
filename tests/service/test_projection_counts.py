"""The counts of what waits for the journal's projections: a trigger and State never wait for them."""

from __future__ import annotations

import threading

import pytest
from daemons import wait_until

from nxscribe.errors import JournalError, Problem
from nxscribe.records import Queue
from nxscribe.service._projection_counts import ProjectionCounts


class Outbox:
    """The part of a journal that is asked, with a number of waiting projections that a test sets."""

    projections = ("nexus",)

    def __init__(self) -> None:
        self.waiting = self.failing = 0
        self.answers = threading.Event()
        self.answers.set()
        self.error: JournalError | None = None

    def queue(self, kind: str) -> Queue:
        assert kind == "nexus"
        self.answers.wait(30)
        if self.error:
            raise self.error
        return Queue(self.waiting, self.failing, 0)


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def told() -> list[None]:
    return []


@pytest.fixture
def counts(outbox: Outbox, told: list[None]) -> ProjectionCounts:
    return ProjectionCounts(outbox, lambda: told.append(None))  # type: ignore[arg-type]  # all that it asks for


def waiting(counts: ProjectionCounts) -> int:
    return counts.by_kind["nexus"].waiting


def test_from_a_commit_on_something_waits_and_a_journal_that_hangs_holds_up_neither_commit_nor_reader(outbox, counts):
    outbox.answers.clear()
    counts.thread.start()
    for _ in range(3):
        counts.note_commit()
        assert waiting(counts) == 1
    outbox.waiting = 3
    outbox.answers.set()
    wait_until(lambda: waiting(counts) == 3, "all are counted")
    counts.stop()


def test_counts_that_changed_are_told_and_those_that_were_shown_already_are_not(outbox, counts, told):
    counts.thread.start()
    outbox.waiting = 2
    counts.note_commit()
    wait_until(lambda: len(told) == 1, "it is told that two wait")
    outbox.waiting = 2
    counts.note_commit()
    wait_until(lambda: not counts._committed.is_set(), "the second commit is counted")
    counts.stop()
    assert len(told) == 1


def test_what_is_committed_during_a_count_is_not_lost(outbox, counts):
    outbox.answers.clear()
    counting = threading.Thread(target=counts.count)
    counting.start()
    counts.note_commit()
    outbox.answers.set()
    counting.join(20)
    assert waiting(counts) == 1, "the count of before does not say that nothing waits"
    outbox.waiting = 1
    counts.count()
    assert waiting(counts) == 1


def test_a_journal_that_cannot_be_read_leaves_the_last_counts(outbox, counts):
    outbox.waiting = 4
    counts.count()
    outbox.error = JournalError(Problem("the journal cannot be read"))
    counts.count()
    assert waiting(counts) == 4


def test_what_failed_before_a_commit_is_not_shown_after_it(outbox, counts):
    outbox.failing = 1
    counts.count()
    outbox.failing, outbox.waiting = 0, 1
    counts.note_commit()
    assert counts.by_kind["nexus"].failing == 0
