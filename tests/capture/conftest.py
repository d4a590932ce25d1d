from __future__ import annotations

from collections.abc import Iterator

import pytest
from readers import TangoReader


@pytest.fixture
def reader(tango_host: str) -> Iterator[TangoReader]:
    """A reader of one's own; the database is the run's."""
    with TangoReader(tango_host) as reader:
        yield reader
