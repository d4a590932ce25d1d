"""Definitions that are long in one way or another: what is done for each of their nodes is done once."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nxscribe.definitions import load_definition


def links(count: int, target: Callable[[int], str]) -> str:
    return "".join(f'<link groupName="l{i}" ref="/{target(i)}"/>' for i in range(count))


def seconds_to_load(folder: Path, body: str) -> tuple[float, tuple[object, ...]]:
    file = folder / "long.xml"
    file.write_text(f'<group NX_class="NXentry" groupName="${{entry}}"><a>1</a>{body}</group>')
    before = time.process_time()
    loaded = load_definition("long", file)
    return time.process_time() - before, loaded.warnings


COUNT = 8_000


@pytest.fixture(scope="module")
def plain_s(tmp_path_factory: pytest.TempPathFactory) -> float:
    """What as many links cost that lead to a field at once."""
    return seconds_to_load(tmp_path_factory.mktemp("plain"), links(COUNT, lambda _: "a"))[0]


@pytest.mark.parametrize(
    "target",
    [
        pytest.param(lambda i: f"l{i + 1}" if i < COUNT - 1 else "a", id="each link leads to the next"),
        pytest.param(lambda i: f"l{i - 1}" if i else "a", id="each link leads to the one before"),
        pytest.param(lambda i: f"l{(i + 1) % COUNT}", id="the links are a ring"),
        pytest.param(lambda i: f"nothing{i}", id="each link leads nowhere"),
        pytest.param(lambda _: f"l{COUNT - 1}", id="all links lead to the last one, which leads to itself"),
    ],
)
def test_thousands_of_links_are_checked_in_the_time_of_reading_them(
    tmp_path: Path, plain_s: float, target: Callable[[int], str]
) -> None:
    chain_s, _ = seconds_to_load(tmp_path, links(COUNT, target))
    # To follow each link to its end, or compare each with all, takes hundreds of times as long.
    assert chain_s < 10 * plain_s + 1


def test_each_link_of_a_chain_is_told_where_it_leads(tmp_path: Path) -> None:
    _, problems = seconds_to_load(
        tmp_path,
        '<link groupName="one" ref="/two"/><link groupName="two" ref="/gone"/>'
        '<link groupName="into" ref="/round"/><link groupName="round" ref="/about"/>'
        '<link groupName="about" ref="/round"/>'
        '<link groupName="good" ref="/better"/><link groupName="better" ref="/a"/>',
    )
    told = [str(problem) for problem in problems]
    assert [("'one' dangles" in text, "'two' dangles" in text) for text in told if "/gone" in text] == [
        (True, False),
        (False, True),
    ]
    assert sum("leads back to itself" in text for text in told) == 3
    assert len(told) == 5
