"""YAML with the line and column of every key and value, read safely from any author.

The YAML dialect and the config use it. It supports the part of YAML 1.2 that people write by hand: mappings, lists and
scalars of the core schema. Tags, anchors and aliases are refused, so that no object is constructed, and the result is
never larger than the text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias

import yaml

from nxscribe.definitions._yaml_syntax import syntax_problem
from nxscribe.definitions.text import MAX_DEPTH, MAX_NODES, MAX_PROBLEMS, brief, control_character, decode
from nxscribe.errors import InputError, Location, Problem
from nxscribe.model.arrays import float_of

Scalar: TypeAlias = bool | int | float | str | None


class FlawedYamlError(InputError):
    """A YAML text has errors. Its tree, as far as it was read, can be used to find further ones."""

    def __init__(self, root: YamlNode, *problems: Problem, is_whole: bool) -> None:
        super().__init__(*problems)
        self.root = root
        """The tree. If a key has two values, it has the first one; of two mappings it has the keys of both."""
        self.is_whole = is_whole
        """Whether the text was read to its end."""


class _Mark(Protocol):
    """A position in the text, counted from 0, as both of PyYAML's parsers give it."""

    line: int
    column: int


# libyaml's parser where the wheel has it: ten times faster, the same events.
_PARSER: type[yaml.CSafeLoader | yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _float_or_text(text: str) -> Scalar:
    """A number beyond a float stays a text, as digits without end do."""
    try:
        return float_of(text)
    except ValueError:
        return text


# YAML 1.2 core schema, https://yaml.org/spec/1.2.2/#1032-tag-resolution: here `on` and `yes` are texts, `12:30` is
# a text, `010` is ten, `1e3` is a float.
_SCALARS: tuple[tuple[re.Pattern[str], Callable[[str], Scalar]], ...] = (
    (re.compile(r"(~|null|Null|NULL)?"), lambda _: None),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text[0] in "tT"),
    # Digits without end stay a text: int() would take quadratic time over them, float() would make them infinite.
    (re.compile(r"[-+]?[0-9]{65,}"), str),
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0o[0-7]{1,64}|0x[0-9a-fA-F]{1,64}"), lambda text: int(text, 0)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), _float_or_text),
    (re.compile(r"[-+]?\.(inf|Inf|INF)"), lambda text: float(text.replace(".", ""))),
    (re.compile(r"\.(nan|NaN|NAN)"), lambda _: math.nan),
)


