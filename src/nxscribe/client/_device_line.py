"""The connection to a device, for which nobody waits longer than the time-out."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar

from nxscribe.client._rest import Rest
from nxscribe.errors import NxscribeError, Problem
from nxscribe.tango_text import REASON_PREFIX, REFUSED, in_letters, words_of

if TYPE_CHECKING:
    import tango

log = logging.getLogger("nxscribe.client")

_T = TypeVar("_T")
Work: TypeAlias = "Callable[[tango.DeviceProxy], _T]"
"""What is done with the proxy of the device."""

_SEVERAL_HOSTS: Final = re.compile(r"(?:tango:)?(?://)?(?P<hosts>[\w.-]+:\d+(?:,[\w.-]+:\d+)+)/(?P<device>[^:]+)")
"""The name of a device in a database with several servers."""


class ClientError(NxscribeError):
    """The daemon refused the command, or the command failed."""


class CommandFailedError(ClientError):
    """The command failed, and was not refused: nobody knows whether the daemon has done it, or will do it yet."""


class DeviceLine:
    """The connection to one device.

    A thread of its own talks to the device: Tango's time-outs add up, to ten seconds for a process that is stopped, and
    those of its database cannot be set. The caller waits for the time-out alone, and the thread does one thing after
    the other, so that what is sent later also arrives later.
    """

    def __init__(self, device: str, timeout_s: float, rest: Rest) -> None:
        self._device = device
        self._timeout_s = timeout_s
        self._rest = rest
        self._proxy: tango.DeviceProxy | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"nxscribe client of {device}")
        self._posted: Future[None] | None = None
        """What was posted last."""

    @property
    def rest_s(self) -> float:
        """For how long the device is left alone, because it failed a moment ago."""
        return self._rest.left_s

    def ask(self, work: Work[_T]) -> _T:
        """Do something with the device, and wait for it.

        Raises:
            ClientError: The daemon has refused it.
            CommandFailedError: It failed. The work may still be going on.
        """
        begun = time.monotonic()
        try:
            future = self._thread.submit(self._do, work)
        except RuntimeError as error:  # the interpreter is about to end
            raise self._failed(error) from error
        try:
            return future.result(self._timeout_s)
        except TimeoutError:
            future.cancel()  # what still waits behind something else is not to be sent any more
            self._rest.begin(self._timeout_s)
            raise CommandFailedError(
                Problem(
                    f"{self._device} did not answer within {self._timeout_s:g} s",
                    "the daemon or its Tango database hangs, or the time-out is shorter than limits.deadline_s",
                    "see `nxscribe status` and the daemon's log",
                )
            ) from None
        except CommandFailedError:
            self._rest.begin(time.monotonic() - begun)
            raise

    def post(self, work: Work[object]) -> None:
        """Do something with the device after everything that is under way. Its failure is only logged."""

        def done() -> None:
            try:
                self._do(work)
            except ClientError as error:
                log.debug("%s", error)

        try:
            self._posted = self._thread.submit(done)
        except RuntimeError as error:  # the interpreter is about to end
            log.debug("%s", self._failed(error))

    def flush(self, timeout_s: float) -> None:
        """Wait until everything that was posted is done, for so many seconds at most."""
        if self._posted:
            wait([self._posted], timeout_s)

    def _do(self, work: Work[_T]) -> _T:
        """Raises ClientError alone."""
        try:
            return self._done(work)
        except ClientError:
            raise
        except Exception as error:
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> CommandFailedError:
        """What a caller gets instead of an error that is not one of Tango's."""
        log.debug("an error that is not one of Tango's", exc_info=error)
        told = f"{self._device} could not be asked: {type(error).__name__}: {error}"
        if isinstance(error, ImportError):
            return CommandFailedError(
                Problem(told, "PyTango cannot be loaded by this Python", "install it: pip install pytango")
            )
        return CommandFailedError(
            Problem(told, "the program is about to end, or it is unforeseen", "see the log nxscribe.client at DEBUG")
        )

    def _done(self, work: Work[_T]) -> _T:
        import tango  # noqa: PLC0415 - it takes longer to import than all the rest

        try:
            if self._proxy is None:
                self._proxy = _connected(self._device, self._timeout_s)
            return work(self._proxy)
        except tango.DevFailed as error:
            first = error.args[0]
            if first.reason.startswith(REASON_PREFIX):
                kind = ClientError if first.reason == REFUSED else CommandFailedError
                raise kind(*(Problem(in_letters(line)) for line in first.desc.splitlines())) from None
            self._proxy = None
            raise CommandFailedError(
                Problem(
                    f"{self._device} cannot be reached: {words_of(error.args)}",
                    "the daemon does not run, or TANGO_HOST names another database",
                    "start it with `nxscribe run CONFIG`, or correct TANGO_HOST",
                )
            ) from None


def _connected(device: str, timeout_s: float) -> tango.DeviceProxy:
    """A proxy of the device. Raises DevFailed if it cannot be had."""
    import tango  # noqa: PLC0415

    several = _SEVERAL_HOSTS.fullmatch(device)
    # Tango itself takes several servers of a database in TANGO_HOST alone.
    names = [f"//{host}/{several['device']}" for host in several["hosts"].split(",")] if several else [device]
    for name in names:
        try:
            proxy = tango.DeviceProxy(name, green_mode=tango.GreenMode.Synchronous)
        except tango.DevFailed:
            if name == names[-1]:
                raise
        else:
            break
    proxy.set_timeout_millis(int(timeout_s * 1000))
    # Tango would send a command again after a lost connection, whether it was done or not.
    proxy.set_transparency_reconnection(False)
    return proxy
