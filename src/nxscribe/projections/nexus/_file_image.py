"""The bytes of a file with one entry. What files of one form have in common, HDF5 makes once.

The entries of a technique differ in values, times and texts. Groups, names, types and most attributes are the same in
all of them, and it is these that take HDF5 its time. So the file of a form is made once, with a mark in the place of
each value. The marks tell where in the bytes the values lie. Every file of that form, the first one too, is a copy of
these bytes with its own values in their places. What has no such place (a text of another length than the form's, a
list, a link, frames) HDF5 writes into the copy.

This needs a format without checksums over values, which is that of all files of nxscribe: object headers of version 1
and global heaps (HDF5 File Format Specification, IV.A.1.a and III.E). The first file of a form is read back whole, with
all attributes: if HDF5 ever wrote otherwise, that would fail.
"""

from __future__ import annotations

import os
import re
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

import h5py
import numpy as np

from nxscribe.model import Value, is_text, texts
from nxscribe.projections.nexus import _hdf5_writer as hdf5_writer
from nxscribe.projections.nexus.nodes import ExternalLinkNode, FieldNode, GroupNode, Node, SoftLinkNode

_MOST_FORMS: Final = 16
"""How many are kept: a beamline has some techniques, and each has a form at the start and one at the end of a scan."""
_MARK: Final = re.compile(rb"~([0-9a-f]{6})~")
_MARK_BYTES: Final = 8
"""What is shorter than a mark has no place: HDF5 writes it where it differs from the form's."""
_CHANGING: Final = frozenset({"quality"})
"""Attributes that come and go with the readings, which shall not need another form each time."""

_Own: TypeAlias = Value | SoftLinkNode | ExternalLinkNode
"""What each file of a form has for itself."""
_Place: TypeAlias = tuple[str | None, str | None]
"""Where something belongs: the node's path from the entry (None: the root), and the attribute's name (None: the node's
own value)."""
_Content: TypeAlias = bytes | tuple[bytes, ...]
"""The bytes of numbers, a text in UTF-8, or several of these."""


class FileImages:
    """Makes files, and keeps the forms that it met last."""

    def __init__(self) -> None:
        self._forms: OrderedDict[Hashable, _ImageTemplate] = OrderedDict()

    def make(self, name: str, entry_name: str, entry: GroupNode, time: datetime) -> FileImage:
        """A whole file with one entry, in memory: a full disk is then an error of Python's, not a fault of HDF5's.

        Raises NodeError for frames that HDF5 does not take.
        """
        parts = _Parts({**hdf5_writer.root_attributes(name, time), "default": texts(entry_name)})
        parts.take_attributes(None, parts.root)
        parts.take("", entry)
        key = tuple(parts.form)
        form = self._forms.pop(key, None) or _ImageTemplate(entry_name, entry, parts)
        self._forms[key] = form
        if len(self._forms) > _MOST_FORMS:
            self._forms.popitem(last=False)
        return form.filled(entry_name, parts)

    def forget(self) -> None:
        """Drop all forms, as a file of one of them read back otherwise than it was meant."""
        self._forms.clear()


class FileImage:
    """The bytes of one file, and what of it HDF5 has to read back."""

    def __init__(self, data: bytes, root: Mapping[str, Value], changed: frozenset[str], form: _ImageTemplate) -> None:
        """`changed` are the paths, from the entry, of the nodes that HDF5 wrote into this copy."""
        self.data = data
        self.root = root
        """The attributes of the root."""
        self._changed = changed
        self._form = form

    @property
    def unproven(self) -> frozenset[str] | None:
        """The paths of the nodes that are to be read back; None for all, where no file of the form was read yet."""
        return self._changed if self._form.is_proven else None

    def prove(self) -> None:
        """Note that all `unproven` nodes of this file read back as they were meant."""
        self._form.is_proven = True


