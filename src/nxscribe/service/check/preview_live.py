"""The entry that a technique would get if a scan started and ended now.

The readings are taken here. A separate process makes the entry from them, because this needs HDF5, and a crash of HDF5
must not end the daemon.
"""

from __future__ import annotations

from contextlib import closing
from typing import Final

from nxscribe.capture import Capturer, SourceReader
from nxscribe.definitions import definition_text
from nxscribe.errors import NxscribeError, Problem
from nxscribe.model import Phase, Snapshot, now
from nxscribe.plan import CapturePlan
from nxscribe.records import EndReason, Record, ScanIdentity, as_recorded
from nxscribe.runtime import WorkerProcess, WorkerProcessError
from nxscribe.service.check.preview import Live
from nxscribe.service.config import Config

_SHOWN: Final = 5
"""How many of the slowest attributes are shown."""
_MAKE_S: Final = 30.0
"""How many seconds the making of the entry can take; usually it is some 10 ms."""


def read_live(plan: CapturePlan, config: Config, reader: SourceReader) -> Live:
    """Read both phases now, and make the entry that a scan would get. Nothing is stored.

    Raises:
        NxscribeError: The entry could not be made.
    """
    deadline_s = config.limits.deadline_s
    capturer = Capturer(reader)
    initial = capturer.capture(plan, Phase.INITIAL, given={}, had={}, deadline_s=deadline_s)
    final = capturer.capture(plan, Phase.FINAL, given={}, had=initial.readings, deadline_s=deadline_s)
    with closing(WorkerProcess("preview", "nxscribe.service.check.preview_entry")) as process:
        try:
            values, missing = process.ask(_record(plan, config, initial, final), _MAKE_S, "making the entry")
        except WorkerProcessError as error:
            raise NxscribeError(Problem(str(error), error.printed, "ask again; report it if it comes again")) from error
    durations = {one.phase: one.duration_s for one in (initial, final)}
    return Live(values, missing, now(), durations, reader.slowest(_SHOWN, plan.items))


def _record(plan: CapturePlan, config: Config, initial: Snapshot, final: Snapshot) -> Record:
    return Record(
        id="preview",
        identity=ScanIdentity(config.beamline, "proposal", "sample", "scan", plan.technique),
        number=1,
        session="",
        master="",
        directory="",
        definition=as_recorded(plan.definition, definition_text(plan.definition)),
        start_time=initial.started,
        initial=initial,
        end_time=final.started,
        final=final,
        end_reason=EndReason.FINISHED,
    )
