"""`nxscribe check`: everything found at once, for people and for programs, with an exit status for a git hook."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from nxscribe.cli.check import check

DEFINITION = """\
<group NX_class="NXentry" groupName="${entry}">
  <energy NAPItype="NX_FLOAT" units="keV">${energy}</energy>
  <humidity>${humidity}</humidity>
</group>
"""
CONFIG = """\
beamline: id16a
data_root: data
techniques: {tomo: {definition: tomo.xml}}
sources:
  energy: {tango: id16ni/energy/mono/energy, unit: %s}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    app.command()(check)

    def run(config: str | None, *options: str) -> Result:
        Path("tomo.xml").write_text(DEFINITION)
        if config is not None:
            Path("id16a.yaml").write_text(textwrap.dedent(config))
        return CliRunner().invoke(app, ["id16a.yaml", *options])

    return run


def test_warnings_alone_are_clean(run) -> None:
    result = run(CONFIG % "keV")
    assert result.exit_code == 0
    assert [line.split("; ")[0] for line in result.stdout.splitlines()] == [
        "tomo.xml:3:3: warning: the placeholder ${humidity} of /humidity has no source"
    ]
    assert result.stderr.startswith("id16a.yaml: tomo: 0 errors, 1 warning (")


def test_warnings_have_status_one_where_they_count_as_errors(run) -> None:
    assert run(CONFIG % "keV", "--strict").exit_code == 1


def test_errors_have_status_one_and_stand_at_their_lines(run) -> None:
    result = run(CONFIG % "mm")
    assert result.exit_code == 1
    first = result.stdout.splitlines()[0]
    assert first.startswith("tomo.xml:2:3: error: /energy is in 'keV', but the source of ${energy} is in 'mm'")
    assert first.endswith("(see also id16a.yaml:5:3)")


def test_errors_of_the_config_have_status_one(run) -> None:
    result = run("beamline: id16a\ndata_rot: data\n")
    assert result.exit_code == 1
    assert "id16a.yaml:2:1: error: unknown key `data_rot`; did you mean `data_root`?" in result.stdout


def test_definitions_are_checked_even_where_the_config_is_broken(run) -> None:
    result = run("beamline: id16a\ntechniques: {tomo: {definition: gone.xml}, other: 3, more: {definition: [1]}}\n")
    assert result.exit_code == 1
    assert "lacks the key `data_root`" in result.stdout
    assert "gone.xml" in result.stdout


def test_no_config_has_status_two(run) -> None:
    result = run(None)
    assert result.exit_code == 2
    assert "'id16a.yaml' cannot be read" in result.stdout


def test_json_tells_the_same(run) -> None:
    result = run(CONFIG % "mm", "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["config"], told["techniques"], told["errors"], told["warnings"]) == ("id16a.yaml", ["tomo"], 1, 1)
    first = told["problems"][0]
    assert (first["file"], first["line"], first["column"], first["severity"]) == ("tomo.xml", 2, 3, "error")
    assert first["also"] == [{"file": "id16a.yaml", "line": 5, "column": 3}]
    assert first["what"]
    assert first["why"]
    assert first["remedy"]


def test_json_of_an_unreadable_config(run) -> None:
    result = run(None, "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["errors"] == 1
