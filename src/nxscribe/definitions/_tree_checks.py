"""Checks of the whole tree: siblings with the same name, links without a target, plots that show nothing.

All of these are warnings. A link without a target (old versions of the ESRF's file have two) is not written.
"""

from __future__ import annotations

from collections.abc import Iterator

from nxscribe.definitions._sibling_names import written_names
from nxscribe.definitions.diagnostics import Diagnostics, did_you_mean
from nxscribe.errors import Location
from nxscribe.model import Field, Group, Link, Node


def check_tree(root: Group, diagnostics: Diagnostics) -> None:
    """Warn of everything in the tree that its author probably did not intend."""
    written = dict(_written(root, ""))
    ends = _ends_of_links(written)
    for path, node in written.items():
        if isinstance(node, Link):
            _check_link(node, ends[path], written, diagnostics)
        elif isinstance(node, Group):
            _check_plot(node, diagnostics)
    _check_plot(root, diagnostics)
    for group in (root, *(node for node in written.values() if isinstance(node, Group))):
        _check_twins(group, diagnostics)


def _written(group: Group, path: str) -> Iterator[tuple[str, Node]]:
    for name, child in zip(written_names(group), group.children, strict=True):
        here = f"{path}/{name}"
        yield here, child
        if isinstance(child, Group):
            yield from _written(child, here)


def _check_twins(group: Group, diagnostics: Diagnostics) -> None:
    first: dict[str, Node] = {}
    for name, child in zip(written_names(group), group.children, strict=True):
        if name != child.name:
            diagnostics.warning(
                f"another {child.name!r} in one group",
                f"in the file it will be called {name!r}",
                "give it a name of its own",
                child.location or Location(""),
                first[child.name].location or Location(""),
            )
        first.setdefault(child.name, child)


def _ends_of_links(written: dict[str, Node]) -> dict[str, str | None]:
    """For each link the path where it leads to in the end, through other links; None where it leads back to itself.

    Each link is followed once, however many lead to it: a file has place for a chain of ten thousands.
    """
    ends: dict[str, str | None] = {}
    for path, node in written.items():
        chain: dict[str, None] = {}
        here: str | None = path if isinstance(node, Link) else None
        while here is not None and here not in ends and isinstance(link := written.get(here), Link):
            if here in chain:
                here = None  # a ring
                break
            chain[here] = None
            here = link.target
        end = ends.get(here, here) if here is not None else None
        ends.update(dict.fromkeys(chain, end))
    return ends


def _check_link(link: Link, end: str | None, written: dict[str, Node], diagnostics: Diagnostics) -> None:
    place = link.location or Location("")
    if end is None:
        diagnostics.warning(
            f"the link {link.name!r} leads back to itself", "it will not be written", "name its real target", place
        )
    elif (
        end not in written
        and end.startswith("/")
        and not diagnostics.is_part
        and not _comes_with_the_raw_files(end, written)
    ):
        diagnostics.warning(
            f"nothing is at {end}",
            f"the link {link.name!r} dangles and will not be written",
            did_you_mean(end, written, few=0, cutoff=0.9) if diagnostics.has_room else "",
            place,
        )


def _comes_with_the_raw_files(target: str, written: dict[str, Node]) -> bool:
    group, _, name = target.rpartition("/")
    node = written.get(group)
    return name == "data" and isinstance(node, Group) and node.nx_class == "NXdetector"


def _check_plot(group: Group, diagnostics: Diagnostics) -> None:
    """The way from the entry to a plot: https://manual.nexusformat.org/datarules.html#version-3."""
    if diagnostics.is_part:
        return
    names = dict(zip(written_names(group), group.children, strict=True))
    for child in group.children:
        if isinstance(child, Field) and child.name in ("default", "signal") and child.template.text in names:
            diagnostics.warning(
                f"{child.name!r} is a field here, and in NeXus an attribute",
                "no program finds the plot by it",
                f'write it as an attribute: \\@{child.name} in YAML, <attribute name="{child.name}"> in XML',
                child.location or Location(""),
            )
    for attribute in group.attributes:
        text = attribute.template.text
        if attribute.name not in ("default", "signal") or "${" in text:
            continue
        if attribute.name == "default" and not isinstance(names.get(text), Group):
            why = "the group to plot is a child of this one"
        elif attribute.name == "signal" and group.nx_class == "NXdata" and text not in names:
            why = "the signal to plot is a field or link of this group"
        else:
            continue
        diagnostics.warning(
            f"@{attribute.name} names {text!r}, which is not here",
            why,
            did_you_mean(text, names),
            attribute.location or Location(""),
        )