@dataclass(slots=True)
class _Parts:
    """A tree taken apart: what all files of its form have, and what is its own."""

    root: Mapping[str, Value]
    """The attributes of the root."""
    form: list[Hashable] = field(default_factory=list)
    places: list[_Place] = field(default_factory=list)
    values: list[_Own] = field(default_factory=list)
    contents: list[_Content] = field(default_factory=list)
    loose: list[tuple[str, str, Node]] = field(default_factory=list)
    """What is not part of the form: the path of its group, its name, the node. Lists and frames are of another shape in
    each scan."""

    loose_attributes: list[tuple[str | None, str, Value]] = field(default_factory=list)
    """The same of attributes: the node's path, the name, the value."""

    def take(self, path: str, group: GroupNode) -> None:
        """Take a group and all below it."""
        self.form += ("{", group.nx_class)
        self.take_attributes(path, group.attributes)
        for name, child in group.children.items():
            here = f"{path}/{name}" if path else name
            if isinstance(child, FieldNode) and not child.value.ndim:
                self.form.append(name)
                self._take((here, None), child.value)
                self.take_attributes(here, child.attributes)
            elif isinstance(child, GroupNode):
                self.form.append(name)
                self.take(here, child)
            elif isinstance(child, SoftLinkNode | ExternalLinkNode):
                self.form.append(name)
                self._take((here, None), child)
            else:
                self.loose.append((path, name, child))
        self.form.append("}")

    def take_attributes(self, path: str | None, attributes: Mapping[str, Value]) -> None:
        """Take the attributes of a node."""
        for name, value in attributes.items():
            if name in _CHANGING:
                self.loose_attributes.append((path, name, value))
            elif name != "NX_class" or path is None:  # a group has its own, whatever a definition says
                self.form.append(name)
                self._take((path, name), value)
        self.form.append(";")

    def _take(self, place: _Place, value: _Own) -> None:
        if isinstance(value, np.ndarray):
            self.form.append("text" if is_text(value) else value.dtype)
            self.form.append(value.shape)
        else:
            self.form.append(type(value).__name__)
        self.places.append(place)
        self.values.append(value)
        self.contents.append(_content(value))


class _ImageTemplate:
    """What the files of one form have in common."""

    def __init__(self, entry_name: str, entry: GroupNode, parts: _Parts) -> None:
        """Make it by the first of these files."""
        self.is_proven = False
        """Whether a file of this form was read back, whole."""
        marked = {
            place: _marked(value, number)
            for number, (place, value) in enumerate(zip(parts.places, parts.values, strict=True), 1)
        }
        self._name = _mark(0, len(entry_name.encode())) or entry_name.encode()
        with hdf5_writer.in_memory() as file:
            hdf5_writer.write_attributes(file, _values_of(None, (attribute for _, attribute in marked), marked))
            hdf5_writer.write_node(file, self._name.decode(), _marked_group("", entry, marked))
            group = h5py.h5g.open(file, self._name)
            offsets = [_offset(group, place) for place in parts.places]
            self._image = hdf5_writer.image(file)
        marks = _places_of_marks(self._image)
        self._name_offset = marks.get(0)
        self._contents = [_content(value) for value in marked.values()]
        self._offsets = [marks.get(number, offset) for number, offset in enumerate(offsets, 1)]

    def filled(self, entry_name: str, parts: _Parts) -> FileImage:
        """A file of this form."""
        data = bytearray(self._image)
        rest = []
        for number, (content, there, offset) in enumerate(
            zip(parts.contents, self._contents, self._offsets, strict=True)
        ):
            if content == there:
                continue
            if isinstance(content, bytes) and offset is not None and len(content) == len(there):
                data[offset : offset + len(content)] = content
            else:
                rest.append(number)
        name = entry_name.encode()
        has_name = self._name_offset is not None and len(name) == len(self._name)
        if self._name_offset is not None and has_name:
            data[self._name_offset : self._name_offset + len(name)] = name
        if has_name and not (rest or parts.loose or parts.loose_attributes):
            return FileImage(bytes(data), parts.root, frozenset(), self)
        changed = set()
        with hdf5_writer.in_memory(bytes(data)) as file:
            if not has_name:
                file.links.move(self._name, file, name)
            entry = h5py.h5g.open(file, name)
            for number in rest:
                place = parts.places[number]
                _write_over(file if place[0] is None else entry, place, parts.values[number])
                changed.add(place[0] or "")
            for where, attribute, value in parts.loose_attributes:
                node = h5py.h5o.open(entry, where.encode()) if where else entry
                hdf5_writer.write_attributes(node, {attribute: value})
                changed.add(where or "")
            for path, below, child in parts.loose:
                hdf5_writer.write_node(h5py.h5g.open(entry, path.encode()) if path else entry, below, child)
                changed.add(f"{path}/{below}" if path else below)
            return FileImage(hdf5_writer.image(file), parts.root, frozenset(changed), self)


