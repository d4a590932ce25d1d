"""Properties of devices and attributes: a connection to the Tango database.

The database is asked by its own commands (`DbGetDeviceProperty` …). The methods of `tango.Database` for properties and
for devices' addresses hold Python's global lock for as long as a database hangs, a minute and more (PyTango 10.3.1);
a command leaves it to the other threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import cast

import tango

from nxscribe.errors import Problem
from nxscribe.model import Reading, now, texts
from nxscribe.model.tango_names import device_and_rest, in_small_letters
from nxscribe.sources._connection import NO_SCAN, Address, Connection, DeferredReadings, ScanNames, SourceError
from nxscribe.sources.tango.databases import connect, servers
from nxscribe.sources.tango.tango_errors import explain, is_database_away
from nxscribe.tango_text import text_of


class PropertyConnection(Connection):
    """Blocking calls to one database, for one thread. The member of an address is `domain/family/member/property`, or
    `domain/family/member/attribute/property` for a property of an attribute. Properties have no events.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self.name = f"properties of {host}"
        self._databases: dict[str, tango.Database] = {}
        """By the address of the server: the database may have several."""

    def thread_context(self) -> AbstractContextManager[object]:
        """Register the thread with omniORB. Every thread that calls Tango has to do this once."""
        return cast("AbstractContextManager[object]", tango.EnsureOmniThread())

    def read(
        self,
        names: Sequence[Address],
        timeout_s: float,  # noqa: ARG002 - told below
        *,
        scan: ScanNames = NO_SCAN,  # noqa: ARG002 - properties do not depend on it
        asks_units: bool = False,  # noqa: ARG002 - properties have none
    ) -> DeferredReadings:
        """A reading for each property: its text, or an array of texts if it has several lines.

        The time-outs of Tango are valid, whatever `timeout_s` is: see AttributeConnection.
        """
        try:
            _, readings = servers(self._host).first_to_answer(lambda address: self._readings(address, names))
        except tango.DevFailed as error:
            raise SourceError(explain(f"the Tango database {self._host}", error.args)) from None
        return DeferredReadings(lambda: readings)

    def _readings(self, address: str, names: Sequence[Address]) -> dict[Address, Reading]:
        try:
            database = self._databases.get(address) or connect(address)[1]
            self._databases[address] = database
            return {name: _reading(database, name, address) for name in names}
        except tango.DevFailed:
            self._databases.pop(address, None)
            raise


def _reading(database: tango.Database, name: Address, address: str) -> Reading:
    device, (*attribute, member) = device_and_rest(tuple(name.member.split("/")))
    true, rest = device_and_rest(tuple(name.full.split("/")[1:]))
    if "/" not in device:
        try:
            true = device = text_of(database.command_inout("DbGetAliasDevice", device))
        except tango.DevFailed as error:
            if is_database_away(error):
                raise
            return Reading(name.full, now(), error=explain(name.full, error.args))
    source = "/".join((address, true, *rest))
    if attribute:
        found = database.command_inout("DbGetDeviceAttributeProperty2", [device, attribute[0]])
        given = _attribute_properties(found).get(member, ())
    else:
        # The answer: device, number of properties, and of this one its name, its number of lines, its lines.
        found = database.command_inout("DbGetDeviceProperty", [device, member])
        given = found[4 : 4 + int(found[3])]
    lines = [text_of(line) for line in given]
    if not lines:
        problem = Problem(
            f"the property {name.full} has no value",
            "the Tango database has none of this name",
            "correct the name in the source, or set the property",
        )
        return Reading(source, now(), error=problem.explanation)
    return Reading(source, now(), texts(lines[0] if len(lines) == 1 else lines))


def _attribute_properties(found: Sequence[str]) -> dict[str, Sequence[str]]:
    """The properties of one attribute by their names in small letters, from the answer: device, number of attributes,
    attribute, number of properties, and of each property its name, its number of lines, its lines.
    """
    properties: dict[str, Sequence[str]] = {}
    position = 4
    for _ in range(int(found[3])):
        name, count = found[position], int(found[position + 1])
        properties[in_small_letters(name)] = found[position + 2 : position + 2 + count]
        position += 2 + count
    return properties
