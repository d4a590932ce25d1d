"""A beamline as it is served: its config, with a capture plan for each technique."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from nxscribe.definitions.files import DISK, Files
from nxscribe.errors import InputError, Problem, TriggerRefusedError
from nxscribe.plan import CapturePlan
from nxscribe.plan.ages import max_ages
from nxscribe.records import DefinitionText
from nxscribe.service.compiling import compile_techniques
from nxscribe.service.config import Config, Lost


@dataclass(frozen=True, slots=True)
class Beamline:
    """One consistent set of config and plans."""

    config: Config
    plans: Mapping[str, CapturePlan]
    """By technique."""
    texts: Mapping[str, DefinitionText]
    """By technique: the definition as records keep it, made once and not in a trigger."""
    warnings: tuple[Problem, ...] = ()

    def plan(self, technique: str) -> CapturePlan:
        """The plan of a technique. Raises TriggerRefusedError for one that the config does not have."""
        try:
            return self.plans[technique]
        except KeyError:
            close = get_close_matches(technique, self.plans, 1)
            raise TriggerRefusedError(
                Problem(
                    f"the beamline has no technique {technique!r}",
                    f"its config has {', '.join(sorted(self.plans))}",
                    f"did you mean {close[0]}?" if close else "name one of them, or add it to the config",
                )
            ) from None

    @property
    def attributes(self) -> frozenset[str]:
        """Every Tango attribute that any technique reads, by its full name."""
        return frozenset().union(*(plan.attributes for plan in self.plans.values()))

    @property
    def max_ages(self) -> Mapping[str, float]:
        """How old the value of each attribute may be that need not be read for every scan, in seconds."""
        return max_ages(source for plan in self.plans.values() for source in plan.sources.values())[0]


def load_beamline(config: Config, files: Files = DISK) -> Beamline:
    """The beamline of a config, its definitions loaded and compiled.

    Args:
        config: The config.
        files: Where the definitions are read from.

    Raises:
        InputError: With every problem of every technique, errors and warnings, in the order of files and lines.
    """
    compiled = compile_techniques(config, Lost(), files)
    if compiled.failed:
        raise InputError(*compiled.problems)
    return Beamline(config, compiled.plans, compiled.texts, compiled.problems)
