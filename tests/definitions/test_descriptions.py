"""The shipped definitions describe their fields in nxscribe's own words, not in those of the ESRF's catalogue.

Names, units and types of the catalogue are facts, which the definitions share with it. Its sentences are not ours.

Two descriptions count as alike in either of two cases. Each case finds copies that the other one misses:

- **Shared words**: more than 0.8 by the Sørensen-Dice coefficient of the words, each counted as often as it occurs and
  in any order. It finds a copy with a word added, left out or moved. `difflib`'s ratio depends on the order: two halves
  of a sentence that change places bring it down to 0.5. A token-set ratio calls "Beam at the sample" a copy of every
  long sentence that contains these words, so that nothing short could be said about a beam.
- **A run**: six words of both in a row. It finds a copied piece in a sentence that is otherwise new. Five in a row
  happen by chance ("at the start of the").
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from nxscribe.cli._shipped import shipped
from nxscribe.definitions import read_definition
from nxscribe.model import Field, Group

pytest.importorskip(
    "icat_esrf_definitions", reason="the ESRF's definition is not installed (it is in requirements/dev.lock)"
)

FEWEST_WORDS = 5
"""Shorter descriptions are names of things ("Detector distance"), which nobody can say in other words."""
MOST_SHARED = 0.8
COPIED_RUN = 6
FILES = sorted(path for path in (shipped() / "definitions").rglob("*") if path.suffix in {".xml", ".yaml"})


def words(text: str) -> tuple[str, ...]:
    """The words without case, punctuation and white space; a hyphen joins two parts to one word (`x-ray`)."""
    return tuple(re.findall(r"\w+(?:-\w+)*", text.casefold()))


def runs(text: tuple[str, ...]) -> set[tuple[str, ...]]:
    return {text[start : start + COPIED_RUN] for start in range(len(text) - COPIED_RUN + 1)}


class Wording:
    """A description as two of them are compared. One is compared with hundreds: what it is made of is counted once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._words = words(text)
        self._counts = Counter(self._words)
        self._runs = runs(self._words)

    def is_like(self, other: Wording) -> bool:
        if not self._runs.isdisjoint(other._runs):
            return True
        both = len(self._words) + len(other._words)
        # Counting what they share takes time; they share no more than the shorter one has.
        if 2 * min(len(self._words), len(other._words)) <= MOST_SHARED * both:
            return False
        return 2 * (self._counts & other._counts).total() > MOST_SHARED * both


def described(path: Path) -> Iterator[str]:
    root = read_definition(path).root
    for node in (root, *(node for _, node in root.walk())):
        if isinstance(node, Field | Group) and len(words(node.description)) >= FEWEST_WORDS:
            yield node.description


@pytest.fixture(scope="module")
def catalogue(esrf_file: Path) -> list[Wording]:
    return [Wording(text) for text in sorted(set(described(esrf_file)))]


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_no_description_is_the_catalogues(file: Path, catalogue: list[Wording]) -> None:
    assert len(catalogue) > 500
    ours = map(Wording, sorted(set(described(file))))
    assert [(one.text, theirs.text) for one in ours for theirs in catalogue if one.is_like(theirs)] == []


def test_the_parts_describe_what_the_catalogue_describes() -> None:
    """So that the test above has something to compare."""
    assert sum(1 for file in FILES if file.parent.name == "parts" for _ in described(file)) > 150


SENTENCE = "Mean time between two pulses of the source, as the clock counts it"


@pytest.mark.parametrize(
    "copy",
    [
        SENTENCE,
        "mean time\n  between two pulses of the source - as the clock counts it.",
        "As the clock counts it: mean time between two pulses of the source",
        "Mean time between pulses of a source, as the clock counts",
        "How long the gap is. It is the time between two pulses of the laser",
    ],
    ids=["the same", "other punctuation", "turned around", "some words fewer", "a piece of it"],
)
def test_a_copy_is_found(copy: str) -> None:
    assert Wording(copy).is_like(Wording(SENTENCE))


@pytest.mark.parametrize("text", ["Period of the source", "Inverse of the repetition rate, from the clock's counts"])
def test_other_words_for_the_same_thing_are_no_copy(text: str) -> None:
    assert not Wording(text).is_like(Wording(SENTENCE))
