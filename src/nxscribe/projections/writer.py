"""The writer process itself: takes the ids of records, writes their files, answers what came of it.

It ends when its parent does, and leaves signals to its parent: only the parent knows whether a file is being written.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
from multiprocessing.connection import Connection
from typing import Final

from nxscribe.errors import EntryTakenError, NxscribeError, Problem
from nxscribe.projections.files import NotWritten, Written

_PR_SET_PDEATHSIG: Final = 1
_NICENESS: Final = 10
"""Captures come first."""
_REPORT_AT: Final = 0.9
"""The share of the time limit after which a job that lasts says where it is, before the parent kills it."""


def main() -> None:
    """Serve the connection whose descriptor is the first argument, for the parent whose number is the second."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    faulthandler.enable()
    _die_with_parent(int(sys.argv[2]))
    os.nice(_NICENESS)
    with Connection(int(sys.argv[1])) as pipe:
        try:
            _serve(pipe)
        except (EOFError, ConnectionError):
            return


def _serve(pipe: Connection) -> None:
    journal, settings, timeout_s = pipe.recv()
    from nxscribe.model import units  # noqa: PLC0415 - as below
    from nxscribe.projections.nexus import write_nexus  # noqa: PLC0415 - HDF5 is for this process alone
    from nxscribe.records import read_record  # noqa: PLC0415 - with it, so that only serving waits for imports

    units.is_known("mm")  # loads the table of units, which no job's time limit should have to cover
    pipe.send("ready")
    while True:
        record_id = pipe.recv()
        faulthandler.dump_traceback_later(timeout_s * _REPORT_AT)
        try:
            record, _ = read_record(journal, record_id)
            answer: Written | NotWritten = write_nexus(record, settings)
        except EntryTakenError as error:
            answer = NotWritten(error.problems, error.free_from)
        except NxscribeError as error:
            answer = NotWritten(error.problems)
        except Exception as error:  # noqa: BLE001 - whatever it is, the daemon shall hear of it and go on
            answer = NotWritten((_unforeseen(error),))
        finally:
            faulthandler.cancel_dump_traceback_later()
        pipe.send(answer)


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


def _die_with_parent(parent: int) -> None:
    """A hung write must not outlive the daemon. Linux only, as nxscribe is."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the daemon ended before its writer began")


if __name__ == "__main__":
    main()
