"""One acquisition of a camera: it takes frames at a constant rate and writes them to files."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from nxscribe.simulation._saving import FORMATS, Acquisition, FrameFile, SavingSettings
from nxscribe.simulation.scenes import AnyScene, Geometry


@dataclass(slots=True, eq=False)
class Series:
    """A series of frames of a scene. Each frame is saved before the next one is taken."""

    scene: AnyScene
    geometry: Geometry
    acquisition: Acquisition
    period_s: float
    """The time from one frame to the next, in seconds."""
    saving: SavingSettings
    """The present settings: the next number increases with each file."""
    saves: bool
    started: bool = False
    last_ready: int = -1
    last_saved: int = -1
    fault: str = ""
    """Why the series failed; empty if it did not."""
    _stopping: threading.Event = field(default_factory=threading.Event)

    def run(self, on_frame: Callable[[], None]) -> None:
        """Take all frames, or those until `stop` or a fault. `on_frame` is called after each frame."""
        try:
            self._take(on_frame)
        except Exception as error:  # noqa: BLE001 - a detector reports its fault, whatever it is, and stays alive
            self.fault = f"{type(error).__name__}: {error}"

    def stop(self) -> None:
        """End the series after the present frame."""
        self._stopping.set()

    def _take(self, on_frame: Callable[[], None]) -> None:
        file: FrameFile | None = None
        due = time.monotonic()
        try:
            for number in range(self.acquisition.frames):
                due += self.period_s
                if self._stopping.wait(max(0.0, due - time.monotonic())):
                    break
                frame = self.scene.frame(number, self.geometry)
                self.last_ready = number
                if self.saves:
                    file = file or self._open()
                    file.write(frame)
                    if (number + 1) % self.saving.frame_per_file == 0:
                        file.close()
                        file = None
                    self.last_saved = number
                on_frame()
        finally:
            if file:
                file.close()

    def _open(self) -> FrameFile:
        path = self.saving.path(self.saving.next_number)
        self.saving = replace(self.saving, next_number=self.saving.next_number + 1)
        return FORMATS[self.saving.format](path, self.acquisition)
