"""A number or an array with a unit, and how formulas compute with it.

A plain number has no dimension. To add it to a length, to compare it with one, or to take the sine of it is an error
about units, but for 0, which is nothing in every unit.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Self

import numpy as np

from nxscribe.model import units
from nxscribe.model.units import Unit

_ONE: Final = Unit()
_RADIAN: Final = units.unit_of("rad")
_KELVIN: Final = units.unit_of("K")


class DimensionsError(Exception):
    """Units that cannot be computed with as the formula would have it."""

    def __init__(self, text: str, *, of_a_constant: bool) -> None:
        super().__init__(text)
        self.of_a_constant = of_a_constant
        """Whether it may be that a constant of the formula lacks its unit."""


@dataclass(frozen=True, slots=True, eq=False)
class Quantity:
    """Numbers in a unit. Comparisons and arithmetic are those of formulas."""

    magnitude: Any
    unit: Unit

    # numpy must leave it to us what an array and a quantity give.
    __array_ufunc__ = None

    @property
    def is_dimensionless(self) -> bool:
        """Whether it is a number, be it in percent."""
        return not self.unit.dimensions

    def to(self, unit: Unit) -> Any:  # noqa: ANN401 - a number or an array
        """The numbers in another unit. Raises DimensionsError."""
        if unit.powers == self.unit.powers:
            return self.magnitude
        conversion = units.conversion(self.unit, unit)
        if isinstance(conversion, str):
            raise _differ(self.unit, unit, conversion)
        return conversion.of(self.magnitude)

    def __add__(self, other: Any) -> Quantity:  # noqa: ANN401 - a quantity, a number or an array
        return self._sum(other, operator.add)

    def __sub__(self, other: Any) -> Quantity:  # noqa: ANN401 - a quantity, a number or an array
        return self._sum(other, operator.sub)

    __radd__ = __add__

    def __rsub__(self, other: Any) -> Quantity:  # noqa: ANN401 - a number or an array
        return (-self).__add__(other)

    def _sum(self, other: Any, function: Callable[[Any, Any], Any]) -> Quantity:  # noqa: ANN401 - as above
        if not isinstance(other, Quantity):
            if _is_nothing(other):
                return Quantity(function(self.magnitude, other), self.unit)
            return Quantity(function(self.to(_ONE), other), _ONE)
        if self.unit.offset or other.unit.offset:
            if function is not operator.sub or not (self.unit.offset and self.unit == other.unit):
                raise _ambiguous(self.unit, other.unit)
            # The difference of two temperatures is not a temperature.
            return Quantity(self.to(_KELVIN) - other.to(_KELVIN), _KELVIN)
        return Quantity(function(self.magnitude, other.to(self.unit)), self.unit)

    def __mul__(self, other: Any) -> Quantity:  # noqa: ANN401 - a quantity, a number or an array
        one, two = self._scaled(), _quantity(other)._scaled()
        return Quantity(one.magnitude * two.magnitude, one.unit * two.unit)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Quantity:  # noqa: ANN401 - a quantity, a number or an array
        one, two = self._scaled(), _quantity(other)._scaled()
        return Quantity(one.magnitude / two.magnitude, one.unit / two.unit)

    def __rtruediv__(self, other: Any) -> Quantity:  # noqa: ANN401 - a number or an array
        return _quantity(other) / self

    def __floordiv__(self, other: Any) -> Quantity:  # noqa: ANN401 - a quantity, a number or an array
        return Quantity(self.magnitude // _quantity(other).to(self.unit), _ONE)

    def __rfloordiv__(self, other: Any) -> Quantity:  # noqa: ANN401 - a number or an array
        return _quantity(other) // self

    def __mod__(self, other: Any) -> Quantity:  # noqa: ANN401 - a quantity, a number or an array
        return Quantity(self.magnitude % _quantity(other).to(self.unit), self.unit)

    def __rmod__(self, other: Any) -> Quantity:  # noqa: ANN401 - a number or an array
        return _quantity(other) % self

    def __pow__(self, exponent: Any) -> Quantity:  # noqa: ANN401 - a quantity, a number or an array
        power = _quantity(exponent).to(_ONE)
        if not self.unit.powers:
            return Quantity(self.magnitude**power, _ONE)
        if np.ndim(power):
            return Quantity(self.to(_ONE) ** power, _ONE)
        one = self._scaled()
        return Quantity(one.magnitude**power, one.unit ** Fraction(float(power)).limit_denominator(1000))

    def __rpow__(self, base: Any) -> Any:  # noqa: ANN401 - a number or an array
        return base ** self.to(_ONE)

    def __neg__(self) -> Quantity:
        return Quantity(-self.magnitude, self.unit)

    def __pos__(self) -> Self:
        return self

    def __bool__(self) -> bool:
        if self.unit.offset:
            raise _ambiguous(self.unit)
        return bool(self.magnitude)

    def __len__(self) -> int:
        return len(self.magnitude)

    def __getitem__(self, key: Any) -> Quantity:  # noqa: ANN401 - an index or a slice
        return Quantity(self.magnitude[key], self.unit)

    def __eq__(self, other: object) -> Any:  # noqa: ANN401 - an array of answers for an array
        return self._compared(other, operator.eq)

    def __ne__(self, other: object) -> Any:  # noqa: ANN401 - an array of answers for an array
        return self._compared(other, operator.ne)

    def __lt__(self, other: object) -> Any:  # noqa: ANN401 - an array of answers for an array
        return self._compared(other, operator.lt)

    def __le__(self, other: object) -> Any:  # noqa: ANN401 - an array of answers for an array
        return self._compared(other, operator.le)

    def __gt__(self, other: object) -> Any:  # noqa: ANN401 - an array of answers for an array
        return self._compared(other, operator.gt)

    def __ge__(self, other: object) -> Any:  # noqa: ANN401 - an array of answers for an array
        return self._compared(other, operator.ge)

    # Equal ones may have different units.
    __hash__ = None  # type: ignore[assignment]

    def _compared(self, other: object, function: Callable[[Any, Any], Any]) -> Any:  # noqa: ANN401 - as above
        if isinstance(other, str):
            return function(False, True)  # a text is not a number, and equals none
        if not isinstance(other, Quantity) and not self.unit.offset and _is_nothing(other):
            return function(self.magnitude, other)
        given = _quantity(other)
        return function(self.magnitude, given.to(self.unit))

    def _scaled(self) -> Quantity:
        """Itself, for what makes sense of a scale without a zero of its own only."""
        if self.unit.offset or self.unit.offset is None:
            raise _ambiguous(self.unit)
        return self

    def __str__(self) -> str:
        return f"{self.magnitude} {self.unit}"


def _quantity(value: Any) -> Quantity:  # noqa: ANN401 - a quantity, a number or an array
    return value if isinstance(value, Quantity) else Quantity(value, _ONE)


def _is_nothing(value: object) -> bool:
    """Whether a plain value is the same in every unit."""
    return not isinstance(value, str) and bool(np.all((np.asarray(value) == 0) | np.isnan(value)))  # type: ignore[call-overload]


def _differ(one: Unit, other: Unit, why: str) -> DimensionsError:
    text = f"cannot convert from {_named(one)} to {_named(other)}: {why}"
    return DimensionsError(text, of_a_constant=not (one.powers and other.powers))


def _named(unit: Unit) -> str:
    return str(unit) or "a plain number"


def _ambiguous(*given: Unit) -> DimensionsError:
    scales = " and ".join(str(unit) for unit in given)
    text = f"{scales}: a value on a scale with a zero of its own cannot be computed with; convert it first"
    return DimensionsError(text, of_a_constant=True)


# --- functions ---

Function = Callable[..., Any]


def plain_or(of_numbers: Function, of_quantities: Callable[[Function, Quantity], Any]) -> Function:
    """A function of one value, that may be a quantity, and of plain arguments after it."""

    def compute(value: Any, *rest: Any) -> Any:  # noqa: ANN401 - numbers, arrays or quantities
        if not isinstance(value, Quantity):
            return of_numbers(value, *rest)
        return of_quantities(lambda magnitude: of_numbers(magnitude, *rest), value)

    return compute


def in_its_unit(function: Function, value: Quantity) -> Quantity:
    """For what gives a value in the same unit: rounding, the mean."""
    return Quantity(function(value.magnitude), value.unit)


def of_a_sum(function: Function, value: Quantity) -> Quantity:
    """For what adds up, which temperatures on a scale do not."""
    return Quantity(function(value._scaled().magnitude), value.unit)  # noqa: SLF001 - the same module


def of_a_spread(function: Function, value: Quantity) -> Quantity:
    """For differences from a mean."""
    if not value.unit.offset:
        return Quantity(function(value.magnitude), value.unit)
    return Quantity(function(value.to(_KELVIN)), _KELVIN)


def of_a_root(function: Function, value: Quantity) -> Quantity:
    """For the square root."""
    return Quantity(function(value._scaled().magnitude), value.unit ** Fraction(1, 2))  # noqa: SLF001 - the same module


def of_an_angle(function: Function, value: Quantity) -> Quantity:
    """For sine, cosine and tangent."""
    return Quantity(function(value.to(_RADIAN)), _ONE)


def of_a_number(function: Function, value: Quantity) -> Quantity:
    """For exponential functions and logarithms."""
    return Quantity(function(value.to(_ONE)), _ONE)


def to_an_angle(function: Function) -> Function:
    """An inverse trigonometric function, of plain numbers or of two values of one dimension. Its result is an angle."""

    def compute(*values: Any) -> Quantity:  # noqa: ANN401 - numbers, arrays or quantities
        if len(values) > 1 and isinstance(values[0], Quantity):
            numbers = [_quantity(value).to(values[0].unit) for value in values]
        else:
            numbers = [_quantity(value).to(_ONE) for value in values]
        return Quantity(function(*numbers), _RADIAN)

    return compute


def where(condition: Any, one: Any, other: Any) -> Any:  # noqa: ANN401 - numbers, arrays or quantities
    """`numpy.where`: the second value is converted to the unit of the first."""
    if isinstance(condition, Quantity):
        condition = condition.magnitude
    if not (isinstance(one, Quantity) or isinstance(other, Quantity)):
        return np.where(condition, one, other)
    unit = one.unit if isinstance(one, Quantity) else other.unit
    numbers = [
        value if not isinstance(value, Quantity) and _is_nothing(value) else _quantity(value).to(unit)
        for value in (one, other)
    ]
    return Quantity(np.where(condition, *numbers), unit)
