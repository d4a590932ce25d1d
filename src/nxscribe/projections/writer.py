"""The program of a writer process: makes one kind of projection of each record that it receives."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeAlias

from nxscribe.errors import Failure, NxscribeError, Problem, ProjectionError
from nxscribe.model.times import use_zone
from nxscribe.projections._kept_journal import kept_journal
from nxscribe.projections._protocol import Failed, Outcome, Previous, Projection, Settings
from nxscribe.projections._registry import registered
from nxscribe.records import ProjectionState
from nxscribe.runtime.worker_process import serve

_Job: TypeAlias = tuple[str, Settings]


def main() -> None:
    """Make projections until the daemon ends."""
    serve(_prepare)


def _prepare(kind: str) -> Callable[[_Job], Outcome]:
    projection = registered()[kind]()
    projection.prepare()
    return lambda job: _project(projection, *job)


def _project(projection: Projection, record_id: str, settings: Settings) -> Outcome:
    use_zone(settings.files.time_zone)
    try:
        with kept_journal(settings.journal) as journal:
            record = journal.record(record_id)
            previous = {
                kind: Previous(json.loads(standing.result or "{}"), standing.state is ProjectionState.MADE)
                for kind, standing in journal.standings(record_id).items()
                if standing.result or standing.state is ProjectionState.MADE
            }
        return projection.project(record, settings, previous)
    except NxscribeError as error:
        return Failed(error.problems, error.failure if isinstance(error, ProjectionError) else Failure.FAILED)
    except Exception as error:  # noqa: BLE001 - whatever it is, the daemon shall hear of it and go on
        return Failed((_unforeseen(error),))


def _unforeseen(error: Exception) -> Problem:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else "an unknown place"
    return Problem(
        f"{type(error).__name__}: {error}",
        f"unforeseen, in {where}",
        "please report it with this text; the record is safe",
    )


if __name__ == "__main__":
    main()
