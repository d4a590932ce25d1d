"""Identifiers that are written out are judged before any scan, at the place where they are written."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from nxscribe.definitions import load_definition
from nxscribe.errors import Location
from nxscribe.plan import Source, compile_plan
from nxscribe.sources import LiteralSource, TangoSource

GOOD, BAD = "0000-0002-1825-0097", "0000-0002-1825-0098"


@pytest.fixture
def problems(tmp_path: Path):
    def problems(field: str, **sources: Source) -> list[str]:
        file = tmp_path / "t.xml"
        file.write_text(f'<group NX_class="NXentry" groupName="${{entry}}">\n{textwrap.dedent(field)}\n</group>')
        _, warnings = compile_plan(load_definition("t", file).definition, sources, parameters=["*"])
        return [str(warning).replace(str(file), "t.xml") for warning in warnings]

    return problems


def literal(text: str, default: str | None = None) -> Source:
    return Source(LiteralSource(text), default=default, location=Location("c.yaml", 3, 3))


@pytest.mark.parametrize(
    "field",
    [
        f"<orcid>{BAD}</orcid>",
        f'<identifier_who>{BAD}<attribute name="type">ORCID</attribute></identifier_who>',
        f'<orcid default="{BAD}">${{who}}</orcid>',
    ],
)
def test_one_in_the_definition_is_told_at_its_line(problems, field: str) -> None:
    path = field[1:].partition(">")[0].partition(" ")[0]
    what = f"t.xml:2:1: warning: '{BAD}', the value of /{path}, is not a valid ORCID"
    assert [problem.split(";")[:2] for problem in problems(field)] == [
        [what, " its last digit does not fit the others"]
    ]
    assert problems(field.replace(BAD, GOOD)) == []


def test_one_in_the_config_is_told_there_with_the_field_that_it_fills(problems) -> None:
    [problem] = problems("<doi>${where}</doi>", where=literal("11.1/x"))
    assert problem.startswith("c.yaml:3:3: warning: '11.1/x', the value of /doi, is not a valid DOI; a DOI is 10.,")
    assert problem.endswith("(see also t.xml:2:1)")


def test_one_made_of_a_text_and_a_source_is_judged_whole(problems) -> None:
    field = "<orcid>https://orcid.org/${who}</orcid>"
    assert problems(field, who=literal(GOOD)) == []
    assert f"'https://orcid.org/{BAD}'" in problems(field, who=literal(BAD))[0]


def test_a_default_in_the_config_is_judged(problems) -> None:
    source = Source(TangoSource(("a/b/c/d",)), default="ESRF", location=Location("c.yaml", 9, 1))
    assert problems("<ror>${where}</ror>", where=source)[0].startswith("c.yaml:9:1: warning: 'ESRF', the value of /ror")


def test_what_a_device_will_tell_and_what_is_of_no_known_kind_are_not_judged(problems) -> None:
    assert problems("<orcid>${who}</orcid>", who=Source(TangoSource(("a/b/c/d",)))) == []
    assert problems('<identifier_x>any<attribute name="type">IGSN</attribute></identifier_x><name>any</name>') == []
