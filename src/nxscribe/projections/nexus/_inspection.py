"""Compares the files of an experiment with its records. No file is changed."""

from __future__ import annotations

import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import h5py
import numpy as np

import nxscribe
from nxscribe.errors import NxscribeError, ProjectionError
from nxscribe.model import Value, is_text
from nxscribe.projections.files import FileSettings
from nxscribe.projections.nexus import _definition_file as definition_file
from nxscribe.projections.nexus import _master as master
from nxscribe.projections.nexus._opening import open_to_read
from nxscribe.projections.nexus._project import names_of
from nxscribe.projections.nexus._provenance import ACCOUNT, DEFINITION, RECORD_ID
from nxscribe.projections.nexus._verify import differences
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode
from nxscribe.projections.nexus.raw import files_aside, is_awaited, raw_of
from nxscribe.projections.nexus.raw.entry_paths import EntryPaths
from nxscribe.projections.nexus.raw.stamps import MODIFIED, SAMPLE, SIZE
from nxscribe.projections.nexus.tree import build_tree
from nxscribe.records import recorded_definition
from nxscribe.records.record import DefinitionText, Record

_OF_THE_MAKING: Final = frozenset(
    f"{ACCOUNT}/{name}"
    for name in (
        "missing",
        "missing_reason",
        "missing_mandatory",
        "pending",
        "pending_reason",
        "warnings",
        "notes",
        "program_version",
    )
)
"""What depends on when and with which raw files at hand an entry was made, not on the record alone."""
_STAMPS: Final = tuple(f"/data_file/{name}" for name in (SIZE, MODIFIED, SAMPLE))
"""The same of each detector. `nxscribe validate` looks at them."""


_OF_A_LATER_DEFINITION: Final = frozenset({DEFINITION, "definition_name", "definition_sha256"})


def inspect_entry(record: Record, settings: FileSettings, *, quick: bool = False) -> tuple[str, ...]:
    """Everything that is wrong with the entry of a record, as texts. Empty if it exists and agrees with the record.

    With `quick`, nxscribe only checks that the entry exists, can be opened, belongs to the record, and is shown by the
    master. Otherwise every value and attribute is compared, too. An entry that was made with a later definition is
    compared with the result of that definition. If another version of nxscribe wrote the entry, only its readings are
    compared, because everything else can differ between versions.
    """
    names = names_of(record, settings)
    try:
        over = not record.is_open and not is_awaited(record, settings)
        wrong = [*_in_container(names, record, settings.ownership.complete if over else None), *_in_master(names)]
        if not wrong and not quick:
            compare = _readings if version_of(record, settings) else _contents
            wrong = compare(names, record, settings)
    except (OSError, KeyError, ProjectionError) as error:
        return (str(error.problems[0].what) if isinstance(error, NxscribeError) else str(error),)
    return tuple(wrong)


def version_of(record: Record, settings: FileSettings) -> str:
    """The version of nxscribe that wrote the entry of a record; empty if it is this version, or is not known."""
    names = names_of(record, settings)
    try:
        with open_to_read(names.container) as file:
            version = str(file[names.entry][ACCOUNT]["program_version"].asstr()[()])
    except (OSError, KeyError):
        return ""
    return "" if version == nxscribe.__version__ else version


def belongs_to_another(record: Record, settings: FileSettings) -> bool:
    """Whether the place of the entry of a record is used by another record, another program, or another journal."""
    names = names_of(record, settings)
    for file in dict.fromkeys((names.master, names.container)):
        try:
            with open_to_read(file) as opened:
                if opened.attrs.get("creator") != master.CREATOR:
                    return True
                if _owner(opened, record.entry) not in {"", record.id}:
                    return True
        except OSError:
            continue
    return False


def is_damaged(path: Path) -> bool:
    """Whether a file exists and can be read, but HDF5 cannot open it."""
    try:
        with path.open("rb"), open_to_read(path):
            return False
    except PermissionError:
        return False
    except OSError:
        return path.exists()


def shows_frames(record: Record, settings: FileSettings) -> bool:
    """Whether the present entry links to raw frames."""
    names = names_of(record, settings)
    groups = [record.detectors.get(series.detector, f"instrument/{series.detector}") for series in record.raw]
    try:
        with open_to_read(names.container) as file:
            entry = file[record.entry]
            return any(entry.get(f"{group.strip('/')}/data", getlink=True) is not None for group in groups)
    except (OSError, KeyError):
        return False


