"""What a worker does with an endpoint of any kind, by a clock of the test's own: nothing here waits."""

from __future__ import annotations

import itertools
import math
import threading
from datetime import timedelta

import numpy as np
import pytest
from fake_clock import FakeClock
from fake_source import KEY, FakeConnection, FakeKind, FakeSource, address
from msgspec import structs

from nxscribe.capture import Capturer, SourceReader
from nxscribe.capture._cache import ReadingCache
from nxscribe.capture._circuit import CircuitBreaker
from nxscribe.capture._endpoint_worker import EndpointWorker
from nxscribe.capture._latencies import LatencyTable
from nxscribe.capture._pending import PendingRead, StaggeredDispatch
from nxscribe.capture._request import EndpointRequest
from nxscribe.model import Definition, Group, Phase, Quality, Reading, now
from nxscribe.plan import CapturePlan, Source
from nxscribe.sources import NO_SCAN, Address, DeferredReadings, Item, ScanNames

A, B, C = (address(member) for member in "abc")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def connection(clock: FakeClock) -> FakeConnection:
    return FakeConnection(clock)


@pytest.fixture
def worker(connection: FakeConnection, clock: FakeClock) -> EndpointWorker:
    """A worker whose thread is the test's own."""
    return EndpointWorker(A.endpoint, connection, clock=clock.monotonic)


def send(
    worker: EndpointWorker,
    pending: PendingRead,
    addresses: tuple[Address, ...],
    deadline: float,
    *,
    timeouts: dict[Address, float] | None = None,
    scan: ScanNames = NO_SCAN,
) -> None:
    worker.send(EndpointRequest(addresses, deadline, timeouts or {}, scan, pending), worker._clock())
    pending.dispatch.send_some()


def serve(
    worker: EndpointWorker,
    clock: FakeClock,
    *addresses: Address,
    deadline_s: float = 2.0,
    timeouts: dict[Address, float] | None = None,
    scan: ScanNames = NO_SCAN,
) -> dict[Address, Reading]:
    """What a read gets that one worker serves at once."""
    pending = PendingRead(clock.monotonic)
    started = clock.monotonic()
    send(worker, pending, addresses, started + deadline_s, timeouts=timeouts, scan=scan)
    run(worker)
    readings, silent = pending.close()
    if silent and clock.monotonic() >= started + deadline_s:
        worker.give_up(pending, clock.monotonic() - started)
    return readings


def run(worker: EndpointWorker) -> None:
    """Have the worker read all its messages."""
    while not worker._messages.empty():
        worker.turn(worker._messages.get(), math.inf)


def idle(worker: EndpointWorker, clock: FakeClock, seconds: float) -> None:
    """Let time pass, in which the worker does what is due."""
    until = clock.monotonic() + seconds
    while (due := clock.monotonic() + worker._monitor.idle_s) <= until:
        clock.advance(max(0.0, due - clock.monotonic()))
        worker.turn(None, math.inf)
    clock.advance(max(0.0, until - clock.monotonic()))


def ok(readings: dict[Address, Reading]) -> set[str]:
    return {one.member for one, reading in readings.items() if reading.ok}


def test_each_worker_that_begins_wakes_one_more_and_a_wait_wakes_others_if_none_begins():
    dispatch, woken = StaggeredDispatch(), []
    for number in range(60):
        dispatch.add(lambda number=number: woken.append(number))
    dispatch.send_some()
    assert woken == list(range(24))
    dispatch.send_next()
    assert woken == list(range(25))
    for _ in range(3):
        dispatch.send_some()
    assert woken == list(range(60))


def test_what_is_known_to_be_quick_is_asked_together_and_what_is_slow_alone_after_it(worker, connection, clock):
    connection.latencies = {"b": 0.3}
    serve(worker, clock, B, A, C)
    connection.requests.clear()
    assert ok(serve(worker, clock, B, A, C)) == {"a", "b", "c"}
    assert connection.requests == [["a", "c"], ["b"]]


def test_the_cost_of_several_is_no_ones_own_unless_it_is_less_than_was_known(clock):
    latencies = LatencyTable(clock.monotonic)
    latencies.note([A], 0.05)
    latencies.note([B], 0.02)
    latencies.note([A, B], 0.04)
    assert latencies.seconds == {A: 0.04, B: 0.02}
    latencies.note([C, A], 0.5)
    assert latencies.seconds == {A: 0.04, B: 0.02, C: 0.5}


