"""`nxscribe preview`: the tree as it will be written, on any terminal, and as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner, Result

from nxscribe.cli._preview_command import preview
from nxscribe.cli._preview_view import preview_view
from nxscribe.errors import InputError, TriggerRefusedError
from nxscribe.model import Phase
from nxscribe.plan import CapturePlan, preview_tree
from nxscribe.service.beamline import load_beamline
from nxscribe.service.check.preview import Live, LiveValue, preview_json
from nxscribe.service.config import load_config

DEFINITION = """\
<group NX_class="NXentry" groupName="${entry}">
  <title ESRF_mandatory="Mandatory">${sampleName} - ${scanName}</title>
  <definition>NXtomo</definition>
  <group NX_class="NXinstrument" groupName="instrument">
    <attribute name="short_name">${beamlineID}</attribute>
    <energy NAPItype="NX_FLOAT" units="keV" record="final" ESRF_mandatory="Mandatory">${energy}</energy>
    <gap NAPItype="NX_FLOAT" units="μm" record="initial">${gap}</gap>
    <gap NAPItype="NX_FLOAT" units="μm" record="final">${gap}</gap>
    <wavelength NAPItype="NX_FLOAT">${wavelength}</wavelength>
    <mode>${mode}</mode>
  </group>
  <link groupName="energy" ref="/instrument/energy"/>
</group>
"""
CONFIG = """\
beamline: id16a
data_root: data
techniques: {tomo: {definition: definitions/tomo.xml}, other: {definition: definitions/tomo.xml}}
parameters: [mode]
sources:
  energy: id16ni/energy/mono/energy
  gap: [id/u18/gap/up, id/u18/gap/down]
  wavelength: {expression: "12.398 / ${energy}"}
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("definitions").mkdir()
    Path("definitions/tomo.xml").write_text(DEFINITION)
    Path("id16a.yaml").write_text(CONFIG)
    app = typer.Typer()
    app.command()(preview)

    def run(*options: str, columns: int = 120) -> Result:
        return CliRunner().invoke(app, ["id16a.yaml", *options], env={"COLUMNS": str(columns)})

    return run


def lines(result: Result) -> dict[str, str]:
    """Each line of the tree by its name, spaces squeezed."""
    assert result.exit_code == 0, result.output
    rows = (" ".join(line.strip("│├└ ").split()) for line in result.stdout.splitlines())
    return {row.partition(" ")[0]: row for row in rows if row}


def test_each_node_says_what_it_is_and_where_it_comes_from(run) -> None:
    rows = lines(run("--technique", "tomo"))
    assert rows["title*"] == "title* NX_CHAR ${sampleName} - ${scanName} tomo.xml:2"
    assert rows["sampleName"] == "sampleName ← built in"
    assert rows["definition"] == "definition NX_CHAR NXtomo tomo.xml:3"
    assert rows["instrument"] == "instrument NXinstrument tomo.xml:4"
    assert rows["@short_name"] == "@short_name NX_CHAR beamlineID ← built in tomo.xml:5"
    assert rows["energy*"] == "energy* NX_FLOAT keV final energy ← id16ni/energy/mono/energy tomo.xml:6"
    assert rows["gap"] == "gap NX_FLOAT um initial gap ← [id/u18/gap/up, id/u18/gap/down] tomo.xml:7"
    assert rows["wavelength"] == "wavelength NX_FLOAT wavelength = 12.398 / ${energy} tomo.xml:9"
    assert rows["mode"] == "mode NX_CHAR mode ← set by the control system tomo.xml:10"
    assert rows["energy"] == "energy → /instrument/energy tomo.xml:12"


def test_siblings_of_one_name_have_the_names_of_the_file(run) -> None:
    assert lines(run("--technique", "tomo"))["gap_final"].endswith("tomo.xml:8")


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_no_line_is_longer_than_the_terminal_and_no_name_is_cut(run, columns: int) -> None:
    result = run("--technique", "tomo", columns=columns)
    assert max(map(len, result.stdout.splitlines())) <= columns
    for name in ("@short_name", "energy*", "gap_final", "wavelength"):
        assert f" {name} " in result.stdout


