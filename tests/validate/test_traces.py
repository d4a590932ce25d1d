"""Judging an experiment leaves no trace in it, and needs no more rights than reading it does."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np
import pytest
from damages import Experiment, copy_of, make_experiment
from some_scans import edf_series, ended, frames, hdf5_scan, hdf5_series, started

from nxscribe.errors import ProjectionError
from nxscribe.model import RawSeries
from nxscribe.projections import FileSettings
from nxscribe.projections.nexus import pack, write_nexus
from nxscribe.projections.nexus.validate import Check, validate


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_experiment(tmp_path_factory.mktemp("experiment"))


@pytest.fixture
def experiment(made: Path, tmp_path: Path) -> Experiment:
    return copy_of(made, tmp_path)


def nxscribe(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as one to whom file modes apply, root or not."""
    plain = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    return subprocess.run(
        [*plain, sys.executable, "-m", "nxscribe", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def state(root: Path) -> dict[Path, tuple[object, ...]]:
    """All that could tell that a file was written."""
    found: dict[Path, tuple[object, ...]] = {}
    for path in root.rglob("*"):
        status = path.stat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[path] = (status.st_mtime_ns, status.st_ctime_ns, status.st_mode, status.st_ino, content)
    return found


def test_validators_get_read_only_files_of_read_only_folders_that_others_have_locked(experiment: Experiment) -> None:
    for folder in [experiment.root, *filter(Path.is_dir, experiment.root.rglob("*"))]:
        folder.chmod(0o555)
    for file in filter(Path.is_file, experiment.root.rglob("*")):
        file.chmod(0o444)
    before = state(experiment.root)
    with ExitStack() as open_files:
        for path in filter(Path.is_file, experiment.root.rglob("*")):
            # As HDF5 does it in a program that writes the file.
            fcntl.flock(open_files.enter_context(path.open("rb")), fcntl.LOCK_EX)
        done = nxscribe("validate", experiment.master, "--entry", "entry_0001", HDF5_USE_FILE_LOCKING="TRUE")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    assert "1 entry, 0 errors, 0 warnings" in done.stderr
    assert state(experiment.root) == before


@pytest.mark.parametrize("shut_off", ["the file", "its folder"])
@pytest.mark.parametrize("make", [hdf5_scan, hdf5_series, edf_series])
def test_raw_files_that_may_not_be_read_are_said_to_be_so(make, shut_off: str, tmp_path: Path) -> None:
    record = started(tmp_path / "data")
    series = make(record, frames())
    written = write_nexus(ended(record, series), FileSettings(tmp_path / "data", copied_bytes=0))
    raw = Path(record.directory, next(iter(series)))
    shut = raw.parent if shut_off == "its folder" else raw
    before = shut.stat().st_mode
    shut.chmod(0)
    try:
        done = nxscribe("validate", written.master, "--own-only")
        packed = nxscribe("pack", written.master, tmp_path / "archive.h5")
    finally:
        shut.chmod(before)
    assert (done.returncode, packed.returncode) == (1, 1), done.stderr
    assert "may not be read by this user" in done.stdout
    assert "Traceback" not in done.stderr + packed.stderr
    assert "not there" not in done.stdout
    assert raw.name in packed.stderr


@pytest.mark.parametrize("locking", ["TRUE", "BEST_EFFORT"])
def test_packing_leaves_the_experiment_as_it_is(experiment: Experiment, tmp_path: Path, locking: str) -> None:
    with experiment.edit(experiment.master) as file:
        del file["entry_0003"]
        file.attrs["default"] = "entry_0001"
    before = state(experiment.root)
    with ExitStack() as open_files:
        for path in filter(Path.is_file, experiment.root.rglob("*")):
            fcntl.flock(open_files.enter_context(path.open("rb")), fcntl.LOCK_EX)
        done = nxscribe("pack", experiment.master, tmp_path / "archive.h5", HDF5_USE_FILE_LOCKING=locking)
    assert done.returncode == 0, done.stderr
    assert state(experiment.root) == before


def test_a_symbolic_link_to_a_master_or_an_entry_is_judged_as_what_it_leads_to(
    experiment: Experiment, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "links"
    elsewhere.mkdir()
    for number, path in enumerate((experiment.master, experiment.entry_file("entry_0002"))):
        link = elsewhere / f"{number}.h5"
        link.symlink_to(path)
        assert not validate(link, with_others=False, only=["entry_0002"]).findings


def test_what_lies_beside_a_symbolic_link_comes_before_what_lies_beside_the_real_file(
    experiment: Experiment, tmp_path: Path
) -> None:
    beside = tmp_path / "links" / "ma2210-id16a_entries"
    beside.mkdir(parents=True)
    (beside / "entry_0001.h5").write_bytes(b"no HDF5")
    link = beside.parent / "ma2210-id16a.h5"
    link.symlink_to(experiment.master)
    (error,) = validate(link, with_others=False, only=["entry_0001"]).errors
    assert f"{beside}/entry_0001.h5 cannot be opened" in error.what


@pytest.mark.parametrize(
    "folder", ["with space", "50%done", "100%s", "été", "µ", "#1", "d" * 200 + "/" + "e" * 200], ids=repr
)
def test_names_of_every_kind_are_followed(tmp_path: Path, folder: str) -> None:
    root = tmp_path / folder
    root.mkdir(parents=True)
    record = started(root)
    write_nexus(ended(record, hdf5_scan(record, frames())), FileSettings(root))
    master = shutil.move(root, tmp_path / "moved") / Path(record.master)
    assert not validate(master, with_others=False).errors


def test_an_entry_s_own_file_is_right_without_its_master(experiment: Experiment) -> None:
    experiment.master.unlink()
    for number in (1, 2):
        report = validate(experiment.entry_file(f"entry_000{number}"))
        assert report.entries == (f"entry_000{number}",)
        assert not report.findings, "\n".join(map(str, report.findings))


def test_raw_files_that_are_gone_are_a_note_where_their_frames_were_copied(
    experiment: Experiment, tmp_path: Path
) -> None:
    with experiment.edit(experiment.master) as file:
        for entry in ("entry_0001", "entry_0002"):
            del file[entry]
    for name in ("entry_0001.h5", "entry_0002.h5"):
        experiment.entry_file(Path(name).stem).unlink()
    for path in experiment.root.rglob("*.edf"):
        path.unlink()
    report = validate(experiment.master, with_others=False)
    assert not report.errors, "\n".join(map(str, report.errors))
    assert {"6 of the raw files it lists are not there any more" in finding.what for finding in report.findings} == {
        True
    }
    assert pack(experiment.master, tmp_path / "archive.h5").frames == len(frames())


def test_raw_files_that_are_gone_are_an_error_where_their_frames_are_read_from_them(tmp_path: Path) -> None:
    record = started(tmp_path)
    written = write_nexus(ended(record, edf_series(record, frames())), FileSettings(tmp_path, copied_bytes=0))
    Path(record.directory, "holo_0003.edf").unlink()
    errors = validate(written.master, with_others=False).errors
    assert {Check.RAW} <= {error.check for error in errors}
    with pytest.raises(ProjectionError, match=r"holo_0003\.edf"):
        pack(written.master, tmp_path / "archive.h5")


def test_a_series_of_hundreds_of_files_that_was_replaced_by_another_is_an_error(tmp_path: Path) -> None:
    record = started(tmp_path)
    folder = Path(record.directory)
    seen = np.random.default_rng(8).integers(0, 60000, (250, 3, 4)).astype("u2")

    def save(series: np.ndarray) -> None:
        for number, frame in enumerate(series):
            np.save(folder / f"im_{number:03d}.npy", frame)

    save(seen)
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "im_%03d.npy", 0, 250)), FileSettings(tmp_path))
    assert not validate(written.master, with_others=False).errors
    save(seen[::-1])
    errors = validate(written.master, with_others=False).errors
    assert any("are not those that the entry was made with" in error.what for error in errors)


