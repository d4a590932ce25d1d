"""A word beside a placeholder of a number, a time or a boolean: no scan could write it, so it is told at the word."""

from __future__ import annotations

from pathlib import Path

import pytest

from nxscribe.definitions import FlawedDefinitionError, load_definition, parse_definition
from nxscribe.errors import InputError
from nxscribe.plan import examine_plan

ENTRY = '<group NX_class="NXentry" groupName="${entry}">\n%s\n</group>\n'


def problems_of(content: str) -> list[str]:
    with pytest.raises(InputError) as failure:
        parse_definition("t", ENTRY % content)
    return [str(problem) for problem in failure.value.problems]


@pytest.mark.parametrize(
    ("kind", "text", "word"),
    [
        ("NX_FLOAT", "${gap} mm", "mm"),
        ("NX_INT", "about ${gap}", "about"),
        ("NX_NUMBER", "(${gap}, ${energy})", "("),
        ("NX_FLOAT", "${gap}mm", "mm"),
        ("NX_DATE_TIME", "at ${gap}", "at"),
        ("NX_BOOLEAN", "${gap} open", "open"),
    ],
)
def test_the_word_itself_is_marked_in_a_field_and_in_an_attribute(kind: str, text: str, word: str) -> None:
    for opening, closing in (
        (f'<gap NAPItype="{kind}">', "</gap>"),
        (f'<gap>${{gap}}<attribute name="a" NAPItype="{kind}">', "</attribute></gap>"),
    ):
        (problem,) = problems_of(f"{opening}{text}{closing}")
        column = len(opening) + text.index(word) + 1
        assert f":2:{column}: error: {word!r} stands beside a placeholder in a value of type {kind}" in problem


def test_the_word_is_marked_in_its_own_line_of_a_long_text() -> None:
    (problem,) = problems_of('<gap NAPItype="NX_FLOAT">\n  ${gap}\n   mm\n</gap>')
    assert ":4:4: error: 'mm' stands beside a placeholder" in problem


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("NX_FLOAT", "-${gap} 1.${gap}e-${gap} ${gap}${gap}"),
        ("NX_INT", "0*${gap}..${energy} 0..${gap}/${gap} 3*4:${gap}"),
        ("NX_DATE_TIME", "${day}T${time}+01:00"),
        ("NX_BOOLEAN", "${gap}"),
        ("NX_CHAR", "${gap} mm"),
    ],
)
def test_what_may_become_a_value_is_taken(kind: str, text: str) -> None:
    parse_definition("t", ENTRY % f'<gap NAPItype="{kind}">{text}</gap>')


def test_a_placeholder_whose_name_is_none_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "t.xml").write_text(ENTRY % "<gap>${my gap}</gap><a>${a}</a>")
    with pytest.raises(FlawedDefinitionError) as failure:
        load_definition("t", tmp_path / "t.xml")
    _, of_plan = examine_plan(failure.value.definition, {}, parameters=["a"])
    told = [str(problem) for problem in (*failure.value.problems, *of_plan)]
    assert len(told) == 1, told
    assert "'my gap' cannot name a placeholder" in told[0]
