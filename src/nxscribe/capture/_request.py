"""The request of one read. It is made once for all scans of a technique, because each of them reads the same."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

from nxscribe.capture._pending import PendingRead
from nxscribe.errors import InputError, Problem
from nxscribe.model import Reading, now
from nxscribe.sources import Address, Endpoint, Item, ScanNames

MonotonicClock: TypeAlias = Callable[[], float]
"""Monotonic seconds."""
CLOCK: Final[MonotonicClock] = time.monotonic
NO_AGES: Final[Mapping[Address, float]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What to read, sorted by endpoint."""

    addresses: Mapping[Item, Address]
    wrong: Mapping[Item, str]
    """What has no address, with the reason."""
    by_endpoint: Mapping[Endpoint, tuple[Address, ...]]
    timeouts: Mapping[Address, float]
    """Addresses with a limit of their own, in seconds."""
    scan_names: frozenset[str]
    """The names of the scan that any of the addresses depends on."""
    max_ages: Mapping[Endpoint, Mapping[Address, float]]
    """Addresses that need not be read while what is remembered of them is so young, in seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class EndpointRequest:
    """One endpoint's part of a read."""

    addresses: tuple[Address, ...]
    deadline: float
    """Monotonic seconds."""
    timeouts: Mapping[Address, float]
    """Addresses with a limit of their own, in seconds."""
    scan: ScanNames
    pending: PendingRead
    """The read. Its `dispatch` is to be told when the worker begins with the request."""


def unnamed(address: Address, scan: ScanNames) -> Reading:
    """The reading of an address that depends on names which nothing has yet."""
    names = ", ".join(f"{{{name}}}" for name in address.scan_names if name not in scan)
    why, remedy = f"it depends on {names} of a scan, and there is none", "it is read when a scan starts"
    return Reading(address.full, now(), error=Problem(f"{address.full} was not read", why, remedy).explanation)


class AddressTable:
    """The one object for each address, however it is spelled. Addresses are compared by identity."""

    def __init__(self, parse: Callable[[Item], Address]) -> None:
        """`parse` makes the address of an item, and raises InputError for what is none."""
        self._parse = parse
        self._by_item: dict[Item, Address] = {}
        self._unique: dict[tuple[Endpoint, str, str], Address] = {}

    def address(self, item: Item) -> Address:
        """The address of an item. Raises InputError for what is none."""
        address = self._by_item.get(item)
        if address is None:
            address = self._parse(item)
            address = self._unique.setdefault((address.endpoint, address.member, address.part), address)
            self._by_item[item] = address
        return address

    def forget(self, kinds: Iterable[str]) -> None:
        """Parse the items of some kinds anew: their settings changed."""
        gone = frozenset(kinds)
        self._by_item = {item: address for item, address in self._by_item.items() if item.kind not in gone}
        self._unique = {key: address for key, address in self._unique.items() if key[0].kind not in gone}

    def request(
        self, items: Iterable[Item], timeouts: Mapping[Item, float], max_ages: Mapping[Item, float]
    ) -> ReadRequest:
        """The request for some items, with the seconds that some of them have, or may be old."""
        addresses: dict[Item, Address] = {}
        wrong: dict[Item, str] = {}
        for item in items:
            try:
                addresses[item] = self.address(item)
            except InputError as error:
                wrong[item] = error.problems[0].explanation
        by_endpoint: dict[Endpoint, dict[Address, None]] = defaultdict(dict)
        least: dict[Address, float] = {}
        for item, address in addresses.items():
            by_endpoint[address.endpoint][address] = None
            # One address may be spelled in two ways: the source that asks for the younger value decides.
            age_s = max_ages.get(item, 0.0)
            least[address] = min(age_s, least.get(address, age_s))
        ages: dict[Endpoint, dict[Address, float]] = defaultdict(dict)
        for address, age_s in least.items():
            if age_s:
                ages[address.endpoint][address] = age_s
        return ReadRequest(
            addresses,
            wrong,
            {endpoint: tuple(those) for endpoint, those in by_endpoint.items()},
            {addresses[item]: seconds for item, seconds in timeouts.items() if item in addresses},
            frozenset(name for address in addresses.values() for name in address.scan_names),
            dict(ages),
        )