def test_a_narrow_terminal_is_told_what_a_wide_one_shows_and_a_pipe_is_wide(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = run("--technique", "tomo", columns=80).stdout
    assert "tomo.xml:6" not in narrow
    assert narrow.splitlines()[-1] == "from 100 columns on, and with --json, also where each is defined"
    monkeypatch.delenv("COLUMNS", raising=False)
    words = [sys.executable, "-m", "nxscribe", "preview", "id16a.yaml", "--technique", "tomo"]
    piped = subprocess.run(words, capture_output=True, check=True, text=True).stdout
    assert "tomo.xml:6" in next(line for line in piped.splitlines() if "energy*" in line)


def test_json_holds_the_whole_tree(run) -> None:
    told = json.loads(run("--technique", "tomo", "--json").stdout)
    assert told["technique"] == "tomo"
    assert len(told["sha256"]) == 64
    entry = told["entry"]
    assert (entry["kind"], entry["type"]) == ("group", "NXentry")
    instrument = next(child for child in entry["children"] if child["name"] == "instrument")
    energy = next(child for child in instrument["children"] if child["name"] == "energy")
    assert energy["sources"] == {"energy": "id16ni/energy/mono/energy"}
    assert (energy["units"], energy["phase"], energy["mandatory"]) == ("keV", "final", True)
    assert energy["defined"]["line"] == 6
    assert "live" not in energy


@pytest.fixture
def live() -> Live:
    taken = datetime(2026, 3, 1, 12, tzinfo=UTC)
    values = {
        "title": LiveValue(np.asarray("sample - scan")),
        "instrument/energy": LiveValue(np.asarray(17.05), "keV", "mono/energy", taken - timedelta(seconds=0.25)),
        "instrument/gap": LiveValue(np.asarray([np.nan, 2.0]), "um", "id", taken - timedelta(minutes=3), "ALARM"),
        "instrument/gap_final": LiveValue(np.zeros((100, 200)), "um", "id", taken - timedelta(hours=30)),
    }
    missing = {
        "instrument/wavelength": "the energy was not read: the device does not answer; start its server",
        "instrument/mode": "no source in the config, and not set by the control system",
    }
    slowest = {"host:1/id16ni/energy/mono/gap": 0.0125, "host:1/id16ni/energy/mono/energy": float("inf")}
    return Live(values, missing, taken, {Phase.INITIAL: 0.0314, Phase.FINAL: 0.002}, slowest)


def plan(run) -> CapturePlan:
    run("--technique", "tomo")
    return load_beamline(load_config(Path("id16a.yaml"))).plan("tomo")


def shown(run, live: Live, columns: int = 120) -> str:
    console = Console(width=columns, file=StringIO(), record=True)
    made = plan(run)
    console.print(preview_view(made, preview_tree(made), live, columns), soft_wrap=True)
    return console.export_text()


def row(text: str, name: str) -> str:
    return next(" ".join(line.split()) for line in text.splitlines() if f" {name} " in line)


def test_live_values_have_units_ages_and_qualities(run, live: Live) -> None:
    text = shown(run, live)
    assert "energy* 17.05 keV 0.25 s energy ← id16ni/energy/mono/energy" in row(text, "energy*")
    assert "gap [nan, 2] um ALARM 3 min" in row(text, "gap")
    assert "gap_final 100 x 200 float64 um 30 h" in row(text, "gap_final")


def test_live_tells_what_is_missing_and_why(run, live: Live) -> None:
    text = shown(run, live)
    assert "missing" in row(text, "wavelength")
    assert "not set yet" in row(text, "mode")
    *_, reason, counts, slowest = text.splitlines()
    assert reason == "instrument/wavelength: the energy was not read: the device does not answer; start its server"
    assert counts == ("3 values read, 1 missing, 1 to be set by the control system; capture: initial 31 ms, final 2 ms")
    assert slowest == "slowest: host:1/id16ni/energy/mono/gap 12.5 ms, host:1/id16ni/energy/mono/energy never answers"


def test_live_shows_no_value_that_only_a_scan_has(run, live: Live) -> None:
    assert "sample - scan" not in shown(run, live)


@pytest.mark.parametrize("columns", [80, 120])
def test_live_fits_the_terminal(run, live: Live, columns: int) -> None:
    assert max(map(len, shown(run, live, columns).splitlines())) <= columns


def test_live_json_is_standard_json(run, live: Live) -> None:
    told = json.loads(preview_json(plan(run), live), parse_constant=pytest.fail)
    assert told["missing"] == live.missing
    assert told["capture_s"] == {"initial": 0.0314, "final": 0.002}
    instrument = next(child for child in told["entry"]["children"] if child["name"] == "instrument")
    gap = next(child for child in instrument["children"] if child["name"] == "gap")["live"]
    assert gap == {
        "value": ["NaN", 2.0],
        "units": "um",
        "source": "id",
        "time": "2026-03-01T11:57:00+00:00",
        "age_s": 180.0,
        "quality": "ALARM",
    }


def test_without_a_technique_the_choice_is_told(run) -> None:
    error = run().exception
    assert isinstance(error, InputError)
    assert str(error) == "error: which technique?; the config has other, tomo; name one with --technique"


def test_an_unknown_technique_is_refused(run) -> None:
    assert isinstance(run("--technique", "tomoo").exception, TriggerRefusedError)


def test_a_path_shows_what_is_below_and_the_way_to_it(run) -> None:
    rows = lines(run("--technique", "tomo", "--path", "/instrument/energy"))
    assert {"instrument", "energy*"} < rows.keys()
    assert rows.keys().isdisjoint({"gap", "title*", "@short_name"})
    assert "@short_name" in lines(run("--technique", "tomo", "--path", "instrument"))
    whole = lines(run("--technique", "tomo"))
    assert lines(run("--technique", "tomo", "--path", "/")) == whole


def test_a_path_of_nothing_is_refused_with_what_was_meant(run) -> None:
    error = run("--technique", "tomo", "--path", "instrument/energie").exception
    assert isinstance(error, InputError)
    assert str(error).endswith("did you mean instrument/energy?")


def test_missing_shows_what_nothing_fills(run) -> None:
    rows = lines(run("--technique", "tomo", "--missing"))
    assert {"instrument", "mode"} < rows.keys()
    assert rows.keys().isdisjoint({"gap", "title*", "energy*"})
    nothing = run("--technique", "tomo", "--missing", "--path", "instrument/gap")
    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (0, "", "nothing is missing\n")


def test_json_takes_both_options(run) -> None:
    told = json.loads(run("--technique", "tomo", "--missing", "--json").stdout)
    [instrument] = told["entry"]["children"]
    assert [child["name"] for child in instrument["children"]] == ["mode"]


@pytest.mark.parametrize("columns", [80, 100, 120])
def test_a_long_name_of_a_device_stands_whole_wherever_there_is_no_room(run, columns: int) -> None:
    name = f"tango-host.example.org:20000/{'a-long-domain' * 3}/{'family' * 3}/member/{'attribute' * 4}"
    Path("id16a.yaml").write_text(CONFIG.replace("id16ni/energy/mono/energy", name))
    assert name in run("--technique", "tomo", columns=columns).stdout


def test_numbers_are_in_the_format_of_their_device_or_short(run, live: Live) -> None:
    taken = live.taken
    values = {
        "instrument/energy": LiveValue(np.asarray(0.1 + 0.2), "keV", "e", taken),
        "instrument/gap": LiveValue(np.asarray([1.5, 2.25]), "um", "g", taken, "", "%8.3f"),
        "instrument/gap_final": LiveValue(np.asarray(0.0004), "um", "g", taken, "", "%6.2f"),
        "instrument/wavelength": LiveValue(np.asarray(0.7, np.float32), "A", "g", taken, "", "no format"),
    }
    text = shown(run, replace(live, values=values, missing={}))
    assert "energy* 0.3 keV" in row(text, "energy*")
    assert "gap [1.500, 2.250] um" in row(text, "gap")
    assert "gap_final 0.0004 um" in row(text, "gap_final")
    assert "wavelength 0.7 A" in row(text, "wavelength")
