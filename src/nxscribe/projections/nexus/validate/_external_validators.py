"""Calls nexusformat and pynxtools through their Python interfaces.

Both print their findings and return almost nothing (the exit status of their commands is 0 for invalid files).
Therefore their log is read. They get a small copy of each entry and never the file itself, because nexusformat opens
files for writing, both lock files, and both have problems with links to links.
"""

from __future__ import annotations

import contextlib
import logging
import re
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import h5py

from nxscribe.errors import Severity
from nxscribe.projections.nexus._opening import open_to_read
from nxscribe.projections.nexus.validate._definition_lines import DefinitionLines
from nxscribe.projections.nexus.validate._entry_context import EntryContext, nx_class, objects, text
from nxscribe.projections.nexus.validate._finding import Check, Finding
from nxscribe.projections.nexus.validate._stand_in import write_stand_in
from nxscribe.projections.nexus.validate._suppressions import NEXUSFORMAT, PYNXTOOLS, TWO_DEFINITIONS, is_false

_PATH = re.compile(r"/[\w.\-]+(?:/[@\w.\-]+)+")
_HEADING = re.compile(r"(?:NX\w+|Field|Link|Group|Attribute): (/\S+)")


@dataclass(frozen=True, slots=True)
class Case:
    """One entry for the validators."""

    file: Path
    entry: str
    """The path of the entry in the file."""
    claims: tuple[tuple[str, str], ...]
    """The application definition that each NXentry and NXsubentry names, by its path."""
    lines: DefinitionLines

    def find(self, check: Check, path: str, what: str) -> Finding:
        """An error at a path in the file."""
        why = f"{check} compares the entry with the classes and application definitions of NeXus"
        return Finding(check, str(self.file), path, what, why)


def case_of(place: EntryContext, lines: DefinitionLines) -> Case:
    """The case of an entry, with the application definitions that it names.

    A `definition` that does not begin with NX is not a claim: the ESRF's subentries name their technique there.
    """
    claims = tuple(
        (path, claim)
        for path, node in objects(place.group)
        if nx_class(node) in {"NXentry", "NXsubentry"} and isinstance(node, h5py.Group) and "definition" in node
        if (claim := text(node["definition"]) or "").startswith("NX")
    )
    return Case(place.file, place.group.name, claims, lines)


def judge(case: Case) -> Iterator[Finding]:
    """The findings of nexusformat on all base classes, and of both validators on each named application definition."""
    with tempfile.TemporaryDirectory(prefix="nxscribe-") as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        stand_in = Path(folder) / "entry.h5"
        try:
            with open_to_read(case.file) as file:
                write_stand_in(file[case.entry], stand_in)
        except (OSError, KeyError, RuntimeError, ValueError) as error:
            yield case.find(Check.FILE, case.entry, f"it cannot be read as a whole: {error}")
            return
        yield from _nexusformat(case, str(stand_in), case.entry, is_claim=False)
        for path, definition in case.claims:
            yield from _settled(
                definition,
                [*_nexusformat(case, str(stand_in), path, is_claim=True)],
                [*_pynxtools(case, str(stand_in), path, definition)],
            )


def _settled(definition: str, one: list[Finding], other: list[Finding]) -> Iterator[Finding]:
    """What both say of a claim. Where they know unlike definitions of one name, an entry has to satisfy one."""
    if (why := TWO_DEFINITIONS.get(definition)) and any(map(_is_error, one)) != any(map(_is_error, other)):
        yield from (replace(finding, why=why, severity=Severity.WARNING) for finding in (*one, *other))
    else:
        yield from (*one, *other)


def _is_error(finding: Finding) -> bool:
    return finding.severity is Severity.ERROR


def _nexusformat(case: Case, stand_in: str, path: str, *, is_claim: bool) -> Iterator[Finding]:
    """What nexusformat says of all base classes below a path, or of the application definition claimed there."""
    try:
        from nexusformat.nexus import validate  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        yield _absent(case, Check.NEXUSFORMAT)
        return
    run = validate.validate_application if is_claim else validate.validate_file
    with _heard(validate.logger) as messages:
        try:
            counts = run(stand_in, path=path)
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


def _pynxtools(case: Case, stand_in: str, path: str, definition: str) -> Iterator[Finding]:
    """What pynxtools says of the application definition that is claimed at a path."""
    try:
        from pynxtools.dataconverter import helpers, validation  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        yield _absent(case, Check.PYNXTOOLS)
        return
    helpers.collector.clear()
    valid = True
    with _heard(helpers.logger) as messages:
        try:
            with h5py.File(stand_in, "r") as file:  # as pynxtools opens it once more
                valid = validation.validate_hdf_group_against(definition, file[path], stand_in, True)
        except Exception as error:  # noqa: BLE001 - an unknown definition, or a file that it cannot walk through
            messages.append((logging.ERROR, f"{definition} cannot be judged: {type(error).__name__}: {error}"))
    helpers.collector.clear()
    counting = [(level, message) for level, message in messages if level >= logging.WARNING]
    for _, message in counting:
        if not is_false(message, PYNXTOOLS):
            found = _PATH.search(message)
            yield case.find(Check.PYNXTOOLS, found.group() if found else path, message.strip())
    if not valid and not counting:
        yield case.find(Check.PYNXTOOLS, path, f"it is not a valid {definition}, and pynxtools does not say why")


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
