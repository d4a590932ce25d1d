"""The YAML dialect as a JSON Schema for editors. `nxscribe check` finds more errors."""

from __future__ import annotations

from typing import Final

from nxscribe.definitions import _yaml_vocabulary as yaml_vocabulary
from nxscribe.model import Phase
from nxscribe.model.nexus_types import NX_TYPES, UNIT_CATEGORIES

JsonSchema = dict[str, object]

_DESCRIPTIONS: Final = {
    "doc": "What it is, in words; it goes into the file.",
    "value": "A text with `${placeholders}`, or a fixed value.",
    "unit": "The unit that the file shall have: mm, keV, photons/s.",
    "unit_category": "The kind of unit that NeXus asks for.",
    "record": "When it is read: at the start, or at the end. Absent: at the start, else at the end.",
    "exists": "Whether a scan without it is incomplete.",
    "default": "Taken, and said to be taken, where there is no value.",
    "deprecated": "Why it should be used no more, and what instead.",
    "override": "Takes the place of what an included file says under this name.",
    "frames": "Which frames of the target are shown, counted from 0: a sequence such as 0..3 7. Absent: all.",
    "target": "A path from the entry: /instrument/source/current.",
}
_CHOICES: Final[dict[str, list[str]]] = {
    "unit_category": sorted(UNIT_CATEGORIES),
    "record": [phase.value for phase in Phase],
    "exists": ["required", "mandatory", "optional"],
}
_ATTRIBUTE: Final = r"^\\@"
_NUMBER: Final = r"(#[0-9]+)?$"


def yaml_schema() -> JsonSchema:
    """The schema, in the draft that the YAML servers of editors support."""
    types = "|".join(sorted(NX_TYPES))
    group = {
        "type": ["object", "null"],
        "properties": _properties(yaml_vocabulary.GROUP),
        "patternProperties": {
            _ATTRIBUTE: _ref("attribute"),
            rf"^[^\\].*\(({types})\){_NUMBER}": _ref("field"),
            rf"^[^\\].*\(NX[A-Za-z]\w*\){_NUMBER}": _ref("group"),
            rf"^[^\\].*\({yaml_vocabulary.LINK_KIND}\){_NUMBER}": _ref("link"),
            # A name alone is a text, or a link that says so below.
            rf"^(?!({'|'.join(yaml_vocabulary.GROUP)})$)[^\\()][^()]*$": {"anyOf": [_ref("field"), _ref("linkByKey")]},
        },
        "additionalProperties": False,
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A definition of nxscribe, in the YAML dialect",
        "description": "name(NXclass): groups, name(NX_TYPE): fields, \\@name: attributes, name(link): links",
        "type": "object",
        "properties": {
            yaml_vocabulary.INCLUDE: {
                "description": "Definition files whose trees come before this one's, relative to this file.",
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}],
            },
            yaml_vocabulary.ENTRY: _ref("group"),
        },
        "required": [yaml_vocabulary.ENTRY],
        "additionalProperties": False,
        "definitions": {
            "scalar": {"type": ["string", "number", "boolean", "null"]},
            "group": group,
            "field": _short_or_long(yaml_vocabulary.FIELD, with_attributes=True),
            "attribute": _short_or_long(yaml_vocabulary.ATTRIBUTE),
            "link": _short_or_long(yaml_vocabulary.LINK),
            "linkByKey": {
                "type": "object",
                "properties": _properties(yaml_vocabulary.LINK_BY_KEY),
                "required": [yaml_vocabulary.LINK_KIND],
                "additionalProperties": False,
            },
        },
    }


def _ref(name: str) -> JsonSchema:
    return {"$ref": f"#/definitions/{name}"}


def _short_or_long(words: dict[str, str], *, with_attributes: bool = False) -> JsonSchema:
    long: JsonSchema = {"type": "object", "properties": _properties(words), "additionalProperties": False}
    if with_attributes:
        long["patternProperties"] = {_ATTRIBUTE: _ref("attribute")}
    return {"anyOf": [_ref("scalar"), long]}


def _properties(words: dict[str, str]) -> JsonSchema:
    return {word: _property(word) for word in words}


def _property(word: str) -> JsonSchema:
    told: JsonSchema = {"description": _DESCRIPTIONS.get(word, _DESCRIPTIONS["target"])}
    if word == "override":
        return told | {"type": "boolean"}
    if word in _CHOICES:
        return told | {"enum": _CHOICES[word]}
    return told | {"type": "string"} if word in ("doc", "unit", "deprecated") else told | _ref("scalar")
