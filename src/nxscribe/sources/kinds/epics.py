"""An EPICS process variable, or a list of them, by Channel Access."""

from __future__ import annotations

import importlib.util
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

import numpy as np
from pydantic import BeforeValidator, Field, WithJsonSchema

from nxscribe.errors import InputError, Problem, Severity
from nxscribe.model import Quality, Reading, Value, now, texts
from nxscribe.model.reading import Detail
from nxscribe.sources._connection import (
    NO_SCAN,
    Address,
    Connection,
    DeferredReadings,
    Endpoint,
    RequestError,
    ScanNames,
    SourceError,
)
from nxscribe.sources._kind import Connector, Origin, SourceKind

if TYPE_CHECKING:
    from caproto.threading.client import PV, Context

_TEXT: Final = "text"
_PATTERN: Final = rf"^[^\s#]+(#{_TEXT})?$"
_FORM: Final = (
    f"an EPICS process variable: `ID16:MONO:ENERGY`, with `#{_TEXT}` after it for a text in an array of bytes"
)
_TRIES: Final = 3
"""The largest number of attempts to read a value whose unit changes meanwhile."""
_LEAST_S: Final = 0.005
_UNKNOWN_BEFORE: Final = datetime(1991, 1, 1, tzinfo=UTC)
"""EPICS counts time from 1990. A record that was never processed has this time."""
_QUALITIES: Final = (Quality.VALID, Quality.WARNING, Quality.ALARM, Quality.INVALID)
"""The quality for each severity of an alarm."""
_SEVERITIES: Final = ("NO_ALARM", "MINOR", "MAJOR", "INVALID")


def _listed(given: object) -> object:
    return [given] if isinstance(given, str) else given


_Variables = Annotated[
    list[Annotated[str, Field(pattern=_PATTERN)]],
    BeforeValidator(_listed),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": _PATTERN},
                {"type": "array", "items": {"type": "string", "pattern": _PATTERN}},
            ]
        }
    ),
]


