"""The capture plan: what one technique reads, when, and from where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from nxscribe.model import Definition, Phase
from nxscribe.plan._detectors import LimaDetector
from nxscribe.plan._operands import with_operands
from nxscribe.plan.source import Source
from nxscribe.sources import Item


@dataclass(frozen=True, slots=True, eq=False)
class CapturePlan:
    """A definition with the sources of its placeholders, without the built-in placeholders that have no source.

    Plans are compared by identity, because the capture keeps for each plan what it has prepared.
    """

    technique: str
    definition: Definition
    sources: Mapping[str, Source]
    """The source of each placeholder that has one: of the definition, of its expressions, and of the detectors. The
    control system can still set a placeholder that has no source."""
    initial: frozenset[str]
    """Placeholders that are always read at the start."""
    final: frozenset[str]
    """Placeholders that are always read at the end."""
    either: frozenset[str]
    """Placeholders that are read at the start, and again at the end if they had no value at the start."""
    mandatory: frozenset[str] = frozenset()
    """Placeholders without which a scan is incomplete."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """The defaults of the definition's fields, by placeholder. The default of a source has precedence."""
    operands: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The placeholders in each formula, by the placeholder of the formula. Each comes after those that it needs."""
    detectors: Mapping[str, LimaDetector] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    """All placeholders of the definition."""

    @property
    def items(self) -> frozenset[Item]:
        """Everything that this plan can read, in any phase."""
        return frozenset(item for source in self.sources.values() for item in source.origin.items)

    def wanted(self, phase: Phase, had: Collection[str] = ()) -> frozenset[str]:
        """The placeholders to fill in a phase, with all placeholders that their expressions need.

        Args:
            phase: The phase.
            had: The placeholders that had a value at the start. It is only used for the end.
        """
        if phase is Phase.INITIAL:
            return with_operands(self.initial | self.either, self.operands)
        wanted = with_operands(self.final | (self.either - frozenset(had)), self.operands)
        # A placeholder that is only wanted at the start keeps its value of the start, also as an operand.
        return wanted - (self.initial - self.final - self.either).intersection(had)

    def mandatory_in(self, phase: Phase) -> frozenset[str]:
        """The placeholders that must have a value when a phase has ended.

        A placeholder without a source is set by the control system, which can do so until the end.
        """
        if phase is Phase.INITIAL:
            return self.mandatory & (self.initial | (self.either & self.sources.keys()))
        return self.mandatory & (self.final | self.either)
