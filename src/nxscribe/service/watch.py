"""Watching a beamline's files: each edit, however it is saved, leads to one reload soon after its last write."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from watchdog.events import (
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

from nxscribe.service.library import Library

log = structlog.get_logger()

_POLL_S: Final = 2.0
"""How often the files are looked at where no event tells of edits."""
_SETTLE_S: Final = 0.3
"""How long the files must stand still: a checkout of many files is one edit."""
_CLOSE_S: Final = 5.0
_EDITS: Final[list[type[FileSystemEvent]]] = [FileCreatedEvent, FileDeletedEvent, FileModifiedEvent, FileMovedEvent]
"""Not the opening of files: the watch opens them itself."""


class Watch:
    """Has `reload` called after each edit of a library's files.

    The files are polled. What the kernel tells of their folders only hastens the next look, and may fail: it is silent
    on network file systems, about edits by other computers, and about what a symbolic link leads to.
    """

    def __init__(self, library: Library, reload: Callable[[], object], rest: Callable[[], object]) -> None:
        """`reload` is called in the watch's own thread; so is `rest`, now and then while nothing is edited."""
        self._library = library
        self._reload = reload
        self._rest = rest
        self._wake = threading.Event()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._events = _Events(self._wake)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End, after a reload that is under way."""
        self._end.set()
        self._wake.set()
        self._thread.join(_CLOSE_S)
        self._events.close()

    def _run(self) -> None:
        self._events.follow(self._library.files)
        while True:
            self._wake.wait(_POLL_S)
            self._wake.clear()
            if self._end.is_set():
                return
            try:
                if self._library.edited() and self._stand_still():
                    self._reload()
                    self._events.follow(self._library.files)
                self._rest()
            except Exception:
                # Whatever it was, the next edit shall be seen.
                log.exception("an edit could not be put in force")

    def _stand_still(self) -> bool:
        """Wait until the files stand still. Says whether they are still not as they were read."""
        before = self._library.edited()
        while before and not self._end.wait(_SETTLE_S):
            present = self._library.edited()
            if present == before:
                return True
            before = present
        return False


class _Events(FileSystemEventHandler):
    """What the kernel tells of the files' folders, as long as it does."""

    def __init__(self, wake: threading.Event) -> None:
        self._wake = wake
        self._observer: object | None = None
        self._folders: dict[str, int] = {}

    def follow(self, files: tuple[str, ...]) -> None:
        """Listen to the folders of these files, and of what they lead to, where they are symbolic links."""
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
        """Have the files looked at."""
        self._wake.set()

    def close(self) -> None:
        """Listen no more."""
        if self._observer is not None:
            self._observer.stop()  # type: ignore[attr-defined]
            self._observer.join(_CLOSE_S)  # type: ignore[attr-defined]
            self._observer = None
