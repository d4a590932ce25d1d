"""The operators and functions of formulas, for plain numbers, arrays and quantities."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from nxscribe.model import is_text, units
from nxscribe.sources._quantity import (
    Quantity,
    in_its_unit,
    of_a_number,
    of_a_root,
    of_a_spread,
    of_a_sum,
    of_an_angle,
    plain_or,
    to_an_angle,
    where,
)

_LARGEST_POWER: Final = 1000


class ExpressionError(ValueError):
    """A formula that cannot be computed, with the reason."""

    def __init__(self, reason: str, remedy: str = "correct it") -> None:
        super().__init__(reason)
        self.remedy = remedy


class UnitsError(ExpressionError):
    """A formula that cannot be computed because of the units of its operands, independent of their values."""


class UnitsDoNotWorkOutError(Exception):
    """Units that do not match, perhaps because a constant has no unit."""

    def __init__(self, text: str, *, of_a_constant: bool) -> None:
        super().__init__(text)
        self.of_a_constant = of_a_constant


def words(error: Exception) -> str:
    """The text of an error in one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _numbers(*values: object) -> None:
    for value in values:
        if isinstance(value, str) or (isinstance(value, np.ndarray) and is_text(value)):
            raise ExpressionError(f"{str(value)!r} is a text, and not a number")


def _arithmetic(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def compute(one: Any, other: Any) -> Any:  # noqa: ANN401 - numbers, arrays or quantities
        _numbers(one, other)
        return function(one, other)

    return compute


def _power(base: Any, exponent: Any) -> Any:  # noqa: ANN401 - numbers, arrays or quantities
    _numbers(base, exponent)
    if np.ndim(exponent) == 0 and abs(float(exponent)) > _LARGEST_POWER:
        raise ExpressionError(f"a power above {_LARGEST_POWER} is refused")
    return (float(base) if isinstance(base, int) else base) ** exponent


def _comparison(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def compare(one: Any, other: Any) -> Any:  # noqa: ANN401 - anything
        for left, right in ((one, other), (other, one)):
            if isinstance(left, Quantity) and not isinstance(right, str) and not _is_compatible(left, right):
                has_unit = isinstance(right, Quantity) and bool(right.unit.powers)
                raise UnitsDoNotWorkOutError(f"it compares {left} with {right}", of_a_constant=not has_unit)
        return function(one, other)

    return compare


def _is_compatible(one: Quantity, other: object) -> bool:
    return one.unit.dimensions == (other.unit.dimensions if isinstance(other, Quantity) else ())


OPERATORS: Final[dict[type[ast.AST], Callable[..., Any]]] = {
    ast.Add: _arithmetic(operator.add),
    ast.Sub: _arithmetic(operator.sub),
    ast.Mult: _arithmetic(operator.mul),
    ast.Div: _arithmetic(operator.truediv),
    ast.FloorDiv: _arithmetic(operator.floordiv),
    ast.Mod: _arithmetic(operator.mod),
    ast.Pow: _power,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Eq: _comparison(operator.eq),
    ast.NotEq: _comparison(operator.ne),
    ast.Lt: _comparison(operator.lt),
    ast.LtE: _comparison(operator.le),
    ast.Gt: _comparison(operator.gt),
    ast.GtE: _comparison(operator.ge),
}
CONSTANTS: Final[dict[str, object]] = {"pi": np.pi, "True": True, "False": False}


def _extreme(over_array: Callable[[Any], Any], of_several: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: over_array(values[0]) if len(values) == 1 else of_several(*values)


def _given_quantity(number: Any, unit: str) -> Quantity:  # noqa: ANN401 - a number or an array
    return Quantity(number, units.unit_of(unit))


def _number_in(quantity: Any, unit: str) -> Any:  # noqa: ANN401 - a quantity; a plain number is taken as it is
    return quantity.to(units.unit_of(unit)) if isinstance(quantity, Quantity) else quantity


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "abs": plain_or(np.abs, in_its_unit),
    "arccos": to_an_angle(np.arccos),
    "arcsin": to_an_angle(np.arcsin),
    "arctan": to_an_angle(np.arctan),
    "arctan2": to_an_angle(np.arctan2),
    "ceil": plain_or(np.ceil, in_its_unit),
    "cos": plain_or(np.cos, of_an_angle),
    "exp": plain_or(np.exp, of_a_number),
    "floor": plain_or(np.floor, in_its_unit),
    "len": len,
    "log": plain_or(np.log, of_a_number),
    "log10": plain_or(np.log10, of_a_number),
    "max": _extreme(plain_or(np.max, in_its_unit), max),
    "mean": plain_or(np.mean, in_its_unit),
    "min": _extreme(plain_or(np.min, in_its_unit), min),
    "number": _number_in,
    "quantity": _given_quantity,
    "round": plain_or(np.round, in_its_unit),
    "sin": plain_or(np.sin, of_an_angle),
    "sqrt": plain_or(np.sqrt, of_a_root),
    "std": plain_or(np.std, of_a_spread),
    "sum": plain_or(np.sum, of_a_sum),
    "tan": plain_or(np.tan, of_an_angle),
    "where": where,
}