def test_what_does_not_fit_into_the_deadline_is_not_asked_and_says_how_long_it_takes(worker, connection, clock):
    connection.latencies = {"b": 3.0}
    worker.configure([A, B], {})
    run(worker)
    idle(worker, clock, 10.0)
    connection.requests.clear()
    readings = serve(worker, clock, A, B)
    assert ok(readings) == {"a"}
    assert "takes 3 s" in readings[B].error
    assert connection.requests == [["a"]]


def test_an_address_that_is_slow_for_the_first_time_leaves_the_others_time_of_their_own(worker, connection, clock):
    serve(worker, clock, A, B, C)
    connection.latencies = {"b": 5.0}
    readings = serve(worker, clock, A, B, C, deadline_s=2.0)
    assert ok(readings) == {"a", "c"}
    assert "did not answer in time" in readings[B].error


def test_a_value_is_never_replaced_by_an_error(clock):
    pending = PendingRead(clock.monotonic)
    value, error = Reading("a", now(), np.asarray(1.0)), Reading("a", now(), error="it failed")
    for reading in (error, value, error):
        pending.give(DeferredReadings(lambda reading=reading: {A: reading}))
    assert pending.close()[0][A] is value


def test_an_endpoint_that_does_not_answer_is_checked_after_pauses_that_grow_to_ten_seconds(worker, connection, clock):
    serve(worker, clock, A)
    connection.down = "it is down"
    assert not ok(serve(worker, clock, A))
    assert worker.trouble is not None
    connection.requests.clear()
    moments = []
    connection.during = lambda: None
    begun = clock.monotonic()
    while len(moments) < 8:
        before = len(connection.requests)
        idle(worker, clock, 0.25)
        if len(connection.requests) > before:
            moments.append(clock.monotonic() - begun)
    pauses = [later - earlier for earlier, later in zip([0.0, *moments], moments, strict=False)]
    assert pauses == pytest.approx([0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0], abs=0.26)
    connection.down = ""
    idle(worker, clock, 11.0)
    assert worker.trouble is None


def test_the_pause_is_the_first_one_again_after_the_endpoint_was_well(clock):
    breaker = CircuitBreaker(clock.monotonic)
    breaker.check_later([A])
    for _ in range(5):
        breaker.extend_backoff()
    breaker.open("it is down")
    breaker.close()
    breaker.check_later([A])
    clock.advance(0.49)
    assert not breaker.check_due
    clock.advance(0.02)
    assert breaker.check_due


def test_since_when_an_endpoint_fails_stays_while_the_reason_changes(clock):
    breaker = CircuitBreaker(clock.monotonic)
    since = now() - timedelta(seconds=9)
    breaker.open("first", since)
    breaker.open("second")
    assert breaker.trouble is not None
    assert (breaker.trouble.since, breaker.trouble.why) == (since, "second")


def test_a_read_that_was_given_up_is_known_at_once_and_noted_by_the_worker_when_it_is_free(worker, connection, clock):
    serve(worker, clock, A)
    connection.latencies = {"a": 1.0}
    pending = PendingRead(clock.monotonic)
    waiting: list[bool] = []

    def given_up() -> None:
        pending.close()
        worker.give_up(pending, 0.5)
        waiting.append(worker._breaker.trouble is None and worker.trouble is not None)

    connection.during = given_up
    send(worker, pending, (A,), clock.monotonic() + 1.5)
    worker.turn(worker._messages.get(), math.inf)
    connection.during = lambda: None
    connection.latencies = {}
    assert waiting == [True]
    run(worker)
    assert worker._unread is None
    assert worker.trouble is not None
    assert "did not answer within 0.5 s" in worker.trouble.why
    idle(worker, clock, 1.0)
    assert worker.trouble is None


def test_an_endpoint_that_answers_at_the_very_moment_when_it_is_given_up_stays_well(worker, clock):
    pending = PendingRead(clock.monotonic)
    send(worker, pending, (A,), clock.monotonic() + 1.0)
    run(worker)
    pending.close()
    worker.give_up(pending, 1.0)
    run(worker)
    assert worker.trouble is None


def test_what_came_too_late_is_kept_for_the_scans_end(worker, connection, clock):
    since = now() - timedelta(seconds=1)
    connection.latencies = {"a": 1.0}
    pending = PendingRead(clock.monotonic)
    connection.during = pending.close
    send(worker, pending, (A,), clock.monotonic() + 2.0)
    run(worker)
    late = worker.late(A, since, NO_SCAN)
    assert late is not None
    assert late.ok
    assert worker.late(A, now() + timedelta(seconds=1), NO_SCAN) is None


