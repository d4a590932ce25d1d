"""What `make fuzz` once found stays mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from nxscribe.definitions import Document, read_xml, read_yaml, to_xml, to_yaml
from nxscribe.errors import InputError, Problem

FOUND = sorted((Path(__file__).parents[1] / "fuzz" / "found").iterdir())
READERS = {".xml": read_xml, ".yaml": read_yaml}


def shape(document: Document) -> tuple[str, list[str]]:
    return to_xml(Document(document.root)), [include.file for include in document.includes]


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_it_is_refused_with_a_reason_or_read_and_written_without_loss(path: Path) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        document = READERS[path.suffix](path.read_bytes(), path.name)
    except InputError as error:
        problems = error.problems
    else:
        assert shape(read_xml(to_xml(document).encode(), "f")) == shape(document)
        assert shape(read_yaml(to_yaml(document).encode(), "f")) == shape(document)
    assert all(problem.what and problem.location for problem in problems)
