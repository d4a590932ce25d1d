"""Properties of devices, from the Tango database: the same link as to a device, with the database at its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tango

from nxscribe.capture.answers import Told
from nxscribe.capture.explain import explain
from nxscribe.capture.link import DeviceError
from nxscribe.capture.names import TangoName
from nxscribe.capture.values import text_of
from nxscribe.errors import Problem
from nxscribe.model import Reading, now


class DatabaseLink:
    """Blocking calls to one database, for one thread. A name's member is `domain/family/member/property`, or has
    the attribute before the property where it is one of an attribute.
    """

    def __init__(self, host: str) -> None:
        self._host = host
        self._database: tango.Database | None = None

    @property
    def connections(self) -> int:
        """It matters for events alone, and there are none."""
        return 0

    def read(self, names: Sequence[TangoName], timeout_s: float) -> Told:  # noqa: ARG002 - told below
        """A reading for each property: its text, or an array of texts where it has several lines.

        Tango's own timeout of 3 s holds, whatever `timeout_s` says: setting it may block all of Python, see DeviceLink.
        """
        try:
            database = self._connect()
            readings = {name: _reading(database, name) for name in names}
        except tango.DevFailed as error:
            raise DeviceError(explain(f"the Tango database {self._host}", error.args)) from None
        return lambda: readings

    def refresh(self, timeout_s: float) -> None:
        """Nothing is kept of properties."""

    def subscribe(self, name: TangoName, heard: Callable[[Reading], None]) -> str:  # noqa: ARG002
        """No events: properties have none that clients can hear of."""
        return ""

    def unsubscribe(self, name: TangoName) -> None:
        """There is nothing to end."""

    def _connect(self) -> tango.Database:
        if self._database is None:
            host, _, port = self._host.split(",")[0].rpartition(":")
            self._database = tango.Database(host, int(port))
        return self._database


def _parts(path: str) -> list[str]:
    domain, family, member, *rest = path.split("/")
    return [f"{domain}/{family}/{member}", *rest]


def _reading(database: tango.Database, name: TangoName) -> Reading:
    device, *attribute, member = _parts(name.member)
    if attribute:
        found = database.get_device_attribute_property(device, attribute[0])[attribute[0]]
        given = {key.lower(): value for key, value in found.items()}.get(member, ())
    else:
        given = next(iter(database.get_device_property(device, member).values()))
    lines = [text_of(line) for line in given]
    if not lines:
        problem = Problem(
            f"the property {name.full} has no value",
            "the Tango database has none of this name",
            "mend the name in the source, or set the property",
        )
        return Reading(name.full, now(), error=problem.explanation)
    return Reading(name.full, now(), np.asarray(lines[0] if len(lines) == 1 else lines))