def test_an_error_that_nobody_foresaw_costs_one_read_and_the_endpoint_is_checked(worker, connection, clock):
    connection.crash = ZeroDivisionError()
    pending = PendingRead(clock.monotonic)
    send(worker, pending, (A,), clock.monotonic() + 2.0)
    with pytest.raises(ZeroDivisionError):  # for the supervision of the thread
        run(worker)
    readings, silent = pending.close()
    assert "nobody foresaw" in readings[A].error
    assert not silent, "the read waits no longer"
    assert worker.trouble is not None
    connection.crash = None
    idle(worker, clock, 2.0)
    assert worker.trouble is None


def test_an_address_that_exceeds_its_time_twice_is_left_out_until_it_was_measured_in_a_quiet_time(
    worker, connection, clock
):
    serve(worker, clock, A)
    connection.latencies = {"b": 0.2}
    serve(worker, clock, A, B)
    for _ in range(2):
        connection.latencies = {"b": 9.0}
        assert ok(serve(worker, clock, A, B, deadline_s=1.0)) == {"a"}
        connection.latencies = {"b": 0.2}
        idle(worker, clock, 20.0)
    readings = serve(worker, clock, A, B)
    assert "again and again" in readings[B].error
    idle(worker, clock, 59.0)
    assert "again and again" in serve(worker, clock, A, B)[B].error
    idle(worker, clock, 61.0)
    assert ok(serve(worker, clock, A, B)) == {"a", "b"}


def test_a_value_is_remembered_for_its_age_and_says_how_old_it_is(worker, connection, clock):
    worker.configure([A], {A: 10.0})
    run(worker)
    idle(worker, clock, 1.0)
    found = worker.remembered({A: 10.0}, NO_SCAN)
    assert found[A].details["age"] == pytest.approx(1.0)
    connection.down = "it is down"
    clock.advance(9.1)
    assert worker.remembered({A: 10.0}, NO_SCAN) == {}


def test_a_value_that_is_remembered_is_read_again_when_half_of_its_age_is_over(worker, connection, clock):
    worker.configure([A], {A: 10.0})
    run(worker)
    idle(worker, clock, 1.0)
    connection.requests.clear()
    idle(worker, clock, 100.0)
    assert len(connection.requests) == pytest.approx(20, abs=1)
    assert worker.remembered({A: 5.1}, NO_SCAN)


def test_events_keep_a_value_fresh_without_a_read(worker, connection, clock):
    connection.pushes = True
    worker.configure([A], {A: 10.0})
    run(worker)
    idle(worker, clock, 1.0)
    connection.requests.clear()
    for number in range(10):
        connection.events["a"](Reading(A.full, now(), np.asarray(float(number))))
        idle(worker, clock, 4.0)
    assert connection.requests == []
    assert worker.remembered({A: 10.0}, NO_SCAN)[A].value == 9.0


def test_a_remembered_reading_is_what_was_read_but_for_its_age_in_microseconds(clock):
    cache = ReadingCache(clock.monotonic)
    cache.ages = {A: 5.0, B: 5.0, C: 5.0}
    earlier = Reading("x/y/z/a", now(), np.asarray(2.5), "mm", Quality.ALARM, "", {"enum_value": 3})
    cache.hear({A: earlier}, clock.monotonic())
    clock.advance(4.0)
    cache.hear({C: Reading("x/y/z/c", now(), np.asarray(1.0))}, clock.monotonic())
    clock.advance(0.1234567)
    found = cache.fresh({A: 4.0, B: 5.0, C: 5.0})
    assert found.keys() == {C}, "one that is too old, and one that was never heard, hide no other"
    assert found[C].details == {"age": 0.123457}
    assert cache.fresh({A: 5.0})[A] == structs.replace(earlier, details={"enum_value": 3, "age": 4.123457})


def test_listeners_hear_readings_in_the_order_in_which_they_are_taken_in():
    cache = ReadingCache()
    cache.ages = {A: 5.0}
    heard: list[float] = []
    first, second = (Reading("x/y/z/a", now(), np.asarray(value)) for value in (1.0, 2.0))
    other = threading.Thread(target=cache.hear, args=({A: second}, 2.0))

    def hear(reading: Reading) -> None:
        if reading is first:
            other.start()
            other.join(0.2)  # it would be told by then, if it did not have to wait for this one
        assert reading.value is not None
        heard.append(float(reading.value))

    cache.listeners = {A: hear}
    cache.hear({A: first}, 1.0)
    other.join()
    assert heard == [1.0, 2.0]


