"""What a control system reads when a trigger is refused: what, why, and what to do."""

from __future__ import annotations

from nxscribe.errors import Problem, TriggerRefusedError
from nxscribe.records import Record
from nxscribe.service.scan.requests import EndRequest
from nxscribe.service.scan.status import Status


def not_open(device: str) -> TriggerRefusedError:
    """No scan is open."""
    return TriggerRefusedError(
        Problem(
            f"no scan is open on {device}",
            "it was never started, or has ended already",
            "start one first; the last answer and the attributes tell what became of the last",
        )
    )


def no_scan_yet(device: str) -> TriggerRefusedError:
    """No scan has been started."""
    return TriggerRefusedError(Problem(f"{device} had no scan yet", remedy="start one, or name a record by its id"))


def busy(status: Status, scan: str) -> TriggerRefusedError:
    """A scan is open, or a trigger under way; `scan` is its `sample - scan`."""
    return TriggerRefusedError(
        Problem(
            f"{status.device} is {status.state} with the scan {scan!r}",
            "a session has one scan at a time, and one trigger at a time",
            "end or abort the scan first, or wait until the trigger under way is answered",
        )
    )


def other_scan(request: EndRequest, opened: Record) -> TriggerRefusedError:
    """The request names another scan than the open one."""
    named = ", ".join(filter(None, (request.record, request.entry, request.scan)))
    return TriggerRefusedError(
        Problem(
            f"the scan that is open is {opened.entry}, {opened.identity.sample} - {opened.identity.scan},"
            f" record {opened.id}, and not {named}",
            "the scan that was meant has ended, or was started elsewhere",
            "nothing was ended: name the scan by what its start was answered with",
        )
    )


def start_aborted(what_is: str) -> TriggerRefusedError:
    """A start was aborted; `what_is` tells what is on disk."""
    return TriggerRefusedError(Problem("the start was aborted", what_is, "start again"))


def not_answered(after_s: float) -> TriggerRefusedError:
    """The trigger that is to be aborted is not answered."""
    return TriggerRefusedError(
        Problem(
            f"the trigger under way has not been answered within {after_s:g} s",
            "the journal's disk does not answer",
            "it is aborted as soon as the disk answers; look at State then",
        )
    )


def cannot_abort(why: str) -> TriggerRefusedError:
    """The abort did not come about."""
    return TriggerRefusedError(
        Problem("the scan could not be aborted", why, "see State; if it is RUNNING, send the abort again")
    )
