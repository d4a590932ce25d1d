"""Each format of raw files, as detectors write it: frames that read right, or a reason why there are none."""

from __future__ import annotations

import gzip
import hashlib
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import fabio.cbfimage
import fabio.edfimage
import h5py
import hdf5plugin
import numpy as np
import pytest
import tifffile
from some_scans import FRAMES, edf_series, ended, frames, hdf5_scan, hdf5_series, started

from nxscribe.errors import Severity
from nxscribe.model import RawSeries, now
from nxscribe.projections import FileSettings, Written
from nxscribe.projections.nexus import write_nexus
from nxscribe.projections.nexus.raw import _hdf5_series as series_of_hdf5
from nxscribe.projections.nexus.raw import checksums
from nxscribe.projections.nexus.validate import Check, validate
from nxscribe.records import EndReason, Record

GROUP = "instrument/detector01"
DATA = f"{GROUP}/data"


@pytest.fixture
def record(linked: FileSettings) -> Record:
    return started(linked.data_root)


@pytest.fixture
def folder(record: Record) -> Path:
    return Path(record.directory)


def through_master(written: Written, name: str = "data") -> np.ndarray:
    with h5py.File(written.master) as file:
        return file[f"{written.entry}/{GROUP}/{name}"][()]


def listed(written: Written) -> list[str]:
    with h5py.File(written.master) as file:
        return file[f"{written.entry}/measurement/files"].asstr()[()].tolist()


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", "f4"])
def test_tiff_files_of_one_frame_read_as_they_are(
    order: str, dtype: str, record: Record, folder: Path, linked: FileSettings
) -> None:
    seen = frames().astype(dtype)
    for number, frame in enumerate(seen):
        tifffile.imwrite(folder / f"im_{number:04d}.tif", frame, byteorder=order)
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "im_%04d.tif", 0, len(seen))), linked)
    np.testing.assert_array_equal(through_master(written), seen)
    np.testing.assert_array_equal(through_master(written)[-1], fabio.open(str(folder / "im_0005.tif")).data)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"rowsperstrip": 2}, {"imagej": True}])
def test_a_tiff_file_of_many_frames_reads_frame_by_frame(
    order: str, options: dict[str, object], record: Record, folder: Path, linked: FileSettings
) -> None:
    seen = frames()
    tifffile.imwrite(folder / "all.tif", seen, byteorder=order, photometric="minisblack", **options)
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "all.tif")), linked)
    np.testing.assert_array_equal(through_master(written), seen)


def test_imagej_stacks_with_one_directory_read_frame_by_frame(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    seen = frames()
    path = folder / "stack.tif"
    description = f"ImageJ=1.54f\nimages={len(seen)}\nslices={len(seen)}\n"
    tifffile.imwrite(path, seen[0], byteorder=">", description=description, metadata=None)
    with tifffile.TiffFile(path) as file:
        offset = file.pages[0].dataoffsets[0]
    data = path.read_bytes()
    assert offset + seen[0].nbytes == len(data), "the frames follow the directory"
    path.write_bytes(data[:offset] + seen.astype(">u2").tobytes())
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "stack.tif")), linked)
    np.testing.assert_array_equal(through_master(written), seen)


@pytest.mark.parametrize("options", [{"compression": "zlib"}, {"tile": (16, 16)}])
def test_tiff_frames_that_do_not_lie_as_in_memory_are_listed_only(
    options: dict[str, object], record: Record, folder: Path, linked: FileSettings
) -> None:
    tifffile.imwrite(folder / "im_0000.tif", np.zeros((32, 48), "u2"), **options)
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "im_%04d.tif")), linked)
    assert any("can be listed only" in warning for warning in written.warnings)
    assert listed(written) == ["bone/scan0001/im_0000.tif"]


