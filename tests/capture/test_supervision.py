"""Each thread of the capture is ended, and meets what nobody foresaw: it is told, comes back, and reads go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import structlog
from daemons import wait_until
from end_parts import end_thread
from fake_clock import FakeClock
from fake_source import KEY, FakeConnection, FakeKind

from nxscribe.capture import SourceReader
from nxscribe.runtime import Supervisor
from nxscribe.sources import Item

A, B = Item(KEY, "one/a"), Item(KEY, "two/b")


@pytest.fixture
def one() -> FakeConnection:
    return FakeConnection(FakeClock(), "one")


@pytest.fixture
def supervisor() -> Supervisor:
    return Supervisor()


@pytest.fixture
def reader(one: FakeConnection, supervisor: Supervisor) -> Iterator[SourceReader]:
    kind = FakeKind(one=one, two=FakeConnection(FakeClock(), "two"))
    with SourceReader(kinds={KEY: kind}, supervisor=supervisor) as reader:
        yield reader


def can_be_read(reader: SourceReader, *items: Item) -> bool:
    found = reader.ask(reader.request(items), time.monotonic() + 2.0)
    return all(reading.ok for reading in found.values())


def test_the_worker_of_an_endpoint_that_has_ended_is_told_and_comes_back(
    reader: SourceReader, supervisor: Supervisor
) -> None:
    assert can_be_read(reader, A, B)
    worker = next(worker for worker in reader._all_workers() if worker.name == "one")
    ending = threading.Thread(target=end_thread, args=(worker.thread,))
    ending.start()
    while ending.is_alive():
        worker._messages.put(None)  # it ends after the turn under way, which waits for a message
        ending.join(0.01)
    assert can_be_read(reader, B), "the other endpoint does not notice"
    assert supervisor.check()
    assert supervisor.troubles == ("the worker of one has ended, and is started again",)
    wait_until(lambda: can_be_read(reader, A), "it is read again")
    assert supervisor.check()
    assert supervisor.troubles == ()


def test_an_error_that_nobody_foresaw_is_told_with_its_trace_back_until_the_endpoint_is_well_again(
    reader: SourceReader, supervisor: Supervisor, one: FakeConnection
) -> None:
    assert can_be_read(reader, A, B)
    one.crash = ZeroDivisionError("it never divides")
    with structlog.testing.capture_logs() as lines:
        assert not can_be_read(reader, A)
        wait_until(lambda: supervisor.check() and supervisor.troubles, "it is told, and no new process is needed")
    assert "the worker of one failed, and tries again: ZeroDivisionError" in supervisor.troubles[0]
    assert any(line.get("exc_info") and line["thread"] == "worker of one" for line in lines)
    one.crash = None
    wait_until(lambda: can_be_read(reader, A), "it is read again")
    assert supervisor.check()
    assert supervisor.troubles == ()
    assert reader.troubles == {}


def test_a_worker_whose_endpoint_hangs_is_no_trouble_of_the_daemon(
    reader: SourceReader, supervisor: Supervisor, one: FakeConnection
) -> None:
    assert can_be_read(reader, A)
    until = time.monotonic() + 0.5
    one.during = lambda: time.sleep(max(0.0, until - time.monotonic()))
    reader.ask(reader.request([A]), time.monotonic() + 0.1)
    assert supervisor.check()
    assert supervisor.troubles == ()
    assert "one" in reader.troubles
    wait_until(lambda: not reader.troubles, "it is well again")


def test_a_worker_that_is_let_go_is_watched_no_more(reader: SourceReader, supervisor: Supervisor) -> None:
    reader.configure([A, B])
    (thread,) = (worker.thread for worker in reader._all_workers() if worker.name == "one")
    reader.configure([B])
    wait_until(lambda: thread.stop(0.1), "it ends")
    assert supervisor.check()
    assert [part.name for part in supervisor._parts] == ["worker of two"]  # type: ignore[attr-defined]


def test_nothing_is_watched_when_the_reader_is_closed(reader: SourceReader, supervisor: Supervisor) -> None:
    assert can_be_read(reader, A, B)
    reader.close()
    assert supervisor._parts == []
