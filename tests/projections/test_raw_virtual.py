"""Raw files that are virtual datasets: every frame that HDF5 would give fill values for is named, and none else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from some_scans import ended, started

from nxscribe.errors import ProjectionError, Severity
from nxscribe.model import RawSeries
from nxscribe.projections import FileSettings, Written
from nxscribe.projections.nexus import pack, write_nexus
from nxscribe.projections.nexus.raw.survey import survey
from nxscribe.projections.nexus.validate import validate
from nxscribe.records import Record

DATA = "instrument/detector01/data"
SHAPE = (8, 4, 6)
SEEN = np.random.default_rng(11).integers(1, 60000, SHAPE).astype("u2")
"""No zeros and no fill value among them."""
UNLIMITED = h5py.h5s.UNLIMITED


@pytest.fixture
def record(linked: FileSettings) -> Record:
    return started(linked.data_root)


@pytest.fixture
def folder(record: Record) -> Path:
    return Path(record.directory)


def part(path: Path, data: np.ndarray, **how: object) -> str:
    """A source, and its name."""
    with h5py.File(path, "w") as file:
        file.create_dataset("frames", data=data, **how)
    return path.name


def raw(folder: Path, *mappings: tuple[object, str, int, object], name: str = "raw.h5", path: str = "frames") -> Path:
    """A virtual dataset of mappings (where, file, frames of the source, which of them)."""
    layout = h5py.VirtualLayout(SHAPE, "u2")
    for where, file, count, which in mappings:
        layout[where] = h5py.VirtualSource(file, path, (count, *SHAPE[1:]))[which]
    with h5py.File(folder / name, "w") as file:
        file.create_virtual_dataset("frames", layout, fillvalue=3)
    return folder / name


def unlimited(folder: Path, *mappings: tuple[int, int, int, str, bool], frames: int = SHAPE[0]) -> None:
    """One with no limit: of mappings (first, every, block, file, whether the source has no limit)."""
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    longest = (UNLIMITED, *SHAPE[1:])
    for first, every, block, file, endless in mappings:
        there = h5py.h5s.create_simple((frames, *SHAPE[1:]), longest)
        there.select_hyperslab((first, 0, 0), (UNLIMITED, 1, 1), (every, *SHAPE[1:]), (block, *SHAPE[1:]))
        source = h5py.h5s.create_simple((block, *SHAPE[1:]), longest if endless else (block, *SHAPE[1:]))
        if endless:
            source.select_hyperslab((0, 0, 0), (UNLIMITED, 1, 1), (block, *SHAPE[1:]), (block, *SHAPE[1:]))
        creation.set_virtual(there, file.encode(), b"frames", source)
    with h5py.File(folder / "raw.h5", "w", libver="latest") as file:
        whole = h5py.h5s.create_simple((frames, *SHAPE[1:]), longest)
        h5py.h5d.create(file.id, b"frames", h5py.h5t.NATIVE_UINT16, whole, creation)


def nothing_lacks(folder: Path) -> set[int]:
    raw(folder, (slice(None), part(folder / "a.h5", SEEN), 8, slice(None)))
    return set()


def no_mapping(folder: Path) -> set[int]:
    source = part(folder / "a.h5", SEEN)
    raw(folder, (slice(0, 3), source, 8, slice(0, 3)), (slice(5, 8), source, 8, slice(5, 8)))
    return {3, 4}


def receivers_in_turn_of_which_one_died(folder: Path) -> set[int]:
    raw(
        folder,
        (slice(0, 8, 2), part(folder / "a.h5", SEEN[::2]), 4, slice(None)),
        (slice(1, 8, 2), "b.h5", 4, slice(None)),
    )
    return {1, 3, 5, 7}


def source_without_the_dataset(folder: Path) -> set[int]:
    with h5py.File(folder / "b.h5", "w") as file:
        file["other"] = SEEN[:4]
    raw(folder, (slice(0, 4), "b.h5", 4, slice(None)), (slice(4, 8), part(folder / "a.h5", SEEN[4:]), 4, slice(None)))
    return {0, 1, 2, 3}


def source_that_is_no_hdf5_file(folder: Path) -> set[int]:
    (folder / "b.h5").write_bytes(b"no")
    raw(folder, (slice(0, 4), "b.h5", 4, slice(None)), (slice(4, 8), part(folder / "a.h5", SEEN[4:]), 4, slice(None)))
    return {0, 1, 2, 3}


def short_source(folder: Path) -> set[int]:
    part(folder / "a.h5", SEEN[:2], chunks=(1, *SHAPE[1:]), maxshape=(None, *SHAPE[1:]))
    raw(folder, (slice(0, 4), "a.h5", 4, slice(0, 4)), (slice(4, 8), part(folder / "b.h5", SEEN[4:]), 4, slice(0, 4)))
    return {2, 3}


def source_with_smaller_frames(folder: Path) -> set[int]:
    part(folder / "a.h5", SEEN[:4, :, :3], chunks=(1, 4, 3), maxshape=(None, None, None))
    raw(folder, (slice(0, 4), "a.h5", 4, slice(0, 4)), (slice(4, 8), part(folder / "b.h5", SEEN[4:]), 4, slice(0, 4)))
    return {0, 1, 2, 3}


def frames_of_the_source_never_written(folder: Path) -> set[int]:
    with h5py.File(folder / "a.h5", "w") as file:
        stack = file.create_dataset("frames", SHAPE, "u2", chunks=(1, 2, 6))
        for index in (0, 1, 3, 4, 6, 7):
            stack[index] = SEEN[index]
        stack[2, :2] = SEEN[2, :2]
    raw(folder, (slice(0, 8), "a.h5", 8, slice(0, 8)))
    return {2, 5}


def frames_that_lie_elsewhere_in_the_source(folder: Path) -> set[int]:
    part(folder / "a.h5", SEEN[[2, 3, 0, 1]], chunks=(1, *SHAPE[1:]), maxshape=(None, *SHAPE[1:]))
    raw(
        folder,
        (slice(0, 2), "a.h5", 6, slice(2, 4)),
        (slice(2, 4), "a.h5", 6, slice(0, 2)),
        (slice(4, 6), "a.h5", 6, slice(4, 6)),
        (slice(6, 8), part(folder / "b.h5", SEEN[6:]), 2, slice(0, 2)),
    )
    return {4, 5}


def virtual_datasets_of_virtual_datasets(folder: Path) -> set[int]:
    source = part(folder / "a.h5", SEEN)
    raw(folder, (slice(0, 2), source, 8, slice(0, 2)), (slice(3, 8), source, 8, slice(3, 8)), name="inner.h5")
    raw(folder, (slice(0, 8), "inner.h5", 8, slice(0, 8)), name="middle.h5")
    raw(folder, (slice(0, 8), "middle.h5", 8, slice(0, 8)))
    return {2}


def datasets_of_its_own_file(folder: Path) -> set[int]:
    layout = h5py.VirtualLayout(SHAPE, "u2")
    layout[:4] = h5py.VirtualSource(".", "one", (4, *SHAPE[1:]))
    layout[4:] = h5py.VirtualSource(".", "gone", (4, *SHAPE[1:]))
    with h5py.File(folder / "raw.h5", "w") as file:
        file["one"] = SEEN[:4]
        file.create_virtual_dataset("frames", layout, fillvalue=3)
    return {4, 5, 6, 7}


def modules_with_a_gap_between_them_of_which_one_lacks_frames(folder: Path) -> set[int]:
    layout = h5py.VirtualLayout(SHAPE, "u2")
    left, right = SEEN[:, :, :2], SEEN[:6, :, 4:]
    layout[:, :, :2] = h5py.VirtualSource(part(folder / "left.h5", left), "frames", left.shape)
    layout[:6, :, 4:] = h5py.VirtualSource(part(folder / "right.h5", right), "frames", right.shape)
    with h5py.File(folder / "raw.h5", "w") as file:
        file.create_virtual_dataset("frames", layout, fillvalue=0)
    return {6, 7}


def single_images(folder: Path) -> set[int]:
    layout = h5py.VirtualLayout(SHAPE, "u2")
    for index in range(8):
        if index != 4:
            part(folder / f"i{index}.h5", SEEN[index])
        layout[index] = h5py.VirtualSource(f"i{index}.h5", "frames", SHAPE[1:])
    with h5py.File(folder / "raw.h5", "w") as file:
        file.create_virtual_dataset("frames", layout, fillvalue=3)
    return {4}


def images_above_each_other_in_one_image(folder: Path) -> set[int]:
    tall = SEEN.reshape(-1, SHAPE[2])[: 6 * SHAPE[1]]
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("frames", data=tall, chunks=SHAPE[1:], maxshape=(None, SHAPE[2]))
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_fill_value(np.asarray(3, np.uint16))
    space, source = h5py.h5s.create_simple(SHAPE), h5py.h5s.create_simple((8 * SHAPE[1], SHAPE[2]))
    source.select_hyperslab((0, 0), (8 * SHAPE[1], SHAPE[2]))
    creation.set_virtual(space, b"a.h5", b"frames", source)
    with h5py.File(folder / "raw.h5", "w") as file:
        h5py.h5d.create(file.id, b"frames", h5py.h5t.NATIVE_UINT16, h5py.h5s.create_simple(SHAPE), creation)
    return {6, 7}


def selections_of_any_shape(folder: Path) -> set[int]:
    creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    creation.set_fill_value(np.asarray(3, np.uint16))
    space, source = h5py.h5s.create_simple(SHAPE), h5py.h5s.create_simple(SHAPE)
    for chosen in (space, source):
        chosen.select_hyperslab((0, 0, 0), (2, *SHAPE[1:]))
        chosen.select_hyperslab((3, 0, 0), (1, *SHAPE[1:]), op=h5py.h5s.SELECT_OR)
        chosen.select_hyperslab((6, 0, 0), (2, *SHAPE[1:]), op=h5py.h5s.SELECT_OR)
    creation.set_virtual(space, part(folder / "a.h5", SEEN).encode(), b"frames", source)
    with h5py.File(folder / "raw.h5", "w") as file:
        h5py.h5d.create(file.id, b"frames", h5py.h5t.NATIVE_UINT16, h5py.h5s.create_simple(SHAPE), creation)
    return {2, 4, 5}


def sources_without_a_limit(folder: Path) -> set[int]:
    part(folder / "a.h5", SEEN[::2], chunks=(1, *SHAPE[1:]), maxshape=(None, *SHAPE[1:]))
    part(folder / "b.h5", SEEN[1:5:2], chunks=(1, *SHAPE[1:]), maxshape=(None, *SHAPE[1:]))
    unlimited(folder, (0, 2, 1, "a.h5", True), (1, 2, 1, "b.h5", True))
    return {5}  # it ends with the last frame of the longer


def a_series_of_files(folder: Path) -> set[int]:
    for number in range(4):
        part(folder / f"s%{number}.h5", SEEN[2 * number : 2 * number + 2])
    with h5py.File(folder / "s%1.h5", "w") as file:
        file.create_dataset("frames", (2, *SHAPE[1:]), "u2", chunks=(1, *SHAPE[1:]))[0] = SEEN[2]
    unlimited(folder, (0, 2, 2, "s%%%b.h5", False), frames=2)
    return {3}


KINDS = [
    nothing_lacks,
    no_mapping,
    receivers_in_turn_of_which_one_died,
    source_without_the_dataset,
    source_that_is_no_hdf5_file,
    short_source,
    source_with_smaller_frames,
    frames_of_the_source_never_written,
    frames_that_lie_elsewhere_in_the_source,
    virtual_datasets_of_virtual_datasets,
    datasets_of_its_own_file,
    modules_with_a_gap_between_them_of_which_one_lacks_frames,
    single_images,
    images_above_each_other_in_one_image,
    selections_of_any_shape,
    sources_without_a_limit,
    a_series_of_files,
]


def absent(folder: Path) -> set[int]:
    with h5py.File(folder / "raw.h5", locking=False) as file:
        return set(survey(file["frames"], folder / "raw.h5").absent)


def errors(written: Written) -> list[str]:
    findings = validate(written.master, with_others=False).findings
    return [str(finding) for finding in findings if finding.severity is Severity.ERROR and finding.check == "raw"]


@pytest.mark.parametrize("make", KINDS)
def test_what_reads_as_fill_is_named_frame_by_frame_and_nothing_else(
    make: Callable[[Path], set[int]], record: Record, folder: Path, linked: FileSettings
) -> None:
    lacking = make(folder)
    assert absent(folder) == lacking
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "raw.h5", dataset="frames")), linked)
    with h5py.File(written.master) as file:
        shown = file[f"{written.entry}/{DATA}"][()]
    for index, frame in enumerate(shown):
        if index in lacking:
            # One without a limit is shown as it is.
            assert (frame == (0 if make in {sources_without_a_limit, a_series_of_files} else 65535)).all()
        elif make is not modules_with_a_gap_between_them_of_which_one_lacks_frames:
            np.testing.assert_array_equal(frame, SEEN[index])
    told = " ".join(reason for path, reason in written.missing.items() if path.startswith(DATA))
    assert bool(told) == bool(lacking)
    assert bool(errors(written)) == bool(lacking)
    if lacking:
        with pytest.raises(ProjectionError, match="frame"):
            pack(written.master, linked.data_root / "packed.h5")
    else:
        assert pack(written.master, linked.data_root / "packed.h5").frames == len(shown)


def test_a_virtual_dataset_of_which_no_frame_is_there_is_not_linked(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    raw(folder, (slice(None), "gone.h5", 8, slice(None)))
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "raw.h5")), linked)
    assert "frames 0 to 7: shown of gone.h5, which is not there: the frames are not linked" in written.missing[DATA]


def test_a_virtual_dataset_that_is_its_own_source_is_told_and_not_read(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    raw(folder, (slice(None), "b.h5", 8, slice(None)))
    raw(folder, (slice(None), "raw.h5", 8, slice(None)), name="b.h5")
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "raw.h5")), linked)
    assert "its own source" in written.missing[DATA]


def test_a_source_of_another_type_is_told(record: Record, folder: Path, linked: FileSettings) -> None:
    raw(folder, (slice(None), part(folder / "a.h5", SEEN.astype("u4")), 8, slice(None)))
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "raw.h5")), linked)
    assert any("is of type uint32, and is shown as uint16" in warning for warning in written.warnings)


@pytest.mark.parametrize(
    "named",
    ["real/a.h5", "gone:/a.h5", "real/../real/a.h5", "./real/a.h5"],
)
def test_sources_are_found_where_hdf5_finds_them(
    named: str, record: Record, folder: Path, linked: FileSettings
) -> None:
    (folder / "real").mkdir()
    part(folder / "real/a.h5", SEEN)
    if named.startswith("gone:"):  # an absolute name that is stale: by its last part, beside the file that names it
        named = "/nowhere/at/all/a.h5"
        raw(folder / "real", (slice(None), named, 8, slice(None)))
        (folder / "raw.h5").symlink_to("real/raw.h5")
    else:
        raw(folder, (slice(None), named, 8, slice(None)))
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "raw.h5")), linked)
    with h5py.File(written.master) as file:
        np.testing.assert_array_equal(file[f"{written.entry}/{DATA}"][()], SEEN)
    assert not errors(written)


def test_beside_a_symbolic_link_comes_before_beside_the_real_file(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    (folder / "real").mkdir()
    raw(folder / "real", (slice(None), part(folder / "real/a.h5", SEEN[:5]), 8, slice(None)))
    part(folder / "a.h5", SEEN)
    (folder / "raw.h5").symlink_to("real/raw.h5")
    assert absent(folder) == set()
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "raw.h5")), linked)
    with h5py.File(written.master) as file:
        np.testing.assert_array_equal(file[f"{written.entry}/{DATA}"][()], SEEN)


@pytest.mark.parametrize("variable", ["HDF5_VDS_PREFIX", "HDF5_EXT_PREFIX"])
def test_what_is_read_does_not_depend_on_the_environment(variable: str, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    part(tmp_path / "else/a.h5", SEEN[::-1])
    raw(folder, (slice(None), part(folder / "a.h5", SEEN), 8, slice(None)))
    with h5py.File(folder / "s_master.h5", "w") as file:
        file["entry/data/data_000001"] = h5py.ExternalLink("a.h5", "/frames")
    named = "raw.h5" if variable == "HDF5_VDS_PREFIX" else "s_master.h5"
    code = (
        "import sys, numpy; from nxscribe.projections.nexus.raw.survey import survey; import h5py;"
        "file = h5py.File(sys.argv[1]); numpy.save(sys.argv[2], file[sys.argv[3]][()])"
    )
    path = "frames" if named == "raw.h5" else "entry/data/data_000001"
    arguments = [sys.executable, "-c", code, folder / named, tmp_path / "read.npy", path]
    subprocess.run(arguments, check=True, cwd="/", env=os.environ | {variable: str(tmp_path / "else")})
    np.testing.assert_array_equal(np.load(tmp_path / "read.npy"), SEEN)


def test_many_sources_are_looked_at_with_few_open_files_and_a_short_one_among_them_is_found(folder: Path) -> None:
    count = 1200
    frame = SEEN[:1]
    layout = h5py.VirtualLayout((count, *SHAPE[1:]), "u2")
    for index in range(count):
        name = part(folder / f"m{index:04d}.h5", frame if index != 777 else frame[:0])
        layout[index] = h5py.VirtualSource(name, "frames", (1, *SHAPE[1:]))[0]
    with h5py.File(folder / "raw.h5", "w") as file:
        file.create_virtual_dataset("frames", layout)
    opened_before = len(list(Path("/proc/self/fd").iterdir()))
    assert absent(folder) == {777}
    assert len(list(Path("/proc/self/fd").iterdir())) == opened_before


def test_files_of_a_series_that_hdf5_does_not_show_after_a_gap_are_told(
    record: Record, folder: Path, linked: FileSettings
) -> None:
    for number in (0, 1, 3):
        part(folder / f"s_{number}.h5", SEEN[2 * number : 2 * number + 2])
    unlimited(folder, (0, 2, 2, "s_%b.h5", False), frames=2)
    written = write_nexus(ended(record, RawSeries("pco", str(folder), "raw.h5")), linked)
    with h5py.File(written.master) as file:
        np.testing.assert_array_equal(file[f"{written.entry}/{DATA}"][()], SEEN[:4])
    told = "ends before s_2.h5, which is not there, although s_3.h5 is"
    assert any(told in warning for warning in written.warnings)
    assert any(told in error for error in errors(written))
