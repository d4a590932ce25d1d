"""Raw files as nobody makes them on purpose: names, types and kinds of file that a scan can leave all the same."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import fabio.cbfimage
import fabio.edfimage
import h5py
import numpy as np
import pytest
import some_scans
import tifffile
from some_scans import FRAMES, edf_series, ended, frames, hdf5_series, started

from nxscribe.errors import Severity
from nxscribe.model import RawSearch, RawSeries
from nxscribe.projections import FileSettings, Written
from nxscribe.projections.nexus import pack, write_nexus
from nxscribe.projections.nexus.validate import Check, validate
from nxscribe.records import Record, record_from_json, record_to_json

GROUP = "instrument/detector01"
DATA = f"{GROUP}/data"


@pytest.fixture
def record(linked: FileSettings) -> Record:
    return started(linked.data_root)


@pytest.fixture
def folder(record: Record) -> Path:
    return Path(record.directory)


def through_master(written: Written) -> np.ndarray:
    with h5py.File(written.master) as file:
        return file[f"{written.entry}/{DATA}"][()]


def errors(written: Written) -> list[str]:
    """What validation finds wrong with files and frames."""
    report = validate(written.master, with_others=False)
    wrong = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    return [str(finding) for finding in wrong if finding.check in {Check.LINKS, Check.RAW, Check.FILE}]


def wrote_metadata(written: Written) -> bool:
    """Whether the values of both ends are in the entry."""
    with h5py.File(written.master) as file:
        source = file[f"{written.entry}/instrument/source"]
        return bool(source["current"][()] == 199.7 and source["current_end"][()] == 198.2)


def of_type(name: str) -> np.ndarray:
    """Frames of any type that h5py writes, none of them all zeros."""
    seen = frames()
    made = {
        "enum": lambda: (seen % 3).astype(h5py.enum_dtype({"DARK": 0, "FLAT": 1, "BEAM": 2}, "u1")),
        "record": lambda: np.rec.fromarrays([seen, seen], names=["low", "high"]),
        "text": lambda: seen.astype("S5"),
        "texts": lambda: seen.astype(str).astype(h5py.string_dtype()),
        "opaque": lambda: seen.view(h5py.opaque_dtype(np.dtype("V2"))),
        "u8": lambda: seen.astype("u8") + 2**63,
    }
    return made[name]() if name in made else seen.astype(name)


@pytest.mark.parametrize("folder_name", ["5%", "%b", "%%d%s", "50%Cu %"])
@pytest.mark.parametrize("kind", ["hdf5", "edf", "tiff"])
def test_a_percent_sign_in_a_path_is_a_letter_like_any_other(
    kind: str, folder_name: str, record: Record, linked: FileSettings
) -> None:
    seen = frames()
    within = replace(record, directory=f"{record.directory}/{folder_name}")
    os.mkdir(within.directory)  # noqa: PTH102 - a text
    suffix = {"hdf5": "h5", "edf": "edf", "tiff": "tif"}[kind]
    names = [f"{within.directory}/f%{index}b.{suffix}" for index in range(3)]
    for name, pair in zip(names, seen.reshape(3, 2, *FRAMES[1:]), strict=True):
        if kind == "hdf5":
            with h5py.File(name, "w") as file:
                file["a%b/100%"] = pair
        elif kind == "tiff":
            tifffile.imwrite(name, pair, photometric="minisblack")
        else:
            image = fabio.edfimage.EdfImage(data=pair[0])
            image.append_frame(data=pair[1])
            image.write(name)
    raw = RawSeries("pco", within.directory, f"f%%%db.{suffix}", 0, 3)
    written = write_nexus(ended(within, raw), linked)
    np.testing.assert_array_equal(through_master(written), seen)
    assert not errors(written)
    assert pack(written.master, linked.data_root / "packed.h5").frames == len(seen)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["?", "i1", "u4", "i8", "u8", "f2", "f8", "c8", "enum"])
def test_frames_of_several_files_keep_their_numbers_whatever_their_type(
    dtype: str, order: str, record: Record, folder: Path, linked: FileSettings
) -> None:
    seen = of_type(dtype)
    seen = seen.astype(seen.dtype.newbyteorder(order))
    for index in range(3):
        with h5py.File(folder / f"part_{index}.h5", "w") as file:
            file["frames"] = seen[2 * index : 2 * index + 2]
    raw = RawSeries("pco", str(folder), "part_%d.h5", 0, 3, "frames")
    written = write_nexus(ended(record, raw), linked)
    np.testing.assert_array_equal(through_master(written), seen)


@pytest.mark.parametrize("files", [1, 3])
@pytest.mark.parametrize("dtype", ["record", "text", "texts", "opaque"])
def test_what_is_no_number_costs_the_frames_and_not_the_entry(
    dtype: str, files: int, record: Record, folder: Path, linked: FileSettings
) -> None:
    seen = of_type(dtype)
    for index in range(3):
        with h5py.File(folder / f"part_{index}.h5", "w") as file:
            file["frames"] = seen[2 * index : 2 * index + 2]
    raw = RawSeries("pco", str(folder), "part_%d.h5", 0, files, "frames")
    written = write_nexus(ended(record, raw), linked)
    assert wrote_metadata(written)
    assert "part_0.h5" in written.missing[DATA]
    assert not written.unforeseen


@pytest.mark.parametrize(
    "names",
    [
        [b"bone_\xe9_%d.edf" % index for index in range(3)],
        [b"r\xff\xfe2%d.edf" % index for index in range(3)],
        [f"d10²{index}.edf".encode() for index in range(3)],
        [f"a_{digit}.edf".encode() for digit in "٣٤٥"],
        [f"x{digit}y.edf".encode() for digit in "①②③"],
        [f"line\nbreak {index}.edf".encode() for index in range(3)],
        [rf"w\xe9{index}.edf".encode() for index in range(3)],
        [b"%023d.edf" % (10**22 + index) for index in range(3)],
    ],
    ids=["latin-1", "no text", "superscript", "arabic", "circled", "newline", "backslash", "number"],
)
def test_files_found_by_odd_names_are_shown_listed_and_kept(
    names: list[bytes], record: Record, folder: Path, linked: FileSettings
) -> None:
    seen = frames()[: len(names)]
    for name, frame in zip(names, seen, strict=True):
        fabio.edfimage.EdfImage(data=frame).write(str(folder / "new.edf"))
        (folder / "new.edf").rename(os.fsdecode(os.fsencode(folder) + b"/" + name))
    searching = replace(ended(record), searches=(RawSearch("pco", str(folder), "*.edf"),))
    written = write_nexus(searching, linked)
    np.testing.assert_array_equal(through_master(written), seen)
    kept = record_from_json(record_to_json(replace(ended(record), raw=written.found)))
    assert kept.raw == written.found
    again = write_nexus(kept, linked)
    np.testing.assert_array_equal(through_master(again), seen)
    assert not errors(written)


def test_the_longest_name_that_a_file_can_have_is_taken(record: Record, folder: Path, linked: FileSettings) -> None:
    seen = frames()
    for index, frame in enumerate(seen):
        fabio.edfimage.EdfImage(data=frame).write(str(folder / f"{'n' * 250}{index}.edf"))
    written = write_nexus(ended(record, RawSeries("pco", str(folder), f"{'n' * 250}%d.edf", 0, len(seen))), linked)
    np.testing.assert_array_equal(through_master(written), seen)


@pytest.mark.parametrize("said", [4, 39])
def test_an_edf_file_that_claims_fewer_bytes_than_its_pixels_take_is_told(
    said: int, record: Record, folder: Path, linked: FileSettings
) -> None:
    fields = {"ByteOrder": "LowByteFirst", "DataType": "UnsignedShort", "Dim_1": 5, "Dim_2": 4, "Size": said}
    header = "{\n" + "".join(f"{key} = {value} ;\n" for key, value in fields.items())
    (folder / "pale.edf").write_bytes(header.ljust(510).encode() + b"}\n" + frames()[0].tobytes())
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "pale.edf")), linked)
    assert wrote_metadata(written)
    assert f"{said} bytes" in written.missing[DATA]
    assert not written.unforeseen


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(path.parent, os.O_RDONLY)
        listener.bind(f"/proc/self/fd/{here}/{path.name}")
        os.close(here)


def make_ring(path: Path) -> None:
    path.symlink_to(path.name)


def make_dangling(path: Path) -> None:
    path.symlink_to("nowhere.h5")


@pytest.mark.parametrize("make", [make_pipe, make_socket, make_ring, make_dangling, Path.mkdir, Path.touch])
@pytest.mark.parametrize("suffix", ["h5", "edf", "tif", "cbf", "edf.gz", "png"])
def test_what_is_no_file_of_frames_is_said_to_be_none_and_nobody_waits_for_it(
    suffix: str, make, record: Record, folder: Path, linked: FileSettings
) -> None:
    make(folder / f"cam_0.{suffix}")
    edf_series(record, frames())
    odd = RawSeries("odd", str(folder), f"cam_0.{suffix}")
    good = RawSeries("pco", str(folder), "holo_%04d.edf", 0, FRAMES[0])
    written = write_nexus(replace(ended(record, odd, good), checksums=("odd",)), linked)
    assert wrote_metadata(written)
    np.testing.assert_array_equal(through_master(written), frames())
    assert any(path.startswith("instrument/odd/data") for path in written.missing)
    assert not written.unforeseen


@pytest.mark.parametrize("name", ["cam_0.cbf", "cam_0.img", "cam_0.CBF.1", "cam_0"])
def test_a_short_cbf_file_is_told_whatever_its_name_ends_with(
    name: str, record: Record, folder: Path, linked: FileSettings
) -> None:
    fabio.cbfimage.CbfImage(data=frames()[0].astype("i4")).write(str(folder / "whole.cbf"))
    whole = (folder / "whole.cbf").read_bytes()
    (folder / name).write_bytes(whole[: whole.index(b"\x0c\x1a\x04\xd5") + 10])
    written = write_nexus(ended(record, RawSeries("pco", str(folder), name)), linked)
    assert "is truncated" in written.missing[f"{GROUP}/data_file/{name}"]
    (folder / name).write_bytes(whole)
    assert not write_nexus(ended(record, RawSeries("pco", str(folder), name)), linked).missing.keys() & {
        f"{GROUP}/data_file/{name}"
    }


WRITE = """
import json, sys
from dataclasses import replace
from pathlib import Path
from some_scans import ended, started
from nxscribe.model import RawSeries, now
from nxscribe.projections import FileSettings
from nxscribe.projections.nexus import write_nexus
root, name = Path(sys.argv[1]), sys.argv[2]
record = started(root)
raw = RawSeries("pco", record.directory, name)
written = write_nexus(replace(ended(record, raw), end_time=now()), FileSettings(root, raw_hours=1.0))
print(json.dumps([written.pending, written.missing, len(written.unforeseen)]))
"""


@pytest.mark.parametrize("shut_off", ["the file", "its folder"])
@pytest.mark.parametrize("suffix", ["h5", "edf", "cbf", "tif", "unknown"])
def test_a_file_that_nxscribe_may_not_read_is_awaited_and_the_right_to_read_it_is_asked_for(
    suffix: str, shut_off: str, record: Record, folder: Path, linked: FileSettings
) -> None:
    path = folder / f"cam_0.{suffix}"
    path.write_bytes(b"x" * 100)
    shut = folder if shut_off == "its folder" else path
    before = shut.stat().st_mode
    shut.chmod(0)
    plain = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.getuid() == 0 else []
    try:
        done = subprocess.run(
            [*plain, sys.executable, "-c", WRITE, linked.data_root, path.name],
            env={**os.environ, "PYTHONPATH": str(Path(some_scans.__file__).parent)},
            stdout=subprocess.PIPE,
            check=True,
        )
    finally:
        shut.chmod(before)
    pending, missing, unforeseen = json.loads(done.stdout)
    assert unforeseen == 0
    assert any("Permission denied (give the user that nxscribe runs as" in why for why in pending.values())
    assert not any(place.startswith(GROUP) for place in missing)


@pytest.mark.parametrize("make", [make_pipe, make_ring, make_dangling, Path.mkdir])
def test_a_search_passes_over_what_is_no_file_and_tells_of_links_that_lead_nowhere(
    make, record: Record, folder: Path, linked: FileSettings
) -> None:
    edf_series(record, frames())
    make(folder / "z.edf")
    searching = replace(ended(record), searches=(RawSearch("pco", str(folder), "*.edf"),))
    written = write_nexus(searching, linked)
    np.testing.assert_array_equal(through_master(written), frames())
    assert (f"{GROUP}/data_file/z.edf" in written.missing) == (make in {make_ring, make_dangling})


def test_trouble_that_nobody_foresaw_is_one_detectors_and_has_its_trace(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    edf_series(record, frames())
    # A record may come from elsewhere: no pattern that nxscribe makes has two numbers.
    odd = RawSeries("odd", str(folder), "cam_%d_%d.edf")
    good = RawSeries("pco", str(folder), "holo_%04d.edf", 0, FRAMES[0])
    written = write_nexus(ended(record, odd, good), linked)
    assert wrote_metadata(written)
    np.testing.assert_array_equal(through_master(written), frames())
    assert written.missing["instrument/odd/data"].startswith("TypeError: not enough arguments")
    assert ["Traceback" in trace and "TypeError" in trace for trace in written.unforeseen] == [True]


def test_frames_that_read_otherwise_through_hdf5_cost_the_frames_and_not_the_entry(
    record: Record, folder: Path, linked: FileSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files that are replaced while they are linked."""
    seen = frames()
    raw = hdf5_series(record, seen)
    from nxscribe.projections.nexus.raw import _hdf5_series as series_of_hdf5  # noqa: PLC0415

    linking = series_of_hdf5.link

    def replaced_meanwhile(*arguments):
        linked_frames = linking(*arguments)
        hdf5_series(record, frames(2))
        return linked_frames

    monkeypatch.setattr(series_of_hdf5, "link", replaced_meanwhile)
    written = write_nexus(ended(record, raw), linked)
    assert wrote_metadata(written)
    assert "are not those of the raw files" in written.missing[DATA]
    assert written.missing["plot/data"]


