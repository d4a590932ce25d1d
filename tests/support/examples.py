"""How many examples hypothesis tries a property with."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

NORMAL = 100
"""The examples of a property that names no number, in the profile of `make test`."""


def examples(number: int, **other_settings: Any) -> settings:
    """Settings of a property that needs more or fewer examples than others.

    A number in `@settings` alone would count in each profile; `make quick` has a profile with fewer examples, and this
    one scales with it.
    """
    return settings(max_examples=max(1, number * settings.default.max_examples // NORMAL), **other_settings)