@dataclass(frozen=True, slots=True)
class YamlNode:
    """A node of a YAML document with its place."""

    value: Scalar | list[YamlNode] | dict[str, YamlNode]
    location: Location
    key_locations: dict[str, Location] = field(default_factory=dict)
    """The place of each key of a mapping; otherwise empty. Keys are always texts, as they are written."""
    text: str = ""
    """A scalar as its author wrote it, without quotes: `1.50` for the value 1.5. Empty for lists and mappings."""

    indent: int | None = None
    """The number of columns before the text of a scalar, such as that of a quote. None if the columns of the text are
    not those of the file, because it is a block or has escapes.
    """

    def within(self, offset: int) -> Location:
        """The place of the character at `offset` of a scalar's text, as far as it is known."""
        if self.indent is None:
            return self.location
        return replace(self.location, column=self.location.column + self.indent + offset)

    def plain(self) -> object:
        """The value without positions, as `yaml.safe_load` would give it."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def at(self, path: Sequence[str | int]) -> Location:
        """The place of the value at `path`, or of its nearest existing ancestor."""
        node = self
        for step in path:
            below = node._child(step)
            if below is None:
                break
            node = below
        return node.location

    def find(self, path: Sequence[str | int]) -> YamlNode | None:
        """The node at `path`; None where there is none."""
        if not path:
            return self
        below = self._child(path[0])
        return below.find(path[1:]) if below else None

    def walk(self, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], YamlNode]]:
        """This node and each one below, with the steps that lead to it."""
        yield path, self
        if isinstance(self.value, dict):
            for key, below in self.value.items():
                yield from below.walk((*path, key))
        elif isinstance(self.value, list):
            for number, below in enumerate(self.value):
                yield from below.walk((*path, number))

    def _child(self, step: str | int) -> YamlNode | None:
        if isinstance(self.value, dict) and isinstance(step, str):
            return self.value.get(step)
        if isinstance(self.value, list) and isinstance(step, int) and 0 <= step < len(self.value):
            return self.value[step]
        return None


def load_yaml(data: bytes, file: str) -> YamlNode:
    """Read one YAML document; an empty one is a node of value None.

    Args:
        data: The bytes of the file: UTF-8, with or without a byte order mark, with any line ends.
        file: The name of the file for messages.

    Raises:
        FlawedYamlError: With all problems that were found. A syntax error ends the reading.
        InputError: If it is not a text, is too large or too deep, or has too many errors to continue.
    """
    builder = _YamlBuilder(file)
    text = decode(data, file)
    is_whole = False
    try:
        for event in yaml.parse(text, Loader=_PARSER):
            builder.take(event)
        is_whole = True
    except yaml.MarkedYAMLError as error:
        builder.problems.append(syntax_problem(error, text, file))
    root = builder.root or YamlNode(None, Location(file, 1, 1))
    if builder.problems:
        raise FlawedYamlError(root, *builder.problems, is_whole=is_whole)
    return root


class _YamlBuilder:
    """Builds the tree from the parser's events, on a stack of its own: depth costs no recursion."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.root: YamlNode | None = None
        self.problems: list[Problem] = []
        self._count = 0
        self._open: list[YamlNode] = []
        self._repeated: set[int] = set()
        """Mappings below the top of the file that stand in it twice: that is told, and nothing of what is in them."""
        self._keys: list[str | None] = []
        """For each open node the key whose value comes next; None when a key (or a list's item) does."""

    def take(self, event: yaml.Event) -> None:
        """Add the part of one event to the tree. Raises InputError if the reading cannot continue."""
        location = self._location(event.start_mark)
        match event:
            case yaml.DocumentStartEvent() if self.root is not None:
                self._stop("a second document begins here", "a file holds one document", "remove the `---`", location)
            case yaml.ScalarEvent():
                self._refuse_decorations(event, location)
                self._scalar(event, location)
            case yaml.AliasEvent():
                self._problem(
                    f"the alias *{event.anchor} is not allowed",
                    "anchors and aliases can make a small file huge",
                    "write the value out",
                    location,
                )
                self._add(YamlNode(None, location))
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._refuse_decorations(event, location)
                self._begin(YamlNode({} if isinstance(event, yaml.MappingStartEvent) else [], location))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._keys.pop()
                self._open.pop()

    def _begin(self, node: YamlNode) -> None:
        if len(self._open) >= MAX_DEPTH:
            self._stop(f"nested deeper than {MAX_DEPTH} levels", "", "flatten it", node.location)
        if self._expects_key():
            self._stop(
                "a list or mapping stands where a name should",
                "a text that begins with [ or { needs quotes",
                "put the name in quotes",
                node.location,
            )
        self._open.append(self._add(node))
        self._keys.append(None)

    def _scalar(self, event: yaml.ScalarEvent, location: Location) -> None:
        if control := control_character(event.value):
            self._problem(
                f"the escape stands for the control character {control}",
                "no HDF5 text can hold it",
                "remove it",
                location,
            )
        if not self._expects_key():
            plain = event.implicit[0] and event.style not in ("'", '"', "|", ">")
            value = _resolve(event.value) if plain else event.value
            self._add(YamlNode(value, location, text=event.value, indent=_indent(event)))
            return
        key = event.value
        locations = self._open[-1].key_locations
        if not key:
            self._problem("an empty name", "nothing stands before the colon", "write a name", location)
        if key in locations and id(self._open[-1]) not in self._repeated:
            self._problem(
                f"{key!r} is written twice",
                "the second would silently replace the first",
                "remove one or rename it",
                location,
                also=locations[key],
            )
        locations.setdefault(key, location)
        self._keys[-1] = key

    def _expects_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._keys[-1] is None

    def _add(self, node: YamlNode) -> YamlNode:
        """Add a node where it belongs. Returns the one that takes what comes below it."""
        self._count += 1
        if self._count > MAX_NODES:
            self._stop(f"more than {MAX_NODES} values", "", "split the file", node.location)
        if not self._open:
            self.root = node
            return node
        parent = self._open[-1].value
        if isinstance(parent, list):
            parent.append(node)
        elif isinstance(parent, dict):
            key = self._keys[-1]
            if key is None:  # an alias as a key: its problem is told already
                key = f"*{len(parent)}"
                self._open[-1].key_locations.setdefault(key, node.location)
                self._keys[-1] = key
            else:
                self._keys[-1] = None
                first = parent.setdefault(key, node)
                if isinstance(first.value, dict) and isinstance(node.value, dict) and first is not node:
                    if len(self._open) > 1:
                        self._repeated.add(id(first))
                    return first  # a key that is written twice: what is wrong in the second mapping is seen, too
        return node

    def _refuse_decorations(self, event: yaml.NodeEvent, location: Location) -> None:
        if event.anchor is not None:
            self._problem(
                f"the anchor &{event.anchor} is not allowed",
                "anchors and aliases can make a small file huge",
                "remove it and write the value out where it is needed",
                location,
            )
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._problem(
                f"the tag {tag} is not allowed",
                "tags ask the reader to construct objects",
                "remove it; quote the value if it shall be a text",
                location,
            )

    def _location(self, mark: _Mark | None) -> Location:
        return _location(mark, self.file)

    def _problem(self, what: str, why: str, remedy: str, location: Location, also: Location | None = None) -> None:
        if len(self.problems) >= MAX_PROBLEMS:
            self._stop("more problems than these", "", "mend these first", location)
        self.problems.append(Problem(brief(what), why, remedy, location, also=(also,) if also else ()))

    def _stop(self, what: str, why: str, remedy: str, location: Location) -> None:
        raise InputError(*self.problems, Problem(what, why, remedy, location))


def _indent(event: yaml.ScalarEvent) -> int | None:
    start, end = event.start_mark, event.end_mark
    if start is None or end is None or event.style in ("|", ">") or event.anchor or event.tag:
        return None
    quote = 1 if event.style in ("'", '"') else 0
    return quote if start.line == end.line and end.column - start.column == len(event.value) + 2 * quote else None


def _resolve(text: str) -> Scalar:
    return next((convert(text) for pattern, convert in _SCALARS if pattern.fullmatch(text)), text)


def _location(mark: _Mark | None, file: str) -> Location:
    return Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
