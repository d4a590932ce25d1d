"""The XML dialect to a document: the ESRF's `hdf5_cfg.xml` of any year, and what nxscribe adds to it.

expat does the parsing: it tells line and column of every element, and it is stopped at the first sign of a DTD, so that
no entity is ever defined, let alone fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from nxscribe.definitions import xml_words
from nxscribe.definitions.document import ENTRY_NAME, Document, Include, checked
from nxscribe.definitions.facts import Facts, Written
from nxscribe.definitions.findings import Findings, did_you_mean, nearest
from nxscribe.definitions.nodes import NodeMaker
from nxscribe.definitions.text import MAX_DEPTH, MAX_NODES, check_size
from nxscribe.definitions.xml_syntax import syntax_problem
from nxscribe.errors import InputError, Location, Problem
from nxscribe.model import Attribute, Group, Node


def read_xml(data: bytes, file: str) -> Document:
    """Read one definition file, its includes not expanded.

    Args:
        data: The file's bytes, in the encoding that they declare; UTF-8 when they declare none.
        file: The name that locations shall carry.

    Raises:
        InputError: With every problem that was found; a syntax error ends the search.
    """
    check_size(data, file)
    return _Reader(file).read(data)


@dataclass(slots=True)
class _Element:
    """An element whose end has not come yet."""

    tag: str
    facts: Facts
    text: list[str] = field(default_factory=list)
    has_stray_text: bool = False
    children: list[Node] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)

    @property
    def place(self) -> Location:
        return self.facts.node

    @property
    def is_field(self) -> bool:
        return self.tag not in xml_words.RESERVED

    def written(self, fact: str, otherwise: str = "") -> Written:
        return self.facts.written.get(fact, Written(otherwise, self.place))


class _Reader:
    def __init__(self, file: str) -> None:
        self._file = file
        self._findings = Findings()
        self._make = NodeMaker(self._findings)
        self._open: list[_Element] = []
        self._root: Group | None = None
        self._count = 0
        self._includes: list[Include] = []
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def read(self, data: bytes) -> Document:
        is_whole = False
        try:
            self._parser.Parse(data, True)
            is_whole = True
        except expat.ExpatError as error:
            innermost = (self._open[-1].tag, self._open[-1].place) if self._open else None
            self._findings.add([syntax_problem(error, self._parser.ErrorByteIndex, data, self._file, innermost)])
        except (LookupError, ValueError) as error:  # expat asks Python for the encodings that it does not know
            self._findings.error(f"an unusable encoding: {error}", "", "save the file as UTF-8", self._here)
        if self._root is None or not is_whole:
            self._findings.check()
            raise AssertionError("expat took a text without any element")
        return checked(Document(self._root, tuple(self._includes)), self._findings)

    @property
    def _here(self) -> Location:
        return Location(self._file, self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1)

    def _refuse_doctype(self, *_: object) -> None:
        why = "its entities can make a small file huge, or read other files"
        self._stop(Problem("a DOCTYPE is not allowed", why, "remove it: a definition needs none", self._here))

    def _stop(self, problem: Problem) -> None:
        raise InputError(*self._findings.problems, problem)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        here = self._here
        self._count += 1
        if len(self._open) >= MAX_DEPTH:
            self._stop(Problem(f"nested deeper than {MAX_DEPTH} levels", "", "flatten it", here))
        if self._count > MAX_NODES:
            self._stop(Problem(f"more than {MAX_NODES} elements", "", "split the file", here))
        element = _Element(tag, self._make.facts(self._understood(tag, attributes, here), here))
        if self._open:
            self._check_place(element, self._open[-1])
        self._open.append(element)

    def _understood(self, tag: str, attributes: Mapping[str, str], here: Location) -> dict[str, Written]:
        """The XML attributes by the model's words; what is unknown or lacking is noted."""
        words = xml_words.RESERVED.get(tag, xml_words.FIELD)
        if tag == "field" and "name" in attributes:
            words = xml_words.NAMED_FIELD
        for word in tuple(attributes):
            if (meant := xml_words.MISSPELT.get(word)) and meant not in attributes:
                self._findings.warning(f"{word!r} is misspelt", f"it is read as {meant!r}", "correct it", here)
                attributes = {meant if one == word else one: text for one, text in attributes.items()}
            elif word not in words:
                self._findings.error(f"<{tag}> has no attribute {word!r}", "", did_you_mean(word, words), here)
                if (near := nearest(word, words)) and near not in attributes:
                    attributes = {near if one == word else one: text for one, text in attributes.items()}
        for word in xml_words.REQUIRED.get(tag, ()):
            if word not in attributes:
                self._findings.error(f"<{tag}> lacks {word}", "", f'write <{tag} {word}="…">', here)
        return {words[word]: Written(text, here) for word, text in attributes.items() if word in words}

    def _check_place(self, element: _Element, parent: _Element) -> None:
        if element.tag == "include" and (len(self._open) > 1 or parent.children):
            self._findings.error(
                "an <include> in the middle",
                "includes come first in the entry, so that one sees at once what it is made of",
                "move it to the top",
                element.place,
            )
        elif parent.tag != "group" and not (parent.is_field and element.tag == "attribute"):
            self._findings.error(
                f"<{element.tag}> inside <{parent.tag}>",
                "only groups hold other elements",
                f'close <{parent.tag}> first, or make it <group groupName="{parent.tag}">',
                element.place,
                parent.place,
            )

    def _text(self, text: str) -> None:
        element = self._open[-1]
        if element.is_field or element.tag == "attribute":
            element.text.append(text)
        elif text.strip() and not element.has_stray_text:
            element.has_stray_text = True
            self._findings.error(
                f"the text {text.strip()[:40]!r} belongs to no field",
                "",
                "put it into a field, or between <!-- and -->",
                self._here,
            )

    def _end(self, tag: str) -> None:
        element = self._open.pop()
        if not self._open:
            self._root = self._entry(element)
            return
        parent = self._open[-1]
        value = Written("".join(element.text), element.place)
        name = element.written("name", otherwise=tag if element.is_field else "")
        match tag:
            case "group":
                self._make.check_name(name)
                parent.children.append(self._make.group(name, element.facts, element.children, element.attributes))
            case "link":
                parent.children.append(self._make.link(name, element.written("target"), element.facts))
            case "attribute":
                parent.attributes.append(self._make.attribute(name, value, element.facts))
            case "include":
                self._includes.append(Include(element.facts.clean(element.written("file")), element.place))
            case _:
                parent.children.append(self._make.field(name, value, element.facts, element.attributes))

    def _entry(self, element: _Element) -> Group:
        facts = element.facts
        if element.tag != "group" or facts.text("nx_class") != "NXentry" or facts.text("name") != ENTRY_NAME:
            self._findings.error(
                "the root is not the entry",
                "a definition describes one NXentry, whose name the service gives",
                f'begin with <group NX_class="NXentry" groupName="{ENTRY_NAME}">',
                element.place,
            )
        return self._make.group(Written(ENTRY_NAME, element.place), facts, element.children, element.attributes)
