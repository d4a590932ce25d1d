"""BLISS's contract with hooks and presets, as bliss 2.4.0 has it: a double, since that version cannot be imported.

What PyPI has of bliss 2.4.0 lacks packages that it imports. The order of calls, the states and the keys of `scan_info`
are those of its source (`bliss/scanning/scan.py`, `bliss/common/session.py`).
"""

from __future__ import annotations

import enum
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import h5py
import numpy as np


class ScanState(enum.IntEnum):
    IDLE = 0
    PREPARING = 1
    STARTING = 2
    STOPPING = 3
    DONE = 4
    USER_ABORTED = 5
    KILLED = 6


class ScanQueueHooks:
    def scan_launched(self, scan: Scan) -> None: ...

    def scan_finalized(self, scan: Scan) -> None: ...


class ScanPreset:
    def prepare(self, scan: Scan) -> None: ...

    def start(self, scan: Scan) -> None: ...

    def stop(self, scan: Scan) -> None: ...


class HookRegistry:
    def __init__(self) -> None:
        self._hooks: list[ScanQueueHooks] = []

    def register(self, hook: ScanQueueHooks) -> None:
        if not isinstance(hook, ScanQueueHooks):
            raise TypeError(f"Unexpected hook type '{type(hook).__name__}'")
        self._hooks.append(hook)

    def unregister(self, hook: ScanQueueHooks) -> None:
        self._hooks.remove(hook)

    def __iter__(self) -> Iterator[ScanQueueHooks]:
        yield from self._hooks

    def call(self, method: str, scan: Scan) -> None:
        """BLISS logs what hooks raise, and goes on."""
        for hook in self:
            try:
                getattr(hook, method)(scan)
            except Exception:
                logging.getLogger("bliss").exception("Error while calling hooks")


class Stream:
    """The values of a channel."""

    kind = "array"

    def __init__(self, shape: tuple[int, ...] = ()) -> None:
        self.info = {"shape": list(shape)}
        self._values: list[Any] = []

    def append(self, value: object) -> None:
        self._values.append(value)

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, part: slice) -> np.ndarray:
        return np.asarray(self._values[part])


class Session:
    """A session with the ESRF's data policy, in a folder of its own."""

    def __init__(self, folder: Path, proposal: str) -> None:
        self.hooks = SimpleNamespace(scan_queue=HookRegistry())
        self.file = folder / "bone3" / "bone3_tomo_0003.h5"
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.techniques: set[str] = set()
        self.proposal = proposal
        self.scans = 0

    @property
    def saving(self) -> Any:
        return SimpleNamespace(
            proposal_name=self.proposal,
            proposal_session_name="20261101",
            collection_name="bone3",
            dataset_name="tomo_0003",
            dataset=SimpleNamespace(techniques=self.techniques),
        )


class Scan:
    """A step scan of the axis `sx` with the counter `diode`, or a sequence of other scans."""

    def __init__(
        self, session: Session, points: int = 3, *, save: bool = True, sequence: bool = False, group: Scan | None = None
    ) -> None:
        self._session, self._points = session, points
        self.name = "sequence" if sequence else "ascan"
        self.state = ScanState.IDLE
        self.scan_number = "{scan_number}"
        self.scan_saving = session.saving
        self.is_sub_scan = group is not None
        self._presets: list[ScanPreset] = []
        self.streams: dict[str, Stream] = {}
        axis = {"unit": "mm", "start": 0.0, "stop": 1.0, "points": points, "axis_points": points, "axis_id": 0}
        self.scan_info: dict[str, Any] = {
            "save": save,
            "type": self.name,
            "title": f"ascan sx 0.00000 1.00000 {points - 1} 0.01",
            "npoints": points,
            "count_time": 0.01,
            "channels": {"axis:sx": {**axis, "axis_kind": "forth"}, "simulation_diode:diode": {"unit": "V"}},
        }
        if sequence:
            self.scan_info |= {"is_scan_sequence": True, "npoints": 0, "channels": {}}
        if group:
            self.scan_info["group"] = group.scan_info["scan_nb"]

    def add_preset(self, preset: ScanPreset) -> None:
        if not isinstance(preset, ScanPreset):
            raise ValueError("Expected ScanPreset instance")  # noqa: TRY004 - BLISS's own
        self._presets.append(preset)

    def run(self, during: Callable[[int], object] = lambda _: None, *, stop_after: int | None = None) -> Scan:
        """Run it; what `during` raises at a point ends it as BLISS ends it."""
        hooks = self._session.hooks.scan_queue
        hooks.call("scan_launched", self)
        try:
            self._run(during, stop_after)
        except KeyboardInterrupt:
            self.scan_info["end_reason"], self.state = "USER_ABORT", ScanState.USER_ABORTED
            raise
        except BaseException:
            self.scan_info["end_reason"], self.state = "FAILURE", ScanState.KILLED
            raise
        else:
            self.scan_info["end_reason"], self.state = "SUCCESS", ScanState.DONE
        finally:
            if self.scan_info["save"]:
                self._write()
            hooks.call("scan_finalized", self)
        return self

    def _run(self, during: Callable[[int], object], stop_after: int | None) -> None:
        self._session.scans += 1
        number = self._session.scans
        self.scan_number = f"{number:04d}"
        positioners = {
            "positioners_start": {"sx": 0.25, "sy": "*DIS*", "sz": np.int64(3)},
            "positioners_units": {"sz": "um"},
        }
        self.scan_info |= {"scan_nb": number, "name": f"{number}_{self.name}", "positioners": positioners}
        self.scan_info["filename"] = str(self._session.file) if self.scan_info["save"] else None
        for preset in self._presets:
            preset.prepare(self)  # what it raises ends the scan
        self.state = ScanState.PREPARING
        if self.scan_info["channels"]:
            self.streams = {"axis:sx": Stream(), "simulation_diode:diode": Stream(), "camera:image": Stream((4, 4))}
        self.state = ScanState.STARTING
        for point in range(self._points):
            if point == stop_after:
                break
            during(point)
            for stream, value in zip(self.streams.values(), (point / 2, float(point), np.zeros((4, 4))), strict=False):
                stream.append(value)

    def _write(self) -> None:
        """As BLISS's writer: an entry, with a group for each category of metadata."""
        with h5py.File(self._session.file, "a") as file:
            entry = file.create_group(f"{self.scan_info['scan_nb']}.1")
            entry.attrs["NX_class"] = "NXentry"
            for category in self.scan_info.get("scan_meta_categories", []):
                group = entry.create_group(category)
                for name, value in self.scan_info[category].items():
                    if name.startswith("@"):
                        group.attrs[name[1:]] = value
                    else:
                        group[name] = value


def modules(session: Session) -> dict[str, ModuleType]:
    """The modules of BLISS that an integration imports, for `sys.modules`."""
    contents: dict[str, dict[str, object]] = {
        "bliss": {"current_session": session, "__path__": []},
        "bliss.scanning": {"__path__": []},
        "bliss.scanning.hooks": {"ScanQueueHooks": ScanQueueHooks},
        "bliss.scanning.scan": {"ScanPreset": ScanPreset, "Scan": Scan},
        "bliss.scanning.scan_state": {"ScanState": ScanState},
    }
    made = {}
    for name, those in contents.items():
        made[name] = ModuleType(name)
        vars(made[name]).update(those)
    assert "bliss" not in sys.modules
    return made
