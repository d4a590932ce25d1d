"""Collecting problems while reading on, so that an author sees all of them at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches

from nxscribe.definitions.text import MAX_PROBLEMS, brief
from nxscribe.errors import InputError, Location, Problem, Severity


class Findings:
    """The problems of one reading, in the order of their places."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._counts: Counter[Severity] = Counter()
        self.is_part = False
        """Whether something could not be read: what seems to be missing may be there."""

    def error(self, what: str, why: str, remedy: str, location: Location, *also: Location) -> None:
        """Note what makes the input unusable."""
        self.add([Problem(brief(what), why, brief(remedy), location, Severity.ERROR, also)])

    def warning(self, what: str, why: str, remedy: str, location: Location, *also: Location) -> None:
        """Note what works, perhaps not as its author meant."""
        self.add([Problem(brief(what), why, brief(remedy), location, Severity.WARNING, also)])

    def add(self, problems: Iterable[Problem]) -> None:
        """Take over what another reading found. Raises InputError when there are too many errors to go on."""
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
        """All of them, each once, sorted by place."""
        # Two problems at one place stay in the order in which they were noticed: sorting is stable.
        return tuple(sorted(dict.fromkeys(self._problems), key=lambda problem: problem.location or Location("")))

    @property
    def failed(self) -> bool:
        """Whether there is an error among them."""
        return any(problem.severity is Severity.ERROR for problem in self._problems)

    def check(self) -> tuple[Problem, ...]:
        """The warnings. Raises InputError with everything, warnings too, when there is an error."""
        if self.failed:
            raise InputError(*self.problems)
        return self.problems


def did_you_mean(word: str, known: Iterable[str], *, few: int = 12, cutoff: float = 0.6) -> str:
    """`did you mean 'units'?`; without a near word, all known ones if they are few; else nothing.

    `cutoff` says how near is near: 1 is the same.
    """
    choices = sorted(map(str, known))
    if near := nearest(word, choices, cutoff=cutoff):
        return f"did you mean {near!r}?"
    return f"known here: {', '.join(choices)}" if 0 < len(choices) <= few else ""


def nearest(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """The word that was probably meant; empty where none is near."""
    by_lower = {choice.lower(): choice for choice in sorted(known)}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=cutoff) or [
        one for one in by_lower if word and one.startswith(word)
    ]
    return by_lower[near[0]] if near else ""
