"""Names in the file: which ones HDF5 and NeXus take, and what siblings of the same name are called."""

from __future__ import annotations

import re
from itertools import chain, count

from nxscribe.definitions.text import control_character
from nxscribe.model import Field, Group

# validItemName of the NeXus schema, https://manual.nexusformat.org/datarules.html#naming-conventions
_NEXUS_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.]*[A-Za-z0-9_])?")


def complaint(name: str) -> str:
    """Why nothing in a file can be called so; empty when it can."""
    if not name:
        return "it is empty"
    if control := control_character(name):
        return f"it holds the control character {control}"
    if name in (".", ".."):
        return "HDF5 reads it as a path"
    if "/" in name:
        return "a / separates the parts of a path"
    if name.startswith("\\@"):
        return "\\@ marks an attribute in the YAML dialect"
    return ""


def is_nexus_name(name: str) -> bool:
    """Whether NeXus recommends such names: letters, digits, underscores, and points within."""
    return _NEXUS_NAME.fullmatch(name) is not None


def written_names(group: Group) -> tuple[str, ...]:
    """The name that each child gets in the file, parallel to `group.children`.

    The ESRF's definitions hold siblings of the same name (`i0` once at the start and once at the end), and HDF5 cannot.
    The first keeps the name; each later one gets its phase appended (`i0_final`), or, where it has none or that is
    taken, the next free number (`id_2`).
    """
    taken = {child.name for child in group.children}
    seen: set[str] = set()
    names: list[str] = []
    for child in group.children:
        name = child.name
        if name in seen:
            phase = [child.record] if isinstance(child, Field) and child.record else []
            name = next(free for suffix in chain(phase, count(2)) if (free := f"{name}_{suffix}") not in taken)
            taken.add(name)
        seen.add(child.name)
        names.append(name)
    return tuple(names)
