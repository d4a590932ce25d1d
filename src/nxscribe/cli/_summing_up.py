"""Sums up long lists of similar items, such as a thousand fields without a source.

All commands follow one rule: a list that fits on a screen is shown as it is. In a longer list, items of one group of
the tree that have the same reason become one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from nxscribe.errors import Problem

SHORT: Final = 24
"""Up to this number, items are shown one by one."""
FEW: Final = 3
"""Fewer similar items are not summed up."""
_NAMED: Final = 3
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+([+-][\d:]+|Z)?")
"""In ISO 8601."""
HINT: Final = "--all shows each"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kind:
    """Items with the same group and cause are similar."""

    group: str
    """The group of the tree that contains the item."""
    cause: Hashable

    def above(self, depth: int) -> Kind:
        """The same kind for the group at this depth of the tree, or at a smaller one."""
        return replace(self, group="/".join(self.group.split("/")[:depth]))


def alike(items: Iterable[T], kind: Callable[[T], Kind | None], *, everything: bool = False) -> list[list[T]]:
    """The items in lists of the same kind, in the order of their first ones. An item is alone if there are few items,
    if `everything` is wanted, or if it has no kind (None).

    The groups are as deep as the screen allows: `sample/environment`, otherwise `sample`.
    """
    given = list(items)
    if everything or len(given) <= SHORT:
        return [[one] for one in given]
    kinds = [kind(item) for item in given]
    deepest = max((len(one.group.split("/")) for one in kinds if one), default=0)
    heaps = [[one] for one in given]
    for depth in range(deepest, 0, -1):
        heaps = _heaps(given, [one.above(depth) if one else None for one in kinds])
        if len(heaps) <= SHORT:
            break
    return heaps


def _heaps(items: Sequence[T], kinds: Sequence[Hashable]) -> list[list[T]]:
    by_kind: dict[Hashable, list[T]] = {}
    for number, (item, kind) in enumerate(zip(items, kinds, strict=True)):
        by_kind.setdefault(number if kind is None else kind, []).append(item)
    return [part for heap in by_kind.values() for part in ([[one] for one in heap] if len(heap) < FEW else [heap])]


def summed_up(missing: Mapping[str, str], *, everything: bool = False) -> list[tuple[str, str]]:
    """The missing values with their reasons, by path or placeholder. In a long list, similar ones are summed up.

    Two reasons are alike that differ only in what they are about and since when: `a/b/c/d could not be read; its server
    is down`.
    """
    heaps = alike(
        missing, lambda name: Kind(group_of(name), _without_time(_cause(missing[name]))), everything=everything
    )
    return [_entry(heap, missing) for heap in heaps]


def _entry(names: list[str], missing: Mapping[str, str]) -> tuple[str, str]:
    if len(names) == 1:
        return names[0], missing[names[0]]
    return some_of(names, "values"), _cause(missing[names[0]])


def summed_problems(problems: Iterable[Problem], *, everything: bool = False, hint: str = HINT) -> list[Problem]:
    """The problems. If there are many, similar ones of one group are summed up, at the place of the first one.

    `hint` says how to see each of them.
    """
    heaps = alike(problems, _kind, everything=everything)
    return [heap[0] if len(heap) == 1 else _sum(heap, hint) for heap in heaps]


def _kind(problem: Problem) -> Kind | None:
    if not problem.subject:
        return None
    place = problem.location.file if problem.location else ""
    return Kind(group_of(problem.subject), (place, problem.severity, problem.alike, _without_time(problem.why)))


def _sum(problems: list[Problem], hint: str) -> Problem:
    first = problems[0]
    paths = [one.subject for one in problems]
    group = _common(paths) or ("the entry" if first.subjects == "fields" else "")
    what = f"{len(problems)} {first.subjects}{f' of {group}' if group else ''} {first.alike}: {some(paths)}"
    remedy = "; ".join(part for part in (first.remedy_for_many or first.remedy, hint) if part)
    return replace(first, what=what, also=(), remedy=remedy)


def some(names: list[str]) -> str:
    """The first few names, without their group."""
    short = [name.rpartition("/")[2] for name in names[:_NAMED]]
    return ", ".join(short) + (", …" if len(names) > _NAMED else "")


def some_of(names: list[str], what: str = "nodes") -> str:
    """The number of names, their group and the first few of them: `60 values of sample (x, y, z, …)`."""
    group = _common(names)
    return f"{len(names)} {what}{f' of {group}' if group else ''} ({some(names)})"


def group_of(name: str) -> str:
    """The group of a path or of a name with slashes."""
    return name.strip("/").rpartition("/")[0]


def _common(paths: Iterable[str]) -> str:
    """The group that holds all of these."""
    groups = [group_of(path).split("/") for path in paths]
    shared = [steps[0] for steps in zip(*groups, strict=False) if len(set(steps)) == 1]
    return "/".join(shared)


def _without_time(reason: str) -> str:
    """A reason without the moments that it names: of devices that fail together, each was seen a little later."""
    return _TIME.sub("", reason)


def _cause(reason: str) -> str:
    """A reason without the name that it begins with."""
    return reason.partition("; ")[2] or reason
