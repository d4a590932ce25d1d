"""A beamline: its config, with a capture plan for each technique."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from nxscribe.definitions.file_access import DISK, FileAccess
from nxscribe.errors import InputError, Problem, TriggerRefusedError
from nxscribe.plan import CapturePlan
from nxscribe.plan.source import max_ages
from nxscribe.records import DefinitionText
from nxscribe.service.check.compiling import compile_techniques
from nxscribe.service.config import Config, Omitted
from nxscribe.sources import Item


@dataclass(frozen=True, slots=True)
class Beamline:
    """One consistent set of config and plans."""

    config: Config
    plans: Mapping[str, CapturePlan]
    """The capture plans, by technique."""
    texts: Mapping[str, DefinitionText]
    """The definitions in the form of records, by technique. They are made once, and not in a trigger."""
    warnings: tuple[Problem, ...] = ()

    def technique(self, asked: str) -> str:
        """The technique for what a control system calls one: its name, an alias in any letter case, or the default.

        Raises TriggerRefusedError for an unknown technique if there is no default.
        """
        if asked in self.plans:
            return asked
        wanted = asked.strip().casefold()
        for name, technique in self.config.techniques.items():
            if name in self.plans and wanted in {name.casefold(), *map(str.casefold, technique.aliases)}:
                return name
        name = self.config.default_technique or asked
        self.plan(name)
        return name

    def plan(self, technique: str) -> CapturePlan:
        """The plan of a technique. Raises TriggerRefusedError for an unknown technique."""
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
    def items(self) -> frozenset[Item]:
        """Everything that the techniques read."""
        return frozenset().union(*(plan.items for plan in self.plans.values()))

    @property
    def max_ages(self) -> Mapping[Item, float]:
        """The items that do not have to be read for every scan, with the greatest age of their values in seconds."""
        return max_ages(source for plan in self.plans.values() for source in plan.sources.values())[0]


def load_beamline(config: Config, files: FileAccess = DISK) -> Beamline:
    """Load and compile the definitions of a config.

    Args:
        config: The config.
        files: Reads the files of the definitions.

    Raises:
        InputError: With all errors and warnings of all techniques, in the order of files and lines.
    """
    compiled = compile_techniques(config, Omitted(), files)
    if compiled.failed:
        raise InputError(*compiled.problems)
    return Beamline(config, compiled.plans, compiled.texts, (*config.warnings, *compiled.problems))
