"""A beamline: config and definitions together, every problem of all techniques at once."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

import pytest

from nxscribe.errors import InputError, TriggerRefusedError
from nxscribe.model import Phase
from nxscribe.service.beamline import Beamline, load_beamline
from nxscribe.service.config import load_config
from nxscribe.sources import Item

ENTRY = '<group NX_class="NXentry" groupName="${{entry}}">\n{}\n</group>\n'


@pytest.fixture
def load(tmp_path: Path):
    def load(config: str, **definitions: str) -> Beamline:
        for name, content in definitions.items():
            (tmp_path / f"{name}.xml").write_text(ENTRY.format(content))
        path = tmp_path / "beamline.yaml"
        path.write_text("beamline: id16a\ndata_root: data\n" + textwrap.dedent(config))
        return load_beamline(load_config(path))

    return load


@pytest.fixture
def problems(load, tmp_path: Path):
    def problems(config: str, **definitions: str) -> list[str]:
        with pytest.raises(InputError) as raised:
            load(config, **definitions)
        return [str(problem).replace(f"{tmp_path}/", "").split("; ")[0] for problem in raised.value.problems]

    return problems


def names(items: Iterable[Item]) -> set[str]:
    return {item.name for item in items}


def test_each_technique_has_a_plan_with_its_own_sources_before_the_shared(load) -> None:
    beamline = load(
        """\
        sources: {energy: mono/energy/a/b, angle: motor/srot/a/b}
        techniques:
          tomo: {definition: tomo.xml, sources: {angle: motor/other/a/b}}
          scan: {definition: scan.xml}
        """,
        tomo="<energy>${energy}</energy><angle>${angle}</angle>",
        scan="<angle>${angle}</angle>",
    )
    assert names(beamline.plan("tomo").items) == {"mono/energy/a/b", "motor/other/a/b"}
    assert names(beamline.plan("scan").items) == {"motor/srot/a/b"}
    assert names(beamline.items) == {"mono/energy/a/b", "motor/other/a/b", "motor/srot/a/b"}
    assert beamline.plan("tomo").wanted(Phase.INITIAL) == {"energy", "angle"}
    assert beamline.warnings == ()


def test_an_unknown_technique_is_refused_with_the_known_ones(load) -> None:
    beamline = load("techniques: {tomo: {definition: tomo.xml}}\n", tomo="<definition>NXtomo</definition>")
    with pytest.raises(TriggerRefusedError, match=r"no technique 'tomoo'; its config has tomo; did you mean tomo\?"):
        beamline.plan("tomoo")


def test_unused_sources_are_warned_of_where_they_stand(load, tmp_path: Path) -> None:
    beamline = load(
        """\
        parameters: [wavelength]
        sources:
          wavelenght: mono/lambda/a/b
          energy: mono/energy/a/b
          keV: {expression: "${energy} / 1000"}
        techniques:
          tomo:
            definition: tomo.xml
            sources: {speed: a/b/c/d}
        """,
        tomo="<wavelength>${wavelength}</wavelength><keV>${keV}</keV>",
    )
    assert [str(warning).replace(f"{tmp_path}/beamline.yaml", "") for warning in beamline.warnings] == [
        ":5:3: warning: the source `wavelenght` is not used; no definition names it; did you mean `wavelength`?",
        (
            ":11:15: warning: the source `speed` is not used; the definition of tomo does not name it; "
            "correct its name, or remove it"
        ),
    ]


def test_problems_of_all_techniques_come_at_once_sorted_and_once(problems) -> None:
    found = problems(
        """\
        sources: {a: {tango: a/b/c/d, unit: keV}}
        techniques:
          tomo: {definition: tomo.xml}
          scan: {definition: scan.xml}
          more: {definition: tomo.xml}
          gone: {definition: gone.xml}
        """,
        tomo='<z ESRF_mandatory="Mandatory">${z}</z>\n<a units="mm">${a}</a>',
        scan="<b>${b}</b><wrong",
    )
    assert [problem.split(": ")[0].split(":")[0] for problem in found] == [
        "beamline.yaml",
        "scan.xml",
        "tomo.xml",
        "tomo.xml",
    ]
    assert found[2].startswith("tomo.xml:2:1: error: the mandatory placeholder ${z} of /z has no source")
    assert found[3].startswith("tomo.xml:3:1: error: /a is in 'mm', but the source of ${a} is in 'keV'")


def test_a_technique_may_be_two_files(load, tmp_path: Path) -> None:
    (tmp_path / "mine.xml").write_text(ENTRY.format("<b>${b}</b>"))
    beamline = load(
        """\
        sources: {a: a/b/c/d, b: a/b/c/e}
        techniques: {tomo: {definition: tomo.xml, additions: [mine.xml]}}
        """,
        tomo="<a>${a}</a>",
    )
    assert names(beamline.plan("tomo").items) == {"a/b/c/d", "a/b/c/e"}


def test_a_beamline_loads_without_tango_and_hdf5() -> None:
    code = "import sys; import nxscribe.service.beamline; sys.exit(bool({'tango', 'h5py'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_mistakes_of_a_definition_hide_none_of_its_sources(problems) -> None:
    found = problems(
        """\
        sources: {energy: {tango: a/b/c/d, unit: mm}, enery: a/b/c/e}
        techniques: {tomo: {definition: tomo.xml}}
        """,
        tomo='<count NAPItype="NX_INTT">1</count>\n<energy NAPItype="NX_FLOAT" units="keV">${energy}</energy>',
    )
    assert found == [
        "beamline.yaml:3:47: warning: the source `enery` is not used",
        "tomo.xml:2:18: error: unknown type 'NX_INTT'",
        "tomo.xml:3:1: error: /energy is in 'keV', but the source of ${energy} is in 'mm'",
    ]
