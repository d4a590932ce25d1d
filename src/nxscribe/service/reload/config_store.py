"""The last good set of config and definitions, which is in force until a newer good one replaces it."""

from __future__ import annotations

import contextlib
import pickle
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

from nxscribe.definitions.file_access import FileRead
from nxscribe.errors import Failure, InputError, Location, Problem
from nxscribe.runtime import SYSTEM_CLOCK, Clock, WorkerProcess, WorkerProcessError
from nxscribe.service.beamline import Beamline
from nxscribe.service.config import NEEDS_RESTART, Config, LogFormat, probable_state_dir
from nxscribe.service.reload._last_good_set import keep, recall
from nxscribe.service.reload._set_transfer import Digests, LoadRequest, LoadResponse
from nxscribe.service.reload.beamline_files import Stamps, load_set, stamps

_LOAD_S: Final = 60.0
"""How many seconds a reading can take."""
_TURN_S: Final = 5.0
"""How many seconds the end of the daemon waits for a reading."""


class ConfigStore:
    """The files of a beamline, and the last good set made from them. Every method can be called from any thread."""

    def __init__(
        self,
        config: Path,
        *,
        data_root: Path | None = None,
        state_dir: Path | None = None,
        log_format: LogFormat | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Read the config at `config` and all that it names, in this process.

        `data_root`, `state_dir` and `log_format` replace those of the config if they are given. If the files have
        errors, the set that was last stored in the state folder is in force. Raises InputError if there is none.
        """
        self._file = config.absolute()
        self._clock = clock
        self._place: Callable[[Config], Config] = lambda read: read.placed(data_root, state_dir, log_format)
        found = load_set(self._file)
        self._problems: tuple[Problem, ...] = ()
        self._read = found.read
        self._accepted_at = self._clock.monotonic()
        self._kept: Mapping[str, FileRead] = {}
        self.kept_since = ""
        """Since when the stored set had been in force, if it is used because the files have errors; otherwise empty."""
        if isinstance(found.result, tuple):
            self._problems = found.result
            self._current = self._recalled(state_dir or probable_state_dir(self._file))
        else:
            self._current = replace(found.result, config=self._place(found.result.config))
        self._parts: dict[str, Any] = {}
        self._digests: Digests = {}
        self._stamps = self._seen = found.stamps
        self._turn = threading.Lock()
        self.reader = WorkerProcess("definitions reader", "nxscribe.service.reload.loader", clock=clock)

    @property
    def current(self) -> Beamline:
        """The set in force: the last good one. Never waits."""
        return self._current

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why the present files are not in force; empty if they are."""
        return self._problems

    @property
    def files(self) -> tuple[str, ...]:
        """All files that were read or looked for the last time."""
        return tuple(self._stamps)

    def edited(self) -> Stamps | None:
        """The present state of the files, if they have changed since they were read."""
        read = self._stamps
        present = self._seen = stamps(read)
        return present if present != read else None

    def reload(self) -> tuple[Problem, ...]:
        """Read the files again. A good set is in force at once; otherwise the last one stays. Returns the problems."""
        with self._turn:
            found = self._load()
            self._stamps = found.stamps
            if not found.problems:
                try:
                    self._current = self._accepted(found)
                except InputError as error:
                    found = replace(found, problems=error.problems)
            self._problems = found.problems
            return found.problems

    def keep(self, *, after_s: float = 0.0) -> None:
        """Store the set in force in the state folder for the next start, if it has been in force for `after_s` seconds.

        It is not stored immediately, because this would keep the disk busy and delay the journal, and so a trigger.
        Raises OSError, also TimeoutError if the files are being read all the time.
        """
        with self._soon():
            if self._read is not self._kept and self._clock.monotonic() - self._accepted_at >= after_s:
                keep(self._current.config.state_dir, self._file, self._read)
                self._kept = self._read

    def _recalled(self, folder: Path) -> Beamline:
        """The set that was stored in a folder. Raises InputError with the problems of the files if there is none."""
        try:
            kept = recall(folder.absolute(), self._file)
        except InputError as error:
            raise InputError(*self._problems, *error.problems) from None
        if kept is None:
            raise InputError(*self._problems)
        self._read = self._kept = kept.read
        self.kept_since = kept.since
        return replace(kept.beamline, config=self._place(kept.beamline.config).placed(state_dir=folder))

    def close(self) -> None:
        """End the process that reads, also while it works. A thread that waits for its answer gets an error."""
        self.reader.close()

    @contextlib.contextmanager
    def _soon(self) -> Iterator[None]:
        """Wait until no other thread reads the files. Raises TimeoutError if this takes too long."""
        if not self._turn.acquire(timeout=_TURN_S):
            raise TimeoutError("the files are being read, and do not answer")
        try:
            yield
        finally:
            self._turn.release()

    def _load(self) -> LoadResponse:
        known = self.files
        question = LoadRequest(self._file, known, self._digests)
        try:
            found = self.reader.ask(question, _LOAD_S, f"reading {self._file.name} and its definitions")
        except WorkerProcessError as error:
            died = Problem(
                f"reading the definitions failed: {error}",
                "a file on a disk that does not answer, or one that takes all memory",
                "look at the last edit, and reload",
                Location(str(self._file)),
            )
            # Files that do not answer would hold this process, too: what was seen of them last has to do.
            hangs = error.failure in {Failure.HUNG, Failure.ENDLESS}
            return LoadResponse(self._seen if hangs else stamps(known), (died,))
        if not isinstance(found, LoadResponse):
            raise TypeError(f"the definitions reader answered {found!r}")
        return found

    def _accepted(self, found: LoadResponse) -> Beamline:
        """The new set, from new and unchanged parts. Raises InputError if a change needs a restart."""
        parts = dict(self._parts)
        for name, part in (found.parts or {}).items():
            parts[name] = pickle.loads(part)  # noqa: S301 - from our own process
        digests = found.digests or {}
        config, warnings, read = parts[""]
        config = self._place(cast("Config", config))
        _refuse_what_needs_a_restart(self._current.config, config)
        techniques = digests.keys() - {""}
        self._read = read
        self._accepted_at = self._clock.monotonic()
        self._parts, self._digests = {name: parts[name] for name in digests}, digests
        return Beamline(
            config,
            {name: parts[name][0] for name in sorted(techniques)},
            {name: parts[name][1] for name in sorted(techniques)},
            warnings,
        )


def _refuse_what_needs_a_restart(old: Config, new: Config) -> None:
    """Raise InputError if a setting changed that cannot change while the daemon runs."""
    changed = [key for key, value in NEEDS_RESTART.items() if value(old) != value(new)]
    if changed:
        raise InputError(
            Problem(
                f"{', '.join(changed)} changed",
                "a running daemon keeps them for its life, so that the whole edit is refused",
                "restart the daemon; open scans are taken up again",
            )
        )