def definition_in(names: EntryPaths) -> DefinitionText | None:
    """The definition of an entry; None if it cannot be read, or does not have its checksum."""
    try:
        with open_to_read(names.container) as file:
            return definition_file.definition_in(file[names.entry][ACCOUNT])
    except (OSError, KeyError):
        return None


def unknown_entries(path: Path, known: Collection[str]) -> tuple[str, ...]:
    """The entries of a master that have no record."""
    try:
        with open_to_read(path) as file:
            return tuple(name for name in file if name.startswith("entry_") and name not in known)
    except OSError:
        return ()


def _in_container(names: EntryPaths, record: Record, complete: int | None) -> Iterator[str]:
    if not names.container.exists():
        yield f"{names.container} is not there"
        return
    with master.opened(names.container) as file:
        owner = _owner(file, record.entry)
        if record.entry not in file:
            yield f"{names.container} has no {record.entry}"
        elif owner != record.id:
            yield f"{names.container}: its {record.entry} is of {f'the record {owner}' if owner else 'unknown origin'}"
    is_own = names.container != names.master
    mode = stat.S_IMODE(names.container.stat().st_mode)
    if is_own and complete is not None and mode != complete:
        yield f"{names.container} is complete and has the mode {mode:04o} instead of {complete:04o}"


def _in_master(names: EntryPaths) -> Iterator[str]:
    if not names.master.exists():
        yield f"{names.master} is not there"
        return
    with master.opened(names.master) as file:
        link = file.get(names.entry, getlink=True)
        if link is None:
            yield f"{names.master} does not show {names.entry}"
        elif isinstance(link, h5py.ExternalLink) and not _leads_to(names, link.filename):
            yield f"{names.master}: its {names.entry} leads to {link.filename}"


def _leads_to(names: EntryPaths, file: str) -> bool:
    return (names.master.parent / file).resolve() == names.container.resolve()


def _readings(names: EntryPaths, record: Record, settings: FileSettings) -> list[str]:
    """What differs in the values that devices gave, in an entry of another version."""
    definition = definition_in(names) or record.definition
    entry = build_tree(recorded_definition(definition), record, raw_of(record, settings, names).links).entry
    wrong = []
    with master.opened(names.container) as file:
        group = file[names.entry]
        missing = group.get(f"{ACCOUNT}/missing")
        known = set() if missing is None else set(missing.asstr()[()])
        for path, node in entry.walk():
            if not isinstance(node, FieldNode) or "timestamp" not in node.attributes or path in known:
                continue
            there = group.get(path)
            if there is None:
                wrong.append(f"{path}: it is not there")
            elif not _same(there, node.value):
                wrong.append(f"{path}: {there[()]!r} instead of {node.value!r}")
    return [f"{names.container}: {one}" for one in wrong]


def _same(there: h5py.Dataset, wanted: Value) -> bool:
    """Whether a dataset has these values, in whatever type: a later version may keep them in another one."""
    if there.shape != wanted.shape:
        return False
    if is_text(wanted) or h5py.check_string_dtype(there.dtype):
        return bool(h5py.check_string_dtype(there.dtype)) and np.array_equal(there.asstr()[()], wanted.astype(object))
    return np.array_equal(there[()], wanted, equal_nan=wanted.dtype.kind == "f")


def _contents(names: EntryPaths, record: Record, settings: FileSettings) -> list[str]:
    kept = definition_in(names)
    definition = kept or record.definition
    raw = raw_of(record, settings, names).links
    entry = build_tree(recorded_definition(definition), record, raw).entry
    account = entry.children[ACCOUNT]
    if isinstance(account, GroupNode):
        # The text was held against its sha256; entries of one experiment share it.
        own = {DEFINITION} if definition.sha256 == record.definition.sha256 else _OF_A_LATER_DEFINITION
        account.children = {name: node for name, node in account.children.items() if name not in own}
    found = differences(names.container, names.entry, entry)
    wrong = [] if kept else [f"{ACCOUNT}/{DEFINITION}: it is not the text of the definition_sha256 beside it"]
    places = [(one.partition(":")[0], one) for one in found]
    wrong += [
        one for place, one in places if place.partition("@")[0] not in _OF_THE_MAKING and not place.endswith(_STAMPS)
    ]
    for path, aside in files_aside(raw, names).items():
        wrong += differences(path, names.entry, aside) if path.exists() else [f"{path} is not there"]
    return [f"{names.container}: {one}" for one in wrong]


def _owner(file: h5py.File, entry: str) -> str:
    group = file.get(entry)
    found = None if group is None else group.get(RECORD_ID)
    return "" if found is None else str(found.asstr()[()])
