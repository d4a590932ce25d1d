"""Events: the one way by which the parts of the daemon tell what happened."""

from __future__ import annotations

from typing import Protocol

from nxscribe.projections import Outcome
from nxscribe.records import Record, Work
from nxscribe.service.config import Config


class Events(Protocol):
    """What may happen in the daemon. Each method is called by the thread in which it happens, so it must be short.

    A class that names it as its base implements what it wants to hear of; the rest does nothing.
    """

    def committed(self) -> None:
        """A trigger was committed: the journal has something new to make projections of."""
        return  # mypy takes an empty body for an abstract method; so below

    def status_changed(self, device: str) -> None:
        """The status of the session of this trigger device changed, or what all devices show."""
        del device

    def attempted(self, work: Work, outcome: Outcome) -> None:
        """It was tried to make a projection; the journal knows the outcome."""
        del work, outcome

    def renumbered(self, record: Record) -> None:
        """A record has a new number, because the entry of another one has its place."""
        del record

    def trouble_changed(self) -> None:
        """A part has another trouble than before, or none any more."""
        return

    def files_edited(self) -> None:
        """The files of the config or of a definition were edited, and stand still again."""
        return

    def files_at_rest(self) -> None:
        """The files of the config were looked at, and are as they were read. This is told every few seconds."""
        return

    def config_in_force(self, config: Config) -> None:
        """A config is in force from now on: that of the start, or that of a reload."""
        del config
