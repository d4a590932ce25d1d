"""From files to a definition: reads the includes, merges the additions of a beamline, and checks the whole tree.

The files are merged in the order in which they are included. The including file comes after its includes, and additions
come last. A file that is included twice is merged once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from nxscribe.definitions._document import ENTRY_NAME, Document, FlawedDefinitionError, FlawedDocumentError, Include
from nxscribe.definitions._merge import blank, merge
from nxscribe.definitions._tree_checks import check_tree
from nxscribe.definitions._xml_reader import read_xml
from nxscribe.definitions._xml_writer import to_xml
from nxscribe.definitions._yaml_reader import read_yaml
from nxscribe.definitions.diagnostics import Diagnostics, did_you_mean
from nxscribe.definitions.file_access import DISK, FileAccess
from nxscribe.definitions.text import MAX_BYTES
from nxscribe.errors import InputError, Location, Problem
from nxscribe.model import Definition, Group

_READERS = {".xml": read_xml, ".yaml": read_yaml, ".yml": read_yaml}
_ROOT_FOLDER = "definitions"
_MAX_FILES = 100


@dataclass(frozen=True, slots=True)
class LoadedDefinition:
    """A valid definition, and the warnings for its author."""

    definition: Definition
    text: str
    """The canonical text of the expanded tree, in the XML dialect: its sha256 is the definition's."""
    warnings: tuple[Problem, ...]


def load_definition(
    name: str,
    path: Path,
    additions: Sequence[Path] = (),
    files: FileAccess = DISK,
    asked: Mapping[Path, Location] = MappingProxyType({}),
) -> LoadedDefinition:
    """Read the definition of a technique with everything that it includes.

    Args:
        name: The technique's name.
        path: The technique's own file, `.xml` or `.yaml`.
        additions: The files of a beamline that are merged over it, in this order.
        files: Reads the files.
        asked: The place that names these files, for the problem of a file that does not exist.

    Raises:
        FlawedDefinitionError: With the problems of all files, and the tree as far as it is known.
        InputError: If there are too many problems to continue.
    """
    loader = _Loader(files)
    for file in (path, *additions):
        loader.load(file, asked.get(file))
    root = loader.root()
    check_tree(root, loader.diagnostics)
    if loader.diagnostics.failed:
        flawed = Definition(name, root, "", tuple(loader.files))
        raise FlawedDefinitionError(flawed, *loader.diagnostics.problems, is_part=loader.diagnostics.is_part)
    text = to_xml(Document(root))
    if len(text.encode()) > MAX_BYTES:
        loader.diagnostics.error(
            "the whole definition is too large", "", "split it into techniques", Location(str(path))
        )
    return LoadedDefinition(
        Definition(name, root, _sha256(text), tuple(loader.files)), text, loader.diagnostics.check()
    )


def with_root(loaded: LoadedDefinition, root: Group) -> LoadedDefinition:
    """The same definition with another tree, to which nodes were added."""
    if root is loaded.definition.root:
        return loaded
    text = to_xml(Document(root))
    return replace(loaded, definition=replace(loaded.definition, root=root, sha256=_sha256(text)), text=text)


def reached_files(path: Path, additions: Sequence[Path] = ()) -> tuple[str, ...]:
    """The files that `load_definition` reads or looks for, also those that do not exist or are not valid."""
    loader = _Loader(DISK)
    with contextlib.suppress(InputError):  # so many problems that the loader gave up: it had reached these files
        for file in (path, *additions):
            loader.load(file)
    return tuple(loader.files)


def definition_text(definition: Definition) -> str:
    """The canonical text of the expanded tree, in the XML dialect: its sha256 is the definition's."""
    return to_xml(Document(definition.root))


def parse_definition(name: str, text: str) -> Definition:
    """The definition of a canonical text, as a record contains it. No file is read.

    Raises:
        InputError: The text is not a valid definition.
    """
    root = read_xml(text.encode(), f"{name} (as recorded)").root
    return Definition(name, root, _sha256(to_xml(Document(root))))


def lenient_definition(name: str, text: str, sha256: str) -> Definition:
    """The definition of a canonical text that an earlier version has accepted. No file is read.

    Errors by the present rules are ignored: the tree has everything that can be read.

    Args:
        name: The technique's name.
        text: The text.
        sha256: The checksum of the text when it was accepted. It is not compared.

    Raises:
        InputError: The text is not XML.
    """
    try:
        root = read_xml(text.encode(), f"{name} (as recorded)").root
    except FlawedDocumentError as error:
        root = error.document.root
    return Definition(name, root, sha256)


def read_definition(path: Path, files: FileAccess = DISK) -> Document:
    """Read one file, without its includes, in the dialect of its suffix. Raises InputError."""
    file = str(path)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InputError(
            Problem(f"{path.name} is in no known dialect", "", f"name it {path.stem}.xml or .yaml", Location(file))
        )
    return reader(_read(path, files), file)


def _read(path: Path, files: FileAccess) -> bytes:
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

    def __init__(self, files: FileAccess) -> None:
        self._from = files
        self.diagnostics = Diagnostics()
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
            root = merge(root, tree, self.diagnostics)
        return root

    def _load(self, path: Path, asked: Location | None, confines: Path) -> None:
        key = self._from.real(path)
        if key in self._open:
            self.diagnostics.error(
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
            self.diagnostics.add(error.problems)
            document = error.document
        except InputError as error:
            self.diagnostics.is_part = True
            self.diagnostics.add(_asked_for(problem, asked) for problem in error.problems)
            return
        self.diagnostics.add(document.warnings)
        self._open[key] = asked or Location(str(path))
        for include in document.includes:
            self._include(include, path, confines)
        del self._open[key]
        self._trees.append(document.root)

    def _include(self, include: Include, including: Path, confines: Path) -> None:
        path = Path(os.path.normpath(including.parent / include.file))
        if not path.absolute().is_relative_to(confines) or Path(include.file).is_absolute():
            self.diagnostics.error(
                f"{include.file!r} is outside {confines}",
                "a definition includes files of its own folder tree only",
                f"put the file below {confines}, and name it relative to this one",
                include.location,
            )
        elif len(self.files) >= _MAX_FILES:
            self.diagnostics.error(f"more than {_MAX_FILES} files", "", "include fewer", include.location)
        else:
            self._load(path, include.location, confines)


def _asked_for(problem: Problem, asked: Location | None) -> Problem:
    """The problem of a file that cannot be read, at the place of the line that includes it."""
    if asked is None or (problem.location and problem.location.line):
        return problem
    return Problem(problem.what, problem.why, problem.remedy, asked, problem.severity)