def test_an_address_with_little_time_of_its_own_takes_no_more_than_that(worker, connection, clock):
    connection.latencies = {"b": 3.0}
    began = clock.monotonic()
    readings = serve(worker, clock, A, B, C, deadline_s=2.0, timeouts={B: 0.5})
    assert ok(readings) == {"a", "c"}
    assert connection.requests[-1] == ["b"], "it comes last, so that it costs no other anything"
    assert clock.monotonic() - began == pytest.approx(0.5)
    assert worker.trouble is not None
    assert "did not answer in time" in worker.trouble.why


def test_a_failing_endpoint_is_given_a_moment_if_it_is_free_and_none_if_it_is_busy(worker, connection, clock):
    connection.down = "it is down"
    serve(worker, clock, A)
    connection.down = ""
    awaited: list[bool] = []

    def read_by_another() -> None:
        another = PendingRead(clock.monotonic)
        send(worker, another, (A,), clock.monotonic() + 2.0)
        awaited.append(A.endpoint in another._awaited)

    pending = PendingRead(clock.monotonic)
    began = clock.monotonic()
    send(worker, pending, (A,), began + 2.0)
    assert pending._awaited == {A.endpoint: pytest.approx(began + 0.05)}
    connection.during = read_by_another
    worker.turn(worker._messages.get(), math.inf)
    assert awaited == [False]
    assert ok(pending.close()[0]) == {"a"}, "it had come back"
    assert worker.trouble is None
    read_by_another()
    assert awaited == [False, True]


def test_what_was_left_out_is_measured_the_quickest_first_and_asked_again_if_it_has_become_quicker(
    worker, connection, clock
):
    connection.latencies = {"b": 4.0, "c": 3.0}
    worker.configure([A, B, C], {})
    run(worker)
    idle(worker, clock, 20.0)
    assert ok(serve(worker, clock, A, B, C, deadline_s=1.0)) == {"a"}
    since = now() - timedelta(seconds=1)
    assert worker.late(B, since, NO_SCAN) is None
    connection.requests.clear()
    connection.latencies = {"b": 4.0, "c": 0.01}
    idle(worker, clock, 120.0)
    assert connection.requests[:2] == [["c"], ["b"]]
    assert worker.late(B, since, NO_SCAN), "a value that comes in a quiet time is kept for the scan that missed it"
    connection.requests.clear()
    readings = serve(worker, clock, A, B, C, deadline_s=1.0)
    assert ok(readings) == {"a", "c"}
    assert "takes 4 s" in readings[B].error


def test_what_is_left_out_in_vain_is_measured_after_pauses_that_grow(worker, connection, clock):
    connection.latencies = {"b": 4.0}
    worker.configure([A, B], {})
    run(worker)
    idle(worker, clock, 20.0)
    serve(worker, clock, A, B, deadline_s=1.0)
    connection.requests.clear()
    began, moments = clock.monotonic(), []
    connection.during = lambda: moments.append(clock.monotonic() - began)
    idle(worker, clock, 24_000.0)
    pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert pauses[0] < pauses[1] < pauses[2]
    assert pauses[-1] == pytest.approx(3604.0), "an hour at most, and the time that it takes"


def test_the_capture_gives_what_was_set_the_unit_of_its_source_unless_it_has_one(clock):
    plan = CapturePlan(
        "plain",
        Definition("plain", Group("${entry}", "NXentry"), ""),
        {name: Source(FakeSource(f"one/{name}"), unit="mm") for name in ("a", "b")},
        initial=frozenset("ab"),
        final=frozenset(),
        either=frozenset(),
    )
    given = {
        "a": Reading("parameter", now(), np.asarray(1.5)),
        "b": Reading("parameter", now(), np.asarray(1.5), unit="m"),
    }
    with SourceReader(kinds={KEY: FakeKind(one=FakeConnection(clock))}, clock=clock.monotonic) as reader:
        snapshot = Capturer(reader).capture(plan, Phase.INITIAL, given=given, had={}, deadline_s=1.0)
    assert {name: (reading.value, reading.unit) for name, reading in snapshot.readings.items()} == {
        "a": (1.5, "mm"),
        "b": (1.5, "m"),
    }


