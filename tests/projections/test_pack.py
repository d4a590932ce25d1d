"""One self-contained file of an experiment: it holds all that the master shows, and needs no other."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import typer
from experiments import Experiment, make_experiment
from some_scans import ended, frames, hdf5_series, started
from typer.testing import CliRunner

from nxscribe.cli._pack_command import pack as pack_command
from nxscribe.projections import Layout, ProjectionError
from nxscribe.projections.nexus import pack, write_nexus

FRAMES = "instrument/detector01/data"


@pytest.fixture(params=list(Layout))
def experiment(tmp_path: Path, request: pytest.FixtureRequest) -> Experiment:
    return make_experiment(tmp_path, request.param)


@pytest.fixture
def linked(tmp_path: Path) -> Experiment:
    return make_experiment(tmp_path)


def test_all_that_the_master_shows_is_in_it_and_nothing_else_is_needed(experiment: Experiment) -> None:
    target = experiment.folder / "archive" / "ma2210.h5"
    packed = pack(experiment.master, target)
    assert (packed.entries, packed.frames, packed.incomplete) == (3, 12, ("entry_0003",))
    shutil.rmtree(experiment.data)
    with h5py.File(target) as file:
        assert list(file) == ["entry_0001", "entry_0002", "entry_0003"]
        assert file.attrs["default"] == "entry_0002"
        for number in (1, 2):
            entry = file[f"entry_{number:04d}"]
            np.testing.assert_array_equal(entry[FRAMES], frames(number))
            np.testing.assert_array_equal(entry["plot/data"], frames(number))
            assert entry["sample/x"].attrs["units"] == "um"
            assert not set(entry["nxscribe"]) & {"frames", "stored"}
        kinds = {type(link) for link in links_of(file)}
    assert kinds <= {h5py.HardLink, h5py.SoftLink}


def links_of(group: h5py.Group) -> list[object]:
    found = []
    for name in group:
        link = group.get(name, getlink=True)
        found.append(link)
        if isinstance(link, h5py.HardLink) and isinstance(group[name], h5py.Group):
            found += links_of(group[name])
    return found


def test_it_is_read_only_and_overwrites_nothing(linked: Experiment) -> None:
    target = linked.folder / "packed.h5"
    pack(linked.master, target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o444
    with pytest.raises(ProjectionError, match="nothing is overwritten"):
        pack(linked.master, target)


def test_frames_of_several_files_are_copied_through_their_virtual_dataset(linked: Experiment) -> None:
    record = started(linked.data, number=4)
    write_nexus(ended(record, hdf5_series(record, frames(4))), linked.settings)
    pack(linked.master, linked.folder / "packed.h5")
    with h5py.File(linked.folder / "packed.h5") as file:
        data = file[f"entry_0004/{FRAMES}"]
        assert not data.is_virtual
        np.testing.assert_array_equal(data, frames(4))


def test_a_missing_raw_file_whose_frames_are_linked_stops_it_and_leaves_nothing(linked: Experiment) -> None:
    raw = max(Path(linked.records[0].directory).iterdir())
    raw.unlink()
    target = linked.folder / "archive" / "packed.h5"
    with pytest.raises(ProjectionError, match=r"cannot be packed; .*--without-frames"):
        pack(linked.master, target)
    assert not target.parent.exists()


def test_a_raw_file_that_was_cut_off_stops_it(linked: Experiment) -> None:
    raw = max(Path(linked.records[1].directory).iterdir())
    raw.write_bytes(raw.read_bytes()[:-10])
    with pytest.raises(ProjectionError, match="not those that the entry was made with"):
        pack(linked.master, linked.folder / "packed.h5")


def test_without_frames_no_raw_file_is_needed_and_what_is_left_out_is_told(linked: Experiment) -> None:
    for record in linked.records[:2]:
        shutil.rmtree(record.directory)
    app = typer.Typer()
    app.command()(pack_command)
    target = linked.folder / "packed.h5"
    result = CliRunner().invoke(app, [str(linked.master), str(target), "--without-frames"])
    assert result.exit_code == 0, result.output
    assert f"left out: /entry_0001/{FRAMES}" in result.stderr
    assert "3 entries, 0 frames" in result.stderr
    with h5py.File(target) as file:
        assert FRAMES not in file["entry_0001"]
        assert len(file["entry_0002/measurement/files"]) == 6


def test_what_was_moved_can_still_be_packed(linked: Experiment) -> None:
    moved = linked.folder / "moved"
    linked.data.rename(moved)
    target = linked.folder / "packed.h5"
    environment = {**os.environ, "PYTHONPATH": ":".join(sys.path)}
    master = moved / linked.master.relative_to(linked.data)
    subprocess.run([sys.executable, "-m", "nxscribe", "pack", master, target], check=True, cwd="/", env=environment)
    with h5py.File(target) as file:
        np.testing.assert_array_equal(file[f"entry_0002/{FRAMES}"], frames(2))
