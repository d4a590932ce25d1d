"""The reference manual of the config, made from its form: `python -m nxscribe.service.config.reference FILE`."""

from __future__ import annotations

import sys
from inspect import cleandoc
from pathlib import Path
from typing import Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from nxscribe.service.config._schema import FORMS, ORIGINS
from nxscribe.service.config._settings import NEEDS_RESTART

_INTRODUCTION: Final = """\
# The config of a beamline

Each beamline has one YAML file. It is checked as a whole: all mistakes are reported together, each with its line and
column. A config with mistakes is never used. `nxscribe check CONFIG` checks a config without a running beamline. In
the tables on this page, a *scalar* is a text, a number, or `true` or `false`.

The file is YAML 1.2: `on`, `yes` and `12:30` are texts, and `010` is ten. Tags, anchors, duplicate keys, and keys
that are not listed here are refused. A key without a value counts as absent.

A running daemon puts an edit of the file in force by itself. A few keys need a restart of the daemon, and the tables
say so. Until the restart, an edit of such a key is refused as a whole, and the last good config stays in force.

This page is generated from the definition of the config in the source code.
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
Instead of the mapping, a source can be a text, which is a Tango attribute, or a list of texts, which are Tango
attributes:

```yaml
sources:
  energy: id16ni/energy/mono/energy
  positions: [id16a/motor/sx/position, id16a/motor/sy/position]
  current_start: {tango: orion:10000/fe/id/16/SR_Current, unit: mA, timeout_s: 0.5}
  facility: {value: ESRF}
  wavelength: {expression: "12.398 / ${energy}", unit: angstrom}
```

A placeholder has the first of the following values that exists: the value that the control system set in this scan,
the value of the technique's source, of the shared source, the value that nxscribe itself knows, the default of the
source, the default of the definition.
"""


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join([_INTRODUCTION, *(_section(place, form) for place, form in FORMS.items() if _is_told(place))])


def _is_told(place: tuple[str, ...]) -> bool:
    """A technique's sources have the form of the shared ones: they are told once."""
    return place[:4] != ("techniques", "*", "sources", "*")


def _section(place: tuple[str, ...], form: type[BaseModel]) -> str:
    title = ".".join("<name>" if step == "*" else step for step in place)
    lines = [f"## `{title}`" if title else "## The file", "", cleandoc(form.__doc__ or ""), ""]
    lines += ["| key | takes | default | meaning |", "| --- | --- | --- | --- |"]
    properties: dict[str, object] = form.model_json_schema()["properties"]
    for key, field in form.model_fields.items():
        takes = _in_words(properties[key])
        meaning = field.description or ""
        if ".".join((*place, key)) in NEEDS_RESTART:
            meaning += " A change needs a restart."
        lines.append(f"| `{key}` | {takes} | {_default(field, key)} | {meaning} |")
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
