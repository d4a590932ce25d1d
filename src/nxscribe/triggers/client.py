"""A client of a running daemon, which `nxscribe scan` and the demo use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import msgspec
import tango

from nxscribe.errors import Location, NxscribeError, Problem, Severity
from nxscribe.model.tango_names import parse_tango_name
from nxscribe.model.tango_text import text_of, words_of
from nxscribe.service.json_text import Json
from nxscribe.service.scan.status import Answer
from nxscribe.sources.tango.addresses import PROTOCOL
from nxscribe.sources.tango.databases import connect_device
from nxscribe.triggers._letters import in_letters

REASON_PREFIX = "NXSCRIBE_"
"""The beginning of the reasons of the daemon's errors. All other errors are those of Tango."""

_TIMEOUT_MS = 30_000
"""Longer than any deadline of a capture, because the daemon answers when its own deadline is over."""

_PROBLEM: Final = re.compile(
    r"((?P<file>.+?)(:(?P<line>\d+))?(:(?P<column>\d+))?: )?(?P<severity>error|warning): (?P<what>.*)"
)
"""A problem as `str` writes it."""


class ClientError(NxscribeError):
    """The daemon refused the command, or could not be reached."""


class ScribeClient:
    """A running daemon's device, by its Tango name."""

    def __init__(self, device: str) -> None:
        """Raises ClientError if the device cannot be reached."""
        self._device = device
        with _plainly(device):
            self._proxy = _proxy(device)
            self._proxy.set_timeout_millis(_TIMEOUT_MS)

    def start(
        self, proposal: str, sample: str, scan: str, technique: str, parameters: Mapping[str, Json] | None = None
    ) -> Answer:
        """Start a scan."""
        request = {"proposal": proposal, "sample": sample, "scan": scan, "technique": technique}
        with _plainly(self._device):
            return _answer(self._proxy.StartScan(_json({**request, "parameters": parameters or {}})))

    def end(
        self,
        parameters: Mapping[str, Json] | None = None,
        files: Mapping[str, list[str]] | None = None,
        **names: str,
    ) -> Answer:
        """End the scan. `names` say which one is meant (`record`, `entry`, `scan`), and how it ended (`end_reason`,
        `reason`).
        """
        request = {"parameters": parameters or {}, "files": files or {}, **names}
        with _plainly(self._device):
            return _answer(self._proxy.EndScan(_json(request)))

    def abort(self, **names: str) -> Answer | None:
        """Abort the scan. `names` say which one is meant (`record`, `entry`, `scan`), and how it ended (`end_reason`,
        `reason`). If none is named, it is the open one.

        Returns None where a start or an end under way was stopped.
        """
        is_told_more = any(names.values())
        with _plainly(self._device):
            text = self._proxy.EndScan(_json({"abort": True, **names})) if is_told_more else self._proxy.AbortScan()
        return _answer(text) if text else None

    def reload(self) -> list[Problem]:
        """Reload config and definitions now. Returns all problems; empty if the new set is in force."""
        with _plainly(self._device):
            return [_problem(in_letters(text)) for text in self._proxy.Reload() or ()]

    def show(self) -> dict[str, object]:
        """State, status and every attribute, as the device shows them."""
        with _plainly(self._device):
            shown: dict[str, object] = {"state": str(self._proxy.state()), "status": text_of(self._proxy.status())}
            names = [name for name in self._proxy.get_attribute_list() if name not in ("State", "Status")]
            for one in self._proxy.read_attributes(names):
                shown[one.name] = _read(one.value)
        return shown


def _proxy(device: str) -> tango.DeviceProxy:
    written = parse_tango_name(device)
    if written is None or "," not in written.hosts:
        return tango.DeviceProxy(device)
    # Tango itself takes several servers of a database in TANGO_HOST alone.
    return connect_device(f"{PROTOCOL}{written.hosts}/{'/'.join(written.path)}")[1]


@contextmanager
def _plainly(device: str) -> Iterator[None]:
    """Convert every error of Tango to a ClientError."""
    try:
        yield
    except tango.DevFailed as error:
        first = error.args[0]
        if first.reason.startswith(REASON_PREFIX):
            raise ClientError(*(Problem(in_letters(line)) for line in first.desc.splitlines())) from None
        raise ClientError(
            Problem(
                f"{device} cannot be reached: {words_of(error.args)}",
                "the daemon does not run, or TANGO_HOST names another database",
                "start it with `nxscribe run CONFIG`, or correct TANGO_HOST",
            )
        ) from None


def _problem(text: str) -> Problem:
    """The problem behind its text, as far as that tells: its place, its severity, and the rest as one sentence."""
    found = _PROBLEM.fullmatch(text)
    if found is None:
        return Problem(text)
    place = Location(found["file"], int(found["line"] or 0), int(found["column"] or 0)) if found["file"] else None
    return Problem(found["what"], location=place, severity=Severity(found["severity"]))


def _read(value: object) -> object:
    if isinstance(value, tuple):
        return [_read(one) for one in value]
    return text_of(value) if isinstance(value, str) else value


def _json(request: object) -> str:
    # In ASCII: PyTango can send Latin-1 alone.
    return json.dumps(request)


def _answer(text: str) -> Answer:
    return msgspec.json.decode(text, type=Answer)
