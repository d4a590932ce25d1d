"""All watched triggers of a config, and their replacement by those of the next one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

from nxscribe.capture import SourceReader
from nxscribe.model import Reading
from nxscribe.runtime import Supervisor
from nxscribe.service.beamline import Beamline
from nxscribe.service.config.watching import trigger_of
from nxscribe.service.scan.session import Session
from nxscribe.service.watched._watched_trigger import MISSED_LOOKS, WatchedTrigger, open_scans
from nxscribe.sources import Item


class WatchedTriggers:
    """The watched triggers in force. They take each setting from the config in force when they need it."""

    def __init__(
        self,
        *,
        beamline: Callable[[], Beamline],
        sessions: Mapping[str, Session],
        reader: SourceReader,
        supervisor: Supervisor,
    ) -> None:
        """`beamline` gives the config in force; `supervisor` watches over the threads."""
        self._beamline = beamline
        self._sessions = sessions
        self._reader = reader
        self._supervisor = supervisor
        self.by_name: Mapping[str, WatchedTrigger] = {}
        """The triggers by name. It is replaced as a whole, because other threads go through it."""
        self._leaving: tuple[WatchedTrigger, ...] = ()
        """Those that the config has no more, as long as they have a scan to end."""
        self._is_started = False

    @property
    def items(self) -> frozenset[Item]:
        """Everything that they read: the attributes, and the values in the names of scans."""
        plans = [plan for one in self.by_name.values() if (plan := one.plan)]
        return frozenset(self.max_ages).union(*(plan.items for plan in plans))

    @property
    def max_ages(self) -> Mapping[Item, float]:
        """The attributes, with the age in seconds after which they are read again at the latest."""
        ages: dict[Item, float] = {}
        for settings in (one.settings for one in self.by_name.values()):
            if settings:
                age_s = MISSED_LOOKS * settings.poll_s
                ages[settings.item] = min(age_s, ages.get(settings.item, age_s))
        return ages

    @property
    def listeners(self) -> Mapping[Item, Callable[[Reading], None]]:
        """Who has to hear of each reading of an attribute."""
        hearing: dict[Item, list[WatchedTrigger]] = defaultdict(list)
        for one in self.by_name.values():
            if settings := one.settings:
                hearing[settings.item].append(one)

        def telling(those: list[WatchedTrigger]) -> Callable[[Reading], None]:
            def tell(reading: Reading) -> None:
                for one in those:
                    one.hear(reading)

            return tell

        return {item: telling(those) for item, those in hearing.items()}

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong with them, for an operator."""
        return tuple(trouble for one in (*self.by_name.values(), *self._leaving) if (trouble := one.trouble))

    def take_on(self) -> None:
        """Begin with the triggers that are new in the config, and let those end that have left it."""
        wanted, before = self._beamline().config.watched_triggers, self.by_name
        new = {name: self._made(name) for name in wanted if name not in before}
        self.by_name = {**{name: one for name, one in before.items() if name in wanted}, **new}
        for one in new.values():
            self._supervisor.add(one.thread)
            if self._is_started:
                one.thread.start()
        for name, one in before.items():
            if name in wanted:
                one.wake()
            else:
                self._supervisor.remove(one.thread)
                self._let_leave(one)

    def start(self) -> None:
        """Begin. What they read is known to the reader by now."""
        self._is_started = True
        for one in self.by_name.values():
            one.thread.start()
        # The config may have lost some while no daemon ran: nobody else would end their scans.
        for name in {trigger_of(record.given) for _, record in open_scans(self._sessions.values())}:
            if name and name not in self.by_name:
                one = self._made(name)
                self._let_leave(one)
                one.thread.start()

    def stop(self) -> None:
        """End, and leave open scans open."""
        for one in (*self.by_name.values(), *self._leaving):
            one.stop()

    def _let_leave(self, one: WatchedTrigger) -> None:
        self._leaving = (*(other for other in self._leaving if not other.thread.stopping.is_set()), one)
        one.leave()

    def _made(self, name: str) -> WatchedTrigger:
        return WatchedTrigger(name, beamline=self._beamline, sessions=self._sessions, reader=self._reader)
