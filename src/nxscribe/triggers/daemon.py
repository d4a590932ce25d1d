"""The daemon: a scribe behind a Tango device server, under a service manager or on a terminal."""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import signal
import sys
import threading
from concurrent.futures import Future
from typing import TypeAlias

import tango
from tango.server import run

from nxscribe.errors import Problem
from nxscribe.runtime import SupervisedThread, Supervisor
from nxscribe.runtime.logger import get_logger
from nxscribe.service.config import TangoSettings
from nxscribe.service.events import Events
from nxscribe.service.scribe import Scribe
from nxscribe.service.systemd import notify, watchdog_interval_s
from nxscribe.triggers._device import device_class
from nxscribe.triggers._registration import DaemonError, DatabaseAwayError, register
from nxscribe.triggers._socket_folder import socket_folder_problem

log = get_logger()

_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_IDLE_S = 1.0
_STOP_S = 5.0
_PUBLISH_S = 120.0
"""A publisher that has pushed nothing for so long waits for a lock of Tango's that nobody gives back."""
_SWITCH_S = 0.02
"""How long a thread waits for Python's one lock before it asks for it, and then again and again. While hundreds of
devices answer, with Python's own 5 ms, that took a fifth of a capture; State would notice only more than this.
"""


_TOGETHER_S = 0.01
"""The changes of this time are pushed together: most triggers are over by then, and no event competes with them."""
_LOOK_S = 0.05
_DATABASE_PAUSE_S = (1.0, 10.0)
"""The first and the longest pause between two attempts to reach the Tango database."""
_DATABASE_ANSWERS_S = 60.0
"""Within this an attempt has an answer from Tango, be it that the database hangs."""
Signals: TypeAlias = queue.SimpleQueue[signal.Signals]


def run_daemon(scribe: Scribe) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reloads. Raises DaemonError when Tango cannot be served.

    Threads may still be inside Tango when it returns, as with a database that hangs: the process must then end by
    `os._exit`.

    Signals are blocked in every thread, and waited for by one: none is lost, and none interrupts a capture. Whatever
    ends the main loop, the server is stopped and the process ends.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    sys.setswitchinterval(_SWITCH_S)
    settings = scribe.beamline.config.tango
    if settings.host:
        os.environ["TANGO_HOST"] = settings.host  # the only way to tell a Tango server
    caught, manager = _signals(scribe.supervisor), _Manager()
    with contextlib.ExitStack() as ends:
        server = _DeviceServer(scribe, settings)
        ends.callback(server.stop)
        if not (_registered(settings, caught, manager) and server.start(caught)):
            log.info("stopped before it served")
            return
        ends.enter_context(scribe)
        # The server stops first: no trigger comes while the scribe ends.
        ends.callback(server.stop)
        # All that is there by now stays: the garbage collector need not look through it in the middle of a trigger.
        gc.collect()
        gc.freeze()
        manager.tell("READY=1", f"STATUS=serving {', '.join(settings.devices)}")
        log.info("ready", devices=list(settings.devices), techniques=sorted(scribe.beamline.plans))
        reloads = _ReloadsBySignal(scribe, manager)
        reloads.start()
        ends.callback(reloads.stop)
        _wait_for_the_end(scribe, server, caught, manager, reloads)
        manager.tell("STOPPING=1", "STATUS=finishing the file at hand")
    log.info("stopped", scan_left_open=scribe.scanning)


def _registered(settings: TangoSettings, caught: Signals, manager: _Manager) -> bool:
    """Register the devices as soon as the Tango database answers; False when the daemon is told to end before.

    Raises DaemonError where the database refuses.
    """
    told = ""
    pause_s = _DATABASE_PAUSE_S[0]
    while True:
        # Apart from this thread: a database that hangs must not keep the daemon from its end.
        attempt: Future[None] = Future()
        threading.Thread(target=_fulfil, args=(attempt, settings), name="register", daemon=True).start()
        while not attempt.done():
            if _is_to_end(caught, _LOOK_S):
                return False
        error = attempt.exception()
        if error is None:
            return True
        if not isinstance(error, DatabaseAwayError):
            raise error
        if str(error) != told:
            told = str(error)
            log.error("waiting for the Tango database", reason=told)
        extended = f"EXTEND_TIMEOUT_USEC={round(1e6 * (pause_s + _DATABASE_ANSWERS_S))}"
        manager.tell(extended, "STATUS=waiting for the Tango database")
        if _is_to_end(caught, pause_s):
            return False
        pause_s = min(2 * pause_s, _DATABASE_PAUSE_S[1])


def _fulfil(attempt: Future[None], settings: TangoSettings) -> None:
    try:
        with tango.EnsureOmniThread():
            register(settings)
        attempt.set_result(None)
    except Exception as error:  # noqa: BLE001 - it is raised where the attempt is waited for
        attempt.set_exception(error)


def _is_to_end(caught: Signals, within_s: float) -> bool:
    """Wait, and say whether the daemon was told to end meanwhile. There is nothing to reload yet."""
    try:
        return caught.get(timeout=within_s) != signal.SIGHUP
    except queue.Empty:
        return False


def _wait_for_the_end(
    scribe: Scribe, server: _DeviceServer, caught: Signals, manager: _Manager, reloads: _ReloadsBySignal
) -> None:
    interval_s = min(watchdog_interval_s() or _IDLE_S, _IDLE_S)
    shown = scribe.troubles
    while True:
        try:
            number = caught.get(timeout=interval_s)
        except queue.Empty:
            if server.ended:
                raise DaemonError(
                    Problem("the Tango server ended by itself", "someone sent its admin device Kill")
                ) from None
            all_live, answers = scribe.supervisor.check(), server.answers
            if all_live and answers:
                manager.tell("WATCHDOG=1")
            else:
                log.error(
                    "health check failed, watchdog notification withheld",
                    server_answers=answers,
                    troubles=scribe.supervisor.troubles,
                )
            if scribe.troubles != shown:
                shown = scribe.troubles
                scribe.trouble_changed()
            continue
        if number == signal.SIGHUP:
            reloads.wanted.set()
        else:
            log.info("stopping", signal=number.name)
            return


