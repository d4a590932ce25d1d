"""A file that is filled into a form is what HDF5 would have made of the same tree."""

from __future__ import annotations

import gzip
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import h5py
import numpy as np
import pytest
from described import described

from nxscribe.errors import ProjectionError
from nxscribe.model import Quality, Reading, Snapshot, Value, is_text, now, texts
from nxscribe.projections.nexus._file_image import FileImages
from nxscribe.projections.nexus._verify import verify_file
from nxscribe.projections.nexus.nodes import ExternalLinkNode, FieldNode, GroupNode, Node, SoftLinkNode
from nxscribe.projections.nexus.tree import build_tree
from nxscribe.records import Record, record_from_json, recorded_definition

EXPORT = Path(__file__).parent / "earlier_build" / "export.jsonl.gz"
"""One scan of each technique of the demo."""
RECORDS = [record_from_json(line) for line in gzip.decompress(EXPORT.read_bytes()).splitlines()]

DEFINITION = "definition.h5"
"""What entries link to, in their folder."""


@pytest.fixture(autouse=True)
def definition(tmp_path: Path) -> None:
    with h5py.File(tmp_path / DEFINITION, "w") as file:
        file["definition_text"] = ["<group>", "</group>"]


def written_plainly(path: Path, entry_name: str, entry: GroupNode) -> Path:
    """The entry in a file, by h5py's own plain way and without anything that is kept."""
    with h5py.File(path, "w", libver="earliest") as file:
        _write(file, entry_name, entry)
    return path


def _write(parent: h5py.Group, name: str, node: Node) -> None:
    match node:
        case GroupNode():
            group = parent.create_group(name)
            _set_attributes(group, {**node.attributes, "NX_class": texts(node.nx_class)})
            for below, child in node.children.items():
                _write(group, below, child)
        case FieldNode():
            _set_attributes(parent.create_dataset(name, data=_plain(node.value)), node.attributes)
        case SoftLinkNode():
            parent[name] = h5py.SoftLink(node.target)
        case ExternalLinkNode():
            parent[name] = h5py.ExternalLink(node.file, node.path)
        case _:
            raise TypeError(node)


def _set_attributes(node: h5py.Group | h5py.Dataset, attributes: dict[str, Value]) -> None:
    for name, value in attributes.items():
        node.attrs[name] = _plain(value)


def _plain(value: Value) -> object:
    if not is_text(value):
        return value
    return np.asarray(value, h5py.string_dtype()) if value.ndim else str(value.item())


def seen(path: Path, entry_name: str) -> dict[str, object]:
    """All that a program sees of an entry, with how HDF5 stores it."""
    found: dict[str, object] = dict(described(path, entry_name))
    with h5py.File(path) as file:
        for place, stored in _stored_types(file[entry_name]).items():
            found[f"type of {place}"] = stored
    return found


def _stored_types(entry: h5py.Group) -> dict[str, object]:
    types: dict[str, object] = {}

    def look(name: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Dataset):
            types[name] = (node.dtype, h5py.check_string_dtype(node.dtype), node.shape)
        for attribute in node.attrs:
            stored = node.attrs.get_id(attribute)
            types[f"{name}@{attribute}"] = (stored.dtype, h5py.check_string_dtype(stored.dtype), stored.shape)

    look("", entry)
    entry.visititems(look)
    return types


def another_scan(record: Record) -> Record:
    """The same with another number, other times and values, and texts of another length."""
    later = timedelta(hours=1, microseconds=7)

    def changed(snapshot: Snapshot) -> Snapshot:
        return replace(snapshot, readings={name: other(one) for name, one in snapshot.readings.items()})

    def other(reading: Reading) -> Reading:
        value = reading.value
        if value is not None:
            value = _longer(value) if is_text(value) else (value.astype(value.dtype) * 0 + 1).astype(value.dtype)
        return Reading(
            reading.source, reading.time + later, value, reading.unit, Quality.ALARM, reading.error, reading.details
        )

    return replace(
        record,
        number=record.number + 17,
        start_time=record.start_time + later,
        initial=changed(record.initial),
        final=record.final and changed(record.final),
    )


