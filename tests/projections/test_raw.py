"""Raw frames through the master, and what happens where they are not whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import fabio.edfimage
import h5py
import hdf5plugin
import numpy as np
import pytest
from some_scans import FRAMES, edf_series, ended, frames, hdf5_scan, hdf5_series, started

from nxscribe.model import RawSeries
from nxscribe.projections import FileSettings
from nxscribe.projections.nexus import _hdf5_writer as hdf5_writer
from nxscribe.projections.nexus import write_nexus
from nxscribe.projections.nexus.raw import _external_storage as external_storage
from nxscribe.records import Record

DATA = "instrument/detector01/data"


@pytest.fixture
def record(settings: FileSettings) -> Record:
    return started(settings.data_root)


def read_elsewhere(master: Path, **environment: str) -> np.ndarray:
    """The first entry's frames as a plain h5py sees them, from a working directory of no meaning."""
    code = "import h5py, numpy, sys; numpy.save(sys.argv[2], h5py.File(sys.argv[1])[sys.argv[3]][()])"
    result = master.parent / "read.npy"
    subprocess.run(
        [sys.executable, "-c", code, master, result, f"entry_0001/{DATA}"],
        check=True,
        cwd="/",
        env={name: value for name, value in os.environ.items() if name != "HDF5_EXTFILE_PREFIX"} | environment,
        capture_output=True,
    )
    return np.load(result)


@pytest.mark.parametrize("make", [hdf5_scan, hdf5_series, edf_series])
def test_frames_read_through_the_master_from_any_working_directory(
    make, record: Record, settings: FileSettings
) -> None:
    seen = frames()
    written = write_nexus(ended(record, make(record, seen)), settings)
    np.testing.assert_array_equal(read_elsewhere(written.master), seen)


@pytest.mark.parametrize("make", [hdf5_scan, hdf5_series])
def test_hdf5_frames_move_with_the_experiments_folder(
    make, record: Record, settings: FileSettings, tmp_path: Path
) -> None:
    seen = frames()
    written = write_nexus(ended(record, make(record, seen)), settings)
    moved = tmp_path / "archive"
    shutil.move(settings.data_root, moved)
    np.testing.assert_array_equal(read_elsewhere(moved / written.master.relative_to(settings.data_root)), seen)


def test_a_moved_folder_does_not_read_what_a_later_scan_left_in_the_old_place(
    record: Record, settings: FileSettings, tmp_path: Path
) -> None:
    seen = frames(1)
    written = write_nexus(ended(record, edf_series(record, seen)), settings)
    moved = tmp_path / "archive"
    shutil.move(settings.data_root, moved)
    settings.data_root.mkdir()
    other = started(settings.data_root)
    write_nexus(ended(other, edf_series(other, frames(2))), settings)
    master = moved / written.master.relative_to(settings.data_root)
    np.testing.assert_array_equal(read_elsewhere(master, HDF5_EXTFILE_PREFIX="${ORIGIN}"), seen)


def test_a_moved_master_without_its_folder_of_entries_shows_no_frames_rather_than_wrong_ones(
    record: Record, settings: FileSettings, tmp_path: Path
) -> None:
    written = write_nexus(ended(record, edf_series(record, frames())), settings)
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.move(written.master, alone)
    with h5py.File(alone / written.master.name) as file, pytest.raises(KeyError):
        file[f"entry_0001/{DATA}"]


def test_every_raw_file_is_listed_relative_to_the_master(record: Record, settings: FileSettings) -> None:
    written = write_nexus(ended(record, edf_series(record, frames())), settings)
    with h5py.File(written.master) as file:
        listed = file["entry_0001/measurement/files"].asstr()[()].tolist()
        assert listed == [f"bone/scan0001/holo_{number:04d}.edf" for number in range(FRAMES[0])]
        assert file["entry_0001/instrument/detector01/data_file/file_name"].asstr()[()].tolist() == listed
        assert all((written.master.parent / name).is_file() for name in listed)


