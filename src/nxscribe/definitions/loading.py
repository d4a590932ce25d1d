"""From files to a definition: includes expanded, a beamline's additions laid over, the whole tree checked.

Files are laid one over another in the order in which they are included; the including file comes after its includes,
additions come last. A file that is included twice counts once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from nxscribe.definitions.document import ENTRY_NAME, Document, FlawedDefinitionError, FlawedDocumentError, Include
from nxscribe.definitions.files import DISK, Files
from nxscribe.definitions.findings import Findings, did_you_mean
from nxscribe.definitions.merge import blank, merge
from nxscribe.definitions.text import MAX_BYTES
from nxscribe.definitions.tree_checks import check_tree
from nxscribe.definitions.xml_reader import read_xml
from nxscribe.definitions.xml_writer import to_xml
from nxscribe.definitions.yaml_reader import read_yaml
from nxscribe.errors import InputError, Location, Problem
from nxscribe.model import Definition, Group

_READERS = {".xml": read_xml, ".yaml": read_yaml, ".yml": read_yaml}
_ROOT_FOLDER = "definitions"
_MAX_FILES = 100


@dataclass(frozen=True, slots=True)
class Loaded:
    """A definition that can be used, and what its author should look at."""

    definition: Definition
    text: str
    """The canonical text of the expanded tree, in the XML dialect: its sha256 is the definition's."""
    warnings: tuple[Problem, ...]


def load_definition(
    name: str,
    path: Path,
    additions: Sequence[Path] = (),
    files: Files = DISK,
    asked: Mapping[Path, Location] = MappingProxyType({}),
) -> Loaded:
    """Read a technique's definition with everything that it includes.

    Args:
        name: The technique's name.
        path: The technique's own file, `.xml` or `.yaml`.
        additions: A beamline's files, laid over it in this order.
        files: Where all of them are read from.
        asked: Where these files are named: there stands what is wrong with one that is not there.

    Raises:
        FlawedDefinitionError: With the problems of all files, and the tree as far as it can be seen.
        InputError: When there are so many problems that reading on makes no sense.
    """
    loader = _Loader(files)
    for file in (path, *additions):
        loader.load(file, asked.get(file))
    root = loader.root()
    check_tree(root, loader.findings)
    if loader.findings.failed:
        flawed = Definition(name, root, "", tuple(loader.files))
        raise FlawedDefinitionError(flawed, *loader.findings.problems, is_part=loader.findings.is_part)
    text = to_xml(Document(root))
    if len(text.encode()) > MAX_BYTES:
        loader.findings.error("the whole definition is too large", "", "split it into techniques", Location(str(path)))
    return Loaded(Definition(name, root, _sha256(text), tuple(loader.files)), text, loader.findings.check())


def reached_files(path: Path, additions: Sequence[Path] = ()) -> tuple[str, ...]:
    """The files that `load_definition` reads or looks for, be they there, readable and right, or not."""
    loader = _Loader(DISK)
    with contextlib.suppress(InputError):  # so many problems that the loader gave up: it had reached these files
        for file in (path, *additions):
            loader.load(file)
    return tuple(loader.files)


def definition_text(definition: Definition) -> str:
    """The canonical text of the expanded tree, in the XML dialect: its sha256 is the definition's."""
    return to_xml(Document(definition.root))


def parse_definition(name: str, text: str) -> Definition:
    """The definition behind a canonical text, as a record keeps it; no file is read.

    Raises:
        InputError: When the text is no definition.
    """
    root = read_xml(text.encode(), f"{name} (as recorded)").root
    return Definition(name, root, _sha256(to_xml(Document(root))))


def read_definition(path: Path, files: Files = DISK) -> Document:
    """Read one file in the dialect that its suffix tells, includes not expanded. Raises InputError."""
    file = str(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(
            Problem(f"{path.name} is in no known dialect", "", f"name it {path.stem}.xml or .yaml", Location(file))
        )
    return reader(_read(path, files), file)


def _read(path: Path, files: Files) -> bytes:
    try:
        return files.read(path)
    except OSError as error:
        near = did_you_mean(path.name, _neighbours(path)) if isinstance(error, FileNotFoundError) else ""
        problem = Problem(
            f"{path.name} cannot be read", (error.strerror or str(error)).lower(), near, Location(str(path))
        )
        raise InputError(problem) from error


def _neighbours(path: Path) -> list[str]:
    try:
        return [one.name for one in path.parent.iterdir() if one.suffix.lower() in _READERS]
    except OSError:
        return []


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class _Loader:
    """Reads files in the order of their includes, each once."""

    def __init__(self, files: Files) -> None:
        self._from = files
        self.findings = Findings()
        self.files: list[str] = []
        self._trees: list[Group] = []
        self._seen: set[str] = set()
        self._open: dict[str, Location] = {}
        """The files whose includes are being read, each with the place that asked for it."""

    def load(self, path: Path, asked: Location | None = None) -> None:
        """Read a file that the config names. It may include what is beside and below it, or in its `definitions`."""
        parents = Path(os.path.normpath(path.absolute())).parents
        confines = next((folder for folder in parents if folder.name == _ROOT_FOLDER), parents[0])
        self._load(Path(os.path.normpath(path)), asked, confines)

    def root(self) -> Group:
        """All trees as one, those of unreadable files apart."""
        root = blank(self._trees[0]) if self._trees else Group(ENTRY_NAME, "NXentry")
        for tree in self._trees:
            root = merge(root, tree, self.findings)
        return root

    def _load(self, path: Path, asked: Location | None, confines: Path) -> None:
        key = self._from.real(path)
        if key in self._open:
            self.findings.error(
                f"{path.name} includes itself",
                "by way of the includes named here",
                "take one of them out",
                asked or Location(str(path)),
                *(place for place in self._open.values() if place.line),
            )
        if key in self._seen:
            return
        self._seen.add(key)
        self.files.append(str(path))
        try:
            document = read_definition(path, self._from)
        except FlawedDocumentError as error:
            self.findings.add(error.problems)
            document = error.document
        except InputError as error:
            self.findings.is_part = True
            self.findings.add(_asked_for(problem, asked) for problem in error.problems)
            return
        self.findings.add(document.warnings)
        self._open[key] = asked or Location(str(path))
        for include in document.includes:
            self._include(include, path, confines)
        del self._open[key]
        self._trees.append(document.root)

    def _include(self, include: Include, including: Path, confines: Path) -> None:
        path = Path(os.path.normpath(including.parent / include.file))
        if not path.absolute().is_relative_to(confines) or Path(include.file).is_absolute():
            self.findings.error(
                f"{include.file!r} is outside {confines}",
                "a definition includes files of its own folder tree only",
                f"put the file below {confines}, and name it relative to this one",
                include.location,
            )
        elif len(self.files) >= _MAX_FILES:
            self.findings.error(f"more than {_MAX_FILES} files", "", "include fewer", include.location)
        else:
            self._load(path, include.location, confines)


def _asked_for(problem: Problem, asked: Location | None) -> Problem:
    """A file that cannot be read is the including line's problem."""
    if asked is None or (problem.location and problem.location.line):
        return problem
    return Problem(problem.what, problem.why, problem.remedy, asked, problem.severity)