def test_a_truncated_tiff_file_is_reported(record: Record, folder: Path, linked: FileSettings) -> None:
    seen = frames()
    for number, frame in enumerate(seen):
        tifffile.imwrite(folder / f"im_{number:04d}.tif", frame)
    last = folder / "im_0005.tif"
    last.write_bytes(last.read_bytes()[:-10])
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "im_%04d.tif", 0, len(seen))), linked)
    np.testing.assert_array_equal(through_master(written), seen[:5])
    assert "im_0005.tif is truncated" in written.missing[f"{GROUP}/data_file/im_0005.tif"]


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_an_edf_file_of_many_frames_with_headers_of_varying_size_reads_right(
    order: str, record: Record, folder: Path, linked: FileSettings
) -> None:
    seen = frames()
    name = {"<": "LowByteFirst", ">": "HighByteFirst"}[order[0]]
    with (folder / "all.edf").open("wb") as file:
        for number, frame in enumerate(seen):
            header = f"{{\nEDF_DataBlockID = {number}.Image.Psd ;\nByteOrder = {name} ;\nDataType = UnsignedShort ;\n"
            header += f"Dim_1 = {FRAMES[2]} ;\nDim_2 = {FRAMES[1]} ;\nSize = {frame.nbytes} ;\n"
            header += f"motor_pos = {'1.5 ' * number * 100};\n"
            file.write((header + " " * (-len(header + "}\n") % 512) + "}\n").encode() + frame.astype(order).tobytes())
    assert fabio.open(str(folder / "all.edf")).nframes == len(seen)
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "all.edf")), linked)
    np.testing.assert_array_equal(through_master(written), seen)


def eiger_scan(folder: Path, seen: np.ndarray, per_file: int = 2, place: str = "entry/data") -> RawSeries:
    """As Dectris's file writer has it: a master with links to compressed data files, and a mask larger than a frame."""
    with h5py.File(folder / "sx_1_master.h5", "w") as master:
        master["entry/instrument/detector/detectorSpecific/pixel_mask"] = np.ones((40, 50), "u4")
        for number, start in enumerate(range(0, len(seen), per_file), 1):
            name = f"sx_1_data_{number:06d}.h5"
            with h5py.File(folder / name, "w") as file:
                file.create_dataset(
                    "entry/data/data", data=seen[start : start + per_file], chunks=(1, *seen.shape[1:]),
                    compression=hdf5plugin.Bitshuffle(),
                )  # fmt: skip
            master.require_group(place)[f"data_{number:06d}"] = h5py.ExternalLink(name, "/entry/data/data")
    return RawSeries("pco", str(folder), "sx_1_master.h5")


@pytest.mark.parametrize("place", ["entry/data", "entry"])
def test_an_eigers_master_shows_the_frames_of_its_data_files(
    place: str, record: Record, folder: Path, linked: FileSettings
) -> None:
    seen = frames(dtype="uint32")
    written = write_nexus(ended(record, eiger_scan(folder, seen, place=place)), linked)
    np.testing.assert_array_equal(through_master(written), seen)
    names = ["sx_1_master.h5", *(f"sx_1_data_{number:06d}.h5" for number in (1, 2, 3))]
    assert listed(written) == [f"bone/scan0001/{name}" for name in names]


def test_an_eigers_master_beside_its_data_files_shows_each_frame_once(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    seen = frames(dtype="uint32")
    master = eiger_scan(folder, seen)
    data = RawSeries("pco", str(folder), "sx_1_data_%06d.h5", 1, 3)
    for order in ((master, data), (data, master)):
        np.testing.assert_array_equal(through_master(write_nexus(ended(record, *order), linked)), seen)


def test_a_data_file_that_an_eigers_master_misses_is_reported(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    seen = frames(dtype="uint32")
    series = eiger_scan(folder, seen)
    (folder / "sx_1_data_000002.h5").unlink()
    written = write_nexus(ended(record, series), linked)
    np.testing.assert_array_equal(through_master(written), seen[:2])
    assert "is not there: it and the 1 after it" in written.missing[f"{GROUP}/data_file/sx_1_data_000002.h5"]


def test_a_file_with_darks_and_flats_beside_the_frames_shows_the_frames(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    seen = frames()
    with h5py.File(folder / "tomo.h5", "w") as file:
        file["exchange/data_dark"] = seen[:2]
        file["exchange/data"] = seen
        file["exchange/theta"] = np.linspace(0, 180, len(seen))
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "tomo.h5")), linked)
    np.testing.assert_array_equal(through_master(written), seen)
    dark = RawSeries("pco", str(folder), "tomo.h5", dataset="exchange/data_dark")
    np.testing.assert_array_equal(through_master(write_nexus(ended(record, dark), linked)), seen[:2])


def test_frames_that_were_never_written_are_not_shown_as_zeros(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    seen = frames()
    with h5py.File(folder / "tomo.h5", "w") as file:
        data = file.create_dataset("data", FRAMES, "u2", chunks=(1, 2, FRAMES[2]))
        data[:4] = seen[:4]
        data[4, :2] = seen[4, :2]
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "tomo.h5")), linked)
    np.testing.assert_array_equal(through_master(written), seen[:4])
    assert "the frames from 4 on were not written" in written.missing[f"{GROUP}/data_file/tomo.h5"]


