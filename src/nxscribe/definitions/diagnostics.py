"""Collects problems while a file is read, so that its author sees all of them at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from difflib import get_close_matches
from typing import Final

from nxscribe.definitions.text import MAX_PROBLEMS, brief
from nxscribe.errors import InputError, Location, Problem, Severity

_MOST_COMPARED: Final = 500
_ENDS: Final = 2
"""How many letters at the beginning or end of a word must be equal before it is compared as a whole."""


class Diagnostics:
    """The problems of one reading of a file, in the order of their places."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._counts: Counter[Severity] = Counter()
        self.is_part = False
        """Whether something could not be read. A node that seems to be missing can be there."""

    def error(self, what: str, why: str, remedy: str, location: Location, *also: Location) -> None:
        """Add an error: the input cannot be used."""
        self.add([Problem(brief(what), why, brief(remedy), location, Severity.ERROR, also)])

    def warning(self, what: str, why: str, remedy: str, location: Location, *also: Location) -> None:
        """Add a warning: the input can be used, but perhaps it does not do what its author wants."""
        self.add([Problem(brief(what), why, brief(remedy), location, Severity.WARNING, also)])

    def add(self, problems: Iterable[Problem]) -> None:
        """Add the problems of another reading. Raises InputError if there are too many errors to continue."""
        for problem in problems:
            self._counts[problem.severity] += 1
            if self._counts[problem.severity] <= MAX_PROBLEMS:
                self._problems.append(problem)
            elif problem.severity is Severity.ERROR:
                raise InputError(
                    *self.problems, Problem("more problems than these", "", "mend these first", problem.location)
                )

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems, each once, sorted by place."""
        # Two problems at one place stay in the order in which they were noticed: sorting is stable.
        return tuple(sorted(dict.fromkeys(self._problems), key=lambda problem: problem.location or Location("")))

    @property
    def has_room(self) -> bool:
        """Whether one more warning will be shown. Otherwise it is not necessary to look for its remedy."""
        return self._counts[Severity.WARNING] < MAX_PROBLEMS

    @property
    def failed(self) -> bool:
        """Whether one of the problems is an error."""
        return any(problem.severity is Severity.ERROR for problem in self._problems)

    def check(self) -> tuple[Problem, ...]:
        """The warnings. If there is an error, it raises InputError with all problems."""
        if self.failed:
            raise InputError(*self.problems)
        return self.problems


def did_you_mean(word: str, known: Iterable[str], *, few: int = 12, cutoff: float = 0.6) -> str:
    """`did you mean 'units'?`, or all known words if no word is similar and they are few, or nothing.

    `cutoff` is the least similarity, from 0 to 1, which means equal.
    """
    choices = sorted(map(str, known))
    if near := nearest(word, choices, cutoff=cutoff):
        return f"did you mean {near!r}?"
    return f"known here: {', '.join(choices)}" if 0 < len(choices) <= few else ""


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """The known word that is most similar; empty if no word is similar."""
    by_lower = {choice.lower(): choice for choice in sorted(known)}
    near = close_words(word.lower(), by_lower, cutoff=cutoff) or [
        one for one in by_lower if word and one.startswith(word)
    ]
    return by_lower[near[0]] if near else ""


def close_words(word: str, known: Collection[str], *, few: int = 1, cutoff: float = 0.6) -> list[str]:
    """The words that are similar to another one, at most `few`, the most similar first.

    To compare a word takes 0.05 ms. If there are very many, only words with an equal beginning or end are compared.
    """
    if len(known) > _MOST_COMPARED:
        known = [one for one in known if one[:_ENDS] == word[:_ENDS] or one[-_ENDS:] == word[-_ENDS:]]
        known = sorted(known, key=lambda one: abs(len(one) - len(word)))[:_MOST_COMPARED]
    return get_close_matches(word, known, n=few, cutoff=cutoff)
