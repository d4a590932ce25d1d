"""From the XML dialect to a document: the ESRF's `hdf5_cfg.xml` of any year, and the additions of nxscribe.

expat parses the text, because it gives the line and column of every element. It is stopped at the first sign of a DTD,
so that no entity is ever defined or fetched.
"""

from __future__ import annotations

import codecs
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate
from xml.parsers import expat

from nxscribe.definitions import _xml_vocabulary as xml_vocabulary
from nxscribe.definitions import synonyms
from nxscribe.definitions._document import ENTRY_NAME, Document, Include, checked
from nxscribe.definitions._node_factory import NodeMaker
from nxscribe.definitions._node_properties import NodeProperties, SourceText
from nxscribe.definitions._xml_syntax import attribute_places, syntax_problem
from nxscribe.definitions.diagnostics import Diagnostics, nearest
from nxscribe.definitions.text import MAX_DEPTH, MAX_NODES, check_size
from nxscribe.errors import InputError, Location, Problem
from nxscribe.model import Attribute, Group, Node


def read_xml(data: bytes, file: str) -> Document:
    """Read one definition file, without its includes.

    Args:
        data: The bytes of the file, in the encoding that they declare; UTF-8 if they declare none.
        file: The name of the file for messages.

    Raises:
        InputError: With all problems that were found. A syntax error ends the reading.
    """
    check_size(data, file)
    encoding = None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        data, encoding = data.decode("utf-16", errors="replace").encode(), "utf-8"
    # expat would count a byte order mark as a column.
    return _XmlReader(file, encoding).read(data.removeprefix(codecs.BOM_UTF8))


@dataclass(slots=True)
class _Element:
    """An element whose end has not come yet."""

    tag: str
    properties: NodeProperties
    text: list[tuple[str, Location]] = field(default_factory=list)
    has_stray_text: bool = False
    children: list[Node] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)

    @property
    def place(self) -> Location:
        return self.properties.node

    @property
    def is_field(self) -> bool:
        return self.tag not in xml_vocabulary.RESERVED

    @property
    def value(self) -> SourceText:
        """The whole text of the element."""
        starts = accumulate((len(text) for text, _ in self.text), initial=0)
        pieces = tuple((start, place) for start, (_, place) in zip(starts, self.text, strict=False))
        text = "".join(text for text, _ in self.text)
        begin = len(text) - len(text.lstrip())
        found = SourceText(text, self.place, pieces)
        return replace(found, location=found.within(begin)) if text.strip() else found

    def name(self, otherwise: str = "") -> SourceText:
        """The name of the element, with the place of the whole element."""
        return SourceText(self.written("name", otherwise).text, self.place)

    def written(self, key: str, otherwise: str = "") -> SourceText:
        return self.properties.written.get(key, SourceText(otherwise, self.place))


