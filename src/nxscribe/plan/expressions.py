"""What the expressions among the sources need of each other, and whether they are formulas at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

import numpy as np

from nxscribe.errors import Problem
from nxscribe.model import Template
from nxscribe.plan.expression import ExpressionError, Operand, UnitsError, cached_expression
from nxscribe.plan.sources import ExpressionSource, LiteralSource, Source


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


def check_dimensions(sources: Mapping[str, Source]) -> Iterator[Problem]:
    """An error for each expression whose units cannot work out, as far as the units of its operands are known."""
    for name, source in sources.items():
        if isinstance(source.origin, ExpressionSource) and (why := _why_units_fail(source, sources)):
            yield Problem(
                f"the expression of ${{{name}}}, {source.origin.expression}, cannot be computed",
                why,
                "mend the formula, or the unit of the result or of an operand",
                source.location,
            )


def _why_units_fail(source: Source, sources: Mapping[str, Source]) -> str:
    """What computing it with some numbers in these units says of the units; empty when it says nothing."""
    if not isinstance(source.origin, ExpressionSource):
        return ""
    try:
        expression = cached_expression(source.origin.expression)
    except ExpressionError:
        return ""  # told already
    try:
        operands: dict[str, Operand] = {}
        for number, name in enumerate(expression.names):
            unit = _unit_of(sources.get(name))
            if unit is None:
                return ""
            operands[name] = Operand(np.asarray(1 + number / 10), unit)
        expression.evaluate(operands, source.unit)
    except UnitsError as error:
        return str(error)
    except ExpressionError as error:
        return "" if expression.names else str(error)  # with other numbers it may work out
    return ""


def _unit_of(source: Source | None) -> str | None:
    """The unit in which a source will enter a formula; None where only the device knows."""
    if source is None:
        return None
    if source.unit:
        return source.unit
    is_number = isinstance(source.origin, LiteralSource) and isinstance(source.origin.value, int | float)
    return "" if is_number else None


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
