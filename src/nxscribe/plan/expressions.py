"""Checks whether the expressions of the sources are valid formulas, and whether their units match."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from nxscribe.errors import Problem
from nxscribe.plan.source import Source
from nxscribe.sources import ExpressionSource
from nxscribe.sources.formula import ExpressionError, Operand, UnitsError, cached_expression


def check_expressions(sources: Mapping[str, Source]) -> Iterator[Problem]:
    """An error for each origin that is wrong by itself, such as an expression that is not a valid formula."""
    for name, source in sources.items():
        if problem := source.origin.problem(name):
            yield replace(problem, location=source.location)


def check_dimensions(sources: Mapping[str, Source]) -> Iterator[Problem]:
    """An error for each expression whose units do not match, as far as the units of its operands are known."""
    for name, source in sources.items():
        if isinstance(source.origin, ExpressionSource) and (why := _why_units_fail(source, sources)):
            yield Problem(
                f"the expression of ${{{name}}}, {source.origin.expression}, cannot be computed",
                why,
                "correct the formula, or the unit of the result or of an operand",
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
    return "" if isinstance(source.origin.fixed, int | float) else None
