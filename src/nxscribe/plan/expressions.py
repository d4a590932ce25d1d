"""What the expressions among the sources need of each other, and whether they are formulas at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from nxscribe.errors import Problem
from nxscribe.model import Template
from nxscribe.plan.expression import ExpressionError, cached_expression
from nxscribe.plan.sources import ExpressionSource, Source


def check_expressions(sources: Mapping[str, Source]) -> Iterator[Problem]:
    """An error for each expression that is no formula."""
    for name, source in sources.items():
        if isinstance(source.origin, ExpressionSource):
            try:
                cached_expression(source.origin.expression)
            except ExpressionError as error:
                yield Problem(
                    f"the expression of ${{{name}}}, {source.origin.expression}, cannot be computed",
                    str(error),
                    "correct it",
                    source.location,
                )


def operands_of(sources: Mapping[str, Source]) -> tuple[dict[str, frozenset[str]], tuple[Problem, ...]]:
    """For each expression everything it needs, however indirectly; and each cycle, as an error.

    An expression in a cycle needs nothing.
    """
    direct = {
        name: Template(source.origin.expression).placeholders
        for name, source in sources.items()
        if isinstance(source.origin, ExpressionSource)
    }
    problems: list[Problem] = []
    while True:
        try:
            order = list(TopologicalSorter(direct).static_order())
            break
        except CycleError as error:
            cycle: list[str] = error.args[1]
            problems.append(_cycle_problem(cycle, sources))
            for name in cycle:
                direct[name] = ()
    needed: dict[str, frozenset[str]] = {}
    for name in order:
        if operands := direct.get(name):
            needed[name] = frozenset(operands).union(*(needed.get(operand, frozenset()) for operand in operands))
    return needed, tuple(problems)


def _cycle_problem(cycle: list[str], sources: Mapping[str, Source]) -> Problem:
    # graphlib names each one before the one that needs it, and the first again at the end.
    chain = " ← ".join(f"${{{name}}}" for name in cycle)
    places = sorted(location for name in set(cycle) if (location := sources[name].location))
    return Problem(
        f"expressions need each other in a circle: {chain}",
        "none of them can be computed first",
        "give one of them another source",
        places[0] if places else None,
        also=tuple(places[1:]),
    )
