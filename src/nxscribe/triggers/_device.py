"""The Tango device class NxScribe: a thin face over one session.

A command frees the device's Tango monitor while it works: the session guards itself, and State, Status and all
attributes are answered while a capture runs. Reads and pushed events still take the monitor, for they share Tango's
one value of an attribute.

PyTango reads what clients send as latin-1: every text that comes in passes through `text_of`, for many send UTF-8.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import new_class
from typing import ClassVar, TypeAlias, cast

import tango
from tango import AttrWriteType, DevState
from tango.server import Device, attribute, command

from nxscribe.client.answers import encode_answer
from nxscribe.errors import JournalError, NxscribeError, Problem
from nxscribe.runtime.logger import get_logger
from nxscribe.service.check.preview import preview_json
from nxscribe.service.scan.requests import ANY_SCAN, decode_end, decode_pairs, decode_parameters, decode_start
from nxscribe.service.scan.scan_values import values_json
from nxscribe.service.scan.session import Session
from nxscribe.service.scan.status import ScanState, Status
from nxscribe.service.scribe import Scribe
from nxscribe.tango_text import REASON_PREFIX, in_ascii, sendable, text_of

log = get_logger()

Shown: TypeAlias = str | float | int | list[str]

_MOST_LINES = 4096
"""The longest list an attribute shows: more missing values than any definition has fields."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """One attribute, with change events; read-only unless it says how it is written."""

    name: str
    dtype: type | tuple[type]
    doc: str
    read: Callable[[Status, Scribe], Shown]
    unit: str = ""
    write: Callable[[Session, str], None] | None = None
    pushed: bool = True
    """Whether each change is told: not of what changes all the time."""


def _name(name: str, what: str) -> _Shown:
    """One of the names of a scan."""

    def read(now: Status, _: Scribe) -> Shown:
        return now.name(name)

    def write(session: Session, text: str) -> None:
        session.prepare(name, text)

    doc = f"The {what} of the current or last scan; write it for the command Start"
    return _Shown(name, str, doc, read, write=write)


_SHOWN = (
    _Shown("currentScan", str, "`sample - scan` while one is open, else empty", lambda now, _: now.scan),
    _name("proposal", "experiment"),
    _name("session", "session of the experiment"),
    _name("sample", "sample"),
    _name("scan", "name"),
    _name("technique", "technique"),
    _Shown("entry", str, "The NXentry of the current or last scan", lambda now, _: now.entry),
    _Shown("masterFile", str, "The master file of the current or last scan", lambda now, _: now.master),
    _Shown("lastFile", str, "The last file that was written and verified", lambda now, _: now.last_file),
    _Shown(
        "lastDataFile",
        str,
        "Write each raw file of the running scan, by its path or its name in the scan's folder; read the last one",
        lambda now, _: now.last_data_file,
        write=Session.name_file,
    ),
    _Shown(
        "missingValues",
        (str,),
        "`placeholder: reason` of the current or last scan",
        lambda now, _: [f"{name}: {why}" for name, why in now.missing.items()],
    ),
    _Shown(
        "missingMandatory",
        (str,),
        "Those of the missing values without which the scan is incomplete",
        lambda now, _: list(now.missing_mandatory),
    ),
    _Shown("startDeadTime", float, "Arrival to commit of the last start", lambda now, _: now.start_dead_time_s, "s"),
    _Shown("endDeadTime", float, "Arrival to commit of the last end", lambda now, _: now.end_dead_time_s, "s"),
    _Shown("filesWaiting", int, "Scans whose file is not written yet", lambda _, scribe: scribe.files_waiting),
    _Shown(
        "projections",
        (str,),
        "`kind: how many are waiting, pending, failing, set aside`, of each kind of projection",
        lambda _, scribe: scribe.projection_queues,
    ),
    _Shown("troubles", (str,), "What needs an operator", lambda _, scribe: list(scribe.troubles)),
    _Shown(
        "slowestReadings",
        (str,),
        "`attribute: seconds` of those that take longest",
        lambda _, scribe: scribe.slowest,
        pushed=False,
    ),
    _Shown(
        "sickDevices",
        (str,),
        "`device: since when and why` of those that scans do not wait for",
        lambda _, scribe: scribe.sick_devices,
        pushed=False,
    ),
    _Shown(
        "keptFresh",
        (str,),
        "`attribute: how` of those with a max_age_s: events or reading, and when it was heard last",
        lambda _, scribe: scribe.kept_fresh,
        pushed=False,
    ),
)
_PUSHED = tuple(shown for shown in _SHOWN if shown.pushed)


class NxScribe(Device):
    """Captures metadata at scan start and end, and writes the experiment's NeXus master file."""

    scribe: ClassVar[Scribe]
    """What the devices of one server serve. Only a class of `device_class` has it."""

    def init_device(self) -> None:
        """Bind this device to the session of its name."""
        super().init_device()
        self._session: Session = self.scribe.sessions[self.get_name()]
        self._told: dict[str, object] = {}
        self._telling = threading.Lock()
        for name in ("State", "Status"):
            self.set_change_event(name, True, False)

    def initialize_dynamic_attributes(self) -> None:
        """Add the attributes of the table above, each with a change event of its own."""
        for shown in _SHOWN:
            self.add_attribute(
                attribute(
                    name=shown.name,
                    dtype=shown.dtype,
                    max_dim_x=_MOST_LINES,
                    doc=shown.doc,
                    unit=shown.unit,
                    fget=lambda _device, _attr, shown=shown: sendable(shown.read(self._session.status, self.scribe)),
                    access=AttrWriteType.READ_WRITE if shown.write else AttrWriteType.READ,
                    **({"fset": self._writer(shown.write, shown.name)} if shown.write else {}),
                )
            )
            if shown.pushed:
                self.set_change_event(shown.name, True, False)

    def dev_state(self) -> DevState:
        """RUNNING from the start's arrival to the end's commit; ALARM while something needs an operator; else ON."""
        if self._session.status.state is not ScanState.IDLE:
            return DevState.RUNNING
        return DevState.ALARM if self.scribe.troubles else DevState.ON

    def dev_status(self) -> str:
        """What it does, and every trouble, in words."""
        now = self._session.status
        what = f"{now.state}: {now.scan} ({now.technique}), {now.entry}" if now.scan else "ready"
        return str(sendable("\n".join([what, *self.scribe.troubles])))

    def publish(self) -> None:
        """Push an event for everything that changed since the last time. Any thread may call it."""
        with self._telling:
            now = self._session.status
            current: dict[str, object] = {shown.name: sendable(shown.read(now, self.scribe)) for shown in _PUSHED}
            for name, value in current.items():
                if self._told.get(name) != value:
                    self.push_change_event(name, value)
            state, status = self.dev_state(), self.dev_status()
            if self._told.get("State") != state:
                # PyTango pushes these two from what was set, whatever value is given.
                self.set_state(state)
                self.push_change_event("State")
            if self._told.get("Status") != status:
                self.set_status(status)
                self.push_change_event("Status")
            self._told = {**current, "State": state, "Status": status}

    @command(doc_in='{"proposal": …, "sample": …, "scan": …, "technique": …, "parameters": {…}}', doc_out="the answer")
    def StartScan(self, request: str) -> str:  # noqa: N802 -- Tango's naming of commands
        """Open a scan: answered when its initial readings are on disk."""
        with self._answering("StartScan"):
            return encode_answer(self._session.start(decode_start(text_of(request))))

    @command(
        doc_in='{"parameters": {…}, "files": {"detector": ["/path"]}, "end_reason": "failed", "reason": …} or empty',
        doc_out="the answer; empty as AbortScan's",
    )
    def EndScan(self, request: str) -> str:  # noqa: N802
        """Close the scan: answered when its final readings are on disk. `"abort": true` aborts as AbortScan does."""
        with self._answering("EndScan"):
            decoded = decode_end(text_of(request))
            answer = self._session.abort(decoded) if decoded.abort else self._session.end(decoded)
            return encode_answer(answer) if answer else ""

    @command(doc_out="the answer; empty when a start or end under way was stopped, and no scan is open")
    def AbortScan(self) -> str:  # noqa: N802
        """Close the scan as aborted. A capture that hangs is stopped at once."""
        with self._answering("AbortScan"):
            answer = self._session.abort()
            return encode_answer(answer) if answer else ""

    @command(doc_out="the answer")
    def Start(self) -> str:  # noqa: N802
        """Open a scan with the names that were written to the attributes, and the parameters that were set since."""
        with self._answering("Start"):
            return encode_answer(self._session.start_prepared())

    @command(doc_out="the answer")
    def End(self) -> str:  # noqa: N802
        """Close the scan that is open."""
        with self._answering("End"):
            return encode_answer(self._session.end(ANY_SCAN))

    @command(doc_in="name, value, name, value …; a value is JSON, or else a text")
    def SetParameter(self, pairs: list[str]) -> None:  # noqa: N802
        """Set values: of the scan that is open, or else of the next one that the command Start opens."""
        with self._answering("SetParameter"):
            self._session.set_or_prepare(decode_pairs([text_of(one) for one in pairs]))

    @command(doc_in='{"name": value, …}; a value may be {"value": …, "unit": …}')
    def SetParameters(self, parameters: str) -> None:  # noqa: N802
        """Set values during the scan: they win over what is read."""
        with self._answering("SetParameters"):
            self._session.set_parameters(decode_parameters(text_of(parameters)))

    @command(doc_in="the id of a record, or empty for the scan that was started last", doc_out="JSON")
    def Values(self, record: str) -> str:  # noqa: N802
        """The newest value of each placeholder of a scan, with unit, time, source and quality."""
        with self._answering("Values"):
            return values_json(self._session.record(text_of(record).strip()))

    @command(doc_out="every problem; empty when the new set is in force")
    def Reload(self) -> list[str]:  # noqa: N802
        """Read config and definitions anew; the last good set stays in force if they cannot be used."""
        with self._answering("Reload"):
            return [in_ascii(str(problem)) for problem in self.scribe.reload()]

    @command(doc_in="a technique", doc_out="JSON: the tree that it will write")
    def Preview(self, technique: str) -> str:  # noqa: N802
        """What a scan of the technique would write: names, classes, types, units, phases, sources, places."""
        with self._answering("Preview"):
            return preview_json(self.scribe.beamline.plan(text_of(technique)), None)

    @command(doc_in="a technique", doc_out="JSON: the same with the devices' present values")
    def PreviewLive(self, technique: str) -> str:  # noqa: N802
        """The same with values, ages, qualities, and what is missing and why: the devices are read as for a scan."""
        with self._answering("PreviewLive"):
            plan = self.scribe.beamline.plan(text_of(technique))
            return preview_json(plan, self.scribe.read_now(plan))

    def _writer(self, write: Callable[[Session, str], None], name: str) -> Callable[[Device, tango.WAttribute], None]:
        def written(_device: Device, attr: tango.WAttribute) -> None:
            given = text_of(attr.get_write_value())
            with self._answering(name):
                write(self._session, given)

        return written

    @contextmanager
    def _answering(self, command_name: str) -> Iterator[None]:
        """Let other requests in meanwhile; what nxscribe raises becomes a DevFailed with the whole explanation."""
        with tango.AutoTangoAllowThreads(self):
            try:
                yield
            except NxscribeError as error:
                log.warning("trigger refused", command=command_name, reason=str(error))
                reason = "JournalUnusable" if isinstance(error, JournalError) else "Refused"
                description = "\n".join(problem.explanation for problem in error.problems)
                tango.Except.throw_exception(REASON_PREFIX + reason, in_ascii(description), command_name)
            except tango.DevFailed:
                raise
            except Exception as error:
                log.exception("trigger failed for an unforeseen reason", command=command_name)
                problem = Problem(
                    f"{command_name} failed for a reason that nobody foresaw: {type(error).__name__}: {error}",
                    "a fault of nxscribe; State tells whether a scan is open",
                    "the session can be used on; report it with the trace back in the daemon's log",
                )
                tango.Except.throw_exception(
                    f"{REASON_PREFIX}InternalError", in_ascii(problem.explanation), command_name
                )


def device_class(scribe: Scribe) -> type[NxScribe]:
    """The device class for a server that serves a scribe. Tango makes the devices itself, from the class alone."""
    content = {"__doc__": NxScribe.__doc__, "scribe": scribe}
    return cast(
        type[NxScribe], new_class(NxScribe.__name__, (NxScribe,), exec_body=lambda names: names.update(content))
    )
