"""The judgement of nexusformat and pynxtools, by their Python interfaces.

Both print what they find and give next to nothing back (their commands' exit status is 0 on invalid files), so that
their log is read. Both take the links of a file from the working directory or get lost in links to links: each entry
is judged in its own file, in that file's folder; and that file must not be open, since they open it with a lock.
"""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py

from nxscribe.errors import Severity
from nxscribe.projections.nexus.validate.false_alarms import NEXUSFORMAT, PYNXTOOLS, is_false
from nxscribe.projections.nexus.validate.finding import Check, Finding
from nxscribe.projections.nexus.validate.place import Place, nx_class, objects, text

_PATH = re.compile(r"/[\w.\-]+(?:/[@\w.\-]+)+")
_HEADING = re.compile(r"(?:NX\w+|Field|Link|Group|Attribute): (/\S+)")


@dataclass(frozen=True, slots=True)
class Case:
    """One entry that is to be judged."""

    file: Path
    entry: str
    """Its path in the file."""
    claims: tuple[tuple[str, str], ...]
    """Each NXentry and NXsubentry that claims an application definition, and which."""

    def find(self, check: Check, path: str, what: str) -> Finding:
        """An error at a path in the file."""
        return Finding(check, str(self.file), path, what)


def case_of(place: Place) -> Case:
    """What there is to judge about an entry.

    A `definition` that does not begin with NX is no claim: the ESRF's subentries name their technique there.
    """
    claims = tuple(
        (path, claim)
        for path, node in objects(place.group)
        if nx_class(node) in {"NXentry", "NXsubentry"} and isinstance(node, h5py.Group) and "definition" in node
        if (claim := text(node["definition"]) or "").startswith("NX")
    )
    return Case(place.file, place.group.name, claims)


def judge(case: Case) -> Iterator[Finding]:
    """What nexusformat says of all base classes, and both of every application definition that is claimed."""
    with contextlib.chdir(case.file.parent), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        yield from _nexusformat(case)
        yield from _pynxtools(case)


def _nexusformat(case: Case) -> Iterator[Finding]:
    try:
        from nexusformat.nexus import validate  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        yield _absent(case, Check.NEXUSFORMAT)
        return
    runs = [(case.entry, validate.validate_file)]
    runs += [(path, validate.validate_application) for path, _ in case.claims]
    for path, run in runs:
        with _heard(validate.logger) as messages:
            try:
                counts = run(case.file.name, path=path)
            except Exception as error:  # noqa: BLE001 - it stumbles over broken files in many ways
                counts = None
                messages.append((logging.ERROR, f"it stumbled: {type(error).__name__}: {error}"))
        yield from _from_nexusformat(case, path, messages, judged=counts is not None)


def _from_nexusformat(case: Case, path: str, messages: list[tuple[int, str]], *, judged: bool) -> Iterator[Finding]:
    where, told = path, False
    for level, message in messages:
        if heading := _HEADING.search(message):
            where = heading.group(1)
        elif level == logging.ERROR or (level == logging.WARNING and not is_false(message, NEXUSFORMAT)):
            told = True
            yield case.find(Check.NEXUSFORMAT, where, message.strip())
    if not judged and not told:
        yield case.find(Check.NEXUSFORMAT, path, "nexusformat could not judge it")


def _pynxtools(case: Case) -> Iterator[Finding]:
    if not case.claims:
        return
    try:
        from pynxtools.dataconverter import helpers, validation  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        yield _absent(case, Check.PYNXTOOLS)
        return
    for path, definition in case.claims:
        helpers.collector.clear()
        valid = True
        with _heard(helpers.logger) as messages:
            try:
                with h5py.File(case.file.name, "r") as file:  # as pynxtools opens it once more
                    valid = validation.validate_hdf_group_against(definition, file[path], case.file.name, True)
            except Exception as error:  # noqa: BLE001 - an unknown definition, or a file that it cannot walk through
                messages.append((logging.ERROR, f"{definition} cannot be judged: {type(error).__name__}: {error}"))
        helpers.collector.clear()
        counting = [(level, message) for level, message in messages if level >= logging.WARNING]
        for _, message in counting:
            if not is_false(message, PYNXTOOLS):
                found = _PATH.search(message)
                yield case.find(Check.PYNXTOOLS, found.group() if found else path, message.strip())
        if not valid and not counting:
            yield case.find(Check.PYNXTOOLS, path, f"it is no valid {definition}, and pynxtools does not say why")


@contextlib.contextmanager
def _heard(logger: logging.Logger) -> Iterator[list[tuple[int, str]]]:
    """All that a logger is told, which it then does not print."""
    messages: list[tuple[int, str]] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append((record.levelno, record.getMessage()))

    before, propagate, level = logger.handlers, logger.propagate, logger.level
    logger.handlers, logger.propagate = [Listener()], False
    logger.setLevel(logging.WARNING)
    try:
        yield messages
    finally:
        logger.handlers, logger.propagate = before, propagate
        logger.setLevel(level)


def _absent(case: Case, check: Check) -> Finding:
    return Finding(
        check, str(case.file), case.entry, f"it was not judged by {check}", f"{check} is not installed",
        "install nxscribe[validate]", Severity.WARNING,
    )  # fmt: skip
