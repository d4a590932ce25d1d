"""How a unit is written in a file, so that as many programs as possible can read it.

This was measured with UDUNITS 2.2 (cf-units 3.3), scipp 26.8, pynxtools 0.16 and pint 0.25; docs/reference/units.md has
the table.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from nxscribe.model._unit_spelling import is_spelled, spelling

_COUNTED: Final = {"photons": "counts", "electrons": "counts"}
"""Things that are counted. UDUNITS, scipp and pynxtools do not know them, but know counts."""
_LONG: Final = {"deg": "degree", "min": "minute", "h": "hour"}
"""UDUNITS does not know `deg`; to pynxtools `min` is a thousandth of an inch, and `h` Planck's constant."""
_COUNTED_WORD: Final = re.compile(rf"({'|'.join(_COUNTED)})\b")
_LONG_WORD: Final = re.compile(r"(deg)\b|\b(?:min|h)\b")


@lru_cache(maxsize=4096)
def written(unit: str, declared: str = "") -> str:
    """The spelling of a unit in a file: `photons/s` is `counts/s`, and `°` is `degree`.

    Args:
        unit: The unit of the value. A text that is not a unit is returned unchanged.
        declared: The unit that the definition declares. It is used if the unit of the value is empty. `deg`, `min` and
            `h` are kept if the definition itself has them.
    """
    own = spelling(unit) or spelling(declared)
    if not is_spelled(own):
        return own
    own = _COUNTED_WORD.sub(lambda found: _COUNTED[found[1]], own)
    if own == declared.strip():
        return own
    return _LONG_WORD.sub(lambda found: _LONG[found[0]], own)
