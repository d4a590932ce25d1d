"""Tango's errors in the words of a beamline: what could not be read, the likely cause, what to do about it."""

from __future__ import annotations

from typing import Final

import tango

from nxscribe.errors import Problem

_LONGEST: Final = 300

# Reason (the code that Tango gives) -> likely cause and remedy. `{words}` is what the device or Tango said.
_REASONS: Final = {
    "API_DeviceTimedOut": (
        "its device did not answer in time",
        "see whether its server hangs, or give it more time: timeout_s of the source, limits.deadline_s",
    ),
    "API_CommandTimedOut": (
        "its device is busy with another request",
        "see which of its attributes or commands takes so long",
    ),
    "API_AttrNotFound": ("its device has no such attribute: {words}", "mend the name in the source"),
    "API_AttrNotAllowed": ("its device does not allow it in its present state: {words}", "see the device's state"),
    "API_AttrValueNotSet": ("its device gave no value: {words}", "see the device's own log"),
    "DB_DeviceNotDefined": ("the Tango database knows no such device", "mend the name in the source, or register it"),
    "API_DeviceNotExported": ("its server is not running", "start the device server"),
    "API_DeviceNotDefined": ("the Tango database knows no such device", "mend the name in the source, or register it"),
    "API_CantConnectToDevice": ("its server is not running, or its host is down", "start the device server"),
    "API_ServerNotRunning": ("its server is not running", "start the device server"),
    "API_CantConnectToDatabase": (
        "its Tango database does not answer",
        "see whether the database server runs, and that the name or TANGO_HOST gives its address",
    ),
    "API_TangoHostNotSet": ("TANGO_HOST is not set", "set tango.host in the config, or TANGO_HOST"),
    "API_CorbaException": ("the connection to its server failed: {words}", "see whether the server and its host run"),
    "API_CommunicationFailed": (
        "the connection to its server broke: {words}",
        "see whether the server and its host run",
    ),
    "PyDs_PythonError": ("its device failed: {words}", "see the device's own log"),
}
_TIMEOUTS: Final = ("API_DeviceTimedOut", "API_CommandTimedOut")
_CONNECTIONS: Final = (
    "API_CantConnectToDevice",
    "API_DeviceNotExported",
    "API_ServerNotRunning",
    "API_CantConnectToDatabase",
    "API_TangoHostNotSet",
    "DB_DeviceNotDefined",
    "API_DeviceNotDefined",
)


def explain(what: str, stack: tuple[tango.DevError, ...]) -> str:
    """One line for a stack of Tango errors: `what` could not be read, why, and the remedy."""
    why, remedy = _cause(stack)
    return Problem(f"{what} could not be read", why, remedy).explanation


def is_timeout(error: tango.DevFailed) -> bool:
    """Whether the device was there, but too slow: what it was asked for may still be under way."""
    return any(entry.reason in _TIMEOUTS for entry in error.args)


def is_connection(error: tango.DevFailed) -> bool:
    """Whether the device was not there at all, whatever it was asked for."""
    return any(entry.reason in _CONNECTIONS for entry in error.args)


def _cause(stack: tuple[tango.DevError, ...]) -> tuple[str, str]:
    if any("request was delayed" in entry.desc for entry in stack):
        return (
            "the connection to its server failed a moment ago, and Tango waits a second before it tries again",
            "see whether the server and its host run",
        )
    if any("CallTimedout" in entry.desc for entry in stack) and not any(entry.reason in _TIMEOUTS for entry in stack):
        return "its server does not answer at all", "see whether the server is frozen, and its host up"
    # The first entry is the root; where it only says "CORBA", a later one knows what it was about.
    by_reason = {entry.reason: entry for entry in reversed(stack)}
    for reason in (*_TIMEOUTS, *_CONNECTIONS):
        if reason in by_reason:
            return _told(by_reason[reason])
    return _told(stack[0]) if stack else ("Tango gave no reason", "see the device's own log")


def _told(entry: tango.DevError) -> tuple[str, str]:
    words = _one_line(entry.desc)
    why, remedy = _REASONS.get(
        entry.reason, (f"its device says: {{words}} ({entry.reason})", "see the device's own log")
    )
    return why.format(words=words), remedy


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
