"""The JSON of what a control system gives: numbers of its libraries, and whatever else its macros hold."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Final

log = logging.getLogger("nxscribe.client")

_LEVELS: Final = 2
"""Of a request and of its parameters each value is looked at by itself."""


def encoded(given: Mapping[str, object]) -> str:
    """JSON of it, in ASCII, because PyTango can send Latin-1 alone. Raises nothing.

    A number or an array of numpy is the number or the list that it holds. Any other object is its text, and so is a
    name that is none. What JSON has no form for at all, such as a list that contains itself, is left out, and the log
    says so.
    """
    try:
        return json.dumps(given, default=_plain)
    except Exception:  # noqa: BLE001 - whatever the objects of a macro raise
        return json.dumps(_with_a_form(given, _LEVELS), default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    of_numpy = getattr(value, "tolist", None)
    held = of_numpy() if callable(of_numpy) else value
    return str(value) if type(held) is type(value) else held


def _with_a_form(given: Mapping[str, object], levels: int) -> dict[str, object]:
    kept: dict[str, object] = {}
    for name, value in given.items():
        if _has_a_form(value):
            kept[str(name)] = value
        elif isinstance(value, Mapping) and levels > 1:
            kept[str(name)] = _with_a_form(value, levels - 1)
        else:
            log.warning("%s is not sent: JSON has no form for its %s", name, type(value).__name__)
    return kept


def _has_a_form(value: object) -> bool:
    try:
        json.dumps(value, default=_plain)
    except Exception:  # noqa: BLE001 - as above
        return False
    return True
