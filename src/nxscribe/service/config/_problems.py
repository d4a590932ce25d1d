"""What pydantic says of a config, told as problems with their places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from pydantic_core import ErrorDetails

from nxscribe.definitions.diagnostics import nearest
from nxscribe.definitions.synonyms import meant
from nxscribe.definitions.yaml_positions import YamlNode
from nxscribe.errors import Location, Problem
from nxscribe.service.config._schema import PATTERNS, form_at
from nxscribe.sources import kinds

_WANTED: Final = {
    "string_type": "a text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping of names to values",
    "model_type": "a mapping of keys to values",
}
_SYNONYMS: Final = {
    "required": "mandatory",
    "file": "definition",
    "template": "definition",
    "pattern": "files",
    "folder": "watch",
    "name": "beamline",
} | {word: key for key, kind in kinds().items() for word in kind.synonyms}
"""Other words for the keys, where they are keys."""
KEY: Final = "[key]"
"""pydantic's last step where a mapping's key is meant, not its value."""
_LONGEST_SHOWN: Final = 80


def problems_of(errors: list[ErrorDetails], document: YamlNode) -> Iterator[Problem]:
    """One problem for each place that pydantic complains of, in the order of the file."""
    at_place: dict[tuple[str | int, ...], list[ErrorDetails]] = {}
    for error in errors:
        at_place.setdefault(path_of(error, document), []).append(error)
    problems = [_problem(path, found, document) for path, found in at_place.items()]
    yield from sorted(problems, key=lambda problem: problem.location or document.location)


def key_location(document: YamlNode, path: tuple[str | int, ...]) -> Location:
    """Where the key at the end of `path` stands; for an item of a list, where it begins."""
    parent = document.find(path[:-1]) if path else None
    key = path[-1] if path else None
    if parent and isinstance(key, str) and key in parent.key_locations:
        return parent.key_locations[key]
    return document.at(path)


def shown(path: tuple[str | int, ...]) -> str:
    """A place as the messages name it: `techniques.tomo.sources.energy`, `tango.devices[0]`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "the config"


def path_of(error: ErrorDetails, document: YamlNode) -> tuple[str | int, ...]:
    """The steps that lead through the file. pydantic adds some of its own: a union's members, a short form's key."""
    steps = error["loc"]
    path: list[str | int] = []
    node: YamlNode | None = document
    for step in steps:
        child = node.find((step,)) if node else None
        if child is not None or step == KEY:
            path.append(step)
            node = child
    return (*path, steps[-1]) if error["type"] == "missing" else tuple(path)


def _problem(path: tuple[str | int, ...], errors: list[ErrorDetails], document: YamlNode) -> Problem:
    error = errors[0]
    kind = error["type"]
    if kind == "extra_forbidden":
        return _unknown_key(path, document)
    if kind == "missing":
        where = key_location(document, path[:-1])
        return Problem(f"{shown(path[:-1])} lacks the key `{path[-1]}`", _description(path), "add it", where)
    if kind in _WANTED:
        return _wrong_type(path, errors, document)
    if kind in ("string_pattern_mismatch", "literal_error"):
        return _wrong_text(path, error, document)
    if kind == "value_error":
        what = error["msg"].removeprefix("Value error, ")
        return Problem(f"{shown(path)}: {what}", "", "correct it", key_location(document, path))
    what = error["msg"].replace("Input should", "should").replace("Dictionary should", "should")
    return Problem(
        f"{shown(path)} is {_brief(error['input'])}, but {what}", _description(path), "correct it", document.at(path)
    )


def _wrong_text(path: tuple[str | int, ...], error: ErrorDetails, document: YamlNode) -> Problem:
    context: Mapping[str, object] = error.get("ctx", {})
    if error["type"] == "literal_error":
        wanted = str(context.get("expected"))
        close = get_close_matches(str(error["input"]), wanted.replace("'", "").replace(" or ", ", ").split(", "), 1)
        remedy = f"did you mean {close[0]}?" if close else "choose one of them"
        return Problem(f"{shown(path)} is {_brief(error['input'])}, not {wanted}", "", remedy, document.at(path))
    words = PATTERNS.get(str(context.get("pattern")), f"a text of the form {context.get('pattern')}")
    if path[-1:] == (KEY,):
        path = path[:-1]
        return Problem(f"{path[-1]!r} is not {words}", "", "rename it", key_location(document, path))
    return Problem(f"{shown(path)}: {_brief(error['input'])} is not {words}", "", "correct it", document.at(path))


def meant_key(path: tuple[str | int, ...]) -> str:
    """The key for which the unknown one at the end of `path` was probably meant; empty when there is none like it."""
    allowed, word = _allowed(path), str(path[-1])
    # `source` is a slip for `sources` at the top, and another word for `tango` below it.
    return nearest(word, allowed, cutoff=0.9) or meant(word, allowed, _SYNONYMS) or nearest(word, allowed)


def _allowed(path: tuple[str | int, ...]) -> list[str]:
    form = form_at(path[:-1])
    return sorted(form.model_fields) if form else []


def _unknown_key(path: tuple[str | int, ...], document: YamlNode) -> Problem:
    close = meant_key(path)
    where = f" in {shown(path[:-1])}" if path[:-1] else ""
    return Problem(
        f"unknown key `{path[-1]}`{where}",
        "" if close else f"known here: {', '.join(_allowed(path))}",
        f"did you mean `{close}`?" if close else "correct or remove it",
        key_location(document, path),
    )


def _wrong_type(path: tuple[str | int, ...], errors: list[ErrorDetails], document: YamlNode) -> Problem:
    wanted = list(dict.fromkeys(_WANTED[error["type"]] for error in errors if error["type"] in _WANTED))
    given = errors[0]["input"]
    text = f"{', '.join(wanted[:-1])} or {wanted[-1]}" if len(wanted) > 1 else wanted[0]
    kind = "a mapping" if isinstance(given, dict) else "a list" if isinstance(given, list) else ""
    remedy = "put it in quotes" if text == "a text" and not kind else "correct it"
    if given is None:
        return Problem(
            f"{shown(path)} is empty, but should be {text}", _description(path), "write it", document.at(path)
        )
    return Problem(
        f"{shown(path)} should be {text}, not {kind or _brief(given)}", _description(path), remedy, document.at(path)
    )


def _description(path: tuple[str | int, ...]) -> str:
    form = form_at(path[:-1]) if path else None
    field = form.model_fields.get(str(path[-1])) if form else None
    return f"it says: {field.description.rstrip('.')}" if field and field.description else ""


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
