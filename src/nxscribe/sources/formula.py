"""Formulas over placeholders: `12.398 / ${energy}`, computed with units by a safe evaluator.

docs/explanation/capture.md explains the rules:

1. Operands are used with their units, and the result is converted to the unit that the config names.
2. If the units do not match because a constant of the formula has no unit, as in the example, the operands are used as
   plain numbers in their own units, and the result is in the unit that the config names. Then the config must name a
   unit, and no two operands may have the same dimension and different units. Angles in a formula with sin, cos or tan
   stay angles.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import simpleeval

from nxscribe.model import Template, Value, is_text, texts, units
from nxscribe.model.arrays import number_of
from nxscribe.sources._arithmetic import (
    CONSTANTS,
    FUNCTIONS,
    OPERATORS,
    ExpressionError,
    UnitsDoNotWorkOutError,
    UnitsError,
    is_about_units,
    is_quantity,
    units_problem,
    words,
)

if TYPE_CHECKING:
    import pint

__all__ = ["Expression", "ExpressionError", "Operand", "Result", "UnitsError", "cached_expression", "parse_expression"]

_LONGEST: Final = 2000
_PLACEHOLDER: Final = re.compile(r"\$\{([^{}]+)\}")


@dataclass(frozen=True, slots=True)
class Operand:
    """What is used for a placeholder: its value and unit."""

    value: Value
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a formula."""

    value: Value
    unit: str = ""
    plain: bool = False
    """Whether the operands were used as plain numbers (rule 2)."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A formula that was parsed, and can be computed any number of times."""

    text: str
    names: tuple[str, ...]
    """The placeholders that it needs."""
    _code: str
    _tree: ast.expr

    def evaluate(self, operands: Mapping[str, Operand], unit: str = "") -> Result:
        """Compute the formula, in `unit` if one is given.

        Raises ExpressionError with the reason if there is no value, and KeyError if an operand is absent.
        """
        given = [operands[name] for name in self.names]
        try:
            with _as_its_own_fault():
                return _result(self._compute(map(_quantity, given)), unit)
        except UnitsDoNotWorkOutError as problem:
            if not (problem.of_a_constant and self._has_constants):
                raise UnitsError(str(problem)) from None
            try:
                with _as_its_own_fault():
                    _refuse_mixed_units(given, problem)
                    bare = [_quantity(operand) if self._keeps(operand) else _plain(operand) for operand in given]
                    return _plain_result(self._compute(bare), unit, problem)
            except UnitsDoNotWorkOutError as error:
                raise UnitsError(str(error)) from None

    def _keeps(self, operand: Operand) -> bool:
        """Whether an operand keeps its unit although the others are plain numbers: sin(30) is not sin(30 deg)."""
        return self._has_angles and units.convertible(operand.unit, "rad")

    @property
    def _has_constants(self) -> bool:
        return any(isinstance(node, ast.Constant) and not isinstance(node.value, str) for node in ast.walk(self._tree))

    @property
    def _has_angles(self) -> bool:
        return any(isinstance(node, ast.Name) and node.id in ("sin", "cos", "tan") for node in ast.walk(self._tree))

    def _compute(self, operands: Iterable[object]) -> object:
        names = {_stand_in(number): operand for number, operand in enumerate(operands)}
        evaluator = _evaluator({**CONSTANTS, **names})
        with np.errstate(divide="raise", over="raise", invalid="raise"):
            return evaluator.eval(self._code, previously_parsed=self._tree)


@contextmanager
def _as_its_own_fault() -> Iterator[None]:
    """Turn every error of numpy or pint about a formula or its units into an ExpressionError or UnitsError with the
    reason.
    """
    try:
        yield
    except (ExpressionError, UnitsDoNotWorkOutError):
        raise
    except ZeroDivisionError:
        raise ExpressionError("it divides by zero") from None
    except Exception as error:  # noqa: BLE001 - of whatever type
        if is_about_units(error):
            raise units_problem(error) from None
        raise ExpressionError(f"it cannot be computed: {words(error)}") from None


