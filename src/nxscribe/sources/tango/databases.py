"""The servers of a Tango database, and the devices that it knows.

Several servers can share one database (`host1:port,host2:port`), so that it can be reached while one of them is down.
Tango itself accepts several addresses only in TANGO_HOST, and does not report which of them answered.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache
from typing import TypeVar

import tango

from nxscribe.sources.tango._addresses import PROTOCOL
from nxscribe.sources.tango.tango_errors import is_database_away

_Made = TypeVar("_Made")


class Servers:
    """The servers of one database. Every method can be called from any thread."""

    def __init__(self, addresses: tuple[str, ...]) -> None:
        self._addresses = addresses
        self._answering = threading.Lock()
        self._answered = addresses[0] if len(addresses) == 1 else ""

    def first_to_answer(self, ask: Callable[[str], _Made]) -> tuple[str, _Made]:
        """Call `ask` with the address (`host:port`) of each server until one answers.

        It begins with the server that answered last. Returns the address of the server and the result of `ask`.

        Raises the DevFailed of the last server if none answers, or of a server that answers with an error.
        """
        known = self._answered
        if known:
            try:
                return known, ask(known)
            except tango.DevFailed as error:
                if len(self._addresses) == 1 or not is_database_away(error):
                    raise
        # One thread alone finds out which answers: each attempt may take seconds, and keeps Tango's own lock.
        with self._answering:
            others = [address for address in self._addresses if address != known]
            if self._answered not in ("", known):
                others.sort(key=lambda address: address != self._answered)
            for address in others:
                try:
                    made = ask(address)
                except tango.DevFailed as error:
                    if not is_database_away(error):
                        self._answered = address
                        raise
                    failure = error
                else:
                    self._answered = address
                    return address, made
            raise failure


@cache
def servers(hosts: str) -> Servers:
    """The servers of a database, from `host:port` or `host1:port,host2:port`."""
    return Servers(tuple(hosts.split(",")))


def connect(hosts: str) -> tuple[str, tango.Database]:
    """Connect to a database through the first of its servers that answers. Returns the database and this address.

    Only `command_inout` of the database may be used. Raises DevFailed if no server answers.
    """
    return servers(hosts).first_to_answer(_database)


def is_alias(device: str) -> bool:
    """Whether the name of a device is an alias: the database may give it to another device."""
    return "/" not in _path(device)


def may_change(device: str) -> bool:
    """Whether the next connection can lead to another device or server: for an alias, and for several servers."""
    return is_alias(device) or "," in device


def _path(device: str) -> str:
    return device.removeprefix(PROTOCOL).partition("/")[2]


def connect_device(device: str) -> tuple[str, tango.DeviceProxy]:
    """Make a proxy of a device (`tango://host:port/domain/family/member`, also with an alias or several addresses).

    Returns the proxy and the address of the server through which the device was found. Raises DevFailed if no server of
    its database answers.
    """
    hosts, _, path = device.removeprefix(PROTOCOL).partition("/")

    def proxy(address: str) -> tango.DeviceProxy:
        return tango.DeviceProxy(f"{PROTOCOL}{address}/{path}", green_mode=tango.GreenMode.Synchronous)

    return servers(hosts).first_to_answer(proxy)


def _database(address: str) -> tango.Database:
    host, _, port = address.rpartition(":")
    return tango.Database(host, int(port))
