from __future__ import annotations

from pathlib import Path

import fabio
import h5py
import numpy as np
import pytest

from nxscribe.simulation._saving import FORMATS, Acquisition, SavingSettings
from nxscribe.simulation._series import Series
from nxscribe.simulation.scenes import EmptyBeam, Geometry

GEOMETRY = Geometry(12, 20, 6.5)
SCENE = EmptyBeam(seed=7)


def acquisition(frames: int) -> Acquisition:
    return Acquisition(
        detector="pco",
        type="Pco",
        model="edge",
        pixel_size_m=(6.5e-6, 6.5e-6),
        max_size=(20, 12),
        exposure_s=0.001,
        frames=frames,
        trigger_mode="INTERNAL_TRIGGER",
        header={"acq_expo_time": "0.001"},
    )


def save(directory: Path, frames: int, **settings: object) -> Series:
    saving = SavingSettings(**{"directory": str(directory), "prefix": "run_", **settings})  # type: ignore[arg-type]
    series = Series(SCENE, GEOMETRY, acquisition(frames), 0.0, saving, saves=True)
    series.run(lambda: None)
    return series


def expected(number: int) -> np.ndarray:
    return SCENE.frame(number, GEOMETRY).counts


def test_edf_has_a_file_for_each_frame_that_fabio_reads(tmp_path: Path):
    series = save(tmp_path, 3, format="EDF", suffix=".edf", next_number=9)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run_0009.edf", "run_0010.edf", "run_0011.edf"]
    assert series.saving.next_number == 12
    for number in range(3):
        with fabio.open(tmp_path / f"run_{9 + number:04d}.edf") as image:
            assert image.data.dtype == np.uint16
            assert np.array_equal(image.data, expected(number))
            assert image.header["acq_expo_time"] == "0.001"


def test_edf_takes_several_frames_into_one_file(tmp_path: Path):
    save(tmp_path, 5, format="EDF", suffix=".edf", frame_per_file=3)
    with fabio.open(tmp_path / "run_0000.edf") as first, fabio.open(tmp_path / "run_0001.edf") as second:
        assert (first.nframes, second.nframes) == (3, 2)
        assert np.array_equal(first.get_frame(2).data, expected(2))
        assert np.array_equal(second.get_frame(1).data, expected(4))


def test_edf_is_not_compressed_and_the_pixels_end_the_file(tmp_path: Path):
    save(tmp_path, 1, format="EDF", suffix=".edf")
    content = (tmp_path / "run_0000.edf").read_bytes()
    assert content.endswith(expected(0).astype("<u2").tobytes())
    assert (len(content) - 2 * 12 * 20) % 512 == 0


def test_hdf5_is_as_lima_writes_it(tmp_path: Path):
    save(tmp_path, 4, format="HDF5", suffix=".h5", frame_per_file=4)
    with h5py.File(tmp_path / "run_0000.h5") as file:
        data = file["/entry_0000/measurement/data"]
        assert data == file["/entry_0000/instrument/pco/data"] == file["/entry_0000/instrument/pco/plot/data"]
        assert (data.shape, data.dtype, data.chunks, data.compression) == ((4, 12, 20), np.uint16, (1, 12, 20), None)
        assert np.array_equal(data[3], expected(3))
        classes = {path: file[path].attrs["NX_class"] for path in ("/", "entry_0000", "entry_0000/instrument/pco")}
        assert classes == {"/": "NXroot", "entry_0000": "NXentry", "entry_0000/instrument/pco": "NXdetector"}
        entry = file[file.attrs["default"]]
        plot = entry[entry.attrs["default"]]
        assert plot[plot.attrs["signal"]] == data
        assert entry["end_time"][()].decode().endswith("Z")
        assert entry["instrument/pco/acquisition/exposure_time"][()] == 0.001


def test_fabio_knows_the_hdf5_file_as_limas(tmp_path: Path):
    save(tmp_path, 2, format="HDF5", suffix=".h5", frame_per_file=2)
    with fabio.open(str(tmp_path / "run_0000.h5")) as image:
        assert type(image).__name__ == "LimaImage"
        assert image.nframes == 2


def test_hdf5_goes_on_in_the_next_file_when_one_is_full(tmp_path: Path):
    save(tmp_path, 5, format="HDF5", suffix=".h5", frame_per_file=2)
    lengths = []
    for path in sorted(tmp_path.iterdir()):
        with h5py.File(path) as file:
            lengths.append(len(file["/entry_0000/measurement/data"]))
    assert lengths == [2, 2, 1]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_file_that_exists_is_left_as_it_is(tmp_path: Path, name: str):
    (tmp_path / "run_0000.dat").write_text("precious")
    series = save(tmp_path, 1, format=name, suffix=".dat")
    assert "FileExistsError" in series.fault or "exists" in series.fault
    assert series.last_saved == -1
    assert (tmp_path / "run_0000.dat").read_text() == "precious"


def test_a_series_that_is_stopped_leaves_a_whole_file_with_the_frames_that_were_taken(tmp_path: Path):
    saving = SavingSettings(directory=str(tmp_path), suffix=".h5", format="HDF5", frame_per_file=100)
    series = Series(SCENE, GEOMETRY, acquisition(100), 0.0, saving, saves=True)
    series.run(lambda: series.stop() if series.last_saved == 6 else None)
    assert series.fault == ""
    with h5py.File(tmp_path / "0000.h5") as file:
        assert len(file["/entry_0000/measurement/data"]) == 7


def test_a_fault_is_told_and_ends_the_series(tmp_path: Path):
    series = save(tmp_path / "nowhere", 3, format="EDF")
    assert "nowhere" in series.fault
    assert (series.last_ready, series.last_saved) == (0, -1)