def test_what_depends_on_the_scan_is_remembered_for_that_scan_alone(clock):
    cache, title = ReadingCache(clock.monotonic), address("title", "proposal")
    cache.ages = {title: 60.0}
    cache.hear(
        {title: Reading("title", now(), np.asarray("first"))}, clock.monotonic(), {"proposal": "ma1", "sample": "s1"}
    )
    assert cache.fresh(cache.ages, {"proposal": "ma1", "sample": "s2"})[title].value == "first"
    assert cache.fresh(cache.ages, {"proposal": "ma2", "sample": "s1"}) == {}


def test_what_depends_on_the_scan_is_not_measured_before_there_is_one(worker, connection, clock):
    title = address("title", "proposal")
    worker.configure([A, title], {title: 10.0})
    run(worker)
    idle(worker, clock, 30.0)
    assert connection.requests == [["a"]]
    serve(worker, clock, title, scan={"proposal": "ma1"})
    idle(worker, clock, 30.0)
    assert connection.scans[-1] == {"proposal": "ma1"}


def read(reader: SourceReader, *names: str, deadline_s: float = 5.0) -> dict[str, Reading]:
    request = reader.request(Item(KEY, name) for name in names)
    return {item.name: one for item, one in reader.ask(request, reader._clock() + deadline_s).items()}


def test_a_reader_asks_all_endpoints_and_one_that_is_down_costs_the_others_nothing(clock):
    kind = FakeKind(one=FakeConnection(clock), other=FakeConnection(clock, "other", down="it is down"))
    with SourceReader(kinds={KEY: kind}, clock=clock.monotonic) as reader:
        readings = read(reader, "one/a", "one/b", "other/a")
        assert [name for name, reading in readings.items() if reading.ok] == ["one/a", "one/b"]
        assert readings["other/a"].error == "other/a: it is down"
        assert list(reader.troubles) == ["other"]


def test_what_changed_its_unit_while_it_was_read_is_read_again(clock):
    connection = FakeConnection(clock, outdated={"a"})

    def settled() -> None:
        if len(connection.requests) > 1:
            connection.outdated.clear()

    connection.during = settled
    with SourceReader(kinds={KEY: FakeKind(one=connection)}, clock=clock.monotonic) as reader:
        assert read(reader, "one/a")["one/a"].ok
        assert connection.requests == [["a"], ["a"]]


def test_what_changes_its_unit_all_the_time_has_no_value(clock):
    connection = FakeConnection(clock, outdated={"a"})
    with SourceReader(kinds={KEY: FakeKind(one=connection)}, clock=clock.monotonic) as reader:
        readings = read(reader, "one/a", "one/b")
    assert "changed while it was read" in readings["one/a"].error
    assert readings["one/b"].ok


def test_a_stop_ends_a_read_at_once(clock):
    hangs, stop = threading.Event(), threading.Event()
    connection = FakeConnection(clock, during=lambda: stop.set() or hangs.wait(5))
    with SourceReader(kinds={KEY: FakeKind(one=connection)}, clock=clock.monotonic) as reader:
        request = reader.request([Item(KEY, "one/a")])
        assert not reader.ask(request, clock.monotonic() + 60, stop=stop)[Item(KEY, "one/a")].ok
        assert reader.troubles == {}
        hangs.set()


def test_other_settings_of_a_kind_connect_anew(clock):
    class Settled(FakeKind):
        def connector(self, settings):
            return FakeKind(one=FakeConnection(clock, values={"a": float(settings or 0)})).connector(settings)

    item = Item(KEY, "one/a")
    with SourceReader({KEY: 1}, kinds={KEY: Settled()}, clock=clock.monotonic) as reader:
        reader.configure([item])
        assert read(reader, "one/a")["one/a"].value == 1
        before = reader.generation
        reader.configure([item], settings={KEY: 2})
        assert reader.generation != before
        assert read(reader, "one/a")["one/a"].value == 2


def test_what_depends_on_a_scan_is_not_read_without_one_and_says_so(clock):
    class OfProposals(FakeKind):
        def connector(self, settings):
            connector = super().connector(settings)
            connector.address = lambda name: address(
                name.rpartition("/")[2], *(["proposal"] if "title" in name else [])
            )
            return connector

    connection = FakeConnection(clock)
    title, other = Item(KEY, "one/title"), Item(KEY, "one/a")
    with SourceReader(kinds={KEY: OfProposals(one=connection)}, clock=clock.monotonic) as reader:
        request = reader.request([title, other])
        without = reader.ask(request, clock.monotonic() + 5)
        assert "depends on {proposal} of a scan" in without[title].error
        assert without[other].ok
        assert connection.requests == [["a"]]
        assert reader.ask(request, clock.monotonic() + 5, scan={"proposal": "ma1"})[title].ok
