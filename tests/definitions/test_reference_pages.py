"""The reference pages of both dialects: their examples load, their errors are what is really said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nxscribe.definitions import _xml_vocabulary as xml_vocabulary
from nxscribe.definitions import _yaml_vocabulary as yaml_vocabulary
from nxscribe.definitions import load_definition
from nxscribe.errors import InputError

PAGES = Path(__file__).parents[2] / "docs" / "reference"
BLOCK = re.compile(r"^```(xml|yaml|text)( error)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    page: str
    line: int
    dialect: str
    text: str
    message: str
    """What it is refused with; empty for one that loads."""


def examples() -> Iterator[Example]:
    for page in ("definition-xml.md", "definition-yaml.md"):
        text = (PAGES / page).read_text()
        blocks = list(BLOCK.finditer(text))
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            dialect, error, body = block.groups()
            message = following.group(3).strip() if error and following else ""
            if dialect != "text":
                yield Example(page, text[: block.start()].count("\n") + 1, dialect, body, message)


def whole(example: Example) -> str:
    """A fragment as a definition of its own."""
    if example.dialect == "xml":
        is_whole = "NXentry" in example.text
        return (
            example.text if is_whole else f'<group NX_class="NXentry" groupName="${{entry}}">\n{example.text}</group>'
        )
    if "entry(NXentry)" in example.text:
        return example.text
    return "entry(NXentry):\n" + "".join(f"  {line}\n" for line in example.text.splitlines())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the examples lie, with every file that any of them includes."""
    common = tmp_path / "common"
    common.mkdir()
    for example in examples():
        if named := re.match(r"<!-- file: (\S+) -->", example.text):
            (tmp_path / named.group(1)).write_text(example.text)
    (common / "entry.xml").write_text('<group NX_class="NXentry" groupName="${entry}"/>')
    detector = "entry(NXentry):\n  instrument(NXinstrument):\n    detector01(NXdetector):\n"
    (common / "sample.yaml").write_text(detector)
    return tmp_path


@pytest.mark.parametrize("example", list(examples()), ids=lambda one: f"{one.page}:{one.line}")
def test_every_example_does_what_the_page_says(example: Example, folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(folder)
    path = Path(f"definition.{example.dialect}")
    path.write_text(whole(example))
    if example.message:
        with pytest.raises(InputError) as caught:
            load_definition("example", path)
        assert str(caught.value) == example.message
    else:
        warnings = load_definition("example", path).warnings
        assert all("another 'i0' in one group" in str(one) for one in warnings), warnings


def test_the_pages_have_examples():
    pages = [example.page for example in examples()]
    assert pages.count("definition-xml.md") > 6
    assert pages.count("definition-yaml.md") > 6


def test_the_pages_name_every_word_of_the_dialects():
    xml, yaml = ((PAGES / page).read_text() for page in ("definition-xml.md", "definition-yaml.md"))
    for words in (xml_vocabulary.FIELD, xml_vocabulary.NAMED_FIELD, *xml_vocabulary.RESERVED.values()):
        assert all(f"`{word}`" in xml for word in words)
    assert all(f"`<{word}>`" in xml for word in xml_vocabulary.RESERVED)
    assert all(
        f"`{word}`" in yaml for word in (*yaml_vocabulary.FIELD, *yaml_vocabulary.GROUP, yaml_vocabulary.INCLUDE)
    )
