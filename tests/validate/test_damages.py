"""What `nxscribe validate` finds of what can go wrong with an experiment's files."""

from __future__ import annotations

from pathlib import Path

import pytest
from damages import DAMAGES, FOR_OTHERS, HOLO, TOMO, copy_of, make_experiment

from nxscribe.projections.nexus import pack
from nxscribe.projections.nexus.validate import Check, validate


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_experiment(tmp_path_factory.mktemp("experiment"))


def test_an_experiment_without_damage_is_clean(made: Path, tmp_path: Path) -> None:
    report = validate(copy_of(made, tmp_path).master)
    assert report.entries == ("entry_0001", "entry_0002", "entry_0003")
    assert not report.findings, "\n".join(map(str, report.findings))


@pytest.mark.parametrize("sentence", DAMAGES)
def test_a_damage_is_found(sentence: str, made: Path, tmp_path: Path) -> None:
    inflict, found_by = DAMAGES[sentence]
    experiment = copy_of(made, tmp_path)
    inflict(experiment)
    by_others = found_by in FOR_OTHERS
    errors = validate(experiment.master, with_others=by_others, only=[TOMO] if by_others else ()).errors
    assert found_by in {error.check for error in errors}, "\n".join(map(str, errors))


def test_what_is_no_entry_beside_the_entries_is_told_whether_a_group_or_not(made: Path, tmp_path: Path) -> None:
    experiment = copy_of(made, tmp_path)
    with experiment.edit(experiment.master) as file:
        file.create_group("notes")
        file["number"] = 1
    errors = validate(experiment.master, with_others=False, only=["notes", "number"]).errors
    told = [(error.path, error.what) for error in errors if error.path in ("/notes", "/number")]
    assert told == [(name, "the groups of a file are entries, and this is not one") for name in ("/notes", "/number")]


def test_an_archive_holds_its_frames_itself(made: Path, tmp_path: Path) -> None:
    experiment = copy_of(made, tmp_path)
    with experiment.edit(experiment.master) as file:
        del file[HOLO]  # whose EDF files, moved, are found only with HDF5_EXTFILE_PREFIX
        file.attrs["default"] = TOMO
    archive = pack(experiment.master, tmp_path / "archive.h5").file
    assert not validate(archive, only=[TOMO]).findings
    assert not validate(archive, with_others=False).findings
    without = pack(experiment.master, tmp_path / "bare.h5", frames=False).file
    assert Check.RAW in {error.check for error in validate(without, with_others=False).errors}