@pytest.mark.parametrize("per_file", [2, 1])
def test_a_file_with_fewer_frames_than_the_others_is_told(
    per_file: int, record: Record, folder: Path, linked: FileSettings
) -> None:
    seen = frames()
    counts = [per_file, 1, 2, per_file]
    for number, count in enumerate(counts):
        with h5py.File(folder / f"part_{number}.h5", "w") as file:
            file["data"] = seen[:count]
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "part_%d.h5", 0, 4)), linked)
    odd = {2: "part_1.h5: 1 frames, where the first file has 2", 1: "part_2.h5: 2 frames, where the first file has 1"}
    assert any(odd[per_file] in warning for warning in written.warnings)
    assert len(through_master(written)) == sum(counts)


def many_files(folder: Path, seen: np.ndarray, **how: object) -> RawSeries:
    for number, frame in enumerate(seen):
        with h5py.File(folder / f"f_{number:04d}.h5", "w") as file:
            file.create_dataset("data", data=frame[None], **how)
    return RawSeries("pco", str(folder), "f_%04d.h5", 0, len(seen))


@pytest.mark.parametrize("how", [{}, {"chunks": (1, *FRAMES[1:])}])
def test_more_hdf5_files_than_one_virtual_dataset_may_have_are_shown_by_the_place_of_their_bytes(
    how: dict[str, object], record: Record, folder: Path, linked: FileSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series_of_hdf5, "_MOST_SOURCES", 4)
    seen = frames()
    written = write_nexus(ended(record, many_files(folder, seen, **how)), linked)
    np.testing.assert_array_equal(through_master(written), seen)


def test_more_compressed_hdf5_files_than_one_virtual_dataset_may_have_are_shown_in_blocks(
    record: Record, folder: Path, linked: FileSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series_of_hdf5, "_MOST_SOURCES", 4)
    seen = frames()
    written = write_nexus(ended(record, many_files(folder, seen, compression="gzip")), linked)
    np.testing.assert_array_equal(through_master(written, "data_000001"), seen[:4])
    np.testing.assert_array_equal(through_master(written, "data_000002"), seen[4:])
    assert any("linked in blocks" in warning for warning in written.warnings)
    assert DATA not in written.missing


def test_cbf_files_are_listed_and_those_that_are_not_whole_are_named(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    seen = np.random.default_rng(1).integers(0, 60000, (100, 120)).astype("i4")
    for number in range(4):
        fabio.cbfimage.CbfImage(data=seen).write(str(folder / f"p_{number}.cbf"))
    (folder / "p_1.cbf").write_bytes((folder / "p_1.cbf").read_bytes()[:10_000])
    (folder / "p_2.cbf").write_bytes(b"")
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "p_%d.cbf", 0, 5)), linked)
    assert listed(written) == [f"bone/scan0001/p_{number}.cbf" for number in range(5)]
    reasons = {path.rpartition("/")[2]: why for path, why in written.missing.items() if "data_file/" in path}
    assert set(reasons) == {"p_1.cbf", "p_2.cbf", "p_4.cbf"}
    assert "is truncated" in reasons["p_1.cbf"]
    assert "is empty" in reasons["p_2.cbf"]
    assert "is not there" in reasons["p_4.cbf"]


def test_raw_files_outside_the_experiments_folder_are_named_absolutely_and_that_is_said(
    record: Record, linked: FileSettings
) -> None:
    elsewhere = linked.data_root / "buffer"
    elsewhere.mkdir()
    series = many_files(elsewhere, frames())
    written = write_nexus(ended(replace(record), series), linked)
    assert listed(written)[0] == str(elsewhere / "f_0000.h5")
    assert any("outside the experiment's folder" in warning for warning in written.warnings)


