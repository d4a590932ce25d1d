"""A reader of Tango attributes and properties by their names alone, for tests of what devices do."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Self

from nxscribe.capture import SourceReader
from nxscribe.capture._endpoint_worker import EndpointWorker
from nxscribe.model import Reading
from nxscribe.sources import Connector, Item

SUPPORT = str(Path(__file__).parent)
"""For the PYTHONPATH of a program that imports this module."""


def attribute(name: str) -> Item:
    return Item("tango", name)


class TangoReader:
    """A `SourceReader` for Tango alone."""

    def __init__(self, host: str = "") -> None:
        self.reader = SourceReader({"tango": host or None, "property": host or None})

    def configure(
        self, attributes: Iterable[str], properties: Iterable[str] = (), max_ages: Mapping[str, float] | None = None
    ) -> None:
        items = [*map(attribute, attributes), *(Item("property", name) for name in properties)]
        self.reader.configure(items, {attribute(name): age_s for name, age_s in (max_ages or {}).items()})

    def read(
        self,
        attributes: Collection[str],
        deadline: float,
        *,
        timeouts: Mapping[str, float] | None = None,
        max_ages: Mapping[str, float] | None = None,
        stop: threading.Event | None = None,
    ) -> dict[str, Reading]:
        request = self.reader.request(
            map(attribute, attributes),
            timeouts={attribute(name): seconds for name, seconds in (timeouts or {}).items()},
            max_ages={attribute(name): seconds for name, seconds in (max_ages or {}).items()},
        )
        return {item.name: reading for item, reading in self.reader.ask(request, deadline, stop=stop).items()}

    def properties(self, names: Collection[str], deadline: float) -> dict[str, Reading]:
        request = self.reader.request(Item("property", name) for name in names)
        return {item.name: reading for item, reading in self.reader.ask(request, deadline).items()}

    def slowest(self, count: int) -> dict[str, float]:
        return self.reader.slowest(count)

    @property
    def troubles(self) -> dict[str, str]:
        return self.reader.troubles

    @property
    def kept_fresh(self) -> dict[str, str]:
        return self.reader.kept_fresh

    @property
    def workers(self) -> dict[str, EndpointWorker]:
        """By the names of their endpoints."""
        return {worker.name: worker for worker in self.reader._all_workers()}

    @property
    def connector(self) -> Connector:
        return self.reader._connector("tango")

    def close(self) -> None:
        self.reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
