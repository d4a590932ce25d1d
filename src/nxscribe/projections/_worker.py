"""The writer process of one kind of projection, as the daemon uses it: for one record at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Self

from nxscribe.errors import Failure, Problem
from nxscribe.projections._protocol import Done, Failed, Later, Outcome, Renumber, Settings
from nxscribe.records import NEXUS
from nxscribe.runtime import WorkerProcess, WorkerProcessError


class Worker:
    """One writer process. Jobs come from one thread at a time; others wait."""

    def __init__(self, kind: str, settings: Callable[[], Settings]) -> None:
        """The first job or `start` starts the process. Each job calls `settings` for the settings in force."""
        self._settings = settings
        self.timeout_s = settings().files.timeout_s
        """How many seconds the present job, or the last one, can take."""
        name = "writer" if kind == NEXUS else f"{kind} writer"
        self.process = WorkerProcess(name, "nxscribe.projections.writer", kind)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The id of the process, while there is one."""
        return self.process.pid

    def start(self) -> None:
        """Start the process ahead of the first job. Nothing is raised."""
        self.process.start()

    def project(self, record_id: str, last_resort: str = "") -> Outcome:
        """Make the projection of a record. If `last_resort` gives a reason, leave out what is expendable.

        If the process crashes or hangs, the outcome is `Failed`, and `Failed.failure` says which.
        """
        settings = replace(self._settings(), last_resort=last_resort)
        self.timeout_s = settings.files.timeout_s
        try:
            outcome = self.process.ask((record_id, settings), self.timeout_s, f"writing the record {record_id}")
        except WorkerProcessError as error:
            return _failed(error)
        if isinstance(outcome, Done | Later | Failed | Renumber):
            return outcome
        raise TypeError(f"the projection gave {outcome!r}, which is not an outcome")

    def close(self) -> None:
        """End the process after the present job."""
        self.process.close()


def _failed(error: WorkerProcessError) -> Failed:
    # Where no job had reached the process, no record has crashed it: none may be set aside for it.
    failure = Failure.FAILED if error.is_starting else error.failure
    printed = f"; its last words:\n{error.printed}\n" if error.printed else ""
    match error.failure:
        case Failure.CRASHED:
            why = f"a fault in HDF5, memory that ran out, or a signal from outside{printed}"
            remedy = "the record is safe and is tried again in a new process"
        case Failure.ENDLESS:
            why = f"it was at work: a fault in HDF5{printed}"
            remedy = "look whether the data root answers; the record is safe and is tried again"
        case Failure.HUNG:
            why = f"a file system that does not answer{printed}"
            remedy = "look at the mount of the data root and at its file server; the record is safe and is tried again"
        case Failure.FAILED:
            why = "too many processes, or too little memory"
            remedy = "look at the machine's load and the service's limits; it is tried again"
    return Failed((Problem(str(error), why, remedy),), failure)
