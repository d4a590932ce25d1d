"""A parameter of the trigger under another name than the placeholder's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from nxscribe.errors import Problem
from nxscribe.model import Reading, now
from nxscribe.sources._kind import KnownValues, Origin, SourceKind


@dataclass(frozen=True, slots=True)
class ParameterSource(Origin):
    """A parameter of the trigger under another name than the placeholder's own."""

    kind: ClassVar[str] = "parameter"

    name: str

    def in_words(self) -> str:
        """The parameter's name."""
        return f"parameter {self.name}"

    def resolve(self, placeholder: str, unit: str, known: KnownValues) -> Reading:
        """The value that the control system set."""
        del placeholder, unit
        if self.name in known.given:
            return known.given[self.name]
        problem = Problem(
            f"the control system did not set the parameter {self.name}", remedy="send it with the trigger"
        )
        return Reading("parameter", now(), error=problem.explanation)


class ParameterKind(SourceKind):
    """Parameters of the trigger."""

    key = "parameter"
    rank = 4
    annotation = Annotated[str, Field(min_length=1)]
    description = "A parameter of the trigger, where its name is not the placeholder's own."

    def origin(self, given: Any, written: object) -> ParameterSource:  # noqa: ANN401 - declared by SourceKind
        """The parameter of that name."""
        del written
        return ParameterSource(given)