def test_raw_files_outside_the_data_root_are_named_absolutely(
    record: Record, settings: FileSettings, tmp_path: Path
) -> None:
    seen = frames()
    elsewhere = replace(record, directory=str(tmp_path))
    written = write_nexus(ended(record, hdf5_scan(elsewhere, seen)), settings)
    np.testing.assert_array_equal(read_elsewhere(written.master), seen)
    with h5py.File(written.master) as file:
        assert file["entry_0001/measurement/files"].asstr()[()].tolist() == [str(tmp_path / "tomo_0000.h5")]


def test_a_data_root_behind_a_symbolic_link_is_named_as_well(tmp_path: Path) -> None:
    (tmp_path / "real/disk").mkdir(parents=True)
    (tmp_path / "data").symlink_to(tmp_path / "real/disk")
    settings = FileSettings(tmp_path / "data")
    record = started(settings.data_root)
    seen = frames()
    written = write_nexus(ended(record, hdf5_scan(record, seen)), settings)
    np.testing.assert_array_equal(read_elsewhere(written.master), seen)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", "float64"])
def test_edf_frames_keep_their_type(dtype: str, record: Record, settings: FileSettings) -> None:
    seen = frames(dtype=dtype)
    written = write_nexus(ended(record, edf_series(record, seen)), settings)
    with h5py.File(written.master) as file:
        data = file[f"entry_0001/{DATA}"]
        assert data.dtype == seen.dtype
        np.testing.assert_array_equal(data[()], seen)


def test_edf_files_of_the_other_byte_order_read_right(record: Record, settings: FileSettings) -> None:
    seen = frames()
    series = edf_series(record, seen)
    for name in series:
        path = Path(series.directory) / name
        header, data = path.read_bytes()[:-40], np.frombuffer(path.read_bytes()[-40:], "<u2")
        path.write_bytes(header.replace(b"LowByteFirst ", b"HighByteFirst") + data.astype(">u2").tobytes())
    np.testing.assert_array_equal(fabio.open(str(path)).data, seen[-1])
    written = write_nexus(ended(record, series), settings)
    with h5py.File(written.master) as file:
        np.testing.assert_array_equal(file[f"entry_0001/{DATA}"][()], seen)


def test_an_edf_file_of_many_frames_reads_frame_by_frame(record: Record, settings: FileSettings) -> None:
    seen = frames()
    image = fabio.edfimage.EdfImage(data=seen[0])
    for frame in seen[1:]:
        image.append_frame(data=frame)
    image.write(str(Path(record.directory) / "all.edf"))
    written = write_nexus(ended(record, RawSeries("pco", record.directory, "all.edf")), settings)
    with h5py.File(written.master) as file:
        np.testing.assert_array_equal(file[f"entry_0001/{DATA}"][()], seen)


def test_edf_headers_of_varying_length_are_found_out(record: Record, settings: FileSettings) -> None:
    seen = frames()
    series = edf_series(record, seen)
    path = Path(series.directory) / "holo_0003.edf"
    fabio.edfimage.EdfImage(data=seen[3], header={"motor_mne": "sx " * 400}).write(str(path))
    written = write_nexus(ended(record, series), settings)
    with h5py.File(written.master) as file:
        np.testing.assert_array_equal(file[f"entry_0001/{DATA}"][()], seen)


def test_edf_files_of_one_size_and_another_shape_are_found_out(record: Record, settings: FileSettings) -> None:
    seen = frames()
    series = edf_series(record, seen)
    for number in (4, 5):
        path = Path(series.directory) / f"holo_{number:04d}.edf"
        fabio.edfimage.EdfImage(data=seen[number].T.copy()).write(str(path))
    written = write_nexus(ended(record, series), settings)
    with h5py.File(written.master) as file:
        np.testing.assert_array_equal(file[f"entry_0001/{DATA}"][()], seen[:4])
    assert "holds <u2 frames of (5, 4)" in written.missing["instrument/detector01/data_file/holo_0004.edf"]


