"""Files made again from their records: equal to the first ones, or made with another definition and told apart."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import pytest
import typer
from experiments import Experiment, everything_in, make_experiment
from typer.testing import CliRunner, Result

from nxscribe.cli._records_command import app as records
from nxscribe.cli._regenerate_command import regenerate
from nxscribe.errors import InputError
from nxscribe.model import now
from nxscribe.projections import Layout
from nxscribe.records import JournalReader

app = typer.Typer()
app.command()(regenerate)


@pytest.fixture(params=list(Layout))
def experiment(tmp_path: Path, request: pytest.FixtureRequest) -> Experiment:
    return make_experiment(tmp_path, request.param)


@pytest.fixture
def linked(tmp_path: Path) -> Experiment:
    return make_experiment(tmp_path)


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_an_experiment_made_again_equals_the_first_in_all_but_when_it_was_made(experiment: Experiment) -> None:
    before = everything_in(experiment.master)
    experiment.master.unlink()
    shutil.rmtree(experiment.master.with_name("ma2210-id16a_entries"), ignore_errors=True)
    result = run(experiment.config, "--all")
    assert result.exit_code == 0
    assert "3 made again, 0 not" in result.stderr
    assert everything_in(experiment.master) == before


def test_records_that_were_exported_and_imported_give_the_same_files(experiment: Experiment) -> None:
    before = everything_in(experiment.master)
    lines, state = experiment.folder / "records.jsonl", experiment.folder / "other state"
    for arguments in (["export", experiment.config, "-o", lines], ["import", state / "journal.sqlite", lines]):
        assert CliRunner().invoke(records, list(map(str, arguments))).exit_code == 0
    experiment.master.unlink()
    shutil.rmtree(experiment.master.with_name("ma2210-id16a_entries"), ignore_errors=True)
    assert run(experiment.config, "--all", "--state-dir", state).exit_code == 0
    assert everything_in(experiment.master) == before


def test_what_is_there_is_replaced_by_its_equal(experiment: Experiment) -> None:
    before = everything_in(experiment.master)
    file = experiment.master if experiment.layout is Layout.SINGLE else experiment.entry_file(2)
    made = file.stat().st_ctime_ns
    run(experiment.config, "--proposal", "ma2210", "--entries", "2-3")
    assert file.stat().st_ctime_ns != made
    assert everything_in(experiment.master) == before


def test_one_entry_can_be_named_by_its_record_or_by_its_number(linked: Experiment) -> None:
    assert "entry_0002" in run(linked.config, linked.records[1].id[:8]).stdout
    assert run(linked.config, "-p", "ma2210", "-e", "entry_0001,3").stdout.count("written to") == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing is named"),
        (["-p", "nobody"], "does not have this record"),
        (["--all", "-e", "x"], "'x' names no entries"),
    ],
)
def test_a_choice_of_nothing_is_told(linked: Experiment, arguments: list[str], said: str) -> None:
    with pytest.raises(Exception, match=said):
        run(linked.config, *arguments)


def test_files_go_elsewhere_when_asked_and_those_in_place_stay(linked: Experiment) -> None:
    before = everything_in(linked.master)
    elsewhere = linked.folder / "elsewhere"
    run(linked.config, "--all", "-o", elsewhere)
    with h5py.File(elsewhere / linked.master.relative_to(linked.data)) as file:
        assert list(file) == ["entry_0001", "entry_0002", "entry_0003"]
        assert file["entry_0001/instrument/detector01/data"].shape == (6, 4, 5)
    assert everything_in(linked.master) == before


def test_it_works_without_raw_files_and_without_tango(linked: Experiment) -> None:
    shutil.rmtree(linked.data)
    linked.data.mkdir()
    program = [sys.executable, "-m", "nxscribe", "regenerate", linked.config, "--all"]
    result = subprocess.run(
        program, env={**os.environ, "TANGO_HOST": "127.0.0.1:1"}, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    with h5py.File(linked.master) as file:
        entry = file["entry_0001"]
        assert entry["sample/x"][()] == 1500.0
        assert "data" not in entry["instrument/detector01"]
        assert "instrument/detector01/data" in entry["nxscribe/missing"].asstr()[()].tolist()


def test_frames_that_are_shown_are_not_given_up_unless_asked_to(linked: Experiment) -> None:
    before = everything_in(linked.entry_file(3))
    with h5py.File(linked.entry_file(1)) as file:
        link = file["entry_0001/instrument/detector01"].get("data", getlink=True).filename
    shutil.rmtree(linked.records[0].directory)
    result = run(linked.config, "-p", "ma2210")
    assert result.exit_code == 1
    assert "1 not" in result.stderr
    assert "--without-raw" in result.stderr
    with h5py.File(linked.entry_file(1)) as file:
        assert file["entry_0001/instrument/detector01"].get("data", getlink=True).filename == link
    assert run(linked.config, "-p", "ma2210", "--without-raw").exit_code == 0
    with h5py.File(linked.entry_file(1)) as file:
        assert "data" not in file["entry_0001/instrument/detector01"]
    assert everything_in(linked.entry_file(3)) == before


def test_another_definition_is_told_field_by_field_and_accounted_for_in_the_entry(linked: Experiment) -> None:
    text = linked.definition.read_text()
    text = text.replace("<pressure", "<vacuum").replace("</pressure>", "</vacuum>")
    text = text.replace('<x NAPItype="NX_FLOAT" units="um"', '<x_across NAPItype="NX_FLOAT" units="um"')
    text = text.replace("</x>", "</x_across>").replace('ref="/sample/x"', 'ref="/sample/x_across"')
    text = text.replace("<name>ESRF</name>", "<facility>ESRF</facility><probe>${beamlineID}</probe>")
    text = text.replace('units="s">${exposure}', 'units="ms">${exposure}')
    linked.definition.write_text(text.replace("</exposure_time>", "</exposure_time><gain>${gain}</gain>"))
    rehearsed = run(linked.config, linked.records[0].id, "--definition", "current", "--dry-run")
    before = everything_in(linked.entry_file(1))
    assert {line.strip() for line in rehearsed.stdout.splitlines()[1:]} == {
        "gained   instrument/source/facility",
        "gained   instrument/source/probe",
        "lost     instrument/source/name",
        "renamed  sample/x -> sample/x_across",
        "changed  instrument/detector01/exposure_time",
        "unfilled instrument/source/vacuum (this scan did not read it)",
        "unfilled instrument/detector01/gain (this scan did not read it)",
    }
    assert everything_in(linked.entry_file(1)) == before
    result = run(linked.config, linked.records[0].id, "--definition", "current")
    assert result.stdout.splitlines()[1:] == rehearsed.stdout.splitlines()[1:]
    with h5py.File(linked.entry_file(1)) as file:
        assert file["entry_0001/sample/x_across"][()] == 1500.0
        assert file["entry_0001/instrument/detector01/exposure_time"][()] == 100.0
        assert file["entry_0001/nxscribe/definition_sha256"].asstr()[()] != linked.records[0].definition.sha256
        assert linked.records[0].definition.sha256 in file["entry_0001/nxscribe/notes"].asstr()[0]
    assert run(linked.config, linked.records[0].id).stderr == "1 made again, 0 not\n"
    assert everything_in(linked.entry_file(1)) == before


def test_the_current_definition_may_be_the_same(linked: Experiment) -> None:
    before = everything_in(linked.master)
    result = run(linked.config, "--all", "--definition", "current")
    assert result.stdout.count("as it was") == 3
    assert everything_in(linked.master) == before


def test_an_entry_of_another_record_is_not_touched(linked: Experiment) -> None:
    other = make_experiment_of_another_journal(linked)
    before = everything_in(linked.master)
    result = run(linked.config, "--all", "--state-dir", other)
    assert result.exit_code == 1
    assert "has an entry_0001 already" in result.stderr
    assert everything_in(linked.master) == before


def make_experiment_of_another_journal(experiment: Experiment) -> Path:
    folder = experiment.folder / "other"
    folder.mkdir()
    return make_experiment(folder).journal.parent


def test_many_changes_are_summed_up_and_told_once_for_all_records(linked: Experiment) -> None:
    fields = "".join(f"<note_{number}>n</note_{number}>" for number in range(60))
    text = linked.definition.read_text()
    end = text.rindex("</group>")
    linked.definition.write_text(
        f'{text[:end]}<group NX_class="NXcollection" groupName="notes">{fields}</group>{text[end:]}'
    )
    told = run(linked.config, "--all", "--definition", "current", "--dry-run").stdout
    assert told.count("gained   60 nodes of notes (note_0, note_1, note_2, …)") == 1
    assert told.count("the same changes as in entry_0001") == 2
    assert "--each-change shows each" in told
    each = run(linked.config, "--all", "--definition", "current", "--dry-run", "--each-change").stdout
    assert each.count("gained   notes/note_") == 60


def with_json(experiment: Experiment) -> Experiment:
    with experiment.config.open("a") as config:
        config.write("projections: {json: {}}\n")
    return experiment


def test_a_kind_of_projection_that_is_new_in_the_config_can_be_asked_of_earlier_scans(linked: Experiment) -> None:
    config = with_json(linked).config
    before = everything_in(linked.master)
    result = run(config, "--entries", "2-3", "--proposal", "ma2210", "--kind", "json")
    assert (result.exit_code, result.stderr) == (0, "the json projection is asked of 2 records: the daemon makes it\n")
    with JournalReader(linked.journal) as journal:
        assert [work.entry for work in journal.due(now(), kind="json")] == ["entry_0002", "entry_0003"]
        assert journal.due(now()) == (), "nothing else is made again"
    assert everything_in(linked.master) == before


def test_a_dry_run_asks_for_no_projection(linked: Experiment) -> None:
    result = run(with_json(linked).config, "--all", "--kind", "json", "--dry-run")
    assert "would be asked of 3 records" in result.stderr
    with JournalReader(linked.journal) as journal:
        assert journal.due(now(), kind="json") == ()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--kind", "jsno"], "has no projection jsno; it has nexus, json; name one of these, or add it first"),
        (["--kind", "json", "--definition", "current"], "makes projections as the config says"),
    ],
)
def test_a_projection_that_the_daemon_would_not_make_so_is_refused(
    linked: Experiment, options: list[str], error: str
) -> None:
    with pytest.raises(InputError, match=error):
        run(with_json(linked).config, "--all", *options)