@pytest.mark.parametrize("command", ["validate", "pack"])
@pytest.mark.parametrize("instead", ["pipe", "folder", "device"])
def test_what_is_no_regular_file_is_refused_at_once(command: str, instead: str, tmp_path: Path) -> None:
    path = tmp_path / "master.h5"
    if instead == "pipe":
        os.mkfifo(path)
    elif instead == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    arguments = [path, tmp_path / "archive.h5"] if command == "pack" else [path]
    done = subprocess.run(
        [sys.executable, "-m", "nxscribe", command, *map(str, arguments)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert str(path) in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_named_pipe_in_place_of_a_master_is_refused_by_the_writer_at_once(tmp_path: Path) -> None:
    record = started(tmp_path)
    master = tmp_path / record.master
    master.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(master)
    with pytest.raises(ProjectionError, match="no regular file"):
        write_nexus(ended(record), FileSettings(tmp_path))


def test_a_finding_names_the_line_of_the_definition_that_asks_for_its_object(experiment: Experiment) -> None:
    with experiment.edit() as file:
        pixel = file["entry_0001/instrument/detector/x_pixel_size"]
        pixel[()] = -1.0
    found = validate(experiment.master, with_others=False, only=["entry_0001"]).errors
    (error,) = [error for error in found if error.check is Check.VALUES]
    with h5py.File(experiment.master) as file:
        lines = file["entry_0001/nxscribe/definition_text"].asstr()[()].tolist()
    (number,) = [number for number, line in enumerate(lines, 1) if "<x_pixel_size" in line]
    assert error.definition.startswith(f"tomo, line {number}: <x_pixel_size ")
    assert error.definition in str(error)
    assert error.why
    assert error.remedy


def test_findings_of_other_validators_have_cause_place_and_remedy_too(experiment: Experiment) -> None:
    with experiment.edit() as file:
        del file["entry_0001/instrument/detector/image_key"]
    found = validate(experiment.master, only=["entry_0001"]).errors
    theirs = [error for error in found if error.check in {Check.NEXUSFORMAT, Check.PYNXTOOLS}]
    assert theirs
    for error in theirs:
        assert error.why
        assert "line" in error.definition
        assert error.remedy


def test_an_entry_s_file_that_was_moved_alone_is_told_what_its_links_lack_and_nothing_false(
    experiment: Experiment, tmp_path: Path
) -> None:
    alone = tmp_path / "alone" / "entry_0001.h5"
    alone.parent.mkdir()
    shutil.move(experiment.entry_file("entry_0001"), alone)
    errors = validate(alone, with_others=False).errors
    assert {Check.LINKS, Check.RAW} <= {error.check for error in errors}
    assert not any("changed" in f"{error.what} {error.why}" for error in errors), "\n".join(map(str, errors))
