from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PAGES = sorted([*TOP.glob("*.md"), *(TOP / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_every_link_of_a_page_leads_somewhere(page: Path):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    own = [link for link in links if "://" not in link]
    assert [link for link in own if not (page.parent / link).exists()] == []


def test_every_page_is_reached_from_the_readme():
    reached, todo = set(), [TOP / "README.md"]
    while todo:
        page = todo.pop().resolve()
        if page in reached or page.suffix not in {".md", ""}:
            continue
        reached.add(page)
        if page.is_dir():
            continue
        todo += [page.parent / link for link in re.findall(r"\]\(([^)#\s]+)", page.read_text()) if "://" not in link]
    assert [str(page.relative_to(TOP)) for page in PAGES if page.resolve() not in reached] == []
