"""Watches the files of a beamline: each edit leads to one reload shortly after its last write."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from watchdog.events import (
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from nxscribe.runtime import SYSTEM_CLOCK, Clock, SupervisedThread
from nxscribe.runtime.logger import get_logger
from nxscribe.service.events import Events
from nxscribe.service.reload.config_store import ConfigStore

log = get_logger()

_POLL_S: Final = 2.0
"""How many seconds are between two comparisons of the files if there are no events."""
_SETTLE_S: Final = 0.3
"""How many seconds the files must not change, so that a checkout of many files is one edit."""
_CLOSE_S: Final = 5.0
_STUCK_S: Final = 180.0
"""A turn takes at most two time limits of the process that reads the files; beyond that it hangs with a disk."""
_EDITS: Final[list[type[FileSystemEvent]]] = [FileCreatedEvent, FileDeletedEvent, FileModifiedEvent, FileMovedEvent]
"""The events that count. Opening a file does not, because the watch itself opens them."""


class Watch:
    """Watches the files of a `ConfigStore`, and tells of each edit.

    The files are polled. Events of the kernel for their folders only make the next comparison earlier. They can be
    missing: on network file systems, for edits on other computers, and for the targets of symbolic links.
    """

    def __init__(self, library: ConfigStore, events: Events, clock: Clock = SYSTEM_CLOCK) -> None:
        """`events` is told of each edit, and, in between, that nothing was edited. `clock` measures the pauses."""
        self._library = library
        self._events = events
        self._clock = clock
        self._wake = threading.Event()
        self.thread = SupervisedThread(
            "watch of the config's files",
            self._turn,
            daemon=True,
            longest_turn_s=lambda: _STUCK_S,
            waits_for_disk=True,
            clock=clock,
        )
        self._folders = _FolderEvents(self._wake)
        self._follows = False

    def start(self) -> None:
        """Start to watch."""
        self.thread.start()

    def stop(self) -> None:
        """End the watch after a running reload."""
        self.thread.stopping.set()
        self._wake.set()
        self.thread.stop(_CLOSE_S)
        self._folders.close()

    def _turn(self) -> None:
        if not self._follows:
            self._folders.follow(self._library.files)
            self._follows = True
        self._clock.wait(self._wake, _POLL_S)
        self._wake.clear()
        if self.thread.stopping.is_set():
            return
        if self._library.edited() and self._stand_still():
            self._follows = False
            self._events.files_edited()
        self._events.files_at_rest()

    def _stand_still(self) -> bool:
        """Wait until the files stand still. Says whether they are still not as they were read."""
        before = self._library.edited()
        while before and not self._clock.wait(self.thread.stopping, _SETTLE_S):
            present = self._library.edited()
            if present == before:
                return True
            before = present
        return False


class _FolderEvents(FileSystemEventHandler):
    """What the kernel tells of the files' folders, as long as it does."""

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake
        self._observer: object | None = None
        self._folders: dict[str, int] = {}

    def follow(self, files: tuple[str, ...]) -> None:
        """Subscribe to the folders of these files, and to those of the targets of symbolic links."""
        parents = {parent for file in map(Path, files) for parent in (file.parent, file.resolve().parent)}
        # A folder that was made anew is another one: the inode tells.
        folders = {str(parent): parent.stat().st_ino for parent in sorted(parents) if parent.is_dir()}
        if self._observer is not None and folders == self._folders:
            return
        self.close()
        observer = Observer()
        try:
            for folder in folders:
                observer.schedule(self, folder, event_filter=_EDITS)
            observer.start()
        except OSError as error:
            log.warning("edits are seen by polling alone", reason=str(error), every_s=_POLL_S)
            return
        self._observer, self._folders = observer, folders

    def on_any_event(self, _event: FileSystemEvent) -> None:
        """Wake the watch, which then compares the files."""
        self._wake.set()

    def close(self) -> None:
        """End the subscriptions."""
        if self._observer is not None:
            self._observer.stop()  # type: ignore[attr-defined]
            self._observer.join(_CLOSE_S)  # type: ignore[attr-defined]
            self._observer = None
