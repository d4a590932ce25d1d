from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxscribe.model import NO_DETECTOR, RawSeries, series_of, with_file


def test_files_numbered_without_a_gap_become_one_series():
    paths = [f"/data/holo_{number:04d}.edf" for number in range(7, 507)]
    assert series_of("frelon", paths) == (RawSeries("frelon", "/data", "holo_%04d.edf", 7, 500),)


def test_a_gap_or_another_folder_begins_a_new_series():
    paths = ["/a/f01.edf", "/a/f02.edf", "/a/f04.edf", "/b/f05.edf"]
    assert [(one.directory, one.first, one.count) for one in series_of("d", paths)] == [
        ("/a", 1, 2),
        ("/a", 4, 1),
        ("/b", 5, 1),
    ]


@pytest.mark.parametrize(
    "names",
    [
        ["tomo.h5"],
        ["100%_a1.edf", "100%_a2.edf"],
        ["x_9.edf", "x_10.edf"],
        ["plane2_0001.edf", "plane2_0002.edf"],
        ["50%d.h5"],
    ],
)
def test_a_series_gives_back_the_names_that_it_was_made_from(names: list[str]):
    series = series_of("d", [f"/raw/{name}" for name in names])
    assert [name for one in series for name in one] == names


def test_a_relative_path_is_refused():
    with pytest.raises(ValueError, match="not an absolute path"):
        series_of("d", ["frame.edf"])


def test_files_that_come_one_by_one_stay_one_series_and_are_kept_once():
    kept: tuple[RawSeries, ...] = ()
    for number in (1, 2, 3, 3, 2):
        kept = with_file(kept, "pco", f"/data/im_{number:04d}.cbf")
    assert kept == (RawSeries("pco", "/data", "im_%04d.cbf", 1, 3),)


def test_a_file_whose_frames_are_elsewhere_in_it_begins_a_series_of_its_own():
    kept: tuple[RawSeries, ...] = ()
    for name, dataset in (
        ("a0.h5", "/1.1/data"),
        ("a0.h5", "/2.1/data"),
        ("a0.h5", "/1.1/data"),
        ("a1.h5", "2.1/data/"),
    ):
        kept = with_file(kept, "pco", f"/data/{name}", dataset)
    assert [(one.dataset, *one) for one in kept] == [("/1.1/data", "a0.h5"), ("/2.1/data", "a0.h5", "a1.h5")]


def test_a_detectors_files_keep_their_order_and_those_of_none_are_joined_by_name():
    names = ["ref_0.edf", "im_0.edf", "im_1.edf", "ref_1.edf", "im_2.edf"]
    orders = {}
    for detector in ("pco", NO_DETECTOR):
        kept: tuple[RawSeries, ...] = ()
        for name in names:
            kept = with_file(kept, detector, f"/data/{name}")
        orders[detector] = [name for series in kept for name in series]
    assert orders["pco"] == names
    assert orders[NO_DETECTOR] == ["ref_0.edf", "ref_1.edf", "im_0.edf", "im_1.edf", "im_2.edf"]


@pytest.mark.parametrize(
    "names",
    [
        [f"im_{number:04d}_det1.cbf" for number in range(8, 13)],
        [f"f_{number}.h5" for number in range(8, 13)],
        [f"f_{number:04d}.h5" for number in range(9998, 10003)],
        [f"scan_2_{number}_100%.edf" for number in range(2, 5)],
    ],
)
def test_the_number_that_runs_is_found_wherever_it_stands(names: list[str]):
    assert [list(one) for one in series_of("d", [f"/raw/{name}" for name in names])] == [names]
    kept: tuple[RawSeries, ...] = ()
    for name in [*names, names[1]]:
        kept = with_file(kept, "d", f"/raw/{name}")
    assert [list(one) for one in kept] == [names]


NAMES = st.lists(
    st.text(alphabet="a1290_%.", min_size=1, max_size=8).filter(lambda name: name not in (".", "..")), max_size=20
)


@given(NAMES)
def test_any_names_come_back_in_their_order(names: list[str]):
    paths = [f"/raw/{name}" for name in names]
    assert [name for one in series_of("d", paths) for name in one] == names
    kept: tuple[RawSeries, ...] = ()
    for path in paths:
        kept = with_file(kept, "d", path)
    assert [name for one in kept for name in one] == list(dict.fromkeys(names))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("100%_0007.edf", 7), ("100%_12345.edf", 12345), ("100%_007.edf", None), ("100%_.edf", None), ("0007.edf", None)],
)
def test_a_series_tells_the_number_of_a_name(name: str, expected: int | None):
    assert RawSeries("d", "/a", "100%%_%04d.edf", 0, 3).number_of(name) == expected


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["im_0009_2.edf"], True),
        (["im_0003_2.edf", "im_0004_2.edf"], True),
        (["im_0010_2.edf"], False),
        (["im_0009_2.edf", "im_0010_2.edf"], False),
        (["im_0009_1.edf", "im_0009_2.edf", "im_0009_3.edf"], False),
        (["im_9_2.edf"], False),
        (["other.edf"], False),
    ],
)
def test_a_series_is_within_another_that_has_all_its_files(names: list[str], *, expected: bool):
    (one,) = series_of("d", [f"/a/{name}" for name in names])
    camera = RawSeries("d", "/a", "im_%04d_2.edf", 0, 10)
    assert one.is_within(camera) is expected
    assert not one.is_within(RawSeries("d", "/b", "im_%04d_2.edf", 0, 10))
    assert set(one) <= set(camera) or not expected
