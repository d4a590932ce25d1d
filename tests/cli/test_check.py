"""`nxscribe check`: everything found at once, for people and for programs, with an exit status for a git hook."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from nxscribe.cli._check_command import check

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
    Path("data").mkdir()
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
    assert told(result) == ["tomo.xml:3:3: warning: the placeholder ${humidity} of /humidity has no source"]
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


def told(result: Result) -> list[str]:
    """Place and first words of each problem, without the lines of the files."""
    return [line.split("; ")[0] for line in result.stdout.splitlines() if not line.startswith(" ")]


BROKEN = [
    ("limits: {deadline_s: soon}", "id16a.yaml:6:22: error: limits.deadline_s should be a number, not 'soon'"),
    ("limitz: {deadline_s: 1}", "id16a.yaml:6:1: error: unknown key `limitz`"),
    (
        "detectors: {pco: {group: g, files: a, watch: b}}",
        "id16a.yaml:6:13: error: detectors.pco: a detector has at most one of device",
    ),
    ("files: {master: '{x}.h5'}", "id16a.yaml:6:18: error: the pattern '{x}.h5' has the unknown part {x}"),
    ("state_dir: *here", "id16a.yaml:6:12: error: the alias *here is not allowed"),
    ("beamline: again", "id16a.yaml:6:1: error: 'beamline' is written twice"),
]


@pytest.mark.parametrize(("mistake", "problem"), BROKEN)
def test_a_mistake_in_the_config_hides_nothing_that_depends_on_both(run, mistake: str, problem: str) -> None:
    found = told(run(CONFIG % "mm" + mistake + "\n"))
    assert len(found) == 3
    assert found[0].startswith(problem)
    assert found[1].startswith("tomo.xml:2:3: error: /energy is in 'keV', but the source of ${energy} is in 'mm'")
    assert found[2].startswith("tomo.xml:3:3: warning: the placeholder ${humidity} of /humidity has no source")


@pytest.mark.parametrize(
    "wrong",
    [
        "sources: {energy: 3, humidity: a/b}",
        "sources: {energy: {expression: '${x}', tango: a/b/c/d}, x: a/b/c/d, humidity: *y}",
        "source: {energy: {tango: a/b/c/d, units: keV}, humidity: a/b/c/d}",
        "sources: nothing",
        "parameters: [humidity, energy, 3]",
        "detectors: {pco: {group: 3}}\nparameters: [energy, humidity]",
    ],
)
def test_what_follows_from_a_mistake_is_not_told_beside_it(run, wrong: str) -> None:
    """No placeholder without a source, and no source without use."""
    found = told(run(f"beamline: id16a\ndata_root: data\ntechniques: {{tomo: {{definition: tomo.xml}}}}\n{wrong}\n"))
    assert found
    assert all(problem.startswith("id16a.yaml:4:") for problem in found)


def test_a_key_that_is_misspelt_is_read_as_what_was_meant(run) -> None:
    found = told(run((CONFIG % "mm").replace("sources:", "sauces:")))
    assert found[0] == "id16a.yaml:4:1: error: unknown key `sauces`"
    assert found[1].startswith("tomo.xml:2:3: error: /energy is in 'keV'")


def test_a_broken_technique_hides_nothing_of_the_others(run) -> None:
    Path("broken.xml").write_text('<group NX_class="NXentry" groupName="${entry}"><a>')
    Path("flawed.xml").write_text(
        '<group NX_class="NXentry" groupName="${entry}"><include file="gone.xml"/>'
        '<link groupName="l" ref="/in/gone"/><a NAPItype="NX_FLOOT">${a}</a></group>'
    )
    config = CONFIG % "mm" + "  spare: {tango: a/b/c/d, unit: furlongz}\n"
    more = "other: {definition: broken.xml, sources: {x: {expression: 1 +}}}, more: {definition: flawed.xml}, tomo"
    found = told(run(config.replace("tomo", more, 1)))
    assert [problem.split(" error: ")[-1].split(" warning: ")[-1].split(",")[0] for problem in found] == [
        "not XML: no element found",
        "gone.xml cannot be read",
        "the placeholder ${a} of /a has no source",
        "unknown type 'NX_FLOOT'",
        "the expression of ${x}",
        "'furlongz'",
        "/energy is in 'keV'",
        "the placeholder ${humidity} of /humidity has no source",
    ]


def test_a_definition_that_is_not_there_is_told_where_the_config_names_it(run) -> None:
    config = CONFIG.replace("{definition: tomo.xml}", "{definition: tomo.xml, additions: [toma.xml]}")
    [missing] = [problem for problem in told(run(config % "keV")) if "cannot be read" in problem]
    assert missing == "id16a.yaml:3:55: error: toma.xml cannot be read"


def test_a_source_that_is_written_twice_is_one_mistake(run) -> None:
    found = told(run((CONFIG % "keV") + "  energy: {tango: a/b/c/d, unit: mm}\n"))
    assert [problem for problem in found if "twice" in problem] == ["id16a.yaml:6:3: error: 'energy' is written twice"]


def test_a_syntax_error_of_the_config_hides_no_definition_named_before_it(run) -> None:
    found = told(run("techniques: {tomo: {definition: gone.xml}}\nsources: [a\n"))
    assert "not YAML" in found[1]
    assert "gone.xml" in found[0]


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


def test_a_folder_whose_variable_is_not_set_is_told_once(run) -> None:
    result = run((CONFIG % "keV").replace("data_root: data", "data_root: $NO_SUCH_VARIABLE/data"))
    [problem] = [line for line in result.stdout.splitlines() if "data_root" in line and "|" not in line]
    assert "cannot be found" in problem
    assert "mkdir" not in result.stdout
