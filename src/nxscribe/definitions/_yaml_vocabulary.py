"""The words of the YAML dialect and the model's names for them: one table for the reader, the writer and messages."""

from __future__ import annotations

from typing import Final

ENTRY: Final = "entry(NXentry)"
INCLUDE: Final = "include"
ATTRIBUTE_SIGN: Final = "\\@"
LINK_KIND: Final = "link"

GROUP: Final = {"doc": "description", "override": "override"}
FIELD: Final = {
    "doc": "description",
    "value": "value",
    "unit": "units",
    "unit_category": "unit_category",
    "record": "record",
    "exists": "mandatory",
    "default": "default",
    "deprecated": "deprecated",
    "override": "override",
}
LINK: Final = {"target": "target", "frames": "frames", "override": "override"}
LINK_BY_KEY: Final = {"link": "target", "frames": "frames", "override": "override"}
"""The words of the form without parentheses: `current:` with `link: /instrument/source/current` below it."""
ATTRIBUTE: Final = {"value": "value", "override": "override"}
