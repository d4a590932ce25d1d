"""The requirements of NeXus application definitions, from the NXDL files of the package nexusformat.

Only these files are used. nexusformat itself checks HDF5 files, and these requirements are needed before a file exists.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_NS: Final = "{http://definition.nexusformat.org/nxdl/3.1}"
_BASE: Final = "NXobject"


class NoNxdlError(Exception):
    """The NXDL files are not installed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One node of an application definition, with its requirements."""

    kind: str
    """`group`, `field`, `link`, `attribute` or `choice`."""
    name: str
    """The name; empty if any name is allowed."""
    type: str = ""
    """A group's class; a field's or attribute's type."""
    units: str = ""
    """The unit category."""
    required: bool = True
    values: tuple[str, ...] = ()
    """The texts that are allowed; empty for any."""
    children: tuple[Asked, ...] = ()

    def __str__(self) -> str:
        what = ", ".join(filter(None, (self.type, self.units)))
        return f"{self.name} ({what})" if self.name and what else self.name or self.type

    @property
    def key(self) -> tuple[str, str]:
        """What distinguishes the node from its siblings."""
        return self.kind, self.name or self.type


def applications() -> frozenset[str]:
    """The names of all application definitions. Raises NoNxdlError."""
    return frozenset(path.name.removesuffix(".nxdl.xml") for path in _folder().glob("*.nxdl.xml"))


@cache
def application(name: str) -> Asked:
    """The requirements of the application definition `name` for its NXentry or NXsubentry.

    Raises NoNxdlError, and KeyError for an unknown name.
    """
    path = _folder() / f"{name}.nxdl.xml"
    if not path.is_file():
        raise KeyError(name)
    root = ET.parse(path).getroot()  # noqa: S314 - of an installed package
    entry = next(one for one in _children(root) if one.type in ("NXentry", "NXsubentry"))
    parent = root.get("extends", _BASE)
    return _over(application(parent), entry) if parent != _BASE else entry


@cache
def _folder() -> Path:
    spec = find_spec("nexusformat")
    folder = Path(spec.origin).parent / "definitions" / "applications" if spec and spec.origin else Path()
    if spec is None or not folder.is_dir():
        raise NoNxdlError
    return folder


def _children(element: ET.Element) -> tuple[Asked, ...]:
    kinds = {f"{_NS}{kind}": kind for kind in ("group", "field", "link", "attribute", "choice")}
    return tuple(_asked(kinds[child.tag], child) for child in element if child.tag in kinds)


def _asked(kind: str, element: ET.Element) -> Asked:
    is_free = element.get("nameType", "specified") != "specified"
    spared = (element.get("optional"), element.get("recommended"))
    return Asked(
        kind,
        "" if is_free else element.get("name", ""),
        element.get("type", "NX_CHAR" if kind in ("field", "attribute") else ""),
        element.get("units", ""),
        "true" not in spared and element.get("minOccurs") != "0",
        tuple(item.get("value", "") for item in element.iterfind(f"{_NS}enumeration/{_NS}item")),
        _children(element),
    )


def _over(base: Asked, own: Asked) -> Asked:
    """An application definition that extends another one: its own words go before the other's."""
    children = {child.key: child for child in base.children}
    for child in own.children:
        children[child.key] = _over(children[child.key], child) if child.key in children else child
    return replace(own, children=tuple(children.values()))
