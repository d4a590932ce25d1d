"""A formula over other placeholders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from nxscribe.errors import Problem
from nxscribe.model import Reading, Template, now
from nxscribe.model.reading import DEFAULTED, Detail
from nxscribe.sources._combined import worst
from nxscribe.sources._kind import KnownValues, Origin, SourceKind
from nxscribe.sources.formula import ExpressionError, Operand, cached_expression


@dataclass(frozen=True, slots=True)
class ExpressionSource(Origin):
    """A formula over other placeholders."""

    kind: ClassVar[str] = "expression"
    converts_to_unit: ClassVar[bool] = True

    expression: str

    def in_words(self) -> str:
        """The formula."""
        return f"= {self.expression}"

    @property
    def operands(self) -> tuple[str, ...]:
        """The placeholders in the formula."""
        return Template(self.expression).placeholders

    def problem(self, placeholder: str) -> Problem | None:
        """Why the text is not a valid formula."""
        try:
            cached_expression(self.expression)
        except ExpressionError as error:
            what = f"the expression of ${{{placeholder}}}, {self.expression}, cannot be computed"
            return Problem(what, str(error), error.remedy)
        return None

    def resolve(self, placeholder: str, unit: str, known: KnownValues) -> Reading:
        """The value of the formula. If an operand has no value, the formula has none."""
        text, source = self.expression, f"expression {self.expression}"
        try:
            expression = cached_expression(text)
            used = {name: known.readings[name] for name in expression.names if name in known.readings}
            for name in expression.names:
                if name not in used or not used[name].ok:
                    why = used[name].error if name in used else "it was not asked for"
                    # In a long chain of formulas each would repeat the text of the one before: the last is enough.
                    end = known.lacking.get(name, "")
                    known.lacking[placeholder] = end or f"${{{name}}} has no value: {why}"
                    lacks = f"${{{name}}} has no value, for {end}" if end else known.lacking[placeholder]
                    raise ExpressionError(f"its operand {lacks}")
            operands = {
                name: Operand(reading.value, reading.unit)
                for name, reading in used.items()
                if reading.value is not None
            }
            result = expression.evaluate(operands, unit)
        except ExpressionError as error:
            return Reading(source, now(), error=f"{text} could not be computed; {error}")
        if result.plain:
            # A reader of the file can see in which units the numbers were used.
            entered = ", ".join(f"{name} in {operand.unit}" for name, operand in operands.items() if operand.unit)
            source = f"{source} ({entered})" if entered else source
        time_of = max((reading.time for reading in used.values()), default=now())
        quality = worst(reading.quality for reading in used.values())
        defaulted = ", ".join(name for name in expression.names if used[name].is_default)
        details: dict[str, Detail] = {DEFAULTED: defaulted} if defaulted else {}
        return Reading(source, time_of, result.value, result.unit, quality, details=details)


class ExpressionKind(SourceKind):
    """Formulas over other placeholders."""

    key = "expression"
    rank = 5
    annotation = Annotated[str, Field(min_length=1)]
    description = "A formula over other placeholders: `12.398 / ${energy}`."
    synonyms = ("formula", "expr")

    def origin(self, given: Any, written: object) -> ExpressionSource:  # noqa: ANN401 - declared by SourceKind
        """The formula."""
        del written
        return ExpressionSource(given)
