"""The raw files of a Lima camera, from its saving attributes at both ends of a scan."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from nxscribe.model import Phase, RawSeries, Reading, Snapshot
from nxscribe.plan import CameraFiles, LimaDetector, camera_files, writes

TIME = datetime(2026, 3, 1, tzinfo=UTC)
PCO = LimaDetector("pco", "id16a/limaccds/pco", "instrument/detector01", "/entry/data")
WATCHED = replace(PCO, watched_by=("camera",))


def snapshot(phase: Phase, number: int | None, *, directory: str = "/data/scan", prefix: str = "holo_") -> Snapshot:
    values = {"directory": directory, "prefix": prefix, "suffix": ".edf", "format": "EDF", "next_number": number}
    return Snapshot(
        phase,
        TIME,
        0.1,
        {
            f"pco.saving_{name}": Reading("tango", TIME, error="the device is down")
            if value is None
            else Reading("tango", TIME, np.asarray(value))
            for name, value in values.items()
        },
    )


def series(initial: Snapshot, final: Snapshot) -> tuple[tuple[RawSeries, ...], list[str]]:
    found = camera_files({"pco": PCO}, initial, final)
    return found.series, [str(problem) for problem in found.problems]


def test_files_run_from_the_first_next_number_to_the_last() -> None:
    found, problems = series(snapshot(Phase.INITIAL, 3), snapshot(Phase.FINAL, 5))
    assert found == (RawSeries("pco", "/data/scan", "holo_%04d.edf", 3, 2, "/entry/data"),)
    assert list(found[0]) == ["holo_0003.edf", "holo_0004.edf"]
    assert problems == []


def test_one_file_is_a_series_of_one() -> None:
    found, _ = series(snapshot(Phase.INITIAL, 0), snapshot(Phase.FINAL, 1))
    assert list(found[0]) == ["holo_0000.edf"]


def test_a_camera_that_wrote_nothing_has_no_series_and_no_problem() -> None:
    assert series(snapshot(Phase.INITIAL, 7), snapshot(Phase.FINAL, 7)) == ((), [])


@pytest.mark.parametrize(
    ("initial", "what"),
    [
        (snapshot(Phase.INITIAL, 0, directory="/data/old"), "directory changed"),
        (snapshot(Phase.INITIAL, 0, prefix="old_"), "prefix changed"),
        (snapshot(Phase.INITIAL, 90), "next number changed"),
    ],
)
def test_a_camera_prepared_after_the_start_is_counted_from_zero_and_said(initial: Snapshot, what: str) -> None:
    found, problems = series(initial, snapshot(Phase.FINAL, 2))
    assert list(found[0]) == ["holo_0000.edf", "holo_0001.edf"]
    assert what in problems[0]
    assert problems[0].startswith("warning: ")


def test_a_camera_prepared_and_not_used_has_no_files() -> None:
    assert series(snapshot(Phase.INITIAL, 90), snapshot(Phase.FINAL, 0)) == ((), [])


@pytest.mark.parametrize("unread", [Phase.INITIAL, Phase.FINAL])
def test_a_camera_that_was_not_read_has_a_problem_and_no_series(unread: Phase) -> None:
    numbers = {Phase.INITIAL: 0, Phase.FINAL: 5} | {unread: None}
    found, problems = series(*(snapshot(phase, number) for phase, number in numbers.items()))
    assert found == ()
    assert "the device is down" in problems[0]


def test_a_relative_directory_is_a_problem() -> None:
    found, problems = series(snapshot(Phase.INITIAL, 0, directory="data"), snapshot(Phase.FINAL, 1, directory="data"))
    assert found == ()
    assert "not an absolute path" in problems[0]


def test_a_percent_sign_in_a_name_is_no_number_field() -> None:
    found, _ = series(snapshot(Phase.INITIAL, 0, prefix="50%d_"), snapshot(Phase.FINAL, 1, prefix="50%d_"))
    assert list(found[0]) == ["50%d_0000.edf"]


def test_a_snapshot_without_the_camera_is_a_problem() -> None:
    _, problems = series(Snapshot(Phase.INITIAL, TIME, 0.0), snapshot(Phase.FINAL, 1))
    assert "pco.saving_next_number was not read" in problems[0]


SAVING = snapshot(Phase.INITIAL, 0, directory="/data/scan/").readings


@pytest.mark.parametrize("path", ["/data/scan/holo_0007.edf", "/data/scan/holo_12345.edf"])
def test_a_camera_knows_the_files_that_it_would_name_so(path: str) -> None:
    assert writes(PCO, SAVING, path)


@pytest.mark.parametrize(
    "path", ["/data/other/holo_0007.edf", "/data/scan/holo_.edf", "/data/scan/holo_0007.log", "/data/scan/dark.edf"]
)
def test_other_files_are_not_a_cameras(path: str) -> None:
    assert not writes(PCO, SAVING, path)


def asked(frames: int, per_file: int, files: int) -> CameraFiles:
    final = snapshot(Phase.FINAL, files)
    counts = {"acq_nb_frames": frames, "saving_frame_per_file": per_file}
    readings = {f"pco.{name}": Reading("tango", TIME, np.asarray(count)) for name, count in counts.items()}
    return camera_files(
        {"pco": PCO}, snapshot(Phase.INITIAL, 0), replace(final, readings={**final.readings, **readings})
    )


@pytest.mark.parametrize(("frames", "per_file", "files"), [(100, 1, 100), (100, 1, 90), (100, 40, 3), (7, 100, 1)])
def test_a_camera_tells_how_many_frames_it_was_asked_for(frames: int, per_file: int, files: int) -> None:
    assert asked(frames, per_file, files).frames == {"pco": frames}


@pytest.mark.parametrize(("frames", "per_file", "files"), [(100, 1, 140), (0, 1, 5), (100, 0, 1)])
def test_of_several_series_in_one_scan_the_last_ones_frames_say_nothing(frames: int, per_file: int, files: int) -> None:
    assert asked(frames, per_file, files).frames == {}


@pytest.mark.parametrize(("said", "name"), [("_%06d", "holo__000003.edf"), ("none", "holo_0003.edf")])
def test_a_camera_tells_how_it_writes_numbers(said: str, name: str) -> None:
    final = snapshot(Phase.FINAL, 5)
    final.readings["pco.saving_index_format"] = Reading("tango", TIME, np.asarray(said))
    found, _ = series(snapshot(Phase.INITIAL, 3), final)
    assert next(iter(found[0])) == name
    assert writes(PCO, final.readings, f"/data/scan/{name}")


def running(saved: int, files: int, *, asked: int = 100, per_file: int = 1, status: str = "Running") -> Snapshot:
    final = snapshot(Phase.FINAL, files)
    said = {
        "acq_nb_frames": asked, "saving_frame_per_file": per_file, "last_image_saved": saved - 1, "acq_status": status,
    }  # fmt: skip
    readings = {f"pco.{name}": Reading("tango", TIME, np.asarray(one)) for name, one in said.items()}
    return replace(final, readings={**final.readings, **readings})


@pytest.mark.parametrize(
    ("final", "count"),
    [
        (running(90, 90), 100),
        (running(0, 0), 100),
        (running(90, 3, per_file=40), 3),
        (running(70, 1, per_file=40), 3),
        (running(90, 130), 140),  # forty darks and flats before
        (running(90, 90, status="Ready"), 90),
        (running(100, 100), 100),
        (running(90, 90, asked=0), 90),
    ],
)
def test_a_camera_that_still_runs_when_its_scan_has_finished_has_files_to_come(final: Snapshot, count: int) -> None:
    found, _ = series(snapshot(Phase.INITIAL, 0), final)
    assert [one.count for one in found] == [count]


def test_a_camera_that_runs_on_after_an_abort_has_the_files_that_it_had() -> None:
    found = camera_files({"pco": PCO}, snapshot(Phase.INITIAL, 0), running(90, 90), finished=False)
    assert [one.count for one in found.series] == [90]


def of_series(phase: Phase, number: int, status: str, last: int, per_file: int = 1) -> Snapshot:
    found = snapshot(phase, number)
    more = {"acq_status": status, "last_image_saved": last, "saving_frame_per_file": per_file}
    readings = {f"pco.{name}": Reading("tango", TIME, np.asarray(value)) for name, value in more.items()}
    return replace(found, readings={**found.readings, **readings})


@pytest.mark.parametrize(
    ("initial", "final", "files", "certain"),
    [
        # Two files were there when the start was read.
        ((7, "Running", 1), (10, "Ready", 4), range(5, 10), True),
        # The number of the next file is read before that of the last frame.
        ((7, "Running", 2), (10, "Ready", 4), range(5, 10), True),
        # A second series followed in the same scan.
        ((7, "Running", 1), (12, "Ready", 1), range(5, 12), True),
        # Nothing was saved yet, or never.
        ((5, "Running", -1), (8, "Ready", 2), range(5, 8), True),
        ((5, "Running", -1), (5, "Ready", -1), range(0), True),
        # A series of some milliseconds.
        ((8, "Ready", 2), (8, "Ready", 2), range(5, 8), False),
    ],
)
def test_the_series_that_began_the_scan_has_all_its_files(
    initial: tuple[int, str, int], final: tuple[int, str, int], files: range, *, certain: bool
) -> None:
    found = camera_files(
        {"pco": WATCHED}, of_series(Phase.INITIAL, *initial), of_series(Phase.FINAL, *final), begun_by="camera"
    )
    assert [name for one in found.series for name in one] == [f"holo_{number:04d}.edf" for number in files]
    assert bool(found.problems) != certain


def test_files_of_several_frames_that_were_there_already_are_counted() -> None:
    found = camera_files(
        {"pco": WATCHED},
        of_series(Phase.INITIAL, 2, "Running", 9, 5),
        of_series(Phase.FINAL, 3, "Ready", 11, 5),
        begun_by="camera",
    )
    assert [name for one in found.series for name in one] == ["holo_0000.edf", "holo_0001.edf", "holo_0002.edf"]


@pytest.mark.parametrize("begun_by", ["", "the other camera"])
def test_files_of_an_earlier_series_do_not_belong_to_a_scan_that_another_trigger_began(begun_by: str) -> None:
    idle = of_series(Phase.INITIAL, 100, "Ready", 99)
    found = camera_files({"pco": WATCHED}, idle, of_series(Phase.FINAL, 100, "Ready", 99), begun_by=begun_by)
    assert (found.series, found.problems) == ((), ())