def _signals(supervisor: Supervisor) -> Signals:
    """The signals, as they come. They are had by `sigwait`: `sigtimedwait` may return a number that is no signal after
    the process was stopped and went on (CPython 3.11 to 3.13).
    """
    caught: Signals = queue.SimpleQueue()

    def wait() -> None:
        caught.put(signal.Signals(signal.sigwait(_SIGNALS)))

    thread = SupervisedThread("wait for signals", wait, daemon=True)
    thread.start()
    supervisor.add(thread)
    return caught


class _Manager:
    """The service manager; that it cannot be told is logged once, and changes nothing else."""

    def __init__(self) -> None:
        self._failure = ""

    def tell(self, *assignments: str) -> None:
        failure = notify(*assignments)
        if failure and not self._failure:
            log.warning("the service manager is not told how the daemon fares", reason=failure)
        self._failure = failure


class _ReloadsBySignal:
    """A thread that reloads when SIGHUP has come, apart from the main loop: the files may be on a disk that hangs, and
    the watchdog is to be fed all the same.
    """

    def __init__(self, scribe: Scribe, manager: _Manager) -> None:
        self._scribe = scribe
        self._manager = manager
        self.wanted = threading.Event()
        self._thread = SupervisedThread("reload by signal", self._turn, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()
        self._scribe.supervisor.add(self._thread)

    def stop(self) -> None:
        """End, without waiting for a reload under way."""
        self._thread.stopping.set()
        self.wanted.set()

    def _turn(self) -> None:
        if not self.wanted.wait(_IDLE_S) or self._thread.stopping.is_set():
            return
        self.wanted.clear()
        self._manager.tell("RELOADING=1")
        try:
            self._scribe.reload()
        finally:
            self._manager.tell("READY=1")


class _DeviceServer(Events):
    """The Tango server, in a thread of its own."""

    def __init__(self, scribe: Scribe, settings: TangoSettings) -> None:
        self._scribe = scribe
        self._settings = settings
        self._up = threading.Event()
        self._failure: str | None = None
        self._is_told_to_end = False
        self._thread = threading.Thread(target=self._run, name="tango server", daemon=True)
        # Events go out beside the trigger that they speak of: it waits for none.
        self._changed: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._publisher = SupervisedThread(
            "event publisher",
            self._publish_next,
            surroundings=tango.EnsureOmniThread,
            daemon=True,
            longest_turn_s=lambda: _PUBLISH_S,
        )
        self._class = device_class(scribe)
        scribe.listen(self)
        scribe.supervisor.add(self._publisher)

    def start(self, caught: Signals) -> bool:
        """Begin to serve; False when the daemon is told to end before it does. Raises DaemonError."""
        self._thread.start()
        while not self._up.is_set():
            if _is_to_end(caught, _LOOK_S):
                return False
            if self.ended:
                raise DaemonError(
                    socket_folder_problem()
                    or Problem(
                        f"the Tango server {self._settings.server} did not start: {self._failure}",
                        "Tango or its database refused it; no other server of that name answers",
                        "see what the reason says, and start again",
                    )
                )
        # A client's first sight of a device is of the scan that was taken up.
        for device in self._scribe.sessions:
            self._publish(device)
        self._publisher.start()
        return True

    def status_changed(self, device: str) -> None:
        """Have the events of a device pushed."""
        self._changed.put(device)

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    @property
    def answers(self) -> bool:
        """Whether a client would get an answer: a call through the network, as a client's.

        It takes no database: Tango itself knows the devices of its own process.
        """
        try:
            tango.DeviceProxy(self._settings.devices[0]).ping()
        except tango.DevFailed:
            return False
        return True

    def stop(self) -> None:
        """End. It may be called again, and after a start that failed."""
        self._publisher.stopping.set()
        self._changed.put(None)
        self._publisher.stop(_STOP_S)
        if self._up.is_set() and not self.ended and not self._is_told_to_end:
            # Once only: the end of a Tango server (cppTango 10.3) does not allow for a second call while the first one
            # still waits for its database.
            self._is_told_to_end = True
            with contextlib.suppress(tango.DevFailed):
                tango.Util.instance().get_dserver_device().kill()
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        server, instance = self._settings.server.split("/")
        try:
            # It has nothing to say on standard output: nobody may read there, or the disk be full.
            run(
                (self._class,),
                args=[server, instance],
                post_init_callback=self._on_init,
                raises=True,
                msg_stream=None,
            )
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the main loop tells it, and ends the process
            self._failure = str(error)

    def _on_init(self) -> None:
        self._up.set()

    def _publish_next(self) -> None:
        with contextlib.suppress(queue.Empty):
            devices = {self._changed.get(timeout=_IDLE_S)}
            self._publisher.stopping.wait(_TOGETHER_S)
            while not self._changed.empty():
                devices.add(self._changed.get_nowait())
            for device in filter(None, devices):
                self._publish(device)

    @staticmethod
    def _publish(device: str) -> None:
        try:
            tango.Util.instance().get_device_by_name(device).publish()
        except Exception as error:  # noqa: BLE001 - PyTango raises more than its own
            # One that could not be sent must not cost those after it.
            log.warning("event not pushed", device=device, reason=str(error))
