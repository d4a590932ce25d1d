"""Raw files of numpy's own format: what numpy writes is shown, and what cannot be is refused with the reason."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from some_scans import FRAMES, ended, frames, started

from nxscribe.model import RawSeries
from nxscribe.projections import FileSettings, Written
from nxscribe.projections.nexus import pack, write_nexus
from nxscribe.projections.nexus.validate import Check, validate
from nxscribe.records import Record

GROUP = "instrument/detector01"
DATA = f"{GROUP}/data"


@pytest.fixture
def record(linked: FileSettings) -> Record:
    return started(linked.data_root)


def scan(record: Record, settings: FileSettings, *arrays: np.ndarray, version: tuple[int, int] = (1, 0)) -> Written:
    """The entry of a scan whose detector saved these arrays, a file each."""
    for number, array in enumerate(arrays):
        with Path(record.directory, f"im_{number:04d}.npy").open("wb") as file:
            np.lib.format.write_array(file, array, version)
    series = RawSeries("pco", record.directory, "im_%04d.npy", 0, len(arrays))
    return write_nexus(ended(record, series), settings)


def through_master(written: Written) -> np.ndarray:
    with h5py.File(written.master) as file:
        return file[f"{written.entry}/{DATA}"][()]


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
@pytest.mark.parametrize("frames_a_file", [0, 1, 2], ids=["images", "stacks of one", "stacks of two"])
def test_series_of_every_version_are_shown(
    frames_a_file: int, version: tuple[int, int], record: Record, linked: FileSettings
) -> None:
    seen = frames()
    arrays = list(seen) if not frames_a_file else np.split(seen, len(seen) // frames_a_file)
    written = scan(record, linked, *arrays, version=version)
    np.testing.assert_array_equal(through_master(written), seen)
    assert not [text for text in written.warnings if text.startswith(GROUP)]
    assert Check.RAW not in {error.check for error in validate(written.master, with_others=False).errors}
    with h5py.File(written.master) as file:
        assert file[f"{written.entry}/{GROUP}/data_file/type"].asstr()[()] == "application/x-npy"
    assert pack(written.master, linked.data_root / "archive.h5").frames == len(seen)


@pytest.mark.parametrize("dtype", ["?", "i1", "u1", "<u2", ">u2", "<i8", ">u8", "f2", ">f4", "f8", "<c8", ">c16"])
def test_numbers_of_any_type_and_order_stay_as_they_are(dtype: str, record: Record, linked: FileSettings) -> None:
    seen = (frames() % 100).astype(dtype)
    shown = through_master(scan(record, linked, *seen))
    np.testing.assert_array_equal(shown, seen)
    assert shown.dtype == np.dtype(dtype)


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.asfortranarray(frames()), "is in Fortran order"),
        (np.asfortranarray(frames()[0]), "is in Fortran order"),
        (np.asarray([[1, "a"], [None, {}]], object), "holds Python objects"),
        (np.zeros((4, 5), [("x", "f4"), ("y", "f4")]), "holds elements of the type"),
        (np.full((4, 5), "text"), "holds elements of the type"),
        (np.zeros((4, 5), "M8[s]"), "holds elements of the type"),
        (np.arange(7), "holds an array of 1 dimensions"),
        (np.float64(1.5), "holds an array of 0 dimensions"),
        (np.zeros((2, 3, 4, 5)), "holds an array of 4 dimensions"),
    ],
)
def test_what_hdf5_cannot_show_is_listed_with_the_reason(
    array: np.ndarray, reason: str, record: Record, linked: FileSettings
) -> None:
    written = scan(record, linked, np.asarray(array))
    (warning,) = [text for text in written.warnings if text.startswith(DATA)]
    assert f"im_0000.npy {reason}" in warning
    assert not written.missing.keys() & {DATA}
    assert not written.unforeseen
    with h5py.File(written.master) as file:
        assert DATA not in file[written.entry]
        assert file[f"{written.entry}/{GROUP}/data_file/file_name"].asstr()[0] == "bone/scan0001/im_0000.npy"


@pytest.mark.parametrize("left", [4, 9, 60, 127, 130, -1])
def test_a_file_that_is_cut_off_ends_the_series(left: int, record: Record, linked: FileSettings) -> None:
    seen = frames()
    scan(record, linked, *seen)
    last = Path(record.directory, "im_0005.npy")
    last.write_bytes(last.read_bytes()[:left])
    written = write_nexus(ended(record, RawSeries("pco", record.directory, "im_%04d.npy", 0, FRAMES[0])), linked)
    np.testing.assert_array_equal(through_master(written), seen[:5])
    assert "im_0005.npy" in written.missing[f"{GROUP}/data_file/im_0005.npy"]


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"nonsense",
        b"{'descr': '<u2', 'fortran_order': False}",
        b"{'descr': 'Q9', 'fortran_order': False, 'shape': (4, 5)}",
        b"{'descr': '<u2', 'fortran_order': False, 'shape': (-4, 5)}",
        b"{'descr': '<u2', 'fortran_order': False, 'shape': (0, 5)}",
        b"{'descr': '<u2', 'fortran_order': False, 'shape': ('a', 5)}",
        b"{'descr': '<u2', 'fortran_order': False, 'shape': 7}",
        b"{'descr': '<u2', 'fortran_order': False, 'shape': (4, 10**9)}",
        b"__import__('os').abort()",
        b"[" * 5000,
    ],
)
def test_a_damaged_header_costs_the_frames_and_not_the_entry(
    header: bytes, record: Record, linked: FileSettings
) -> None:
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + b"\0" * 40
    Path(record.directory, "im_0000.npy").write_bytes(content)
    written = write_nexus(ended(record, RawSeries("pco", record.directory, "im_0000.npy")), linked)
    assert "im_0000.npy" in written.missing[DATA]
    assert not written.unforeseen


def test_a_version_that_is_not_known_is_told(record: Record, linked: FileSettings) -> None:
    Path(record.directory, "im_0000.npy").write_bytes(b"\x93NUMPY\x09\x01" + b"\0" * 200)
    written = write_nexus(ended(record, RawSeries("pco", record.directory, "im_0000.npy")), linked)
    assert "version 9.1" in written.missing[DATA]


def test_many_files_are_told_apart_where_one_of_their_size_has_another_shape(
    record: Record, linked: FileSettings
) -> None:
    seen = np.random.default_rng(3).integers(0, 9, (120, 4, 6)).astype("u2")
    arrays = [*seen[:60], *(frame.reshape(6, 4) for frame in seen[60:])]
    written = scan(record, linked, *arrays)
    np.testing.assert_array_equal(through_master(written), seen[:60])
    assert "frames of (6, 4), where the first file holds" in written.missing[f"{GROUP}/data_file/im_0060.npy"]