def parse_expression(text: str) -> Expression:
    """Parse the formula in `text`. Raises ExpressionError, with the place if it is known, for an invalid one."""
    names = tuple(dict.fromkeys(Template(text).placeholders))
    if len(text) > _LONGEST:
        raise ExpressionError(f"it is longer than {_LONGEST} characters")
    stand_ins = {name: _stand_in(number) for number, name in enumerate(names)}
    code = _PLACEHOLDER.sub(lambda found: f" {stand_ins[found.group(1).strip()]} ", text).strip()
    try:
        tree = ast.parse(code, mode="eval").body
    except SyntaxError as error:
        raise ExpressionError(*_in_words(code, error.msg)) from None
    except (ValueError, RecursionError, MemoryError):
        raise ExpressionError("it is not a formula") from None
    known = {*CONSTANTS, *stand_ins.values()}
    for node in ast.walk(tree):
        _check_node(node, known)
    return Expression(text, names, code, tree)


def _check_node(node: ast.AST, names: set[str]) -> None:
    if isinstance(node, ast.Call):
        if not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS:
            called = ast.unparse(node.func)
            raise ExpressionError(f"it calls {called}, and may call {', '.join(sorted(FUNCTIONS))} only")
        if node.keywords:
            raise ExpressionError("its functions take no named arguments")
    elif isinstance(node, ast.Name):
        if node.id not in names and node.id not in FUNCTIONS:
            raise ExpressionError(f"{node.id} is not a constant; a placeholder is written ${{{node.id}}}")
    elif isinstance(node, ast.operator | ast.unaryop | ast.cmpop):
        if type(node) not in OPERATORS:
            raise ExpressionError(
                *_FOREIGN_OPERATORS.get(type(node), ("it has an operator that formulas do not know",))
            )
    elif isinstance(node, ast.Tuple):
        raise ExpressionError("it has a comma between numbers", "write the decimal point as . and each formula alone")
    elif not isinstance(node, _NODES):
        raise _unknown(node)


def _unknown(node: ast.AST) -> ExpressionError:
    name = re.fullmatch(r"[{\s]*([\w.]+)[}\s]*", ast.unparse(node)) if isinstance(node, ast.Set) else None
    if name:  # Python's set with one name in it
        return ExpressionError(f"{{{name[1]}}} is not a placeholder", f"write ${{{name[1]}}}")
    return ExpressionError(f"it holds what formulas do not know: {type(node).__name__}")


_FOREIGN_OPERATORS: Final = {
    ast.BitXor: ("it has the operator ^", "a power is written **"),
    ast.BitAnd: ("it has the operator &", "write `and`"),
    ast.BitOr: ("it has the operator |", "write `or`, or abs(…) for a magnitude"),
    ast.LShift: ("it has the operator <<", "write * 2 **"),
    ast.RShift: ("it has the operator >>", "write / 2 **"),
    ast.MatMult: ("it has the operator @", "write *"),
    ast.Invert: ("it has the operator ~", "write `not`"),
}
_FOREIGN_SIGNS: Final = {
    "×": "*",  # noqa: RUF001 - a sign of formulas on paper
    "·": "*",
    "÷": "/",
    "−": "-",  # noqa: RUF001 - the minus sign, for which - is to be written
    "–": "-",  # noqa: RUF001 - the dash that some programs put there
    "²": "**2",
    "³": "**3",
    "√": "sqrt(…)",
    "π": "pi",
    "^": "**",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "\u00a0": "an ordinary space",
}


def _in_words(code: str, message: str) -> tuple[str, str]:
    """Why a text is not a formula, and the remedy."""
    if sign := next((one for one in code if one in _FOREIGN_SIGNS), ""):
        return (
            f"it has the sign {sign if sign.isprintable() else f'U+{ord(sign):04X}'}",
            f"write {_FOREIGN_SIGNS[sign]}",
        )
    if re.search(r"(?<![<>=!])=(?!=)", code):
        return "it has a single =", "write the formula alone, or == to compare"
    if code.count("(") != code.count(")"):
        return (
            "its parentheses do not match",
            f"write {'(' if code.count('(') < code.count(')') else ')'} where it lacks",
        )
    if re.search(r"\boperand\d+\s+(operand\d+|[\d(])|[\d)]\s+operand\d", code):
        return "two values stand beside each other", "write * between them if they are to be multiplied"
    if re.search(r"\$|[{}]", code):
        name = re.search(r"\$\s*[{(\[]?\s*([^\W\d][\w.-]*)", code)
        return "it has a placeholder that cannot be read", f"write it as ${{{name[1] if name else 'energy'}}}"
    return f"it is not a formula: {message}", "write it as in 12.398 / ${energy}"


