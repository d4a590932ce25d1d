"""The reference manual of the config, made from its form: `python -m nxscribe.service.config.reference FILE`."""

from __future__ import annotations

import sys
from inspect import cleandoc
from pathlib import Path
from typing import Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from nxscribe.service.config.schema import FORMS, ORIGINS

_INTRODUCTION: Final = """\
# The config of a beamline

One YAML file for each beamline. It is read as a whole: every mistake is told at once, with its line and column, and a
config with mistakes is never used. `nxscribe check CONFIG` tells without a running beamline.
In the tables a *scalar* is a text, a number, or `true` or `false`.

YAML is taken as of version 1.2: `on` and `yes` are texts, `12:30` is a text, `010` is ten. Tags, anchors and keys that
stand twice are refused. Keys that are not listed here are refused. A key with nothing behind it counts as absent.

This page is made from the program's own form of the config.
"""
_WORDS: Final = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
    "object": "mapping",
}
_SCALARS: Final = ["text", "whole number", "number", "true or false"]
_SHORT_FORMS: Final = """
In place of the mapping may stand a text, which is a Tango attribute, or a list of texts, which is a list of them:

```yaml
sources:
  energy: id16ni/energy/mono/energy
  positions: [id16a/motor/sx/position, id16a/motor/sy/position]
  current_start: {tango: orion:10000/fe/id/16/SR_Current, unit: mA, timeout_s: 0.5}
  facility: {value: ESRF}
  wavelength: {expression: "12.398 / ${energy}", unit: angstrom}
```

A placeholder's value is the first of these that there is: what the control system set in this scan, the technique's
source, the shared source, what nxscribe knows by itself, the source's default, the definition's default.
"""


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join([_INTRODUCTION, *(_section(place, form) for place, form in FORMS.items() if _is_told(place))])


def _is_told(place: tuple[str, ...]) -> bool:
    """A technique's sources have the form of the shared ones: they are told once."""
    return place != ("techniques", "*", "sources", "*")


def _section(place: tuple[str, ...], form: type[BaseModel]) -> str:
    title = ".".join("<name>" if step == "*" else step for step in place)
    lines = [f"## `{title}`" if title else "## The file", "", cleandoc(form.__doc__ or ""), ""]
    lines += ["| key | takes | default | meaning |", "| --- | --- | --- | --- |"]
    properties: dict[str, object] = form.model_json_schema()["properties"]
    for key, field in form.model_fields.items():
        takes = _in_words(properties[key])
        lines.append(f"| `{key}` | {takes} | {_default(field, key)} | {field.description} |")
    if place == ("sources", "*"):
        lines.append(_SHORT_FORMS.rstrip())
    return "\n".join([*lines, ""])


def _in_words(schema: object) -> str:
    """What a key takes. The schema is JSON Schema as pydantic makes it."""
    match schema:
        case {"enum": [*choices]}:
            return " or ".join(f"`{choice}`" for choice in choices)
        case {"anyOf": [*forms]}:
            words = list(dict.fromkeys(_in_words(form) for form in forms if form != {"type": "null"}))
            if words[: len(_SCALARS)] == _SCALARS:
                words[: len(_SCALARS)] = ["scalar"]
            return " or ".join(words)
        case {"type": "array", "items": dict(items)}:
            return f"list of {_in_words(items)}s"
        case {"type": str(kind)}:
            return _WORDS[kind]
    return "mapping"


def _default(field: FieldInfo, key: str) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default()
    if key in ORIGINS or value in (None, "", [], {}) or isinstance(value, BaseModel):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference(), "utf-8")