def _longer(value: Value) -> Value:
    return texts([f"{text} é" for text in value.ravel().tolist()]).reshape(value.shape)


def tree_of(record: Record) -> GroupNode:
    definition = recorded_definition(record.definition)
    return build_tree(definition, record, text=ExternalLinkNode(DEFINITION, "/definition_text")).entry


def checked(images: FileImages, record: Record, entry: GroupNode, folder: Path) -> dict[str, object]:
    """What is seen of a file of this tree, after the file was read back as the writer does it."""
    path = folder / f"{record.entry}.h5"
    image = images.make(path.name, record.entry, entry, now())
    path.write_bytes(image.data)
    verify_file(path, image, record.entry, entry)
    return seen(path, record.entry)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.identity.technique)
def test_every_technique_has_the_same_trees_attributes_and_types_as_when_written_plainly(
    record: Record, tmp_path: Path
) -> None:
    images = FileImages()
    for scan in (record, another_scan(record), record, replace(another_scan(record), number=12_345)):
        entry = tree_of(scan)
        plain = written_plainly(tmp_path / "plain.h5", scan.entry, entry)
        assert checked(images, scan, entry, tmp_path) == seen(plain, scan.entry)


def test_the_next_scans_of_a_technique_need_no_other_form_whatever_was_read(tmp_path: Path) -> None:
    images, first, second = FileImages(), RECORDS[0], another_scan(RECORDS[0])
    checked(images, first, tree_of(first), tmp_path)
    image = images.make("second.h5", second.entry, tree_of(second), now())
    assert image.unproven is not None
    assert image.unproven < {"", *(path for path, _ in tree_of(second).walk())}


VALUES = [
    *(np.asarray(number, dtype) for number in (0, 1, 113) for dtype in ("i1", "u2", ">i4", "i8", "u8", "f4", ">f8")),
    *(np.asarray(flag) for flag in (True, False)),
    *(np.asarray(number, np.longdouble) for number in (0.1, 2)),
    *(texts(text) for text in ("", "a", "another", "12345678", "~000001~", "~000002~ and more", "é" * 9)),
    *(np.arange(size, dtype=dtype) for size in (0, 1, 9) for dtype in ("f8", "i2")),
    *(texts(list(names)) for names in ((), ("x",), ("x", "y z", "~000001~"))),
]


@pytest.mark.parametrize("first", range(0, len(VALUES), 5))
def test_values_of_each_kind_follow_each_other_in_one_form(first: int, tmp_path: Path) -> None:
    """Also those that look like what the writer itself puts in their places for a moment."""
    images, record = FileImages(), RECORDS[0]
    for value in VALUES[first:] + VALUES[:first]:
        entry = GroupNode("NXentry", {"field": FieldNode(value, {"own": value, "after": texts("~000003~")})})
        entry.children["twin"] = FieldNode(value)
        entry.attributes["own"] = value
        plain = written_plainly(tmp_path / "plain.h5", record.entry, entry)
        assert checked(images, record, entry, tmp_path) == seen(plain, record.entry)


def test_a_file_that_is_not_on_the_disk_as_it_was_made_is_refused(tmp_path: Path) -> None:
    images, record = FileImages(), RECORDS[0]
    entry = tree_of(record)
    checked(images, record, entry, tmp_path)
    image = images.make("faulty.h5", record.entry, entry, now())
    faulty = bytearray(image.data)
    faulty[-100] ^= 1
    path = tmp_path / "faulty.h5"
    path.write_bytes(faulty)
    with pytest.raises(ProjectionError, match="not those that were written"):
        verify_file(path, image, record.entry, entry)


def test_the_first_file_of_a_form_is_read_back_with_all_its_attributes(tmp_path: Path) -> None:
    images, record = FileImages(), RECORDS[0]
    image = images.make("first.h5", record.entry, tree_of(record), now())
    path = tmp_path / "first.h5"
    path.write_bytes(image.data)
    meant = tree_of(record)
    meant.attributes["another"] = texts("value")
    with pytest.raises(ProjectionError, match="@another"):
        verify_file(path, image, record.entry, meant)
    assert image.unproven is None
