"""EDF and TIFF files with more in them than one frame after another: what is a frame, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from some_scans import FRAMES, ended, frames, started

from nxscribe.model import RawSeries, now
from nxscribe.projections import FileSettings, Written
from nxscribe.projections.nexus import write_nexus
from nxscribe.records import Record

GROUP = "instrument/detector01"
DATA = f"{GROUP}/data"
SEEN = frames()
HEADER: dict[str, object] = {
    "ByteOrder": "LowByteFirst",
    "DataType": "UnsignedShort",
    "Dim_1": FRAMES[2],
    "Dim_2": FRAMES[1],
    "Size": SEEN[0].nbytes,
}


@pytest.fixture
def record(linked: FileSettings) -> Record:
    return started(linked.data_root)


@pytest.fixture
def path(record: Record) -> Path:
    """Of the file that is written, without its ending."""
    return Path(record.directory) / "raw"


@pytest.fixture
def entry(record: Record, linked: FileSettings) -> Callable[..., tuple[np.ndarray | None, Written]]:
    """Writes the entry of a scan with one raw file, and gives the frames that it shows."""

    def write(path: Path, **changes: object) -> tuple[np.ndarray | None, Written]:
        series = RawSeries("pco", str(path.parent), path.name)
        written = write_nexus(replace(ended(record, series), **changes), replace(linked, raw_hours=1.0))
        with h5py.File(written.master, locking=False) as file:
            group = file[written.entry]
            return (group[DATA][()] if DATA in group else None), written

    return write


def block(data: bytes, header: Mapping[str, object], length: int = 512) -> bytes:
    text = "{\n" + "".join(f"{key} = {value} ;\n" for key, value in header.items())
    return (text.ljust(length - 2) + "}\n").encode() + data


def edf(path: Path, **header: object) -> Path:
    file = path.with_suffix(".edf")
    known = {key: value for key, value in {**HEADER, **header}.items() if value is not None}
    file.write_bytes(b"".join(block(frame.tobytes(), {"Image": number, **known}) for number, frame in enumerate(SEEN)))
    return file


@pytest.mark.parametrize("kinds", [("Psd", "Error"), ("Error", "Psd")])
def test_edf_blocks_of_variances_are_no_frames_and_are_told(kinds: tuple[str, str], path: Path, entry) -> None:
    file = path.with_suffix(".edf")
    file.write_bytes(
        b"".join(
            block(
                (frame if kind == "Psd" else frame // 7).tobytes(), {"EDF_DataBlockID": f"{n}.Image.{kind}", **HEADER}
            )
            for n, frame in enumerate(SEEN, 1)
            for kind in kinds
        )
    )
    shown, written = entry(file, frames={"pco": len(SEEN)})
    np.testing.assert_array_equal(shown, SEEN)
    assert any("1.Image.Error, are not shown" in text for text in written.warnings)
    assert not [name for name in written.missing if name.startswith(GROUP)]


def test_an_edf_file_of_variances_alone_has_no_frames(path: Path, entry) -> None:
    shown, written = entry(edf(path, EDF_DataBlockID="1.Image.Error"))
    assert shown is None
    assert any("holds no image" in text for text in written.warnings)


@pytest.mark.parametrize("lost", [1, 30, 45, 300, 520])
def test_an_edf_file_that_ends_within_a_frame_or_its_header_shows_the_whole_frames_and_awaits_the_rest(
    lost: int, path: Path, entry
) -> None:
    file = edf(path)
    whole = file.read_bytes()
    file.write_bytes(whole[:-lost])
    shown, written = entry(file, end_time=now())
    np.testing.assert_array_equal(shown, SEEN[:-1])
    assert f"{GROUP}/data_file/raw.edf" in written.pending
    file.write_bytes(whole)
    shown, written = entry(file, end_time=now())
    np.testing.assert_array_equal(shown, SEEN)
    assert written.complete


def test_an_edf_file_with_zeros_or_spaces_at_its_end_is_whole(path: Path, entry) -> None:
    file = edf(path)
    file.write_bytes(file.read_bytes() + b"\0" * 700 + b" \n" * 300)
    shown, written = entry(file, end_time=now())
    np.testing.assert_array_equal(shown, SEEN)
    assert written.complete


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"ByteOrder": None}, "no ByteOrder"),
        ({"ByteOrder": "highbytefirst"}, "ByteOrder = highbytefirst"),
        ({"ByteOrder": "LITTLE_ENDIAN"}, "ByteOrder = LITTLE_ENDIAN"),
        ({"DataType": "unsignedshort"}, "DataType = unsignedshort"),
        ({"DataType": "UInt16"}, "DataType = UInt16"),
        ({"DataType": None}, "no DataType"),
    ],
)
def test_edf_headers_that_do_not_tell_the_type_of_numbers_are_refused_with_what_they_say(
    header: dict[str, str | None], reason: str, path: Path, entry
) -> None:
    shown, written = entry(edf(path, **header), end_time=now())
    assert shown is None
    assert reason in written.missing[DATA]


def test_a_long_edf_header_is_read_to_its_end(path: Path, entry) -> None:
    file = path.with_suffix(".edf")
    header = {**HEADER, **{f"motor_{number}": "1.234 " * 20 for number in range(80)}}
    file.write_bytes(b"".join(block(frame.tobytes(), header, 12288) for frame in SEEN))
    np.testing.assert_array_equal(entry(file)[0], SEEN)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"metadata": {"axes": "ZCYX"}}])
def test_a_tiff_stack_behind_one_directory_reads_frame_by_frame(
    order: str, options: dict[str, object], path: Path, entry
) -> None:
    file = path.with_suffix(".tif")
    data = SEEN[:, None] if "metadata" in options else SEEN
    tifffile.imwrite(file, data, truncate=True, byteorder=order, photometric="minisblack", **options)
    with tifffile.TiffFile(file) as written:
        assert len(written.pages) == 1
    shown, _ = entry(file, frames={"pco": len(SEEN)})
    np.testing.assert_array_equal(shown, SEEN)


def metamorph(path: Path) -> Path:
    """As MetaMorph has it: one directory, whose tag 33629 counts the planes that follow one another."""
    file = path.with_suffix(".stk")
    planes = len(SEEN)
    tags = [(33628, 4, 4, [0, 1, 0, 1], True), (33629, 5, 3 * planes, [1, 1] * 3 * planes, True)]
    tifffile.imwrite(file, SEEN[0], metadata=None, byteorder="<", extratags=tags)
    content = bytearray(file.read_bytes())
    with tifffile.TiffFile(file) as written:
        page = written.pages[0]
        start = page.dataoffsets[0]
        for tag, count in ((33628, 2), (33629, planes)):  # in MetaMorph's units, which are several numbers each
            at = page.tags[tag].offset + 4
            content[at : at + 4] = count.to_bytes(4, "little")
    assert start + SEEN[0].nbytes == len(content), "the planes follow the directory"
    file.write_bytes(bytes(content[:start]) + SEEN.tobytes())
    return file


def test_a_metamorph_stack_reads_frame_by_frame(path: Path, entry) -> None:
    shown, _ = entry(metamorph(path))
    np.testing.assert_array_equal(shown, SEEN)


def test_a_tiff_stack_behind_one_directory_that_is_cut_is_told(path: Path, entry) -> None:
    file = path.with_suffix(".tif")
    tifffile.imwrite(file, SEEN, truncate=True, photometric="minisblack")
    file.write_bytes(file.read_bytes()[: -SEEN[0].nbytes])
    shown, written = entry(file)
    assert shown is None
    assert "truncated" in written.missing[DATA]


def test_previews_in_tiff_files_are_no_frames(path: Path, entry) -> None:
    file = path.with_suffix(".tif")
    with tifffile.TiffWriter(file) as writer:
        for frame in SEEN:
            writer.write(frame, subifds=1, photometric="minisblack", metadata=None)
            writer.write(frame[::2, ::2], subfiletype=1, metadata=None)
        writer.write(SEEN[0][::2, ::2], subfiletype=1, metadata=None)
    shown, written = entry(file, frames={"pco": len(SEEN)})
    np.testing.assert_array_equal(shown, SEEN)
    assert not [text for text in written.warnings if text.startswith(GROUP)]


def test_tiff_pages_of_unlike_shape_are_refused_with_their_shapes(path: Path, entry) -> None:
    file = path.with_suffix(".tif")
    with tifffile.TiffWriter(file) as writer:
        writer.write(SEEN[0], metadata=None)
        writer.write(SEEN[0][:2], metadata=None)
    shown, written = entry(file)
    assert shown is None
    assert "(4, 5)" in written.missing[DATA]
    assert "(2, 5)" in written.missing[DATA]
