"""The page for contributors and the index of the documentation leave nothing out."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).parents[2]
DOCS = TOP / "docs"
PAGE = (DOCS / "contributing.md").read_text()


def test_every_target_of_the_makefile_is_explained() -> None:
    makefile = (TOP / "Makefile").read_text().replace("\\\n", " ")
    (phony,) = re.findall(r"^\.PHONY: (.*)", makefile, re.MULTILINE)
    of_others = {
        "lint",
        "types",
        "imports",
        "user-tests",
        "reconstruct",
        "mxcube",
        "bliss",
    }  # parts of `check`, `test-user`, `test-long`
    assert set(re.findall(r"^\| `make ([\w-]+)`", PAGE, re.MULTILINE)) == set(phony.split()) - of_others


def test_every_folder_of_tests_is_listed() -> None:
    cells = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `")]
    listed = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    folders = {
        path.name for path in (TOP / "tests").iterdir() if path.is_dir() and not path.name.startswith(("_", "."))
    }
    assert folders - listed == set()


def test_the_index_of_the_documentation_names_every_page_but_the_decisions_themselves() -> None:
    index = (DOCS / "README.md").read_text()
    linked = {(DOCS / link).resolve() for link in re.findall(r"\]\(([^)#\s]+)", index)}
    pages = {page for page in DOCS.rglob("*.md") if page.parent.name != "decisions"} - {DOCS / "README.md"}
    assert [str(page.relative_to(DOCS)) for page in sorted(pages) if page.resolve() not in linked] == []


def test_the_index_of_the_decisions_names_each_with_its_title_and_number() -> None:
    folder = DOCS / "decisions"
    lines = re.findall(r"^(\d+)\. \[(.*)\]\((.*)\)", (folder / "README.md").read_text(), re.MULTILINE)
    pages = sorted(folder.glob("0*.md"))
    assert [name for _, _, name in lines] == [page.name for page in pages]
    for (number, title, name), page in zip(lines, pages, strict=True):
        assert page.read_text().startswith(f"# {number}. "), name
        assert name.startswith(f"{int(number):04d}-"), title