def test_more_edf_frames_than_one_dataset_can_list_read_all_the_same(
    record: Record, settings: FileSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external_storage, "_MOST_SEGMENTS", 4)
    seen = frames()
    written = write_nexus(ended(record, edf_series(record, seen)), replace(settings, copied_bytes=0))
    np.testing.assert_array_equal(read_elsewhere(written.master, HDF5_EXTFILE_PREFIX="${ORIGIN}"), seen)


def test_of_many_files_of_one_size_few_are_opened_and_their_folder_is_listed_twice(
    record: Record, settings: FileSettings
) -> None:
    count = 1000
    template = fabio.edfimage.EdfImage(data=frames()[0])
    folder = Path(record.directory)
    template.write(str(folder / "template"))
    data = (folder / "template").read_bytes()
    for number in range(count):
        (folder / f"f_{number:04d}.edf").write_bytes(data[:-2] + number.to_bytes(2, "little"))
    seen: Counter[str] = Counter()

    def note(event: str, arguments: tuple[object, ...]) -> None:
        if event in {"os.scandir", "open"} and str(arguments[0]).startswith(record.directory):
            seen[event] += 1

    sys.addaudithook(note)  # it stays, and counts for nobody else
    series = RawSeries("pco", record.directory, "f_%04d.edf", 0, count)
    written = write_nexus(ended(record, series), replace(settings, copied_bytes=0))
    assert seen["os.scandir"] == 2  # for their links, and for their sizes
    assert seen["open"] < 130  # a hundred for the checksums of a few blocks
    data = read_elsewhere(written.master, HDF5_EXTFILE_PREFIX="${ORIGIN}")
    assert data[:, -1, -1].tolist() == list(range(count))


@pytest.mark.parametrize("make", [hdf5_series, edf_series])
def test_more_frames_than_get_a_mapping_each_read_all_the_same(
    make, record: Record, settings: FileSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hdf5_writer, "_MOST_MAPPINGS", 3)
    seen = frames()
    written = write_nexus(ended(record, make(record, seen)), settings)
    np.testing.assert_array_equal(read_elsewhere(written.master), seen)


def test_hdf5_files_of_one_frame_without_a_dimension_for_it_are_stacked(record: Record, settings: FileSettings) -> None:
    seen = frames()
    for number, frame in enumerate(seen):
        with h5py.File(Path(record.directory) / f"one_{number}.h5", "w") as file:
            file["data"] = frame
    series = RawSeries("pco", record.directory, "one_%d.h5", 0, len(seen))
    written = write_nexus(ended(record, series), settings)
    np.testing.assert_array_equal(read_elsewhere(written.master), seen)


def test_edf_frames_are_linked_up_to_a_truncated_file_and_that_is_said(record: Record, settings: FileSettings) -> None:
    seen = frames()
    series = edf_series(record, seen)
    with (Path(series.directory) / "holo_0004.edf").open("r+b") as file:
        file.truncate(530)
    written = write_nexus(ended(record, series), settings)
    with h5py.File(written.master) as file:
        np.testing.assert_array_equal(file[f"entry_0001/{DATA}"][()], seen[:4])
    reason = written.missing["instrument/detector01/data_file/holo_0004.edf"]
    assert "holo_0004.edf is truncated: 530 bytes" in reason
    assert "it and the 1 after it are not linked" in reason


@pytest.mark.parametrize("make", [hdf5_scan, hdf5_series, edf_series])
def test_frames_whose_first_file_is_not_there_are_reported_and_not_linked(
    make, record: Record, settings: FileSettings
) -> None:
    series = make(record, frames())
    (Path(series.directory) / next(iter(series))).unlink()
    written = write_nexus(ended(record, series), settings)
    assert "is not there" in written.missing[DATA]
    with h5py.File(written.master) as file:
        assert "data" not in file["entry_0001/instrument/detector01"]
        assert "data_file" in file["entry_0001/instrument/detector01"]


