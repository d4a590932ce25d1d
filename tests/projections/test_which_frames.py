"""Which dataset of HDF5 files is shown as the frames: what NeXus calls the data, and nothing else without a word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest
from some_scans import END, FRAMES, START, ended, frames, started

from nxscribe.model import RawSeries
from nxscribe.projections import FileSettings, Written
from nxscribe.projections.nexus import write_nexus
from nxscribe.projections.nexus.validate import Check, validate
from nxscribe.records import Record

GROUP = "instrument/detector01"
DATA = f"{GROUP}/data"
SEEN = frames()


@pytest.fixture
def record(linked: FileSettings) -> Record:
    return started(linked.data_root)


@pytest.fixture
def folder(record: Record) -> Path:
    return Path(record.directory)


@pytest.fixture
def shown(record: Record, linked: FileSettings) -> Callable[..., Shown]:
    """Writes the entry of a scan whose detector wrote these files, and gives what is in it."""

    def write(*files: Path, asked: int | None = None, dataset: str = "") -> Shown:
        series = [RawSeries("pco", str(file.parent), file.name, dataset=dataset) for file in files]
        over = replace(ended(record, *series), frames={} if asked is None else {"pco": asked})
        return Shown(write_nexus(over, linked))

    return write


class Shown:
    def __init__(self, written: Written) -> None:
        self.written = written
        with h5py.File(written.master) as file:
            entry = file[written.entry]
            self.frames = entry[DATA][()] if DATA in entry else None
            self.files = [name.rpartition("/")[2] for name in entry["measurement/files"].asstr()[()]]
        self.warnings = [text for text in written.warnings if text.startswith(GROUP)]
        self.missing = {path: why for path, why in written.missing.items() if path.startswith(GROUP)}

    def is_only(self, seen: np.ndarray) -> None:
        """Those frames, and not a word of doubt."""
        np.testing.assert_array_equal(self.frames, seen)
        assert (self.warnings, self.missing) == ([], {})


def classed(file: h5py.File, path: str, nx_class: str, **attributes: object) -> h5py.Group:
    group = file.require_group(path)
    group.attrs.update({"NX_class": nx_class, **attributes})
    return group


def test_the_signal_of_the_default_plot_comes_before_a_larger_dataset(folder: Path, shown) -> None:
    with h5py.File(folder / "a.nxs", "w") as file:
        file.attrs["default"] = "entry"
        classed(file, "entry", "NXentry", default="view")
        classed(file, "entry/view", "NXdata", signal="counts")["counts"] = SEEN
        file["entry/process/volume"] = np.ones((20, 30, 40), "f4")
    shown(folder / "a.nxs").is_only(SEEN)


@pytest.mark.parametrize("nx_class", ["NXdata", "NXdetector"])
def test_data_of_nexus_groups_come_before_a_larger_dataset(nx_class: str, folder: Path, shown) -> None:
    with h5py.File(folder / "a.nxs", "w") as file:
        classed(file, "entry/camera", nx_class)["data"] = SEEN
        file["entry/process/volume"] = np.ones((20, 30, 40), "f4")
    shown(folder / "a.nxs").is_only(SEEN)


def test_the_signal_as_it_was_marked_before_2014_is_known(folder: Path, shown) -> None:
    with h5py.File(folder / "a.nxs", "w") as file:
        group = classed(file, "entry/plot", "NXdata")
        group["counts"] = SEEN
        group["counts"].attrs["signal"] = 1
        group["model"] = np.ones((20, 30, 40), "f4")
    shown(folder / "a.nxs").is_only(SEEN)


def test_of_several_detectors_in_a_file_the_one_that_is_called_as_in_the_config_is_shown(folder: Path, shown) -> None:
    with h5py.File(folder / "a.nxs", "w") as file:
        classed(file, "entry/instrument/basler", "NXdetector")["data"] = np.ones((9, 20, 30), "u2")
        classed(file, "entry/instrument/pco", "NXdetector")["data"] = SEEN
    shown(folder / "a.nxs").is_only(SEEN)


def test_where_several_datasets_could_be_meant_the_entry_names_them_and_the_key_that_decides(
    folder: Path, shown
) -> None:
    with h5py.File(folder / "a.h5", "w") as file:
        file["left/frames"] = SEEN
        file["right/frames"] = SEEN[:3]
    seen = shown(folder / "a.h5")
    np.testing.assert_array_equal(seen.frames, SEEN)
    (warning,) = seen.warnings
    assert "/left/frames is shown; /right/frames could be meant too" in warning
    assert "`dataset`" in warning
    shown(folder / "a.h5", dataset="right/frames").is_only(SEEN[:3])


@pytest.mark.parametrize(
    "beside",
    [
        "entry/instrument/detector/detectorSpecific/trimbits",
        "entry/flatfield",
        "entry/pixel_mask",
        "entry/badPixelMap",
        "entry/darks/average",
        "entry/colour_lut",
        "entry/data_errors",
    ],
)
def test_what_detectors_keep_beside_their_frames_is_never_shown_for_them(beside: str, folder: Path, shown) -> None:
    with h5py.File(folder / "a.h5", "w") as file:
        file[beside] = np.ones((60, 80), "f4")
    seen = shown(folder / "a.h5", asked=4)
    assert seen.frames is None
    assert f"what it has (/{beside}) looks like calibrations or tables" in seen.missing[DATA]
    assert shown(folder / "a.h5", dataset=beside).frames.shape == (60, 80)


@pytest.mark.parametrize(
    "table", [np.ones((50, 6)), np.ones((9, 3, 3)), np.ones((256, 3), "u1"), np.ones((4, 4), "i4")]
)
def test_tables_of_a_few_numbers_are_no_frames(table: np.ndarray, folder: Path, shown) -> None:
    with h5py.File(folder / "a.h5", "w") as file:
        file["entry/positions"] = table
    assert shown(folder / "a.h5").frames is None


def test_an_image_in_a_nexus_detector_that_is_not_its_data_is_no_frame(folder: Path, shown) -> None:
    with h5py.File(folder / "a.h5", "w") as file:
        classed(file, "entry/instrument/eiger", "NXdetector")["thickness_map"] = np.ones((60, 80), "f4")
    assert shown(folder / "a.h5").frames is None


def master(folder: Path, name: str, link: str = "data_%06d", per_file: int = 1, target: str = "x_data_%d.h5") -> Path:
    """As an Eiger has it, with calibrations that are larger than a frame."""
    with h5py.File(folder / name, "w") as file:
        file["entry/instrument/detector/detectorSpecific/pixel_mask"] = np.ones((40, 50), "u4")
        for number, start in enumerate(range(0, len(SEEN), per_file), 1):
            with h5py.File(folder / (target % number), "w") as data:
                data["entry/data/data"] = SEEN[start : start + per_file]
            file[f"entry/data/{link % number}"] = h5py.ExternalLink(target % number, "/entry/data/data")
    return folder / name


@pytest.mark.parametrize("name", ["x_m.h5", "x.nxs", "X_MASTER.H5", "x_master.hdf5"])
@pytest.mark.parametrize("link", ["data_%06d", "data_%d", "image%03d", "block_%d"])
def test_a_master_by_any_name_is_followed_by_its_numbered_links(name: str, link: str, folder: Path, shown) -> None:
    seen = shown(master(folder, name, link))
    np.testing.assert_array_equal(seen.frames, SEEN)
    assert seen.files == [name, *(f"x_data_{number}.h5" for number in range(1, 7))]
    assert not seen.missing


def test_links_are_followed_by_their_numbers_and_not_by_the_order_of_letters(folder: Path, shown) -> None:
    seen = np.random.default_rng(3).integers(0, 9, (12, 8, 9)).astype("u2")
    with h5py.File(folder / "x_master.h5", "w") as file:
        for number, frame in enumerate(seen, 1):
            with h5py.File(folder / f"x_data_{number}.h5", "w") as data:
                data["entry/data/data"] = frame[None]
            file[f"entry/data/data_{number}"] = h5py.ExternalLink(f"x_data_{number}.h5", "/entry/data/data")
    shown(folder / "x_master.h5").is_only(seen)


def test_several_masters_show_the_frames_of_all_beside_their_data_files_too(folder: Path, shown) -> None:
    first, second = master(folder, "a.nxs", target="a_%d.h5"), master(folder, "b.nxs", target="b_%d.h5")
    shown(first, second).is_only(np.concatenate([SEEN, SEEN]))
    shown(first, second, folder / "b_1.h5", folder / "b_2.h5").is_only(np.concatenate([SEEN, SEEN]))
    shown(folder / "a_1.h5", folder / "a_2.h5", first, second).is_only(np.concatenate([SEEN, SEEN]))


@pytest.mark.parametrize("nx_class", ["", "NXdata"])
def test_a_master_whose_data_files_are_gone_shows_nothing_else_for_them(nx_class: str, folder: Path, shown) -> None:
    path = master(folder, "x.nxs", per_file=3)
    for number in (1, 2):
        (folder / f"x_data_{number}.h5").unlink()
    with h5py.File(path, "a") as file:
        file["entry/data"].attrs["NX_class"] = nx_class
        file["entry/odd_map"] = np.ones((60, 80), "f4")
    seen = shown(path)
    assert seen.frames is None
    assert "x_data_1.h5 is not there" in seen.missing[DATA]
    assert seen.files == ["x.nxs", "x_data_1.h5", "x_data_2.h5"]


def test_an_armed_master_without_links_has_no_frames(folder: Path, shown) -> None:
    with h5py.File(folder / "x_master.h5", "w") as file:
        classed(file, "entry/data", "NXdata")
        classed(file, "entry/instrument/detector", "NXdetector")
        file["entry/instrument/detector/detectorSpecific/anything"] = np.ones((60, 80), "u4")
    seen = shown(folder / "x_master.h5", asked=10)
    assert seen.frames is None
    assert "holds no frames" in seen.missing[DATA]


def test_frames_behind_a_link_to_another_file_are_shown_and_that_file_is_listed(folder: Path, shown) -> None:
    with h5py.File(folder / "camera.h5", "w") as file:
        file["entry/data"] = SEEN
    with h5py.File(folder / "scan.nxs", "w") as file:
        file["entry/camera/data"] = h5py.ExternalLink("camera.h5", "/entry/data")
        file["entry/soft"] = h5py.SoftLink("/entry/camera/data")
        file["entry/table"] = np.ones((9, 4))
    seen = shown(folder / "scan.nxs")
    seen.is_only(SEEN)
    assert seen.files == ["scan.nxs", "camera.h5"]
    shown(folder / "scan.nxs", folder / "camera.h5").is_only(SEEN)
    shown(folder / "scan.nxs", dataset="entry/camera/data").is_only(SEEN)
    (folder / "camera.h5").unlink()
    lost = shown(folder / "scan.nxs")
    assert lost.frames is None
    assert "camera.h5 is not there" in lost.missing[DATA]


def lima2(folder: Path, *, channels: int = 1) -> list[Path]:
    """Two receivers that get the frames in turn, and the master that knows it."""
    data = np.repeat(SEEN[:, None], channels, 1)
    layout = h5py.VirtualLayout(data.shape, data.dtype)
    for receiver in (0, 1):
        turns = np.arange(receiver, len(data), 2)
        with h5py.File(folder / f"acq_{receiver}_00000.h5", "w") as file:
            file["entry_0000/measurement/data"] = data[turns]
        source = h5py.VirtualSource(f"acq_{receiver}_00000.h5", "entry_0000/measurement/data", data[turns].shape)
        layout[turns] = source
    with h5py.File(folder / "acq_master.h5", "w") as file:
        file.create_virtual_dataset("entry_0000/measurement/data", layout)
    return sorted(folder.glob("acq_*.h5"))


def test_a_lima2_master_shows_each_frame_once_beside_its_receivers_files(folder: Path, shown) -> None:
    *receivers, its_master = lima2(folder)
    shown(its_master).is_only(SEEN)
    shown(*receivers, its_master).is_only(SEEN)
    shown(its_master, *receivers).is_only(SEEN)


def test_files_of_lima2_receivers_without_their_master_are_refused_with_the_reason(folder: Path, shown) -> None:
    *receivers, _ = lima2(folder)
    seen = shown(*receivers)
    assert seen.frames is None
    assert "only their master knows the order" in seen.missing[DATA]
    assert "acq_master.h5" in seen.missing[DATA]


def test_a_plain_series_with_names_like_those_of_lima2s_receivers_is_shown(folder: Path, shown) -> None:
    names = [folder / f"map_{row}_00000.h5" for row in (0, 1)]
    for name, half in zip(names, (SEEN[:3], SEEN[3:]), strict=True):
        with h5py.File(name, "w") as file:
            file["images"] = half
    shown(*names).is_only(SEEN)


def test_names_like_those_of_lima2s_receivers_are_no_trouble_where_another_program_says_it_made_them(
    folder: Path, shown
) -> None:
    *receivers, its_master = lima2(folder)
    its_master.unlink()
    for path, half in zip(receivers, (SEEN[:3], SEEN[3:]), strict=True):
        with h5py.File(path, "w") as file:
            file.attrs["creator"] = "LIMA-1.10.2"
            file["entry_0000/measurement/data"] = half
    shown(*receivers).is_only(SEEN)


def test_a_virtual_dataset_behind_a_link_shows_each_frame_once_beside_the_files_of_its_sources(
    folder: Path, shown
) -> None:
    *receivers, its_master = lima2(folder)
    with h5py.File(folder / "scan.nxs", "w") as file:
        file["entry/camera"] = h5py.ExternalLink("acq_master.h5", "/entry_0000/measurement")
    assert its_master.exists()
    shown(folder / "scan.nxs", *receivers).is_only(SEEN)
    shown(*receivers, folder / "scan.nxs").is_only(SEEN)


def test_a_virtual_dataset_of_virtual_datasets_shows_each_frame_once_beside_the_files_at_the_bottom(
    folder: Path, shown
) -> None:
    *receivers, its_master = lima2(folder)
    shape = (len(SEEN), 1, *SEEN.shape[1:])
    layout = h5py.VirtualLayout(shape, SEEN.dtype)
    layout[:] = h5py.VirtualSource(its_master.name, "entry_0000/measurement/data", shape)
    with h5py.File(folder / "above.h5", "w") as file:
        file.create_virtual_dataset("entry/data", layout)
    shown(folder / "above.h5", *receivers).is_only(SEEN)


def test_files_that_are_named_through_a_symbolic_link_are_those_that_a_virtual_dataset_shows(
    folder: Path, shown, tmp_path: Path
) -> None:
    *receivers, its_master = lima2(folder)
    way = tmp_path / "way"
    way.symlink_to(folder)
    shown(*(way / path.name for path in receivers), its_master).is_only(SEEN)


@pytest.mark.parametrize("dataset", ["", "entry/camera/frames"])
def test_frames_in_a_group_behind_a_link_are_named_as_they_are_called_in_their_own_file(
    dataset: str, folder: Path, shown
) -> None:
    with h5py.File(folder / "deep.h5", "w") as file:
        file["store/of/images"] = SEEN
        file["store/of/alias"] = h5py.SoftLink("/store/of/images")
    with h5py.File(folder / "between.h5", "w") as file:
        file["way/frames"] = h5py.ExternalLink("deep.h5", "/store/of/alias")
    with h5py.File(folder / "scan.nxs", "w") as file:
        file["entry/camera"] = h5py.ExternalLink("between.h5", "/way")
    seen = shown(folder / "scan.nxs", dataset=dataset)
    seen.is_only(SEEN)
    assert seen.files == ["scan.nxs", "deep.h5"]


def test_frames_of_several_channels_are_shown_as_they_are_and_that_is_told(folder: Path, shown) -> None:
    seen = shown(lima2(folder, channels=2)[-1], asked=len(SEEN))
    np.testing.assert_array_equal(seen.frames[:, 1], SEEN)
    assert not seen.missing
    (warning,) = seen.warnings
    assert "each frame has 2 channels" in warning


def test_compressed_series_of_one_channel_are_shown_as_frames(folder: Path, shown) -> None:
    for number in (0, 1):
        with h5py.File(folder / f"part_{number}.h5", "w") as file:
            data, how = SEEN[3 * number : 3 * number + 3, None], hdf5plugin.LZ4()
            file.create_dataset("entry/data/data", data=data, chunks=(1, 1, *SEEN.shape[1:]), **how)
    shown(folder / "part_0.h5", folder / "part_1.h5", asked=6).is_only(SEEN)


def two_series(folder: Path, *begun: object) -> Path:
    with h5py.File(folder / "lima.h5", "w") as file:
        for number, when in enumerate(begun):
            file[f"entry_{number:04d}/measurement/data"] = SEEN + number
            if when is not None:
                file[f"entry_{number:04d}/start_time"] = when.isoformat()
    return folder / "lima.h5"


def test_of_several_series_in_a_file_the_one_that_was_begun_during_the_scan_is_shown(folder: Path, shown) -> None:
    hour = timedelta(hours=1)
    shown(two_series(folder, START - hour, START + timedelta(seconds=2), END + hour)).is_only(SEEN + 1)


def test_several_series_of_one_scan_in_a_file_are_shown_one_after_another_and_that_is_told(folder: Path, shown) -> None:
    seen = shown(two_series(folder, START + timedelta(seconds=1), END - timedelta(seconds=1)))
    np.testing.assert_array_equal(seen.frames, np.concatenate([SEEN, SEEN + 1]))
    assert "one after another" in seen.warnings[0]


@pytest.mark.parametrize("begun", [(None, None), (START - timedelta(hours=2), START - timedelta(hours=1))])
def test_of_several_series_that_are_not_known_as_the_scans_the_newest_is_shown_and_that_is_told(
    begun, folder: Path, shown
) -> None:
    seen = shown(two_series(folder, *begun))
    np.testing.assert_array_equal(seen.frames, SEEN + 1)
    assert "2 series" in seen.warnings[0]


LINES = np.random.default_rng(2).integers(0, 1000, (10, 50)).astype("u4")


def lines(folder: Path, *counts: int, **attributes: str) -> list[Path]:
    paths, start = [], 0
    for number, count in enumerate(counts):
        paths.append(folder / f"mca_{number}.h5")
        with h5py.File(paths[-1], "w") as file:
            file["mca"] = LINES[start : start + count]
            file["mca"].attrs.update(attributes)
        start += count
    return paths


@pytest.mark.parametrize("counts", [(10,), (5, 5), (7, 3)])
def test_points_of_a_line_detector_are_as_many_frames_as_were_asked_for(counts, folder: Path, shown) -> None:
    seen = shown(*lines(folder, *counts), asked=10)
    seen.is_only(LINES)
    report = validate(seen.written.master, with_others=False)
    assert [finding for finding in report.findings if finding.check is Check.RAW] == []


def test_fewer_points_of_a_line_detector_than_were_asked_for_are_told(folder: Path, shown) -> None:
    assert "10 frames are there, where 12 were to come" in str(shown(*lines(folder, 10), asked=12).missing)
    assert "10 frames are there, where 12 were to come" in str(shown(*lines(folder, 6, 4), asked=12).missing)


def test_files_of_unlike_numbers_of_lines_are_shown_and_without_a_number_that_is_told(folder: Path, shown) -> None:
    seen = shown(*lines(folder, 6, 4))
    np.testing.assert_array_equal(seen.frames, LINES)
    assert "taken for 10 lines of 50 channels" in seen.warnings[0]
    shown(*lines(folder, 6, 4, interpretation="spectrum")).is_only(LINES)


def wrong_frames(seen: Shown) -> str:
    report = validate(seen.written.master, with_others=False)
    return "; ".join(finding.what for finding in report.errors if finding.check is Check.RAW)


def test_validation_names_the_lines_whose_file_is_gone(folder: Path, shown) -> None:
    seen = shown(*lines(folder, 6, 4, interpretation="spectrum"))
    assert not wrong_frames(seen)
    (folder / "mca_1.h5").unlink()
    assert "frames 6 to 9: shown of" in wrong_frames(seen)


def test_validation_names_the_frames_of_several_channels_that_were_never_written(folder: Path, shown) -> None:
    with h5py.File(folder / "colours.h5", "w") as file:
        file["data"] = np.stack([SEEN, SEEN], axis=1)
    seen = shown(folder / "colours.h5", asked=len(SEEN))
    assert not wrong_frames(seen)
    with h5py.File(folder / "colours.h5", "w") as file:
        file.create_dataset("data", (6, 2, 4, 5), "u2", chunks=(1, 1, 4, 5))[:4] = SEEN[:4, None]
    assert "frames 4 to 5: never written" in wrong_frames(seen)


def test_files_of_one_image_each_stay_images(folder: Path, shown) -> None:
    paths = lines(folder, 5, 5)
    for asked in (None, 2):
        shown(*paths, asked=asked).is_only(LINES.reshape(2, 5, 50))
    unlike = shown(*lines(folder, 6, 4), asked=2)
    np.testing.assert_array_equal(unlike.frames, LINES[None, :6])
    assert "uint32 frames of (4, 50)" in unlike.missing[f"{GROUP}/data_file/mca_1.h5"]


def test_files_of_one_line_each_are_shown_line_by_line(folder: Path, shown) -> None:
    for number, line in enumerate(LINES):
        with h5py.File(folder / f"point_{number:02d}.h5", "w") as file:
            file["spectrum"] = line
    paths = sorted(folder.glob("point_*.h5"))
    shown(*paths, dataset="spectrum", asked=len(LINES)).is_only(LINES)


def test_files_of_one_size_with_their_frames_at_other_places_are_all_shown(folder: Path, shown) -> None:
    seen = np.random.default_rng(5).integers(0, 60000, (60, *FRAMES[1:])).astype("u2")
    for number, frame in enumerate(seen):
        with h5py.File(folder / f"f_{number:02d}.h5", "w") as file:
            file[f"scan_{number:02d}/data"] = frame[None]
    shown(*sorted(folder.glob("f_*.h5"))).is_only(seen)


def test_files_of_lima2_receivers_are_shown_in_their_order_where_the_config_names_the_dataset(
    folder: Path, shown
) -> None:
    *receivers, _ = lima2(folder)
    seen = shown(*receivers, dataset="entry_0000/measurement/data")
    np.testing.assert_array_equal(seen.frames, np.concatenate([SEEN[::2], SEEN[1::2]]))
    assert "in the order in which they are listed" in seen.warnings[0]
    assert not seen.missing


def series_in_a_file(folder: Path, *paths: str) -> Path:
    with h5py.File(folder / "all.h5", "w") as file:
        for number, path in enumerate(paths):
            file[path] = SEEN + number
    return folder / "all.h5"


def test_the_dataset_in_the_config_may_be_a_pattern(folder: Path, shown) -> None:
    file = series_in_a_file(folder, "entry_0007/camera/raw", "entry_0007/camera/corrected")
    shown(file, dataset="entry_*/cam*/raw").is_only(SEEN)
    shown(file, dataset="/entry_????/*/corr*").is_only(SEEN + 1)


def test_several_datasets_of_one_entry_that_match_a_pattern_are_shown_by_their_numbers(folder: Path, shown) -> None:
    file = series_in_a_file(folder, "run/block_10", "run/block_9", "run/blockade")
    shown(file, dataset="run/block_*").is_only(np.concatenate([SEEN + 1, SEEN]))


def test_of_several_entries_that_match_a_pattern_that_of_the_scan_is_shown(folder: Path, shown) -> None:
    file = two_series(folder, START - timedelta(hours=1), START + timedelta(minutes=1), END + timedelta(hours=1))
    shown(file, dataset="entry_*/measurement/data").is_only(SEEN + 1)


@pytest.mark.parametrize("pattern", ["entry_*/nothing", "*/*/*/*", "[", "entry_0007/cam*"])
def test_a_pattern_that_no_dataset_matches_is_told(pattern: str, folder: Path, shown) -> None:
    seen = shown(series_in_a_file(folder, "entry_0007/camera/raw"), dataset=pattern)
    assert seen.frames is None
    assert f"has no dataset {pattern}" in seen.missing[DATA]


def test_complex_frames_are_found_and_a_mask_of_booleans_beside_them_is_none(folder: Path, shown) -> None:
    with h5py.File(folder / "wave.h5", "w") as file:
        file["probe/wave"] = SEEN * (1 + 2j)
        file["probe/where"] = SEEN > 3
    shown(folder / "wave.h5").is_only(SEEN * (1 + 2j))


def test_booleans_are_frames_where_nexus_calls_them_the_data(folder: Path, shown) -> None:
    with h5py.File(folder / "binary.h5", "w") as file:
        classed(file, "scan/camera", "NXdetector")["data"] = SEEN % 2 == 0
    shown(folder / "binary.h5").is_only(SEEN % 2 == 0)


def test_objects_whose_names_are_no_utf8_neither_hide_nor_spoil_the_frames(folder: Path, shown) -> None:
    with h5py.File(folder / "odd.h5", "w") as file:
        file[b"d\xe9tecteur/images"] = SEEN[:2]
        file["detector/images"] = SEEN
    shown(folder / "odd.h5").is_only(SEEN)
    with h5py.File(folder / "odd.h5", "a") as file:
        del file["detector"]
    seen = shown(folder / "odd.h5")
    assert "1 objects have names that are not UTF-8" in seen.missing[DATA]


def test_a_frame_in_the_middle_that_was_never_written_is_named_and_those_after_it_are_shown(
    folder: Path, shown
) -> None:
    with h5py.File(folder / "sparse.h5", "w") as file:
        data = file.create_dataset("data", FRAMES, "u2", chunks=(1, *FRAMES[1:]))
        for index in (0, 1, 3):
            data[index] = SEEN[index]
    seen = shown(folder / "sparse.h5")
    np.testing.assert_array_equal(seen.frames[[0, 1, 3]], SEEN[[0, 1, 3]])
    assert (seen.frames[2] == 65535).all()  # no zeros, which could be counts
    told = " ".join(seen.missing.values())
    assert "frames 2 and 4 to 5: never written" in told