_Marked: TypeAlias = Mapping[_Place, _Own]


def _marked_group(path: str, group: GroupNode, marked: _Marked) -> GroupNode:
    """The group with marks in the place of values, and without what is not part of the form."""
    children: dict[str, Node] = {}
    for name, child in group.children.items():
        here = f"{path}/{name}" if path else name
        own = marked.get((here, None))
        if isinstance(child, GroupNode):
            children[name] = _marked_group(here, child, marked)
        elif isinstance(child, FieldNode) and isinstance(own, np.ndarray):
            children[name] = FieldNode(own, _values_of(here, child.attributes, marked))
        elif isinstance(own, SoftLinkNode | ExternalLinkNode):
            children[name] = own
    return GroupNode(group.nx_class, children, _values_of(path, group.attributes, marked))


def _values_of(path: str | None, attributes: Iterable[str | None], marked: _Marked) -> dict[str, Value]:
    """Those of the attributes that are marked."""
    found = {name: marked.get((path, name)) for name in attributes if name is not None}
    return {name: value for name, value in found.items() if isinstance(value, np.ndarray)}


def _marked(value: _Own, number: int) -> _Own:
    """A value of the same type and size that can be found in a file; the value itself where there can be none."""
    if not isinstance(value, np.ndarray):
        return value
    if is_text(value):
        mark = b"" if value.ndim else _mark(number, len(str(value.item()).encode()))
        return texts(mark.decode()) if mark else value
    mark = _mark(number, value.nbytes) if value.dtype.kind in "iuf" and value.itemsize <= _MARK_BYTES else b""
    return np.frombuffer(mark, value.dtype).reshape(value.shape) if mark else value


def _mark(number: int, size: int) -> bytes:
    """So many bytes, which tell a number; none where they are too few."""
    return b"~%06x~" % number + b"." * (size - _MARK_BYTES) if size >= _MARK_BYTES else b""


def _places_of_marks(image: bytes) -> dict[int, int]:
    """Where each mark is that is there once."""
    found: dict[int, list[int]] = {}
    for mark in _MARK.finditer(image):
        found.setdefault(int(mark[1], 16), []).append(mark.start())
    return {number: places[0] for number, places in found.items() if len(places) == 1}


def _offset(entry: h5py.h5g.GroupID, place: _Place) -> int | None:
    """Where a dataset has its numbers; None for all else, and for texts, which lie elsewhere."""
    path, attribute = place
    if path is None or attribute is not None or entry.links.get_info(path.encode()).type != h5py.h5l.TYPE_HARD:
        return None
    dataset = h5py.h5d.open(entry, path.encode())
    if dataset.get_type().get_class() == h5py.h5t.STRING:
        return None
    return int(dataset.get_offset())


def _content(value: _Own) -> _Content:
    """What a file has of a value, or of a link."""
    match value:
        case SoftLinkNode():
            return (value.target.encode(),)
        case ExternalLinkNode():
            return os.fsencode(value.file), value.path.encode("utf-8", "surrogateescape")
    if value.dtype.kind not in "OU":
        return value.tobytes()
    if value.ndim:
        return tuple(str(text).encode() for text in value.flat)
    return str(value.item()).encode()


def _write_over(start: h5py.h5g.GroupID | h5py.h5f.FileID, place: _Place, value: _Own) -> None:
    """Write a value or a link in the place of the one that is there."""
    path, attribute = place
    key = (path or "").encode()
    if isinstance(value, SoftLinkNode | ExternalLinkNode):
        parent, _, name = key.rpartition(b"/")
        group = h5py.h5g.open(start, parent) if parent else start
        group.unlink(name)
        hdf5_writer.write_node(group, name.decode(), value)
    elif attribute is not None:
        node = h5py.h5o.open(start, key) if key else start
        hdf5_writer.write_over(h5py.h5a.open(node, attribute.encode()), value)
    else:
        hdf5_writer.write_over(h5py.h5d.open(start, key), value)
