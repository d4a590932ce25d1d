"""The chain of `@default` from the root to a plot, and plots whose signal and axes fit each other.

NeXus manual, "Find the plottable data".
"""

from __future__ import annotations

from collections.abc import Iterator

import h5py

from nxscribe.projections.nexus._master import CREATOR
from nxscribe.projections.nexus.validate._entry_context import EntryContext, nx_class, objects, text, texts
from nxscribe.projections.nexus.validate._finding import Check, Finding


def check_chain(master: h5py.File, file: str) -> Iterator[Finding]:
    """Errors in the chain of `@default` from the root of a file to a plot."""
    node: h5py.Group = master
    path = ""
    while nx_class(node) != "NXdata":
        name = text(node.attrs.get("default"))
        here = path or "/"
        if name is None:
            if any(map(_is_plot, _below(master) if not path else (below for _, below in objects(node)))):
                yield Finding(
                    Check.DEFAULT, file, f"{here}@default", "it is missing, so that no reader finds the plot",
                    "", "name the group that leads to the plot",
                )  # fmt: skip
            return
        try:
            below = node.get(name) if name else None
        except (OSError, KeyError, RuntimeError):
            below = None
        if not isinstance(below, h5py.Group):
            yield Finding(Check.DEFAULT, file, f"{here}@default", f"it names {name!r}, which is not a group there")
            return
        node, path = below, f"{path}/{name}"
        if path.count("/") > _DEEPEST:
            yield Finding(Check.DEFAULT, file, path, "the chain of @default goes round")
            return
    if text(node.attrs.get("signal")) is None:
        yield Finding(Check.DEFAULT, file, f"{path}@signal", "the default plot names no signal")


_DEEPEST = 10


def _below(master: h5py.File) -> Iterator[object]:
    for name in master:
        entry = _child(master, name)
        if isinstance(entry, h5py.Group):
            yield from (_child(entry, child) for child in entry)


def _is_plot(node: object) -> bool:
    return nx_class(node) == "NXdata" and "signal" in getattr(node, "attrs", {})


def check_plots(place: EntryContext) -> Iterator[Finding]:
    """Errors in the plots of an entry and in the `@default` of its groups."""
    if "default" not in place.group.attrs and any(_is_plot(node) for _, node in objects(place.group)):
        yield place.find(
            Check.DEFAULT, f"{place.group.name}@default", "it is missing, so that no reader finds the entry's plot",
            "", "name the group that leads to the plot",
        )  # fmt: skip
    is_ours = text(place.group.file.attrs.get("creator")) == CREATOR
    for path, node in objects(place.group):
        if nx_class(node) == "NXdata":
            yield from _plot(place, path, node)
            if is_ours and isinstance(node, h5py.Group) and "title" not in node:
                yield place.find(
                    Check.DEFAULT, f"{path}/title", "it is missing, and nxscribe writes it to every plot",
                    "an earlier version made the entry, or it was removed since: nexusformat cannot plot without it "
                    "through a link to the entry",
                    "make the entry again: nxscribe regenerate",
                )  # fmt: skip
        elif isinstance(node, h5py.Group) and (name := text(node.attrs.get("default"))) and _child(node, name) is None:
            yield place.find(Check.DEFAULT, f"{path}@default", f"it names {name!r}, which is not there")


def _plot(place: EntryContext, path: str, group: h5py.Group) -> Iterator[Finding]:
    name = text(group.attrs.get("signal"))
    if name is None:
        yield place.find(Check.DEFAULT, f"{path}@signal", "the plot has no signal", "", "name its dataset")
        return
    signal = _child(group, name)
    if not isinstance(signal, h5py.Dataset):
        yield place.find(Check.DEFAULT, f"{path}@signal", f"it names {name!r}, which is not a dataset there")
        return
    if "axes" not in group.attrs:
        return
    axes = texts(group.attrs["axes"])
    if len(axes) != signal.ndim:
        yield place.find(
            Check.DEFAULT, f"{path}@axes", f"it names {len(axes)} axes, and the signal has {signal.ndim} dimensions"
        )
        return
    for dimension, axis in enumerate(axes):
        if axis != ".":
            doubt = _axis_doubt(group, signal, axis, dimension)
            if doubt:
                yield place.find(Check.DEFAULT, f"{path}@axes", doubt)


def _axis_doubt(group: h5py.Group, signal: h5py.Dataset, axis: str, dimension: int) -> str:
    """Why an axis cannot be one of the signal's; empty where it can."""
    values = _child(group, axis)
    if not isinstance(values, h5py.Dataset):
        return f"it names {axis!r}, which is not a dataset there"
    indices = group.attrs.get(f"{axis}_indices", dimension)
    along = [int(index) for index in getattr(indices, "flat", [indices])]
    if any(index >= signal.ndim for index in along):
        return f"{axis}_indices says {along}, and the signal has {signal.ndim} dimensions"
    lengths = [signal.shape[index] for index in along]
    fits = len(values.shape) == len(lengths) and all(
        length in {wanted, wanted + 1} for length, wanted in zip(values.shape, lengths, strict=True)
    )
    return "" if fits else f"{axis!r} has the shape {values.shape}, and the signal there {lengths}"


def _child(group: h5py.Group, name: str) -> object:
    try:
        return group.get(name)
    except (OSError, KeyError, RuntimeError):
        return None
