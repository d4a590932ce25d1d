"""Records as a beamline makes them, for tests of what keeps and reads them."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np

from nxscribe.model import Phase, RawSeries, Reading, Snapshot, now
from nxscribe.records import DefinitionText, EndReason, Journal, Record, ScanIdentity

DEFINITION = '<group NX_class="NXentry" groupName="${entry}"><title>${scanName}</title></group>\n'


def some_snapshot(phase: Phase, values: int = 3) -> Snapshot:
    """Motor positions with a full source name each, and one device that is dead."""
    readings = {
        f"motor_{number:03d}_position": Reading(
            source=f"localhost:10000/id16a/motor/m{number:03d}/position",
            time=now(),
            value=np.array(np.sin(number + 1.0) * 10),
            unit="mm",
        )
        for number in range(values)
    }
    readings["pressure"] = Reading("localhost:10000/id16a/vacuum/gauge1/pressure", now(), error="no answer in 0.5 s")
    return Snapshot(phase, now(), 0.043, readings)


def some_record(*, scan: str = "scan0001", proposal: str = "ma2210", text: str = DEFINITION, values: int = 3) -> Record:
    """A draft, as the service gives to `Journal.begin`."""
    return Record(
        id=str(uuid4()),
        identity=ScanIdentity("id16a", proposal, "bone", scan, "tomo"),
        number=0,
        session="id16a/nxscribe/main",
        master=f"{proposal}/id16a/{proposal}-id16a.h5",
        directory=f"/data/visitor/{proposal}/id16a/bone/{scan}",
        definition=DefinitionText("tomo", hashlib.sha256(text.encode()).hexdigest(), text),
        start_time=now(),
        initial=some_snapshot(Phase.INITIAL, values),
        detectors={"pco": "instrument/detector01"},
        given={"operator": Reading("parameter", now(), np.array("Ana"))},
    )


def ended(record: Record, values: int = 3) -> Record:
    """The same record, finished."""
    return replace(
        record,
        final=some_snapshot(Phase.FINAL, values),
        end_time=now(),
        end_reason=EndReason.FINISHED,
        raw=(RawSeries("pco", record.directory, "tomo_%04d.edf", 0, 1500),),
        notes=("the daemon was restarted during the scan",),
    )


def a_journal(path: Path, scans: int = 8) -> list[Record]:
    """Makes a journal of so many scans, of which the last is still open. The records are given as it has them."""
    with Journal(path) as journal:
        records = [journal.begin(some_record(scan=f"scan{number}", values=40)) for number in range(scans)]
        for record in records[:-1]:
            journal.update(ended(record, values=40))
        return [journal.record(record.id) for record in records]
