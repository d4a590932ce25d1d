"""The daemon: a scribe behind a Tango device server, under a service manager or on a terminal."""

from __future__ import annotations

import gc
import os
import queue
import signal
import sys
import threading

import structlog
import tango
from tango.server import run

from nxscribe.errors import NxscribeError, Problem
from nxscribe.service.config import TangoSettings
from nxscribe.service.scribe import Scribe
from nxscribe.service.session import Session
from nxscribe.service.systemd import notify, watchdog_interval_s
from nxscribe.triggers.device import NxScribe

log = structlog.get_logger()

_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_IDLE_S = 1.0
_STOP_S = 5.0
_SWITCH_S = 0.02
"""How long a thread waits for Python's one lock before it asks for it, and then again and again. While hundreds of
devices answer, with Python's own 5 ms, that took a fifth of a capture; State would notice only more than this.
"""


class DaemonError(NxscribeError):
    """The daemon cannot serve: the Tango side of it failed."""


def run_daemon(scribe: Scribe) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reloads. Raises DaemonError when Tango cannot be served.

    Signals are blocked in every thread, and waited for here: none is lost, and none interrupts a capture.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    sys.setswitchinterval(_SWITCH_S)
    settings = scribe.beamline.config.tango
    if settings.host:
        os.environ["TANGO_HOST"] = settings.host  # the only way to tell a Tango server
    register(settings)
    server = _DeviceServer(scribe, settings)
    server.start()
    with scribe:
        # All that is there by now stays: the garbage collector need not look through it in the middle of a trigger.
        gc.collect()
        gc.freeze()
        notify("READY=1", f"STATUS=serving {', '.join(settings.devices)}")
        log.info("ready", devices=list(settings.devices), techniques=sorted(scribe.beamline.plans))
        _wait_for_the_end(scribe, server)
        notify("STOPPING=1", "STATUS=finishing the file at hand")
        server.stop()
    log.info("stopped", scan_left_open=scribe.scanning)


def _wait_for_the_end(scribe: Scribe, server: _DeviceServer) -> None:
    interval_s = min(watchdog_interval_s() or _IDLE_S, _IDLE_S)
    while True:
        caught = signal.sigtimedwait(_SIGNALS, interval_s)
        if caught is None:
            if server.ended:
                raise DaemonError(Problem("the Tango server ended by itself", "someone sent its admin device Kill"))
            if scribe.stuck or not server.answers:
                log.error("not well: the watchdog is not told otherwise", stuck=scribe.stuck)
            else:
                notify("WATCHDOG=1")
        elif caught.si_signo == signal.SIGHUP:
            # Apart from this loop: the files may be on a disk that hangs, and the watchdog is to be told all the same.
            threading.Thread(target=_reload, args=(scribe,), name="reload", daemon=True).start()
        else:
            log.info("stopping", signal=signal.Signals(caught.si_signo).name)
            return


def _reload(scribe: Scribe) -> None:
    notify("RELOADING=1")
    try:
        scribe.reload()
    finally:
        notify("READY=1")


class _DeviceServer:
    """The Tango server, in a thread of its own."""

    def __init__(self, scribe: Scribe, settings: TangoSettings) -> None:
        self._scribe = scribe
        self._settings = settings
        self._up = threading.Event()
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._run, name="tango server", daemon=True)
        # Events go out beside the trigger that they speak of: it waits for none.
        self._changed: queue.SimpleQueue[Session | None] = queue.SimpleQueue()
        self._publisher = threading.Thread(target=self._publish_all, name="events", daemon=True)
        NxScribe.scribe = scribe
        scribe.listen(self._changed.put)

    def start(self) -> None:
        self._thread.start()
        while not self._up.wait(0.05):
            if self.ended:
                raise DaemonError(
                    Problem(
                        f"the Tango server {self._settings.server} did not start: {self._failure}",
                        "another one of that name runs, or the database refused it",
                        "stop the other, or give this one another name (tango.server in the config)",
                    )
                )
        # A client's first sight of a device is of the scan that was taken up.
        for session in self._scribe.sessions.values():
            self._publish(session)
        self._publisher.start()

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
        self._changed.put(None)
        self._publisher.join(_STOP_S)
        tango.Util.instance().get_dserver_device().kill()
        self._thread.join(_STOP_S)

    def _run(self) -> None:
        server, instance = self._settings.server.split("/")
        try:
            run((NxScribe,), args=[server, instance], post_init_callback=self._on_init, raises=True)
        except (tango.DevFailed, SystemExit, RuntimeError) as error:
            self._failure = str(error)

    def _on_init(self) -> None:
        self._up.set()

    def _publish_all(self) -> None:
        with tango.EnsureOmniThread():
            while session := self._changed.get():
                self._publish(session)

    @staticmethod
    def _publish(session: Session) -> None:
        try:
            tango.Util.instance().get_device_by_name(session.status.device).publish()
        except Exception as error:  # noqa: BLE001 - PyTango raises more than its own
            # One that could not be sent must not cost those after it.
            log.warning("event not pushed", device=session.status.device, reason=str(error))


def register(settings: TangoSettings) -> None:
    """Enter the devices into the Tango database where they are not, and take out those that this server had before.

    Raises DaemonError when it cannot be reached, or when a device belongs to another server.
    """
    try:
        database = tango.Database(*settings.host.rsplit(":", 1)) if settings.host else tango.Database()
        wanted = {device.lower() for device in settings.devices}
        for device in database.get_device_name(settings.server, "NxScribe"):
            if device.lower() not in wanted:
                # Tango would make it all the same, and there is no session for it.
                database.delete_device(device)
                log.info("device removed: the config does not name it any more", device=device)
        for device in settings.devices:
            info = tango.DbDevInfo()
            info.name, info._class, info.server = device, "NxScribe", settings.server  # noqa: SLF001 -- Tango's own name
            try:
                owner = database.get_device_info(device).ds_full_name
            except tango.DevFailed:
                database.add_device(info)
                log.info("device registered", device=device, server=settings.server)
            else:
                if owner.lower() != settings.server.lower():
                    raise DaemonError(
                        Problem(
                            f"the device {device} belongs to the server {owner}, not to {settings.server}",
                            remedy="choose another name in tango.devices, or delete that device from the database",
                        )
                    )
    except tango.DevFailed as error:
        raise DaemonError(
            Problem(
                f"the Tango database {settings.host or 'of TANGO_HOST'} cannot be used: {error.args[0].desc}",
                "it is down, or its address is wrong",
                "check tango.host in the config, or TANGO_HOST",
            )
        ) from None