@pytest.mark.parametrize("make", [hdf5_scan, hdf5_series, edf_series])
def test_fewer_frames_than_were_asked_for_are_missing_and_more_are_told(
    make, record: Record, linked: FileSettings
) -> None:
    series = make(record, frames())
    fewer = write_nexus(replace(ended(record, series), frames={"pco": FRAMES[0] + 2}), linked)
    assert fewer.missing[f"{GROUP}/data_file"] == "6 frames are there, where 8 were to come"
    assert len(through_master(fewer)) == FRAMES[0]
    assert raw_findings(fewer) == [
        (Severity.ERROR, "raw data are not within reach: 6 frames are there, where 8 were to come"),
        (Severity.ERROR, "it has 6 frames, where 8 were to come"),
    ]
    more = write_nexus(replace(ended(record, series), frames={"pco": FRAMES[0] - 1}), linked)
    assert f"{GROUP}/data_file: 6 frames are there, where 5 were to come" in more.warnings
    assert raw_findings(more) == [(Severity.WARNING, "it has 6 frames, where 5 were to come")]
    right = write_nexus(replace(ended(record, series), frames={"pco": FRAMES[0]}), linked)
    assert raw_findings(right) == []


def raw_findings(written: Written) -> list[tuple[Severity, str]]:
    report = validate(written.master, with_others=False)
    return sorted((finding.severity, finding.what) for finding in report.findings if finding.check is Check.RAW)[::-1]


def test_a_scan_that_was_aborted_may_have_fewer_frames(record: Record, linked: FileSettings) -> None:
    series = hdf5_scan(record, frames())
    over = replace(ended(record, series, reason=EndReason.ABORTED), frames={"pco": 100})
    written = write_nexus(over, linked)
    assert f"{GROUP}/data_file" not in written.missing
    assert raw_findings(written) == [(Severity.WARNING, "it has 6 frames, where 100 were to come")]


