"""The glossary: each word once, and what it names in the code is there."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from pathlib import Path

import nxscribe

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "glossary.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith(("| word", "| ---"))
]
PACKAGES = {path.parent.name for path in Path(nxscribe.__file__).parent.glob("*/__init__.py")} | {"errors"}


def test_no_word_is_defined_twice() -> None:
    words = Counter(word.strip() for row in ROWS for word in row[0].split(","))
    assert [word for word, count in words.items() if count > 1] == []
    assert len(words) > 60


def test_what_a_word_names_in_the_code_is_there() -> None:
    names = [name for row in ROWS for name in re.findall(r"`([a-z_]+(?:\.\w+)*)`", row[2])]
    named = [name for name in names if name.partition(".")[0] in PACKAGES]
    assert len(named) > 40
    for name in named:
        module, _, last = f"nxscribe.{name}".rpartition(".")
        try:
            importlib.import_module(f"nxscribe.{name}")
        except ModuleNotFoundError:
            assert hasattr(importlib.import_module(module), last), name
