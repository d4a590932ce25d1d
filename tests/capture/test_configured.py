"""What a reader is configured for it serves; what it is configured for no more leaves it."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence

import tango
from daemons import wait_until

from nxscribe.capture._cache import ReadingCache
from nxscribe.capture._circuit import CircuitBreaker
from nxscribe.capture._latencies import LatencyTable
from nxscribe.capture._monitor import EndpointMonitor
from nxscribe.model import Reading
from nxscribe.sources import Address, DeferredReadings
from nxscribe.sources.tango._addresses import attribute_address
from nxscribe.sources.tango._attribute_connection import AttributeConnection
from nxscribe.sources.tango._configuration_events import ConfigurationFollower


def names_of_threads() -> str:
    return "\n".join(thread.name for thread in threading.enumerate())


def test_a_device_that_nothing_names_any_more_is_let_go_with_its_thread_and_its_trouble(reader, serve):
    device = serve("faulty").device
    misspelt = device.replace(device.split("/")[1], "misspelt")
    right, wrong = f"{device}/healthy", f"{misspelt}/healthy"
    reader.configure([right, wrong], max_ages={wrong: 60.0})
    assert not reader.read([right, wrong], time.monotonic() + 2)[wrong].ok
    wait_until(lambda: misspelt in "".join(reader.troubles), "it is sick")
    assert misspelt in "".join(reader.kept_fresh)
    assert misspelt in names_of_threads()
    reader.configure([right])
    assert reader.troubles == {}
    assert reader.kept_fresh == {}
    wait_until(lambda: misspelt not in names_of_threads(), "its thread has ended")
    assert reader.read([right], time.monotonic() + 2)[right].ok


def test_its_subscriptions_end(reader, serve):
    one, other = (f"{device}/pushed" for device in serve("pushing", 2).devices)
    reader.configure([], max_ages={one: 60.0, other: 60.0})
    wait_until(lambda: all("change events" in how for how in reader.kept_fresh.values()), "both are subscribed to")
    gone = next(found for name, found in reader.workers.items() if name.endswith(one.removesuffix("/pushed")))
    link = gone._connection
    wait_until(lambda: link._followed._subscriptions, "its units are followed")
    reader.configure([], max_ages={other: 60.0})
    wait_until(lambda: gone.thread.stop(0.0), "its thread has ended")
    wait_until(lambda: link._followed not in reader.connector.follower._all, "its units are followed no more")
    assert link._subscriptions == link._followed._subscriptions == {}
    assert "change events" in "".join(reader.kept_fresh.values())


def test_an_attribute_that_nothing_names_any_more_is_forgotten(reader, serve):
    device = serve("faulty").device
    kept, gone = f"{device}/healthy", f"{device}/before"
    reader.configure([kept, gone])
    wait_until(lambda: len(reader.slowest(9)) == 2, "both are known")
    reader.configure([kept])
    wait_until(lambda: len(reader.slowest(9)) == 1, "one is forgotten")
    assert kept in next(iter(reader.slowest(9)))


def test_a_device_that_was_sick_for_an_attribute_that_is_gone_is_well_soon(reader, serve):
    device = serve("faulty").device
    good, hanging = f"{device}/healthy", f"{device}/slow"
    tango.DeviceProxy(device).delay = 2.0
    reader.configure([good, hanging])
    reader.read([good, hanging], time.monotonic() + 0.3)
    wait_until(lambda: reader.troubles, "it is sick")
    reader.configure([good])
    wait_until(lambda: not reader.troubles, "it is well")


def test_a_read_under_way_loses_no_value_of_a_device_that_is_let_go_meanwhile(reader, serve):
    device = serve("faulty").device
    name = f"{device}/slow"
    tango.DeviceProxy(device).delay = 0.0
    assert reader.read([name], time.monotonic() + 5)[name].ok
    tango.DeviceProxy(device).delay = 0.5
    found: list[Reading] = []
    thread = threading.Thread(target=lambda: found.append(reader.read([name], time.monotonic() + 5)[name]))
    thread.start()
    wait_until(lambda: reader.reader._reads, "it reads")
    reader.configure([])
    assert reader.workers
    thread.join()
    assert found[0].ok
    assert not reader.workers


def test_a_read_of_what_is_not_configured_is_served_and_leaves_nothing_behind(reader, serve):
    name = f"{serve('faulty').device}/healthy"
    reader.configure([])
    assert reader.read([name], time.monotonic() + 5)[name].ok
    assert not reader.workers


def test_units_are_learnt_anew_a_few_at_a_time_and_where_it_was_interrupted_it_goes_on(serve, tango_host, monkeypatch):
    device = serve("everything").device
    follower = ConfigurationFollower()
    link = AttributeConnection(attribute_address(f"{device}/boolean", tango_host).endpoint.name, follower)
    members = [info.name.lower() for info in tango.DeviceProxy(device).attribute_list_query()][:11]
    link.read([attribute_address(f"{device}/{member}", tango_host) for member in members], 5.0)
    learnt = set(link._configurations.learnt)
    asked: list[Sequence[str]] = []
    monkeypatch.setattr(link, "_learn_if_there", asked.append)
    waiting = iter([False, True])
    assert not link.refresh(5.0, lambda: next(waiting))
    assert len(asked) == 1
    assert link.refresh(5.0, lambda: False)
    assert sorted(itertools.chain(*asked)) == sorted(learnt)
    follower.close()


class Interrupted:
    """A link whose first refresh is interrupted."""

    connections = 0

    def __init__(self) -> None:
        self.refreshes = 0

    def read(self, names: Sequence[Address], timeout_s: float, *, asks_units: bool = False) -> DeferredReadings:
        raise NotImplementedError

    def refresh(self, _timeout_s: float, interrupted: Callable[[], bool]) -> bool:
        self.refreshes += 1
        return not interrupted()

    def doubt(self) -> None:
        pass

    def subscribe(self, name: Address, heard: Callable[[Reading], None]) -> str:
        raise NotImplementedError

    def unsubscribe(self, name: Address) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass


def test_a_refresh_that_gave_way_is_due_until_it_is_done() -> None:
    link, health, waits = Interrupted(), CircuitBreaker(), [True]
    care = EndpointMonitor(link, LatencyTable(), health, ReadingCache(), wanted=lambda: waits[0])
    health.refresh_soon()
    care.look_after()
    assert health.refresh_due
    waits[0] = False
    care.look_after()
    assert not health.refresh_due
    assert link.refreshes == 2


def test_letting_go_of_a_frozen_server_holds_up_no_read_of_others(reader, serve):
    frozen, well = serve("pushing"), f"{serve('pushing').device}/pushed"
    names = [f"{frozen.device}/pushed", well]
    reader.configure(names, max_ages=dict.fromkeys(names, 60.0))
    wait_until(lambda: all("change events" in how for how in reader.kept_fresh.values()), "both are subscribed to")
    gone = next(found for found in reader.workers.values() if found.name.endswith(frozen.device))
    wait_until(lambda: gone._connection._followed._subscriptions, "its units are followed")
    frozen.freeze()
    reader.configure([well])
    longest_s = 0.0
    end = time.monotonic() + 4  # longer than any of Tango's timeouts
    while time.monotonic() < end:
        begun = time.monotonic()
        assert reader.read([well], begun + 2)[well].ok
        longest_s = max(longest_s, time.monotonic() - begun)
    assert longest_s < 0.5
    frozen.thaw()
    wait_until(lambda: gone.thread.stop(0.0), "its thread has ended")