def test_listed_files_are_counted_too_and_so_are_those_of_a_detector_that_wrote_none(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    for number in range(3):
        fabio.cbfimage.CbfImage(data=frames()[0].astype("i4")).write(str(folder / f"p_{number}.cbf"))
    over = replace(ended(record, RawSeries("pco", str(folder), "p_%d.cbf", 0, 3)), frames={"pco": 4, "eiger": 7})
    written = write_nexus(over, linked)
    assert written.missing[f"{GROUP}/data_file"] == "3 frames are there, where 4 were to come"
    assert written.missing["instrument/eiger/data_file"] == "0 frames are there, where 7 were to come"


def cbf_series(folder: Path, count: int = 3) -> RawSeries:
    for number in range(count):
        seen = np.random.default_rng(number).integers(0, 60000, (100, 120)).astype("i4")
        fabio.cbfimage.CbfImage(data=seen).write(str(folder / f"p_{number}.cbf"))
    return RawSeries("pco", str(folder), "p_%d.cbf", 0, count)


def sums(written: Written) -> list[str]:
    with h5py.File(written.master) as file:
        note = file[f"{written.entry}/{GROUP}/data_file"]
        assert note["algorithm"].asstr()[()] == "sha256"
        return note["checksum"].asstr()[()].tolist()


def test_listed_files_get_checksums_where_they_are_asked_for_and_validation_compares_them(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    series = cbf_series(folder)
    over = ended(record, series)
    with h5py.File(write_nexus(over, linked).master) as file:
        assert "checksum" not in file[f"entry_0001/{GROUP}/data_file"]
    written = write_nexus(replace(over, checksums=("pco",)), linked)
    paths = [folder / name for name in series]
    assert sums(written) == [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    assert raw_findings(written) == []
    data = bytearray(paths[1].read_bytes())
    data[-200] ^= 1
    paths[1].write_bytes(data)
    assert (
        Severity.ERROR,
        "1 of the raw files it lists are not what they were: bone/scan0001/p_1.cbf",
    ) in raw_findings(written)


def test_an_entry_made_again_does_not_give_a_checksum_to_what_was_damaged_meanwhile(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    over = replace(ended(record, cbf_series(folder)), checksums=("pco",))
    before = sums(write_nexus(over, linked))
    path = folder / "p_0.cbf"
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[-200] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # a disk that forgets says nothing
    assert sums(write_nexus(over, linked)) == before
    os.utime(path)
    assert sums(write_nexus(over, linked))[0] == hashlib.sha256(data).hexdigest()


def test_checksums_that_take_long_are_made_in_several_attempts(
    record: Record, folder: Path, linked: FileSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = replace(linked, raw_hours=1.0, checksums_s=10.0)
    over = replace(ended(record, cbf_series(folder)), checksums=("pco",), end_time=now())
    # The second file takes too long; the third is not begun. Then there is time for all.
    clock = iter([0.0, 1.0, 1.0, 2.0, 99.0, 99.0, *range(20)])
    monkeypatch.setattr("nxscribe.projections.nexus.raw.checksums.time.monotonic", lambda: next(clock))
    early = write_nexus(over, waiting)
    assert early.pending[f"{GROUP}/data_file/checksum"] == "2 of 3 files have no checksum yet"
    assert early.awaits_raw
    late = write_nexus(over, waiting)
    assert late.complete
    assert "" not in sums(late)


def test_a_file_that_is_written_while_checksums_are_made_gets_its_own_when_it_is_whole(
    record: Record, folder: Path, linked: FileSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = replace(linked, raw_hours=1.0, checksums_s=10.0)
    paths = [folder / f"im_{number}.edf.gz" for number in range(2)]
    for path, frame in zip(paths, frames(), strict=False):
        gzipped_edf(path, frame)
    whole = paths[0].read_bytes()
    paths[0].write_bytes(whole[:100])

    honest = checksums.checksum_of

    def while_the_detector_writes(path: str, until: float) -> str:
        made = honest(path, until)
        if path == str(paths[1]):
            paths[0].write_bytes(whole)
        return made

    series = RawSeries("pco", str(folder), "im_%d.edf.gz", 0, 2)
    over = replace(ended(record, series), checksums=("pco",), end_time=now())
    with monkeypatch.context() as patched:
        patched.setattr(checksums, "checksum_of", while_the_detector_writes)
        early = write_nexus(over, waiting)
    assert early.pending[f"{GROUP}/data_file/checksum"] == "1 of 2 files have no checksum yet"
    assert sums(write_nexus(over, waiting)) == [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]


def test_a_file_that_is_not_whole_gets_no_checksum(record: Record, folder: Path, linked: FileSettings) -> None:
    over = replace(ended(record, cbf_series(folder)), checksums=("pco",))
    path = folder / "p_1.cbf"
    path.write_bytes(path.read_bytes()[:10_000])
    assert [bool(one) for one in sums(write_nexus(over, linked))] == [True, False, True]


def compressed_edf(path: Path, seen: np.ndarray) -> None:
    """As the ESRF's EDF has it: the header as text, the pixels by zlib, and their length in the file said."""
    packed = gzip.compress(seen.tobytes())
    header = (
        f"{{\nEDF_DataBlockID = 0.Image.Psd ;\nByteOrder = LowByteFirst ;\nDataType = UnsignedShort ;\n"
        f"Dim_1 = {seen.shape[1]} ;\nDim_2 = {seen.shape[0]} ;\nCompression = GzipCompression ;\n"
        f"EDF_BinarySize = {len(packed)} ;\nSize = {len(packed)} ;\n"
    )
    path.write_bytes((header + " " * (1022 - len(header)) + "}\n").encode() + packed)
    np.testing.assert_array_equal(fabio.open(str(path)).data, seen)


def gzipped_edf(path: Path, seen: np.ndarray) -> None:
    plain = path.with_suffix(".plain.edf")
    fabio.edfimage.EdfImage(data=seen).write(str(plain))
    path.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()


def compressed_tiff(path: Path, seen: np.ndarray) -> None:
    tifffile.imwrite(path, seen, compression="zlib")


COMPRESSED = [(compressed_edf, ".edf"), (gzipped_edf, ".edf.gz"), (compressed_tiff, ".tif")]


@pytest.mark.parametrize(("make", "ending"), COMPRESSED)
def test_compressed_files_are_listed_with_a_reason(
    make, ending: str, record: Record, folder: Path, linked: FileSettings
) -> None:
    for number, frame in enumerate(frames()):
        make(folder / f"im_{number:04d}{ending}", frame)
    series = RawSeries("pco", str(folder), f"im_%04d{ending}", 0, FRAMES[0])
    written = write_nexus(replace(ended(record, series), checksums=("pco",)), linked)
    assert listed(written) == [f"bone/scan0001/im_{number:04d}{ending}" for number in range(FRAMES[0])]
    assert any("can be listed only" in warning for warning in written.warnings)
    assert "" not in sums(written)
    assert not [path for path in written.missing if path.startswith(GROUP) and "data" in path]
    with h5py.File(written.master) as file:
        assert "data" not in file[f"{written.entry}/{GROUP}"]


@pytest.mark.parametrize(("make", "ending"), [COMPRESSED[0], COMPRESSED[2]])
def test_a_compressed_file_that_is_cut_off_is_told(
    make, ending: str, record: Record, folder: Path, linked: FileSettings
) -> None:
    for number, frame in enumerate(frames()):
        make(folder / f"im_{number:04d}{ending}", frame)
    path = folder / f"im_0003{ending}"
    path.write_bytes(path.read_bytes()[:-8])
    series = RawSeries("pco", str(folder), f"im_%04d{ending}", 0, FRAMES[0])
    written = write_nexus(ended(record, series), linked)
    assert "im_0003" in " ".join(path for path in written.missing if path.startswith(f"{GROUP}/data_file/"))


def tiff_series(folder: Path, seen: np.ndarray) -> RawSeries:
    for number, frame in enumerate(seen):
        tifffile.imwrite(folder / f"im_{number:04d}.tif", frame)
    return RawSeries("pco", str(folder), "im_%04d.tif", 0, len(seen))


def virtual_scan(folder: Path, seen: np.ndarray) -> RawSeries:
    """As Eiger's newer writers and Lima2 have it: a master with a virtual dataset over files beside it."""
    layout = h5py.VirtualLayout(seen.shape, seen.dtype)
    for number, frame in enumerate(seen):
        with h5py.File(folder / f"v_{number}.h5", "w") as file:
            file["frames"] = frame[None]
        layout[number] = h5py.VirtualSource(f"v_{number}.h5", "frames", (1, *frame.shape))[0]
    with h5py.File(folder / "virtual.h5", "w") as file:
        file.create_virtual_dataset("entry/data", layout)
    return RawSeries("pco", str(folder), "virtual.h5")


def edf_files(folder: Path, seen: np.ndarray) -> RawSeries:
    for number, frame in enumerate(seen):
        fabio.edfimage.EdfImage(data=frame).write(str(folder / f"im_{number:04d}.edf"))
    return RawSeries("pco", str(folder), "im_%04d.edf", 0, len(seen))


MOVING = [eiger_scan, virtual_scan, tiff_series, edf_files]
READ = "import h5py, numpy, sys; numpy.save(sys.argv[2], h5py.File(sys.argv[1])[sys.argv[3]][()])"


def readable_anywhere() -> dict[str, str]:
    """The environment of an analysis machine: what docs/reference/files.md asks for."""
    return {**os.environ, "HDF5_EXTFILE_PREFIX": "${ORIGIN}", "HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH}


@pytest.mark.parametrize("make", MOVING)
def test_frames_move_with_the_experiments_folder(
    make, record: Record, folder: Path, linked: FileSettings, tmp_path: Path
) -> None:
    seen = frames(dtype="uint32")
    written = write_nexus(ended(record, make(folder, seen)), linked)
    moved = tmp_path / "archive"
    linked.data_root.rename(moved)
    master = moved / written.master.relative_to(linked.data_root)
    command = [sys.executable, "-c", READ, master, tmp_path / "read.npy", f"{written.entry}/{DATA}"]
    subprocess.run(command, check=True, cwd="/", env=readable_anywhere())
    np.testing.assert_array_equal(np.load(tmp_path / "read.npy"), seen)
    report = validate(master, with_others=False)
    assert [finding for finding in report.findings if finding.check in {Check.RAW, Check.LINKS}] == []


@pytest.mark.parametrize("make", MOVING)
def test_frames_read_where_the_folder_is_seen_through_another_mount_point(
    make, record: Record, folder: Path, linked: FileSettings, tmp_path: Path
) -> None:
    seen = frames(dtype="uint32")
    written = write_nexus(ended(record, make(folder, seen)), linked)
    elsewhere = tmp_path / "mnt"
    elsewhere.mkdir()
    hidden = shlex.quote(str(linked.data_root))
    # As on a computer that mounts the server's folder at another place: the place of old is empty there.
    mount = f'mount --bind {hidden} {shlex.quote(str(elsewhere))} && mount -t tmpfs tmpfs {hidden} && exec "$@"'
    namespace = ["unshare", "--mount", "--map-root-user", "sh", "-c", mount, "sh"]
    if subprocess.run([*namespace, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this system permits no mounts of one's own")
    master = elsewhere / written.master.relative_to(linked.data_root)
    command = [sys.executable, "-c", READ, master, tmp_path / "read.npy", f"{written.entry}/{DATA}"]
    subprocess.run([*namespace, *command], check=True, cwd="/", env=readable_anywhere())
    np.testing.assert_array_equal(np.load(tmp_path / "read.npy"), seen)
