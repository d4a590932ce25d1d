"""The library: the last good set of config and definitions, in force until a newer good one takes its place."""

from __future__ import annotations

import contextlib
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, Final, cast

from nxscribe.definitions.files import FileRead
from nxscribe.errors import InputError, Location, Problem
from nxscribe.service.beamline import Beamline
from nxscribe.service.beamline_files import Stamps, load_set, stamps
from nxscribe.service.config import Config, probable_state_dir
from nxscribe.service.kept_set import keep, recall
from nxscribe.service.parts import Digests, Loaded, Question

_LOAD_S: Final = 60.0
"""How long a reading may take, the start of its process from a slow network disk included."""
_TURN_S: Final = 5.0
"""How long the end of the daemon waits for a reading that is under way."""
_DEATH_S: Final = 1.0
"""A process that was killed is gone by then, unless it waits for a file system that holds it."""


class Library:
    """One beamline's files, and the last good set made of them. Any thread may use it."""

    def __init__(self, config: Path, *, data_root: Path | None = None, state_dir: Path | None = None) -> None:
        """Read the config at `config` and all that it names, in this process.

        `data_root` and `state_dir` take the place of the config's, where they are given. Where the files are broken,
        the set that was last kept in the state folder is in force. Raises InputError where there is none either.
        """
        self._file = config.absolute()
        self._place: Callable[[Config], Config] = lambda read: read.placed(data_root, state_dir)
        found = load_set(self._file)
        self._problems: tuple[Problem, ...] = ()
        self._read = found.read
        self._accepted_at = time.monotonic()
        self._kept: Mapping[str, FileRead] = {}
        self.kept_since = ""
        """Since when the set was in force that was kept, where the start fell back on it; else empty."""
        if isinstance(found.result, tuple):
            self._problems = found.result
            self._current = self._recalled(state_dir or probable_state_dir(self._file))
        else:
            self._current = replace(found.result, config=self._place(found.result.config))
        self._parts: dict[str, Any] = {}
        self._digests: Digests = {}
        self._stamps = self._seen = found.stamps
        self._turn = threading.Lock()
        self._process: _Process | None = None
        self._held: _Process | None = None
        """A former process that was killed, and that a file system holds all the same."""

    @property
    def current(self) -> Beamline:
        """The set in force: the last good one. Never waits."""
        return self._current

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why the files as they are now are not in force; empty when they are."""
        return self._problems

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that was read or looked for the last time."""
        return tuple(self._stamps)

    def edited(self) -> Stamps | None:
        """The present state of the files, if they are not as they were read last."""
        read = self._stamps
        present = self._seen = stamps(read)
        return present if present != read else None

    def reload(self) -> tuple[Problem, ...]:
        """Read the files anew. A good set is in force at once; else the last good one stays, and the problems tell."""
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
        """Keep the set in force in the state folder, for the next start, if it has been in force for so long.

        A moment later is soon enough: a disk that is busy with it would delay the journal, and so a trigger.
        Raises OSError, TimeoutError among them when the files are being read all the while.
        """
        with self._soon():
            if self._read is not self._kept and time.monotonic() - self._accepted_at >= after_s:
                keep(self._current.config.state_dir, self._file, self._read)
                self._kept = self._read

    def _recalled(self, folder: Path) -> Beamline:
        """The set that was kept in a folder. Raises InputError with the problems of the files where there is none."""
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
        """End the process that reads."""
        try:
            with self._soon():
                self._end_process()
        except TimeoutError:
            if process := self._process:
                process.kill()  # whoever waits for its answer waits no more

    @contextlib.contextmanager
    def _soon(self) -> Iterator[None]:
        """Have the turn, unless that takes too long: then TimeoutError is raised."""
        if not self._turn.acquire(timeout=_TURN_S):
            raise TimeoutError("the files are being read, and do not answer")
        try:
            yield
        finally:
            self._turn.release()

    def _load(self) -> Loaded:
        known = self.files
        try:
            if self._held and self._held.is_alive:
                raise TimeoutError("the process that read them cannot end: a file system holds it")
            self._held = None
            if self._process is None or not self._process.is_alive:
                self._process = _Process()
            return self._process.ask(Question(self._file, known, self._digests))
        except (OSError, EOFError) as error:
            self._end_process()
            died = Problem(
                f"reading the definitions failed: {str(error) or 'the process that reads them died'}",
                "a file on a disk that does not answer, or one that takes all memory",
                "look at the last edit, and reload",
                Location(str(self._file)),
            )
            # Files that do not answer would hold this process, too: what was seen of them last has to do.
            return Loaded(self._seen if isinstance(error, TimeoutError) else stamps(known), (died,))

    def _end_process(self) -> None:
        if self._process:
            self._process.close()
            self._held = self._process if self._process.is_alive else None
            self._process = None

    def _accepted(self, found: Loaded) -> Beamline:
        """The new set, of new parts and of those that did not change. Raises InputError for what needs a restart."""
        parts = dict(self._parts)
        for name, part in (found.parts or {}).items():
            parts[name] = pickle.loads(part)  # noqa: S301 - from our own process
        digests = found.digests or {}
        config, warnings, read = parts[""]
        config = self._place(cast("Config", config))
        _refuse_what_needs_a_restart(self._current.config, config)
        techniques = digests.keys() - {""}
        self._read = read
        self._accepted_at = time.monotonic()
        self._parts, self._digests = {name: parts[name] for name in digests}, digests
        return Beamline(
            config,
            {name: parts[name][0] for name in sorted(techniques)},
            {name: parts[name][1] for name in sorted(techniques)},
            warnings,
        )


class _Process:
    """A running loader process."""

    def __init__(self) -> None:
        self._pipe: Connection[Any, Any]
        self._pipe, theirs = Pipe()
        with theirs:
            # A session of its own: Ctrl-C on the daemon's terminal is the daemon's to answer.
            self._popen = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-m", "nxscribe.service.loader", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    @property
    def is_alive(self) -> bool:
        return self._popen.poll() is None

    def ask(self, question: Question) -> Loaded:
        """Raises OSError or EOFError when the process hangs or died."""
        self._pipe.send(question)
        if not self._pipe.poll(_LOAD_S):
            raise TimeoutError(f"no answer after {_LOAD_S:g} s")
        found = self._pipe.recv()
        if not isinstance(found, Loaded):
            raise TypeError(f"the loader process answered {found!r}")
        return found

    def kill(self) -> None:
        """Have it ended, be it at work."""
        self._popen.kill()

    def close(self) -> None:
        """End it. A process that a file system holds is alive even then."""
        self._pipe.close()
        self.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_DEATH_S)


def _refuse_what_needs_a_restart(old: Config, new: Config) -> None:
    """Raises InputError when a setting changed that cannot change under a running daemon."""
    fixed: dict[str, Callable[[Config], object]] = {
        "beamline": lambda config: config.beamline,
        "data_root": lambda config: config.data_root,
        "state_dir": lambda config: config.state_dir,
        "tango": lambda config: config.tango,
        "files (layout or ownership)": lambda config: (config.files.layout, config.files.ownership),
    }
    changed = [name for name, value in fixed.items() if value(old) != value(new)]
    if changed:
        raise InputError(
            Problem(
                f"{', '.join(changed)} changed",
                "a running daemon keeps them for its life",
                "restart the daemon; open scans are taken up again",
            )
        )
