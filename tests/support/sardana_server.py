"""Sardana on the tests' Tango database: a Pool with dummies, a MacroServer and a Door, in one process."""

from __future__ import annotations

from pathlib import Path

import tango
from daemons import wait_until

from nxscribe.simulation._process import ChildProcess

SERVER = "Sardana/tests"
POOL, MACRO_SERVER, DOOR = "pool/sardana/1", "macroserver/sardana/1", "door/sardana/1"

MACROS = '''
from sardana.macroserver.macro import Macro


class two_scans(Macro):
    def run(self):
        self.execMacro("ascan", "sx", 0, 1, 1, 0.01)
        self.execMacro("dscan", "sx", 0, 1, 1, 0.01)


class broken(Macro):
    def run(self):
        raise ValueError("the shutter is stuck")


class hooked(Macro):
    """A scan whose second point calls a hook that raises: a function, or a macro."""

    param_def = [["kind", "String", None, "function or macro"]]

    def run(self, kind):
        scan, _ = self.createMacro("ascan", "sx", 0, 1, 2, 0.01)
        calls = []

        def hook():
            calls.append(1)
            if len(calls) == 2 and kind == "macro":
                self.execMacro("broken")
            elif len(calls) == 2:
                raise ValueError("the shutter is stuck")

        scan.hooks = [(hook, ["post-step"])]
        self.runMacro(scan)
'''


class SardanaServer:
    """The server process and its door."""

    def __init__(self, folder: Path) -> None:
        """Register it. Its folder gets its environment and its macros."""
        self._folder = folder
        (folder / "macros").mkdir()
        (folder / "macros/tested.py").write_text(MACROS)
        database = tango.Database()
        for kind, name in (("Pool", POOL), ("MacroServer", MACRO_SERVER), ("Door", DOOR)):
            info = tango.DbDevInfo()
            info.server, info._class, info.name = SERVER, kind, name
            database.add_device(info)
        database.put_device_property(
            MACRO_SERVER,
            {
                "PoolNames": [POOL],
                "MacroPath": [str(folder / "macros")],
                "EnvironmentDb": [str(folder / "environment")],
            },
        )
        database.put_device_property(DOOR, {"MacroServerName": [MACRO_SERVER]})
        self._process: ChildProcess | None = None
        self._states: list[tango.DevState] = []
        """Those of the door since a macro was begun."""

    def start(self) -> None:
        """Start it, and make two motors, two counters and a camera."""
        self._process = ChildProcess(
            "sardana.tango", "tests", "--without-log-file", "True", directory=self._folder, log=self.log
        )
        wait_until(self._is_there, "Sardana answers", 120, every_s=0.05)
        pool = tango.DeviceProxy(POOL)
        pool.set_timeout_millis(30_000)
        for kind, library, controller in (
            ("Motor", "DummyMotorController", "motors"),
            ("CTExpChannel", "DummyCounterTimerController", "counters"),
            ("TwoDExpChannel", "DummyTwoDController", "cameras"),
            ("TriggerGate", "DummyTriggerGateController", "triggers"),
        ):
            pool.CreateController([kind, library, library, controller])
        for kind, controller, axis, name in (
            ("Motor", "motors", "1", "sx"),
            ("Motor", "motors", "2", "sy"),
            ("CTExpChannel", "counters", "1", "i0"),
            ("CTExpChannel", "counters", "2", "diode"),
            ("TwoDExpChannel", "cameras", "1", "camera"),
            ("TriggerGate", "triggers", "1", "gate"),
        ):
            pool.CreateElement([kind, controller, axis, name])
        pool.CreateMeasurementGroup(["counted", "i0", "diode"])
        for name in ("sx", "sy"):
            motor = tango.DeviceProxy(name)
            position = motor.get_attribute_config("position")
            position.unit = "mm"
            motor.set_attribute_config(position)
            motor.acceleration, motor.deceleration, motor.velocity = 0.01, 0.01, 1000
        self._follow_states()
        self.run("senv ActiveMntGrp counted")

    @property
    def log(self) -> Path:
        return self._folder / "log"

    def _is_there(self) -> bool:
        try:
            self.door = tango.DeviceProxy(DOOR)
            return self.door.state() is not None
        except tango.DevFailed:
            return False

    def _follow_states(self) -> None:
        def note(event: tango.EventData) -> None:
            if not event.err:
                self._states.append(event.attr_value.value)

        self.door.subscribe_event("State", tango.EventType.CHANGE_EVENT, note)

    def run(self, *commands: str) -> str:
        """Run macros one after the other, as spock does. Returns the warnings and errors of the last one."""
        for command in commands:
            self.begin(command)
            self.await_end()
        return "\n".join(line for kind in ("Warning", "Error") for line in self.door.read_attribute(kind).value or ())

    def begin(self, command: str) -> None:
        self._states.clear()
        self.door.RunMacro(command.split())

    def await_end(self) -> None:
        """Wait until the macro that was begun has ended. RunMacro may be answered before the door says that it runs."""
        ended = (tango.DevState.ON, tango.DevState.ALARM)

        def has_ended() -> bool:
            states = list(self._states)
            return tango.DevState.RUNNING in states and states[-1] in ended

        wait_until(has_ended, "the macro ends", 60, every_s=0.001)

    def await_points(self, number: int) -> None:
        """Wait until the running scan has shown as many points, below their header."""
        wait_until(
            lambda: len(self.door.read_attribute("Output").value or ()) > number, f"the scan has {number} points", 60
        )

    def stop(self) -> None:
        """End it, and take it and its elements out of the database."""
        if self._process:
            self._process.stop()
        tango.Database().delete_server(SERVER)
