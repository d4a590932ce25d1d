"""A value that is written in the config itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from nxscribe.errors import Problem
from nxscribe.model import Reading, now
from nxscribe.model.arrays import exact_value
from nxscribe.sources._kind import KnownValues, Origin, SourceKind

LITERAL: Final = "literal"
"""The `source` of a reading whose value is written in the config."""
Scalar = str | int | float | bool


@dataclass(frozen=True, slots=True)
class LiteralSource(Origin):
    """A value written in the config itself."""

    kind: ClassVar[str] = "value"

    literal: str | int | float | bool | tuple[str, ...] | tuple[int | float, ...]

    def in_words(self) -> str:
        """The value as Python writes it."""
        return f"= {list(self.literal) if isinstance(self.literal, tuple) else self.literal!r}"

    @property
    def fixed(self) -> object:
        """The value."""
        return self.literal

    def resolve(self, placeholder: str, unit: str, known: KnownValues) -> Reading:
        """The value."""
        del placeholder, unit, known
        return Reading(LITERAL, now(), exact_value(self.literal))


class LiteralKind(SourceKind):
    """Values written in the config."""

    key = "value"
    rank = 3
    annotation = Scalar | list[Scalar]
    description = "The value itself: a text, a number, a list of either."
    synonyms = ("constant", "literal", "fixed")

    def origin(self, given: Any, written: object) -> LiteralSource:  # noqa: ANN401 - declared by SourceKind
        """A literal. A list that contains a text keeps only its texts; `flaw` refuses such mixed lists."""
        del written
        if isinstance(given, list):
            texts = tuple(one for one in given if isinstance(one, str))
            return LiteralSource(texts or tuple(one for one in given if not isinstance(one, str)))
        return LiteralSource(given)

    def flaw(self, written: object) -> Problem | None:
        """Why a list cannot be stored: its values have different kinds."""
        if written is None or isinstance(written, dict):
            return None
        try:
            exact_value(written)
        except ValueError as error:
            remedy = "put the numbers in quotes, or make two sources of it"
            return Problem("cannot be kept as it is", str(error), remedy)
        return None
