"""Events: how the parts of the daemon tell each other what happened."""

from __future__ import annotations

from typing import Protocol

from nxscribe.projections import Outcome
from nxscribe.records import Record, Work
from nxscribe.service.config import Config


class Events(Protocol):
    """What can happen in the daemon. Each method is called by the thread in which it happens, so that it must be short.

    A class that derives from it implements the events that it needs; the other methods do nothing.
    """

    def committed(self) -> None:
        """A trigger was committed: the journal has a new state of a record, from which projections have to be made."""
        return  # mypy takes an empty body for an abstract method; so below

    def status_changed(self, device: str) -> None:
        """The status of this trigger device has changed."""
        del device

    def attempted(self, work: Work, outcome: Outcome) -> None:
        """An attempt to make a projection has ended. The journal has the outcome."""
        del work, outcome

    def renumbered(self, record: Record) -> None:
        """A record has a new number, because another record's entry has its number."""
        del record

    def trouble_changed(self) -> None:
        """The troubles of a part of the daemon have changed."""
        return

    def files_edited(self) -> None:
        """The files of the config or of a definition were edited, and do not change any more."""
        return

    def files_at_rest(self) -> None:
        """The files of the config were compared, and have not changed. This event comes every few seconds."""
        return

    def config_in_force(self, config: Config) -> None:
        """A config is in force from now on, after the start of the daemon or after a reload."""
        del config