class _XmlReader:
    def __init__(self, file: str, encoding: str | None) -> None:
        """`encoding` is that of the data, whatever they declare; None: as they declare."""
        self._file = file
        self._diagnostics = Diagnostics()
        self._make = NodeMaker(self._diagnostics)
        self._open: list[_Element] = []
        self._root: Group | None = None
        self._count = 0
        self._data = b""
        self._includes: list[Include] = []
        self._parser = expat.ParserCreate(encoding)
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def read(self, data: bytes) -> Document:
        self._data = data
        is_whole = False
        try:
            self._parser.Parse(data, True)
            is_whole = True
        except expat.ExpatError as error:
            innermost = (self._open[-1].tag, self._open[-1].place) if self._open else None
            self._diagnostics.add([syntax_problem(error, self._parser.ErrorByteIndex, data, self._file, innermost)])
        except (LookupError, ValueError) as error:  # expat asks Python for the encodings that it does not know
            self._diagnostics.error(f"an unusable encoding: {error}", "", "save the file as UTF-8", self._here)
        if self._root is None or not is_whole:
            self._diagnostics.check()
            raise AssertionError("expat took a text without any element")
        return checked(Document(self._root, tuple(self._includes)), self._diagnostics)

    @property
    def _here(self) -> Location:
        return Location(self._file, self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1)

    def _refuse_doctype(self, *_: object) -> None:
        why = "its entities can make a small file huge, or read other files"
        self._stop(Problem("a DOCTYPE is not allowed", why, "remove it: a definition needs none", self._here))

    def _stop(self, problem: Problem) -> None:
        raise InputError(*self._diagnostics.problems, problem)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        here = self._here
        tag = self._tag(tag, attributes, here)
        self._count += 1
        if len(self._open) >= MAX_DEPTH:
            self._stop(Problem(f"nested deeper than {MAX_DEPTH} levels", "", "flatten it", here))
        if self._count > MAX_NODES:
            self._stop(Problem(f"more than {MAX_NODES} elements", "", "split the file", here))
        element = _Element(tag, self._make.properties(self._understood(tag, attributes, here), here))
        if self._open:
            self._check_place(element, self._open[-1])
        self._open.append(element)

    def _tag(self, tag: str, attributes: Mapping[str, str], here: Location) -> str:
        """The dialect's own word for a tag in wrong letters, as its attributes show."""
        right = tag.lower()
        if tag == right or right not in xml_vocabulary.RESERVED:
            return tag
        required = {word.lower() for word in xml_vocabulary.REQUIRED[right]}
        if required.isdisjoint(word.lower() for word in attributes):
            return tag
        self._diagnostics.error(
            f"<{tag}> is not a word of the dialect",
            "small and capital letters differ",
            f"write <{right}> and </{right}>",
            here,
        )
        return right

    def _understood(self, tag: str, attributes: Mapping[str, str], here: Location) -> dict[str, SourceText]:
        """The XML attributes by the model's words; what is unknown or lacking is noted."""
        words = xml_vocabulary.RESERVED.get(tag, xml_vocabulary.FIELD)
        if tag == "field" and "name" in attributes:
            words = xml_vocabulary.NAMED_FIELD
        places = attribute_places(self._data, self._parser.CurrentByteIndex, here) if attributes else {}
        translations = {**synonyms.XML, **synonyms.XML_BY_TAG.get(tag, {})}
        meant = dict.fromkeys(attributes, "")
        for word in attributes:
            meant[word], place = word, places.get(word, (here, here))[0]
            if (right := xml_vocabulary.MISSPELT.get(word)) and right not in attributes:
                self._diagnostics.warning(f"{word!r} is misspelt", f"it is read as {right!r}", "correct it", place)
                meant[word] = right
            elif word not in words:
                near = synonyms.meant(word, words, translations) or nearest(word, words)
                remedy = f"did you mean {near!r}?" if near else _other_form(tag, word, attributes[word], words)
                self._diagnostics.error(f"<{tag}> has no attribute {word!r}", "", remedy, place)
                if near and near not in meant.values() and near not in attributes:
                    meant[word] = near
        written = {
            meant[word]: SourceText(text, places.get(word, (here, here))[1]) for word, text in attributes.items()
        }
        for word in xml_vocabulary.REQUIRED.get(tag, ()):
            if word not in written:
                self._diagnostics.error(f"<{tag}> lacks {word}", "", f'write <{tag} {word}="…">', here)
        return {words[word]: text for word, text in written.items() if word in words}

    def _check_place(self, element: _Element, parent: _Element) -> None:
        if element.tag == "include" and (len(self._open) > 1 or parent.children):
            self._diagnostics.error(
                "an <include> in the middle",
                "includes come first in the entry, so that one sees at once what it is made of",
                "move it to the top",
                element.place,
            )
        elif parent.tag != "group" and not (parent.is_field and element.tag == "attribute"):
            self._diagnostics.error(
                f"<{element.tag}> inside <{parent.tag}>",
                "only groups hold other elements",
                f'close <{parent.tag}> first, or make it <group groupName="{parent.tag}">',
                element.place,
                parent.place,
            )

    def _text(self, text: str) -> None:
        element = self._open[-1]
        if element.is_field or element.tag == "attribute":
            element.text.append((text, self._here))
        elif text.strip() and not element.has_stray_text:
            element.has_stray_text = True
            self._diagnostics.error(
                f"the text {text.strip()[:40]!r} belongs to no field",
                "",
                "put it into a field, or between <!-- and -->",
                self._here,
            )

    def _end(self, _: str) -> None:
        element = self._open.pop()
        tag = element.tag
        if not self._open:
            self._root = self._entry(element)
            return
        parent = self._open[-1]
        value = element.value
        name = element.name(otherwise=tag if element.is_field else "")
        match tag:
            case "group":
                self._make.check_name(name)
                parent.children.append(self._make.group(name, element.properties, element.children, element.attributes))
            case "link":
                parent.children.append(self._make.link(name, element.written("target"), element.properties))
            case "attribute":
                parent.attributes.append(self._make.attribute(name, value, element.properties))
            case "include":
                self._includes.append(Include(element.properties.clean(element.written("file")), element.place))
            case _:
                parent.children.append(self._make.field(name, value, element.properties, element.attributes))

    def _entry(self, element: _Element) -> Group:
        properties = element.properties
        if element.tag != "group" or properties.text("nx_class") != "NXentry" or properties.text("name") != ENTRY_NAME:
            self._diagnostics.error(
                "the root is not the entry",
                "a definition describes one NXentry, whose name the service gives",
                f'begin with <group NX_class="NXentry" groupName="{ENTRY_NAME}">',
                element.place,
            )
        return self._make.group(SourceText(ENTRY_NAME, element.place), properties, element.children, element.attributes)


def _other_form(tag: str, word: str, text: str, words: Collection[str]) -> str:
    """How to write in XML what its author wrote as an attribute that the dialect has not."""
    if word == "value" and tag not in xml_vocabulary.RESERVED:
        return f"write it between the tags: <{tag}>{text}</{tag}>"
    if tag == "group" or tag not in xml_vocabulary.RESERVED:
        return f'for an attribute in the file write <attribute name="{word}">{text}</attribute> in it; {_known(words)}'
    return _known(words)


def _known(words: Collection[str]) -> str:
    return f"known here: {', '.join(sorted(words))}"