def edf(path: Path, frame: np.ndarray, **header: object) -> None:
    """A file whose header may say anything."""
    known = {"ByteOrder": "LowByteFirst", "DataType": "UnsignedShort", "Dim_1": frame.shape[1], "Dim_2": frame.shape[0]}
    lines = "".join(f"{key} = {value} ;\n" for key, value in {**known, "Size": frame.nbytes, **header}.items())
    path.write_bytes(f"{{\n{lines}".ljust(510).encode() + b"}\n" + frame.tobytes())


@pytest.mark.parametrize("dimension", [0, -5, "wide", 10**12, "1e3"])
@pytest.mark.parametrize("key", ["Dim_1", "Dim_2"])
def test_an_edf_header_with_impossible_dimensions_costs_the_frames_and_not_the_entry(
    key: str, dimension: object, record: Record, folder: Path, linked: FileSettings
) -> None:
    for index, frame in enumerate(frames()):
        edf(folder / f"im_{index}.edf", frame, **{key: dimension})
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "im_%d.edf", 0, FRAMES[0])), linked)
    assert wrote_metadata(written)
    assert "im_0.edf" in written.missing[DATA]
    assert not written.unforeseen


@pytest.mark.parametrize("other", [{"DataType": "SignedShort"}, {"ByteOrder": "HighByteFirst"}])
@pytest.mark.parametrize("count", [6, 150])
def test_an_edf_file_of_the_size_of_the_others_with_another_type_is_never_shown_as_theirs(
    count: int, other: dict[str, str], record: Record, folder: Path, linked: FileSettings
) -> None:
    seen = np.random.default_rng(5).integers(0, 60000, (count, 3, 4)).astype("u2")
    for index, frame in enumerate(seen):
        edf(folder / f"im_{index:03d}.edf", frame, **(other if index > count // 2 else {}))
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "im_%03d.edf", 0, count)), linked)
    np.testing.assert_array_equal(through_master(written), seen[: count // 2 + 1])
    assert f"im_{count // 2 + 1:03d}.edf holds" in " ".join(written.missing.values())


def test_frames_of_which_no_dataset_can_be_made_cost_the_frames_and_not_the_entry(
    record: Record, folder: Path, linked: FileSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody foresaw, in the last step: where the bytes of the frames get their room."""
    from nxscribe.projections.nexus import _copies as copies  # noqa: PLC0415

    def fails(*_: object) -> int:
        raise ZeroDivisionError("by nobody foreseen")

    monkeypatch.setattr(copies, "_make_room", fails)
    written = write_nexus(ended(record, edf_series(record, frames())), linked)
    assert wrote_metadata(written)
    assert "ZeroDivisionError: by nobody foreseen" in written.missing[DATA]
    assert written.unforeseen


def test_validation_looks_behind_virtual_datasets_whose_sources_are_no_utf8(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    seen = frames()
    source = os.fsencode(folder) + b"/gef\xfc\xdf.h5"
    with h5py.File(source, "w") as file:
        file["frames"] = seen
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    space = h5py.h5s.create_simple(seen.shape)
    creation.set_virtual(space, os.path.basename(source), b"frames", space)  # noqa: PTH119 - bytes
    with h5py.File(folder / "shown.h5", "w") as file:
        h5py.h5d.create(file.id, b"frames", h5py.h5t.STD_U16LE, space, creation)
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "shown.h5")), linked)
    np.testing.assert_array_equal(through_master(written), seen)
    assert not errors(written)
    os.remove(source)  # noqa: PTH107 - bytes
    assert any("frames 0 to 5" in error and "not there" in error for error in errors(written))
