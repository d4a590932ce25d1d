"""The client of a running daemon: what `nxscribe scan` and the demo speak through."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec
import tango

from nxscribe.capture.values import text_of
from nxscribe.errors import NxscribeError, Problem
from nxscribe.service.requests import Json
from nxscribe.service.status import Answer

REASON_PREFIX = "NXSCRIBE_"
"""What the reasons of the daemon's own errors begin with; others are Tango's."""

_TIMEOUT_MS = 30_000
"""Longer than any deadline of a capture: the daemon answers by its own."""


class ClientError(NxscribeError):
    """The daemon refused, or could not be reached."""


class ScribeClient:
    """A running daemon's device, by its Tango name."""

    def __init__(self, device: str) -> None:
        """Raises ClientError when the device is not there."""
        self._device = device
        with _plainly(device):
            self._proxy = tango.DeviceProxy(device)
            self._proxy.set_timeout_millis(_TIMEOUT_MS)

    def start(
        self, proposal: str, sample: str, scan: str, technique: str, parameters: Mapping[str, Json] | None = None
    ) -> Answer:
        """Start a scan."""
        request = {"proposal": proposal, "sample": sample, "scan": scan, "technique": technique}
        with _plainly(self._device):
            return _answer(self._proxy.StartScan(_json({**request, "parameters": parameters or {}})))

    def end(self, parameters: Mapping[str, Json] | None = None, files: Mapping[str, list[str]] | None = None) -> Answer:
        """End the scan."""
        with _plainly(self._device):
            return _answer(self._proxy.EndScan(_json({"parameters": parameters or {}, "files": files or {}})))

    def abort(self) -> Answer | None:
        """Abort the scan."""
        with _plainly(self._device):
            text = self._proxy.AbortScan()
        return _answer(text) if text else None

    def reload(self) -> list[str]:
        """Have config and definitions read anew, now. Returns every problem; none when the new set is in force."""
        with _plainly(self._device):
            return [text_of(problem) for problem in self._proxy.Reload() or ()]

    def show(self) -> dict[str, object]:
        """State, status and every attribute, as the device shows them."""
        with _plainly(self._device):
            shown: dict[str, object] = {"state": str(self._proxy.state()), "status": text_of(self._proxy.status())}
            names = [name for name in self._proxy.get_attribute_list() if name not in ("State", "Status")]
            for one in self._proxy.read_attributes(names):
                shown[one.name] = _read(one.value)
        return shown


@contextmanager
def _plainly(device: str) -> Iterator[None]:
    """What Tango raises becomes a ClientError in nxscribe's own form."""
    try:
        yield
    except tango.DevFailed as error:
        first = error.args[0]
        if first.reason.startswith(REASON_PREFIX):
            raise ClientError(*(Problem(text_of(line)) for line in first.desc.splitlines())) from None
        raise ClientError(
            Problem(
                f"{device} cannot be reached: {first.desc.splitlines()[0]}",
                "the daemon does not run, or TANGO_HOST names another database",
                "start it with `nxscribe run CONFIG`, or correct TANGO_HOST",
            )
        ) from None


def _read(value: object) -> object:
    if isinstance(value, tuple):
        return [_read(one) for one in value]
    return text_of(value) if isinstance(value, str) else value


def _json(request: object) -> str:
    # In ASCII: PyTango can send Latin-1 alone.
    return json.dumps(request)


def _answer(text: str) -> Answer:
    return msgspec.json.decode(text, type=Answer)