_NODES: Final = (
    ast.expr_context,
    ast.boolop,
    ast.BinOp,
    ast.BoolOp,
    ast.UnaryOp,
    ast.Compare,
    ast.IfExp,
    ast.Constant,
    ast.Subscript,
    ast.Slice,
)


def _stand_in(number: int) -> str:
    return f"operand{number}"


def _refuse_mixed_units(operands: Iterable[Operand], problem: Exception) -> None:
    """Raise ExpressionError if plain numbers would mix units of one dimension, such as mm and um."""
    seen: dict[object, str] = {}
    for operand in operands:
        if units.is_known(operand.unit) and operand.unit:
            other = seen.setdefault(units.unit_of(operand.unit).dimensionality, operand.unit)
            if units.spelling(other) != units.spelling(operand.unit):
                raise UnitsError(f"{problem}, and its operands mix {other} and {operand.unit}")


def _quantity(operand: Operand) -> object:
    bare = _plain(operand)
    if not operand.unit or isinstance(bare, str) or not units.is_known(operand.unit):
        return bare
    return units.quantities().Quantity(bare, units.unit_of(operand.unit))


def _plain(operand: Operand) -> Any:  # noqa: ANN401 - a number, a text or an array
    """A Python number or text for a scalar, so that no overflow is unnoticed; otherwise an array of 64-bit numbers."""
    value = operand.value
    if is_text(value):
        return _number_or_text(str(value)) if value.ndim == 0 else value
    if value.ndim == 0:
        return value.item()
    return value if value.dtype.kind == "b" else value.astype(np.int64 if value.dtype.kind == "i" else np.float64)


def _number_or_text(text: str) -> float | str:
    # Control systems of the ESRF send every parameter as a text.
    try:
        return number_of(text)
    except ValueError:
        return text


def _result(value: object, unit: str) -> Result:
    if not is_quantity(value):
        return Result(_array(value), unit)
    quantity: pint.Quantity[Any] = value  # type: ignore[assignment]
    if quantity.dimensionless:
        # mm/um is a thousand. A plain number is in the unit that is named, also in percent.
        return Result(_array(quantity.to("dimensionless").magnitude), _of_a_number(unit))
    own = f"{quantity.units:~}".replace(" ", "")
    array = _array(quantity.magnitude)
    if not unit:
        return Result(array, units.spelling(own))
    if not units.convertible(own, unit):
        raise UnitsDoNotWorkOutError(f"it gives {own} and not {unit}", of_a_constant=True)
    return Result(units.convert(array, own, unit), unit)


def _of_a_number(unit: str) -> str:
    if unit and units.is_known(unit) and not units.convertible(unit, "1"):
        raise UnitsDoNotWorkOutError(f"it gives a plain number and not {unit}", of_a_constant=True)
    return unit


def _plain_result(value: object, unit: str, problem: Exception) -> Result:
    if is_quantity(value):
        quantity: pint.Quantity[Any] = value  # type: ignore[assignment]
        if quantity.dimensionless:
            return Result(_array(quantity.to("dimensionless").magnitude), unit, plain=True)
        raise UnitsError(f"{problem}; a constant with its unit is written quantity(1, 'mm')")
    array = _array(value)
    if not unit and array.dtype.kind in "iuf":
        raise UnitsError(
            f"{problem}; a constant without a unit may be meant: name the result's unit, or write quantity(1, 'mm')"
        )
    return Result(array, unit, plain=True)


def _array(value: object) -> Value:
    array = np.asarray(value)
    if is_text(array) and all(isinstance(element, str) for element in array.flat):
        return texts([str(element) for element in array.flat]).reshape(array.shape)
    if array.dtype.kind not in "biuf":
        raise ExpressionError(f"it gives a {type(value).__name__}, which is neither number nor text")
    return array


def _evaluator(names: dict[str, object]) -> simpleeval.SimpleEval:
    return simpleeval.SimpleEval(operators=OPERATORS, functions=FUNCTIONS, names=names)


@lru_cache(maxsize=1024)
def cached_expression(text: str) -> Expression:
    """Like `parse_expression`, with a cache: each capture computes the same few formulas."""
    return parse_expression(text)