def test_a_series_with_a_gap_is_linked_up_to_it(record: Record, settings: FileSettings) -> None:
    seen = frames()
    series = hdf5_series(record, seen)
    (Path(series.directory) / "part_0001.h5").unlink()
    written = write_nexus(ended(record, series), settings)
    with h5py.File(written.master) as file:
        np.testing.assert_array_equal(file[f"entry_0001/{DATA}"][()], seen[:2])
    assert "is not there" in written.missing["instrument/detector01/data_file/part_0001.h5"]


def test_a_damaged_hdf5_file_is_reported_and_not_linked(record: Record, settings: FileSettings) -> None:
    series = hdf5_scan(record, frames())
    path = Path(series.directory) / "tomo_0000.h5"
    path.write_bytes(path.read_bytes()[:1000])
    written = write_nexus(ended(record, series), settings)
    assert "has 1000 bytes, where it says" in written.missing[DATA]


def test_a_raw_file_whose_own_sources_are_gone_is_reported_and_not_linked(
    record: Record, settings: FileSettings
) -> None:
    series = hdf5_series(record, frames())
    layout = h5py.VirtualLayout(FRAMES, "uint16")
    for index, name in enumerate(series):
        layout[2 * index : 2 * index + 2] = h5py.VirtualSource(name, "entry_0000/measurement/data", (2, *FRAMES[1:]))
    with h5py.File(Path(record.directory) / "master.h5", "w") as file:
        file.create_virtual_dataset("data", layout)
    (Path(record.directory) / "part_0001.h5").unlink()
    written = write_nexus(ended(record, RawSeries("pco", record.directory, "master.h5")), settings)
    assert "part_0001.h5, which is not there" in written.missing[DATA]


def test_a_raw_file_that_its_detector_still_holds_locked_is_linked_as_well(
    record: Record, settings: FileSettings
) -> None:
    seen = frames()
    series = hdf5_scan(record, seen)
    code = "import h5py, sys; file = h5py.File(sys.argv[1], 'r+'); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, Path(series.directory) / "tomo_0000.h5"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as detector:
        assert detector.stdout
        assert detector.stdin
        assert detector.stdout.readline() == b"open\n"
        written = write_nexus(ended(record, series), settings)
        detector.stdin.close()
    assert DATA not in written.missing
    np.testing.assert_array_equal(read_elsewhere(written.master), seen)


def test_compressed_hdf5_frames_are_linked(record: Record, settings: FileSettings) -> None:
    seen = frames()
    with h5py.File(Path(record.directory) / "tomo_0000.h5", "w") as file:
        file.create_dataset("data", data=seen, chunks=(1, *FRAMES[1:]), compression=hdf5plugin.Bitshuffle())
    written = write_nexus(ended(record, RawSeries("pco", record.directory, "tomo_%04d.h5")), settings)
    with h5py.File(written.master) as file:
        np.testing.assert_array_equal(file[f"entry_0001/{DATA}"][()], seen)


def test_formats_that_hdf5_cannot_show_are_listed(record: Record, settings: FileSettings) -> None:
    (Path(record.directory) / "image_0000.cbf").write_bytes(b"x")
    written = write_nexus(ended(record, RawSeries("pco", record.directory, "image_%04d.cbf")), settings)
    assert any("can be listed only" in warning for warning in written.warnings)
    with h5py.File(written.master) as file:
        assert file["entry_0001/instrument/detector01/data_file/type"].asstr()[()] == "image/x-cbf"


def test_no_raw_file_is_changed(record: Record, settings: FileSettings) -> None:
    series = [hdf5_scan(record, frames()), replace(edf_series(record, frames(2)), detector="frelon")]
    paths = sorted(Path(record.directory).iterdir())
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in paths]
    written = write_nexus(ended(record, *series), settings)
    read_elsewhere(written.master)
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in paths] == before
