"""What can only be seen in the whole tree: siblings of one name, links that lead nowhere, plots that show nothing.

All of these are warnings. A link may dangle (both of those in old versions of the ESRF's file do): it is not written.
"""

from __future__ import annotations

from collections.abc import Iterator

from nxscribe.definitions.findings import Findings, did_you_mean
from nxscribe.definitions.names import written_names
from nxscribe.errors import Location
from nxscribe.model import Group, Link, Node


def check_tree(root: Group, findings: Findings) -> None:
    """Note what the author of the tree may not have meant."""
    written = dict(_written(root, ""))
    for path, node in written.items():
        if isinstance(node, Link):
            _check_link(node, path, written, findings)
        elif isinstance(node, Group):
            _check_plot(node, findings)
    _check_plot(root, findings)
    for group in (root, *(node for node in written.values() if isinstance(node, Group))):
        _check_twins(group, findings)


def _written(group: Group, path: str) -> Iterator[tuple[str, Node]]:
    for name, child in zip(written_names(group), group.children, strict=True):
        here = f"{path}/{name}"
        yield here, child
        if isinstance(child, Group):
            yield from _written(child, here)


def _check_twins(group: Group, findings: Findings) -> None:
    first: dict[str, Node] = {}
    for name, child in zip(written_names(group), group.children, strict=True):
        if name != child.name:
            findings.warning(
                f"another {child.name!r} in one group",
                f"in the file it will be called {name!r}",
                "give it a name of its own",
                child.location or Location(""),
                first[child.name].location or Location(""),
            )
        first.setdefault(child.name, child)


def _check_link(link: Link, path: str, written: dict[str, Node], findings: Findings) -> None:
    seen = [path]
    target = link.target
    while isinstance(node := written.get(target), Link) and target not in seen:
        seen.append(target)
        target = node.target
    place = link.location or Location("")
    if target in seen:
        findings.warning(
            f"the link {link.name!r} leads back to itself", "it will not be written", "name its real target", place
        )
    elif (
        node is None
        and target.startswith("/")
        and not findings.is_part
        and not _comes_with_the_raw_files(target, written)
    ):
        findings.warning(
            f"nothing is at {target}",
            f"the link {link.name!r} dangles and will not be written",
            did_you_mean(target, written, few=0, cutoff=0.9),
            place,
        )


def _comes_with_the_raw_files(target: str, written: dict[str, Node]) -> bool:
    group, _, name = target.rpartition("/")
    node = written.get(group)
    return name == "data" and isinstance(node, Group) and node.nx_class == "NXdetector"


def _check_plot(group: Group, findings: Findings) -> None:
    """The way from the entry to a plot: https://manual.nexusformat.org/datarules.html#version-3."""
    if findings.is_part:
        return
    names = dict(zip(written_names(group), group.children, strict=True))
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
        findings.warning(
            f"@{attribute.name} names {text!r}, which is not here",
            why,
            did_you_mean(text, names),
            attribute.location or Location(""),
        )
