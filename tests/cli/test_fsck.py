"""The journal held against the files: whatever is wrong is told, and mended without touching what is another's."""

from __future__ import annotations

import shutil
import sqlite3
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import h5py
import pytest
import typer
from experiments import Experiment, everything_in, make_experiment
from typer.testing import CliRunner, Result

from nxscribe.cli._fsck_command import fsck
from nxscribe.cli._regenerate_command import regenerate
from nxscribe.model import now
from nxscribe.projections import Layout
from nxscribe.records import Journal, JournalReader

app = typer.Typer()
app.command()(fsck)
app.command()(regenerate)


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    return make_experiment(tmp_path)


def run(command: str, *arguments: object) -> Result:
    result = CliRunner().invoke(app, [command, *(str(argument) for argument in arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def rewrite(path: Path, change: Callable[[h5py.File], None]) -> None:
    """As a careless hand would."""
    path.chmod(0o644)
    with h5py.File(path, "r+") as file:
        change(file)
    path.chmod(0o444)


@pytest.mark.parametrize("layout", list(Layout))
def test_what_is_as_it_should_be_is_good(tmp_path: Path, layout: Layout) -> None:
    result = run("fsck", make_experiment(tmp_path, layout).config)
    assert result.stderr == "3 records: 3 good, 0 due, 0 mended, 0 wrong; journal sound\n"
    assert result.exit_code == 0


def set_value(path: str, value: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file[path][()] = value

    return change


def set_attribute(path: str, name: str, value: object) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file[path].attrs[name] = value

    return change


DAMAGES: dict[str, tuple[Callable[[Experiment], object], str]] = {
    "entry deleted": (lambda e: e.entry_file(1).unlink(), "entry_0001.h5 is not there"),
    "master deleted": (lambda e: e.master.unlink(), "ma2210-id16a.h5 is not there"),
    "all deleted": (lambda e: shutil.rmtree(e.data / "ma2210/id16a/ma2210-id16a_entries"), "is not there"),
    "entry truncated": (
        lambda e: (e.entry_file(2).chmod(0o644), e.entry_file(2).write_bytes(e.entry_file(2).read_bytes()[:3000])),
        "truncated file",
    ),
    "master overwritten": (lambda e: e.master.write_bytes(b"not a file of HDF5's at all"), "cannot be opened"),
    "value changed": (
        lambda e: rewrite(e.entry_file(1), set_value("entry_0001/sample/x", 7.0)),
        "sample/x: ",
    ),
    "unit changed": (
        lambda e: rewrite(e.entry_file(1), set_attribute("entry_0001/sample/x", "units", "mm")),
        "sample/x@units: 'mm' instead of 'um'",
    ),
    "field removed": (
        lambda e: rewrite(e.entry_file(1), lambda file: file.pop("entry_0001/title")),
        "title",
    ),
    "link removed": (
        lambda e: rewrite(e.master, lambda file: file.__delitem__("entry_0002")),
        "does not show entry_0002",
    ),
    "made writable": (lambda e: e.entry_file(1).chmod(0o644), "has the mode 0644 instead of 0444"),
    "entries exchanged": (
        lambda e: shutil.copyfile(e.entry_file(1), e.entry_file(2).with_suffix(".x")) and
        e.entry_file(2).with_suffix(".x").replace(e.entry_file(3)),
        "has no entry_0003",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_told_and_mended(experiment: Experiment, name: str) -> None:
    damage, said = DAMAGES[name]
    before = everything_in(experiment.master)
    damage(experiment)
    told = run("fsck", experiment.config)
    assert told.exit_code == 1
    assert said in told.stderr
    mended = run("fsck", experiment.config, "--mend")
    assert mended.exit_code == 0, mended.stderr
    assert " 0 wrong" in mended.stderr
    assert everything_in(experiment.master) == before
    assert run("fsck", experiment.config).stderr.startswith("3 records: 3 good")


def test_a_damaged_file_is_kept_aside(experiment: Experiment) -> None:
    experiment.master.write_bytes(b"something")
    run("fsck", experiment.config, "--mend")
    (aside,) = experiment.master.parent.glob("*.damaged-*")
    assert aside.read_bytes() == b"something"


def test_a_single_master_that_is_damaged_comes_back_with_every_entry(tmp_path: Path) -> None:
    experiment = make_experiment(tmp_path, Layout.SINGLE)
    before = everything_in(experiment.master)
    experiment.master.write_bytes(experiment.master.read_bytes()[:5000])
    assert "3 mended, 0 wrong" in run("fsck", experiment.config, "--mend").stderr
    assert everything_in(experiment.master) == before


def test_what_is_another_programs_is_told_and_not_touched(experiment: Experiment) -> None:
    experiment.master.unlink()
    with h5py.File(experiment.master, "w") as file:
        file["mine"] = 1
    content = experiment.master.read_bytes()
    result = run("fsck", experiment.config, "--mend")
    assert result.exit_code == 1
    assert "its place is another's" in result.stderr
    assert experiment.master.read_bytes() == content


def test_entries_without_a_record_are_noted(experiment: Experiment) -> None:
    rewrite(experiment.master, lambda file: file.create_group("entry_0099"))
    result = run("fsck", experiment.config)
    assert "shows entry_0099, of which this journal has no record" in result.stderr
    assert result.exit_code == 0


def test_what_is_due_is_the_daemons_and_what_failed_is_mended_and_taken_off(experiment: Experiment) -> None:
    with Journal(experiment.journal) as journal:
        for record in experiment.records[:2]:
            journal.requeue(record.id)
        journal.failed(journal.due(now())[0], "it crashed the writer", None)
    result = run("fsck", experiment.config)
    assert "set aside: it crashed the writer" in result.stderr
    assert "1 good, 1 due, 0 mended, 1 wrong" in result.stderr
    assert "1 good, 1 due, 1 mended, 0 wrong" in run("fsck", experiment.config, "--mend").stderr
    with JournalReader(experiment.journal) as reader:
        assert (reader.queue().waiting, reader.queue().set_aside) == (1, 0)


def test_an_entry_with_a_later_definition_is_held_against_that_one_and_mended_with_it(experiment: Experiment) -> None:
    text = experiment.definition.read_text()
    experiment.definition.write_text(text.replace("<name>ESRF</name>", "<facility>ESRF</facility>"))
    run("regenerate", experiment.config, "--all", "--definition", "current")
    assert run("fsck", experiment.config).stderr.startswith("3 records: 3 good")
    rewrite(experiment.entry_file(1), set_value("entry_0001/sample/x", 7.0))
    assert run("fsck", experiment.config, "--mend").exit_code == 0
    with h5py.File(experiment.entry_file(1)) as file:
        assert file["entry_0001/instrument/source/facility"].asstr()[()] == "ESRF"
        assert file["entry_0001/sample/x"][()] == 1500.0


def test_raw_files_that_are_gone_make_no_entry_wrong(experiment: Experiment) -> None:
    shutil.rmtree(experiment.records[0].directory)
    assert run("fsck", experiment.config).exit_code == 0


def test_quick_does_not_look_at_values(experiment: Experiment) -> None:
    rewrite(experiment.entry_file(1), set_value("entry_0001/sample/x", 7.0))
    assert run("fsck", experiment.config, "--quick").exit_code == 0


def test_a_damaged_journal_is_told_too(experiment: Experiment) -> None:
    with closing(sqlite3.connect(experiment.journal)) as connection, connection:
        connection.execute("UPDATE part SET sha256 = zeroblob(32) WHERE name = 'initial' AND record = 1")
    result = run("fsck", experiment.config)
    assert result.exit_code == 1
    assert f"record {experiment.records[0].id}" in result.stderr
    assert "2 good, 0 due, 0 mended, 1 wrong; journal damaged" in result.stderr


# --- entries of another version ---


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """The folder of an experiment that nxscribe 0.1.0 made, its journal brought up to date as a daemon does it."""
    with tarfile.open(Path(__file__).parent / "kept" / "experiment-of-0.1.0.tar.xz") as kept:
        # As an attribute: Debian 12's Python 3.11.2 has no argument for it, and later ones want it said.
        kept.extraction_filter = getattr(tarfile, "tar_filter", None)
        kept.extractall(tmp_path)  # noqa: S202 - our own archive
    Journal(tmp_path / "experiment/state/journal.sqlite").close()
    return tmp_path / "experiment"


def test_entries_that_an_earlier_version_wrote_are_good_and_said_to_be_of_it(earlier: Path) -> None:
    result = run("fsck", earlier / "id16a.yaml")
    assert result.exit_code == 0, result.stderr
    assert "3 entries were written by nxscribe 0.1.0" in result.stderr
    assert "3 good, 0 due, 0 mended, 0 wrong; journal sound" in result.stderr


@pytest.mark.parametrize(
    "damage",
    [set_value("entry_0001/sample/x", 7.0), lambda file: file.pop("entry_0001/sample/x")],
    ids=["value", "gone"],
)
def test_a_reading_that_changed_in_one_of_them_is_told_and_mended(
    earlier: Path, damage: Callable[[h5py.File], None]
) -> None:
    entry = earlier / "data/ma2210/id16a/ma2210-id16a_entries/entry_0001.h5"
    rewrite(entry, damage)
    assert "sample/x: " in run("fsck", earlier / "id16a.yaml").stderr
    assert run("fsck", earlier / "id16a.yaml", "--mend").exit_code == 0
    result = run("fsck", earlier / "id16a.yaml")
    assert result.exit_code == 0
    assert "2 entries were written by nxscribe 0.1.0" in result.stderr
    with h5py.File(entry) as file:
        assert file["entry_0001/sample/x"][()] == 1500.0


def test_a_journal_that_cannot_be_opened_is_told_once(experiment: Experiment) -> None:
    experiment.journal.write_bytes(b"no journal at all" * 1000)
    told = run("fsck", experiment.config)
    assert told.exit_code == 1
    assert told.stderr.count(str(experiment.journal)) == 1
