"""Which placeholders the expressions of a config need. The time grows with their number, also in long chains."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Final

from nxscribe.errors import Problem
from nxscribe.plan.source import Source

_ROUNDS: Final = 20
"""How often it is looked for cycles that have parts in common with others."""
_SHOWN: Final = 12
"""So many links of a circle are told."""


def operands_of(sources: Mapping[str, Source]) -> tuple[dict[str, frozenset[str]], tuple[Problem, ...]]:
    """For each expression the placeholders in its formula, those that others need before those others; and each cycle,
    as an error.

    An expression in a cycle needs nothing.
    """
    direct = {name: frozenset(source.origin.operands) for name, source in sources.items() if source.origin.operands}
    problems: list[Problem] = []
    order, blocked = _sorted(direct)
    for rounds_left in reversed(range(_ROUNDS)):
        if not blocked:
            break
        for cycle in _cycles(blocked):
            problems.append(_cycle_problem(cycle, sources))
            direct.update(dict.fromkeys(cycle, frozenset()))
        if not rounds_left:
            # Formulas that depend on each other so much are a mistake: what was reported is enough to begin with.
            direct.update(dict.fromkeys(blocked, frozenset()))
        order, blocked = _sorted(direct)
    return {name: operands for name in order if (operands := direct.get(name))}, tuple(problems)


def with_operands(names: Iterable[str], operands: Mapping[str, Collection[str]]) -> frozenset[str]:
    """These placeholders, and all that their expressions need, however indirectly."""
    found = set(names)
    waiting = list(found & operands.keys())
    while waiting:
        new = set(operands.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return frozenset(found)


def _sorted(direct: Mapping[str, frozenset[str]]) -> tuple[list[str], dict[str, list[str]]]:
    """The names, each after those that it needs; and those that cannot be sorted, with what blocks each."""
    sorter = TopologicalSorter(direct)
    try:
        return list(sorter.static_order()), {}
    except CycleError:
        pass
    order: list[str] = []
    while ready := sorter.get_ready():
        order += ready
        sorter.done(*ready)
    done = set(order)
    names = [name for name in direct if name not in done]
    return order, {name: sorted(direct[name] - done) for name in names}


def _cycles(blocked: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """Cycles that have nothing in common: each name before the one that needs it, and the first again at the end."""
    seen: set[str] = set()
    for start in blocked:
        way: dict[str, int] = {}
        here = start
        while here not in seen:
            seen.add(here)
            way[here] = len(way)
            here = blocked[here][0]
        if here in way:
            ring = list(way)[way[here] :]
            yield [here, *reversed(ring)]


def _cycle_problem(cycle: list[str], sources: Mapping[str, Source]) -> Problem:
    shown = cycle if len(cycle) <= _SHOWN else [*cycle[:_SHOWN], *cycle[-1:]]
    names = [f"${{{name}}}" for name in shown]
    if len(shown) < len(cycle):
        names.insert(-1, f"… {len(cycle) - len(shown)} more")
    places = sorted(location for name in set(cycle) if (location := sources[name].location))
    return Problem(
        f"expressions need each other in a circle: {' ← '.join(names)}",
        "none of them can be computed first",
        "give one of them another source",
        places[0] if places else None,
        also=tuple(places[1:_SHOWN]),
    )
