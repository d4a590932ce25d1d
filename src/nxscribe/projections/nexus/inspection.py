"""Whether the files of an experiment are what its records say. Nothing here changes a file."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

import h5py
import numpy as np

from nxscribe.definitions import parse_definition
from nxscribe.errors import NxscribeError, ProjectionError
from nxscribe.model import Value
from nxscribe.projections.files import FileSettings
from nxscribe.projections.nexus import master
from nxscribe.projections.nexus.account import ACCOUNT, RECORD_ID
from nxscribe.projections.nexus.nodes import FieldNode, GroupNode
from nxscribe.projections.nexus.project import names_of
from nxscribe.projections.nexus.raw import files_aside, is_awaited, raw_of
from nxscribe.projections.nexus.raw.names import Names
from nxscribe.projections.nexus.tree import build_tree
from nxscribe.projections.nexus.verify import differences
from nxscribe.records.record import DefinitionText, Record

_OF_THE_MAKING: Final = frozenset(
    f"{ACCOUNT}/{name}"
    for name in ("missing", "missing_reason", "pending", "pending_reason", "warnings", "notes", "program_version")
)
"""What depends on when and with which raw files at hand an entry was made, not on the record alone."""


def inspect_entry(record: Record, settings: FileSettings, *, quick: bool = False) -> tuple[str, ...]:
    """What is wrong with a record's entry, in words. Nothing: it is there, whole, and says what the record says.

    `quick` looks whether it is there, opens, is the record's own and is shown by the master; otherwise every value
    and attribute is compared too. An entry that was made with a later definition is held against that one.
    """
    names = names_of(record, settings)
    try:
        over = not record.is_open and not is_awaited(record, settings)
        wrong = [*_in_container(names, record, settings.ownership.complete if over else None), *_in_master(names)]
        if not wrong and not quick:
            wrong = _contents(names, record, settings)
    except (OSError, KeyError, ProjectionError) as error:
        return (str(error.problems[0].what) if isinstance(error, NxscribeError) else str(error),)
    return tuple(wrong)


def belongs_to_another(record: Record, settings: FileSettings) -> bool:
    """Whether the place of a record's entry is taken: by another record, another program, or another journal."""
    names = names_of(record, settings)
    for file in dict.fromkeys((names.master, names.container)):
        try:
            with h5py.File(file, "r", locking=False) as opened:
                if opened.attrs.get("creator") != master.CREATOR:
                    return True
                if _owner(opened, record.entry) not in {"", record.id}:
                    return True
        except OSError:
            continue
    return False


def is_damaged(path: Path) -> bool:
    """Whether a file is there that HDF5 cannot open, though it may be read."""
    try:
        with path.open("rb"), h5py.File(path, "r", locking=False):
            return False
    except PermissionError:
        return False
    except OSError:
        return path.exists()


def shows_frames(record: Record, settings: FileSettings) -> bool:
    """Whether the entry as it lies there links to raw frames."""
    names = names_of(record, settings)
    groups = [record.detectors.get(series.detector, f"instrument/{series.detector}") for series in record.raw]
    try:
        with h5py.File(names.container, "r", locking=False) as file:
            entry = file[record.entry]
            return any(entry.get(f"{group.strip('/')}/data", getlink=True) is not None for group in groups)
    except (OSError, KeyError):
        return False


def definition_in(names: Names) -> DefinitionText | None:
    """The definition that an entry was made with; None where it cannot be read, or is not what its sha256 says."""
    try:
        with h5py.File(names.container, "r", locking=False) as file:
            account = file[names.entry][ACCOUNT]
            name, sha256 = (str(account[part].asstr()[()]) for part in ("definition_name", "definition_sha256"))
            text = "\n".join(account["definition"].asstr()[()])
    except (OSError, KeyError, TypeError):
        return None
    return DefinitionText(name, sha256, text) if hashlib.sha256(text.encode()).hexdigest() == sha256 else None


def unknown_entries(path: Path, known: Collection[str]) -> tuple[str, ...]:
    """The entries that a master shows and that no record speaks of."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            return tuple(name for name in file if name.startswith("entry_") and name not in known)
    except OSError:
        return ()


def _in_container(names: Names, record: Record, complete: int | None) -> Iterator[str]:
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


def _in_master(names: Names) -> Iterator[str]:
    if not names.master.exists():
        yield f"{names.master} is not there"
        return
    with master.opened(names.master) as file:
        link = file.get(names.entry, getlink=True)
        if link is None:
            yield f"{names.master} does not show {names.entry}"
        elif isinstance(link, h5py.ExternalLink) and not _leads_to(names, link.filename):
            yield f"{names.master}: its {names.entry} leads to {link.filename}"


def _leads_to(names: Names, file: str) -> bool:
    return (names.master.parent / file).resolve() == names.container.resolve()


def _contents(names: Names, record: Record, settings: FileSettings) -> list[str]:
    definition = definition_in(names) or record.definition
    raw = raw_of(record, settings, names).links
    entry = build_tree(parse_definition(definition.name, definition.text), record, raw).entry
    if definition.sha256 != record.definition.sha256:
        account = entry.children[ACCOUNT]
        if isinstance(account, GroupNode):
            for child in ("definition", "definition_name", "definition_sha256"):
                account.children.pop(child, None)
    found = differences(names.container, names.entry, entry)
    wrong = [one for one in found if one.partition(":")[0] not in _OF_THE_MAKING]
    wrong += _attribute_differences(names, entry)
    for path, aside in files_aside(raw, names).items():
        wrong += differences(path, names.entry, aside) if path.exists() else [f"{path} is not there"]
    return [f"{names.container}: {one}" for one in wrong]


def _attribute_differences(names: Names, entry: GroupNode) -> list[str]:
    wrong = []
    with master.opened(names.container) as file:
        group = file[names.entry]
        for path, node in [("", entry), *entry.walk()]:
            if not isinstance(node, FieldNode | GroupNode) or path in _OF_THE_MAKING:
                continue
            there = group[path].attrs if path else group.attrs
            wrong += [
                f"{path}@{name}: {there.get(name)!r} instead of {value.tolist()!r}"
                for name, value in node.attributes.items()
                if not _equal(there.get(name), value)
            ]
    return wrong


def _equal(found: object, wanted: Value) -> bool:
    return found is not None and np.array_equal(
        np.asarray(found), wanted.astype(object) if wanted.dtype.kind == "U" else wanted,
        equal_nan=wanted.dtype.kind == "f",
    )  # fmt: skip


def _owner(file: h5py.File, entry: str) -> str:
    group = file.get(entry)
    found = None if group is None else group.get(RECORD_ID)
    return "" if found is None else str(found.asstr()[()])
