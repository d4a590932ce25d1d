"""The operators and functions of formulas, for plain numbers, arrays and quantities."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from nxscribe.model import is_text, units

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


def is_about_units(error: Exception) -> bool:
    """Whether an error of pint is about units."""
    import pint  # noqa: PLC0415 - imported by then, and heavy

    return isinstance(error, pint.DimensionalityError | pint.OffsetUnitCalculusError)


def units_problem(error: Exception) -> UnitsDoNotWorkOutError:
    """An error of pint as an error of nxscribe, with the reason."""
    sides = [str(getattr(error, name, "")) for name in ("units1", "units2")]
    between_measures = type(error).__name__ == "DimensionalityError" and not {"", "dimensionless"}.intersection(sides)
    return UnitsDoNotWorkOutError(f"its units do not fit: {words(error)}", of_a_constant=not between_measures)


def is_quantity(value: object) -> bool:
    """Whether a value has a unit."""
    return hasattr(value, "magnitude") and hasattr(value, "units")


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
            if is_quantity(left) and not isinstance(right, str) and not left.is_compatible_with(right):
                # For pint, values of different dimensions are only unequal, which is not an error.
                raise UnitsDoNotWorkOutError(
                    f"it compares {left} with {right}", of_a_constant=not (is_quantity(right) and not right.unitless)
                )
        return function(one, other)

    return compare


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


def _angle(function: Callable[..., Any]) -> Callable[..., Any]:
    """An inverse trigonometric function, of plain numbers or of two values of one dimension. Its result is an angle."""

    def compute(*values: Any) -> Any:  # noqa: ANN401 - numbers, arrays or quantities
        if any(is_quantity(value) for value in values):
            return function(*values)
        return units.quantities().Quantity(function(*values), "rad")

    return compute


def _given_quantity(number: Any, unit: str) -> Any:  # noqa: ANN401 - a number or an array
    return units.quantities().Quantity(number, units.unit_of(unit))


def _number_in(quantity: Any, unit: str) -> Any:  # noqa: ANN401 - a quantity; a plain number is taken as it is
    return quantity.to(units.unit_of(unit)).magnitude if is_quantity(quantity) else quantity


FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "abs": np.abs,
    "arccos": _angle(np.arccos),
    "arcsin": _angle(np.arcsin),
    "arctan": _angle(np.arctan),
    "arctan2": _angle(np.arctan2),
    "ceil": np.ceil,
    "cos": np.cos,
    "exp": np.exp,
    "floor": np.floor,
    "len": len,
    "log": np.log,
    "log10": np.log10,
    "max": _extreme(np.max, max),
    "mean": np.mean,
    "min": _extreme(np.min, min),
    "number": _number_in,
    "quantity": _given_quantity,
    "round": np.round,
    "sin": np.sin,
    "sqrt": np.sqrt,
    "std": np.std,
    "sum": np.sum,
    "tan": np.tan,
    "where": np.where,
}