@dataclass(frozen=True, slots=True)
class EpicsSource(Origin):
    """One or several EPICS process variables. Several make an array."""

    kind: ClassVar[str] = "epics"

    variables: tuple[str, ...]
    is_list: bool = False
    """Whether the config wrote a list: a list of one variable still makes an array of one."""

    def in_words(self) -> str:
        """The variable's name, or a list of names."""
        return f"[{', '.join(self.variables)}]" if self.is_list else self.variables[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The variables' names."""
        return self.variables

    @property
    def members(self) -> tuple[EpicsSource, ...]:
        """Each variable of a list."""
        return tuple(EpicsSource((variable,)) for variable in self.variables) if self.is_list else ()


class EpicsKind(SourceKind):
    """EPICS process variables."""

    key = "epics"
    rank = 6
    annotation = _Variables
    description = (
        "An EPICS process variable, `ID16:MONO:ENERGY`, or a list of them, which makes an array. It is read by Channel "
        f"Access. `#{_TEXT}` after a name takes an array of bytes as a text, as areaDetector has file names."
    )
    synonyms = ("pv", "ca", "channel")
    plural = "EPICS process variables"
    patterns: ClassVar[Mapping[str, str]] = {_PATTERN: _FORM}
    keeps_fresh = True
    peer = "IOC"

    def origin(self, given: Any, written: object) -> EpicsSource:  # noqa: ANN401 - declared by SourceKind
        """One variable, or a list where a list is written."""
        return EpicsSource(tuple(given), is_list=isinstance(written, list))

    def check(self, origin: Origin, settings: object) -> Iterator[Problem]:
        """Whether the library is installed."""
        del origin, settings
        if importlib.util.find_spec("caproto") is None:
            what, why = "sources of the kind `epics` cannot be read here", "caproto is not installed"
            yield Problem(what, why, "install nxscribe[epics]", severity=Severity.WARNING)

    def connector(self, settings: object) -> Connector:
        """Connections by Channel Access, with the settings of the environment, such as `EPICS_CA_ADDR_LIST`."""
        del settings
        return _EpicsConnector()


class _EpicsConnector(Connector):
    """All connections share one context: the sockets and threads of one Channel Access client."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._context: Context | None = None
        self._closed = False

    def address(self, name: str) -> Address:
        if not re.fullmatch(_PATTERN, name):
            raise InputError(Problem(f"{name!r} is not {_FORM}", "", "correct the name in the source"))
        variable, _, part = name.partition("#")
        return Address(Endpoint(EpicsKind.key, variable), variable, name, part)

    def connect(self, endpoint: Endpoint) -> Connection:
        return EpicsConnection(endpoint.name, self._variable)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._context is not None:
                self._context.disconnect()

    def _variable(self, name: str) -> PV:
        from caproto.threading.client import Context  # noqa: PLC0415 - it is an extra, needed when a source is read

        with self._lock:
            if self._closed:
                raise SourceError(f"{name} was not read: the reader is closed")
            if self._context is None:
                # What it notes of late answers is told by the readings.
                logging.getLogger("caproto").addHandler(logging.NullHandler())
                self._context = Context()
            (variable,) = self._context.get_pvs(name)
            return variable


@dataclass(frozen=True, slots=True)
class _Description:
    """The unit, labels and limits of a variable. They can change while the IOC runs."""

    unit: str = ""
    labels: tuple[str, ...] = ()
    details: Mapping[str, Detail] = field(default_factory=dict)


class EpicsConnection(Connection):
    """Blocking calls for one variable. If the connection is lost, the context makes a new one in the background.

    Units and labels are read with each value. Events are not used, because they contain no units, and a read takes two
    milliseconds.
    """

    def __init__(self, name: str, variable: Callable[[str], PV]) -> None:
        """`variable` makes the client's object for a variable of that name, at the first use."""
        self.name = name
        self._make = variable
        self._variable: PV | None = None
        self._description: _Description | None = None

    def read(
        self,
        addresses: Sequence[Address],
        timeout_s: float,
        *,
        scan: ScanNames = NO_SCAN,
        asks_units: bool = False,
    ) -> DeferredReadings:
        """The variable's value, with the unit and the labels that it had before and after it was read."""
        del scan, asks_units
        until = time.monotonic() + timeout_s
        variable = self._connected(until)
        for _ in range(_TRIES):
            before = self._description or self._described(variable, until)
            answer = self._asked(variable, "time", until)
            self._description = self._described(variable, until)
            if self._description == before:
                break
        is_stable, is_array = self._description == before, variable.channel.native_data_count != 1
        return DeferredReadings(
            lambda: {address: _reading(address, answer, before, is_stable, is_array) for address in addresses}
        )

    def close(self) -> None:
        """Disconnect from the IOC."""
        if self._variable is not None and self._variable.connected:
            self._variable.go_idle()

    def _connected(self, until: float) -> PV:
        if self._variable is None:
            self._variable = self._make(self.name)
        try:
            self._variable.wait_for_connection(timeout=max(_LEAST_S, until - time.monotonic()))
        except TimeoutError:
            self._description = None
            why = "no IOC answers to that name"
            remedy = "correct the name, see whether the IOC runs, and EPICS_CA_ADDR_LIST of the daemon"
            raise SourceError(Problem(f"{self.name} could not be read", why, remedy).explanation) from None
        return self._variable

    def _asked(self, variable: PV, what: str, until: float) -> Any:  # noqa: ANN401 - caproto's answers have no types
        from caproto import CaprotoError  # noqa: PLC0415 - it is an extra, needed when a source is read

        try:
            return variable.read(data_type=what, timeout=max(_LEAST_S, until - time.monotonic()))
        except TimeoutError:
            why, remedy = "its IOC did not answer in time", "see whether the IOC hangs, or give it more time: timeout_s"
            text = Problem(f"{self.name} could not be read", why, remedy).explanation
            if not variable.connected:
                self._description = None
                raise SourceError(text) from None
            raise RequestError(text, slow=True) from None
        except CaprotoError as error:
            why = f"its IOC refused it: {error}"
            raise RequestError(Problem(f"{self.name} could not be read", why, "see the IOC").explanation) from None

    def _described(self, variable: PV, until: float) -> _Description:
        found = self._asked(variable, "control", until).metadata
        labels = tuple(_decoded(label) for label in getattr(found, "enum_strings", ()))
        precision = getattr(found, "precision", 0)
        details: dict[str, Detail] = {"format": f"%.{precision}f"} if precision > 0 else {}
        return _Description(_decoded(getattr(found, "units", b"")).strip(), labels, details)


def _reading(address: Address, answer: Any, described: _Description, is_stable: bool, is_array: bool) -> Reading:  # noqa: ANN401, FBT001 - caproto's answers have no types; all is given by position once
    came, metadata = now(), answer.metadata
    stamp = datetime.fromtimestamp(metadata.timestamp, UTC)
    moment = stamp if stamp > _UNKNOWN_BEFORE else came
    quality = _QUALITIES[int(metadata.severity)]

    def failed(why: str, remedy: str) -> Reading:
        error = Problem(f"{address.full} could not be read", why, remedy).explanation
        return Reading(address.full, moment, quality=quality, error=error)

    if not is_stable:
        return failed("its unit or its labels changed while it was read", "see who changes the record")
    if quality is Quality.INVALID:
        return failed(f"its IOC says that it is not valid at present (alarm {_alarm(metadata)})", "see the record")
    details = dict(described.details)
    if quality is not Quality.VALID:
        details["alarm"] = _alarm(metadata)
    try:
        value = _value(answer, described, is_array, as_text=address.part == _TEXT)
    except (LookupError, ValueError) as error:
        return failed(f"its value cannot be kept: {error}", "see the record, or give the placeholder another source")
    if described.labels:
        numbers = [int(number) for number in np.asarray(answer.data)]
        details["enum_value"] = numbers if is_array else numbers[0]
    return Reading(address.full, moment, value, described.unit, quality, "", details)


def _value(answer: Any, described: _Description, is_array: bool, *, as_text: bool) -> Value:  # noqa: ANN401, FBT001 - as above
    kind = answer.data_type.name.partition("_")[2]
    if kind == "STRING":
        words = [_decoded(text) for text in answer.data]
        return texts(words if is_array else words[0])
    if described.labels:
        labels = [described.labels[int(number)] for number in np.asarray(answer.data)]
        return texts(labels if is_array else labels[0])
    data = np.asarray(answer.data)
    if kind == "CHAR":
        data = data.view(np.uint8)
        if as_text:
            return texts(_decoded(data.tobytes()))
    data = data.astype(data.dtype.newbyteorder("="))
    return data if is_array else np.asarray(data[0])


def _alarm(metadata: Any) -> str:  # noqa: ANN401 - caproto's answers have no types
    """The severity and the status by EPICS's names, such as `MAJOR HIHI`."""
    from caproto import AlarmStatus  # noqa: PLC0415 - it is an extra, needed when a source is read

    try:
        status = AlarmStatus(metadata.status).name
    except ValueError:
        status = str(metadata.status)
    return f"{_SEVERITIES[int(metadata.severity)]} {status}"


def _decoded(text: bytes | str) -> str:
    """A text of an IOC, up to its first null: UTF-8, or else Latin-1."""
    if isinstance(text, str):
        return text
    data = text.partition(b"\0")[0]
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
