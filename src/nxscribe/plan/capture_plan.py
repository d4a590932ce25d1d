"""The capture plan: what one technique reads, when, and from where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from nxscribe.model import Definition, Phase
from nxscribe.plan.detectors import LimaDetector
from nxscribe.plan.sources import Source, TangoSource


@dataclass(frozen=True, slots=True, eq=False)
class CapturePlan:
    """A definition with the sources of its placeholders. Built-in placeholders without a source stand apart. Plans are
    compared by identity: what is made of one is kept for its next scan.
    """

    technique: str
    definition: Definition
    sources: Mapping[str, Source]
    """For each placeholder that has one: those of the definition, those that their expressions need, and those of the
    detectors. One that has none may still be set by the control system."""
    initial: frozenset[str]
    """Placeholders that are read at the start in any case."""
    final: frozenset[str]
    """Placeholders that are read at the end in any case."""
    either: frozenset[str]
    """Placeholders that are read at the start, and at the end if they were not had by then."""
    mandatory: frozenset[str] = frozenset()
    """Placeholders without which a scan is incomplete."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """What the definition's fields name as defaults, by placeholder; a source's own default goes before."""
    operands: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """For each placeholder with an expression all placeholders that it needs, those of its operands included."""
    detectors: Mapping[str, LimaDetector] = field(default_factory=dict)

    @property
    def attributes(self) -> frozenset[str]:
        """Every Tango attribute that is ever read, by its full name."""
        origins = (source.origin for source in self.sources.values())
        return frozenset(name for origin in origins if isinstance(origin, TangoSource) for name in origin.attributes)

    def wanted(self, phase: Phase, had: Collection[str] = ()) -> frozenset[str]:
        """The placeholders to fill in a phase, with all that their expressions need.

        Args:
            phase: The phase.
            had: Those that have a value from the start; it matters at the end only.
        """
        if phase is Phase.INITIAL:
            return self._with_operands(self.initial | self.either)
        wanted = self._with_operands(self.final | (self.either - frozenset(had)))
        # What is asked for at the start alone keeps the value that it had then, also as an operand.
        return wanted - (self.initial - self.final - self.either).intersection(had)

    def mandatory_in(self, phase: Phase) -> frozenset[str]:
        """The placeholders that must have a value when a phase has ended.

        One that no source fills is set by the control system, which has time until the end.
        """
        if phase is Phase.INITIAL:
            return self.mandatory & (self.initial | (self.either & self.sources.keys()))
        return self.mandatory & (self.final | self.either)

    def _with_operands(self, names: frozenset[str]) -> frozenset[str]:
        return names.union(*(self.operands[name] for name in self.operands.keys() & names))
