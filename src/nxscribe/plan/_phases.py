"""Finds contradictory phases: a value that is wanted at the start, but depends on a value of the end."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from nxscribe.errors import Problem, Severity
from nxscribe.model import Phase
from nxscribe.plan._built_in_names import AT_THE_END
from nxscribe.plan.uses import Use


def check_phases(
    uses: tuple[Use, ...], offered: Collection[str], operands: Mapping[str, frozenset[str]]
) -> Iterator[Problem]:
    """An error for each formula that can never be computed in its phase; a warning where only the phase is wrong.

    `operands` are the placeholders in each formula, those that others need before those others.
    """
    late = AT_THE_END.difference(offered)
    needs_late: dict[str, frozenset[str]] = {}
    for name, direct in operands.items():  # what another one needs stands before that
        needs_late[name] = (late & direct).union(*(needs_late.get(operand, frozenset()) for operand in direct))
    for use in uses:
        if use.phase is not Phase.INITIAL:
            continue
        if use.placeholder in late:
            yield Problem(
                f"{use.path} is recorded at the start, but ${{{use.placeholder}}} is known at the end only",
                "it is written at the end",
                "say record final, or leave it out",
                use.location,
                Severity.WARNING,
            )
        for operand in sorted(needs_late.get(use.placeholder, frozenset())):
            yield Problem(
                f"{use.path} is recorded at the start, but the formula of ${{{use.placeholder}}} needs ${{{operand}}}",
                "that is known at the end only, so there would never be a value",
                "say record final, or correct the formula",
                use.location,
            )
