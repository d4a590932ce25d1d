"""Converts errors of Tango to messages: what could not be read, the likely cause, and what to do."""

from __future__ import annotations

from typing import Final

import tango

from nxscribe.errors import Problem
from nxscribe.tango_text import one_line, words_of

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
    "API_AttrNotFound": ("its device does not have this attribute: {words}", "correct the name in the source"),
    "API_AttrNotAllowed": ("its device does not allow it in its present state: {words}", "see the device's state"),
    "API_AttrValueNotSet": ("its device gave no value: {words}", "see the device's own log"),
    "DB_DeviceNotDefined": (
        "the Tango database does not know this device",
        "correct the name in the source, or register it",
    ),
    "API_DeviceNotExported": ("its server is not running", "start the device server"),
    "API_DeviceNotDefined": (
        "the Tango database does not know this device",
        "correct the name in the source, or register it",
    ),
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
_BROKEN: Final = ("API_CorbaException", "API_CommunicationFailed")
_CONNECTIONS: Final = (
    "API_CantConnectToDevice",
    "API_DeviceNotExported",
    "API_ServerNotRunning",
    "API_CantConnectToDatabase",
    "API_TangoHostNotSet",
    "DB_DeviceNotDefined",
    "API_DeviceNotDefined",
)
_DATABASE_AWAY: Final = frozenset(
    {
        "API_CantConnectToDatabase",
        "API_CantConnectToDevice",
        "API_CommunicationFailed",
        "API_CorbaException",
        "API_DeviceTimedOut",
    }
)


def explain(what: str, stack: tuple[tango.DevError, ...]) -> str:
    """One line for a stack of Tango errors: `what` could not be read, why, and the remedy."""
    why, remedy = _cause(stack)
    return Problem(f"{what} could not be read", why, remedy).explanation


def explain_answer(what: str, stack: tuple[tango.DevError, ...]) -> str:
    """Like `explain`, for an error with which the device itself answered. A timeout or a broken connection in this
    error is one between that device and another one.
    """
    first = stack[0].reason if stack else ""
    if first in (*_TIMEOUTS, *_BROKEN, *_CONNECTIONS):
        why, remedy = f"its device says: {words_of(stack)} ({one_line(first)})", "see the device's own log"
    else:
        why, remedy = _told(stack)
    return Problem(f"{what} could not be read", why, remedy).explanation


def is_timeout(error: tango.DevFailed) -> bool:
    """Whether the device can be reached, but was too slow. It may still be working on the request."""
    return any(entry.reason in _TIMEOUTS for entry in error.args)


def is_connection(error: tango.DevFailed) -> bool:
    """Whether the device could not be reached at all."""
    return any(entry.reason in _CONNECTIONS for entry in error.args)


def is_database_away(error: tango.DevFailed) -> bool:
    """Whether the Tango database is down, hangs, or cannot be reached."""
    return any(entry.reason in _DATABASE_AWAY for entry in error.args)


def is_delayed(error: tango.DevFailed) -> bool:
    """Whether Tango did not try to connect, because it had tried shortly before. The real reason was reported then."""
    return _says_delayed(error.args)


def _says_delayed(stack: tuple[tango.DevError, ...]) -> bool:
    return any("request was delayed" in entry.desc for entry in stack)


def is_broken(error: tango.DevFailed) -> bool:
    """Whether an existing connection was lost. Its server may have been restarted, and may answer immediately."""
    return not is_timeout(error) and any(entry.reason in _BROKEN for entry in error.args)


def _cause(stack: tuple[tango.DevError, ...]) -> tuple[str, str]:
    if _says_delayed(stack):
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
            return _told((by_reason[reason],))
    return _told(stack)


def _told(stack: tuple[tango.DevError, ...]) -> tuple[str, str]:
    if not stack:
        return "Tango gave no reason", "see the device's own log"
    entry, words, reason = stack[0], words_of(stack), one_line(stack[0].reason)
    why, remedy = _REASONS.get(entry.reason, (f"its device says: {{words}} ({reason})", "see the device's own log"))
    return why.replace("{words}", words), remedy
