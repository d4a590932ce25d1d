"""The names of siblings in the file, if they have the same name in the definition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, count

from nxscribe.model import Field, Group


def written_names(group: Group) -> tuple[str, ...]:
    """The name that each child gets in the file, parallel to `group.children`.

    Definitions of the ESRF have siblings of the same name (`i0` at the start and at the end), which HDF5 cannot store.
    The first keeps the name; each later one gets its phase appended (`i0_final`), or, where it has none or that is
    taken, the next free number (`id_2`).
    """
    taken = {child.name for child in group.children}
    seen: set[str] = set()
    names: list[str] = []
    numbers: dict[str, Iterator[int]] = defaultdict(lambda: count(2))
    for child in group.children:
        name = child.name
        if name in seen:
            phase = [child.record] if isinstance(child, Field) and child.record else []
            name = next(
                free for suffix in chain(phase, numbers[child.name]) if (free := f"{name}_{suffix}") not in taken
            )
            taken.add(name)
        seen.add(child.name)
        names.append(name)
    return tuple(names)
