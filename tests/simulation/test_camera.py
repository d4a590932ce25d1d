from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fabio
import h5py
import pytest
import tango

Camera = tango.DeviceProxy
WaitUntil = Callable[[Callable[[], bool]], None]


@pytest.fixture
def camera(device: Callable[[str], tango.DeviceProxy], wait_until: WaitUntil) -> Any:
    """The Frelon as it is after a restart."""
    proxy = device("sim/limaccds/frelon")
    proxy.Init()
    proxy.acq_expo_time = 0.002
    yield proxy
    proxy.stopAcq()
    wait_until(lambda: proxy.acq_status != "Running")


def save_in(camera: Camera, directory: Path, frames: int, **settings: object) -> None:
    values = {
        "saving_directory": str(directory),
        "saving_prefix": "shot_",
        "saving_suffix": ".edf",
        "saving_mode": "AUTO_FRAME",
        "acq_nb_frames": frames,
        **settings,
    }
    for name, value in values.items():
        camera.write_attribute(name, value)


def test_it_comes_up_with_limas_defaults(camera: Camera):
    assert (camera.acq_status, camera.last_image_ready, camera.last_image_saved) == ("Ready", -1, -1)
    assert (camera.saving_mode, camera.saving_index_format, camera.saving_next_number) == ("MANUAL", "%04d", 0)
    assert (camera.acq_nb_frames, camera.acq_mode, camera.acq_trigger_mode) == (1, "SINGLE", "INTERNAL_TRIGGER")
    assert (camera.camera_type, camera.lima_type, camera.camera_model) == ("FRELON", "Frelon", "F_K4320T")
    assert list(camera.camera_pixelsize) == [6.0e-6, 6.0e-6]


def test_a_series_ends_ready_with_all_files_on_disk(camera: Camera, wait_until: WaitUntil, tmp_path: Path):
    save_in(camera, tmp_path, 3, saving_next_number=5)
    camera.prepareAcq()
    camera.startAcq()
    assert camera.acq_status == "Running"
    wait_until(lambda: camera.acq_status != "Running")
    assert camera.acq_status == "Ready"
    assert (camera.last_image_ready, camera.last_image_saved, camera.saving_next_number) == (2, 2, 8)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"shot_{number:04d}.edf" for number in (5, 6, 7)]
    with fabio.open(tmp_path / "shot_0007.edf") as image:
        assert image.data.shape == (camera.image_height, camera.image_width) == (256, 256)


def test_binned_frames_are_smaller(camera: Camera, wait_until: WaitUntil, tmp_path: Path):
    save_in(camera, tmp_path, 1)
    camera.image_bin = [4, 4]
    camera.prepareAcq()
    camera.startAcq()
    wait_until(lambda: camera.acq_status != "Running")
    with fabio.open(tmp_path / "shot_0000.edf") as image:
        assert image.data.shape == (camera.image_height, camera.image_width) == (64, 64)


def test_in_manual_mode_nothing_is_saved(camera: Camera, wait_until: WaitUntil, tmp_path: Path):
    save_in(camera, tmp_path, 2, saving_mode="MANUAL")
    camera.prepareAcq()
    camera.startAcq()
    wait_until(lambda: camera.last_image_ready == 1)
    assert camera.last_image_saved == -1
    assert list(tmp_path.iterdir()) == []


def test_each_series_must_be_prepared(camera: Camera, wait_until: WaitUntil):
    with pytest.raises(tango.DevFailed, match="run prepareAcq"):
        camera.startAcq()
    camera.prepareAcq()
    camera.startAcq()
    wait_until(lambda: camera.acq_status == "Ready")
    with pytest.raises(tango.DevFailed, match="run prepareAcq"):
        camera.startAcq()


def test_a_running_camera_refuses_what_would_disturb_it(camera: Camera):
    camera.acq_expo_time = 5.0
    camera.prepareAcq()
    camera.startAcq()
    for disturb in (
        camera.prepareAcq,
        camera.startAcq,
        lambda: camera.write_attribute("saving_prefix", "x"),
        lambda: camera.write_attribute("image_bin", [2, 2]),
        lambda: camera.write_attribute("scene", "{}"),
    ):
        with pytest.raises(tango.DevFailed, match="while the camera runs"):
            disturb()


def test_a_stopped_series_leaves_a_whole_file(camera: Camera, wait_until: WaitUntil, tmp_path: Path):
    save_in(camera, tmp_path, 10_000, saving_format="HDF5", saving_suffix=".h5", saving_frame_per_file=10_000)
    camera.prepareAcq()
    camera.startAcq()
    wait_until(lambda: camera.last_image_saved >= 2)
    camera.stopAcq()
    wait_until(lambda: camera.acq_status == "Ready")
    with h5py.File(tmp_path / "shot_0000.h5") as file:
        assert len(file["/entry_0000/measurement/data"]) == camera.last_image_saved + 1 >= 3


@pytest.mark.parametrize("directory", ["", "relative/folder", "/no/such/folder"])
def test_a_folder_that_cannot_be_written_to_is_refused_beforehand(camera: Camera, directory: str):
    save_in(camera, Path("/"), 1, saving_directory=directory)
    with pytest.raises(tango.DevFailed, match="is not a folder that can be written to"):
        camera.prepareAcq()


def test_a_file_that_exists_is_refused_beforehand(camera: Camera, tmp_path: Path):
    (tmp_path / "shot_0002.edf").touch()
    save_in(camera, tmp_path, 3)
    with pytest.raises(tango.DevFailed, match=r"shot_0002\.edf exists already"):
        camera.prepareAcq()


def test_a_folder_that_goes_away_is_a_fault_and_the_camera_lives(camera: Camera, wait_until: WaitUntil, tmp_path: Path):
    gone = tmp_path / "gone"
    gone.mkdir()
    save_in(camera, gone, 3)
    camera.prepareAcq()
    gone.rmdir()
    camera.startAcq()
    wait_until(lambda: camera.acq_status == "Fault")
    assert "gone" in camera.acq_status_fault_error
    gone.mkdir()
    camera.prepareAcq()
    assert camera.acq_status == "Ready"


@pytest.mark.parametrize(
    ("name", "value"), [("saving_format", "PNG"), ("saving_mode", "AUTO"), ("acq_trigger_mode", "EXTERNAL_TRIGGER")]
)
def test_a_value_that_is_none_of_the_choices_is_refused_with_the_choices(camera: Camera, name: str, value: str):
    with pytest.raises(tango.DevFailed, match=f"{name} cannot be '{value}'; it is one of"):
        camera.write_attribute(name, value)


def test_what_is_no_scene_is_refused_and_the_old_one_stays(camera: Camera):
    before = camera.scene
    with pytest.raises(tango.DevFailed, match="no scene"):
        camera.scene = json.dumps({"scene": "Sunset"})
    assert camera.scene == before


def test_acq_status_is_pushed_as_an_event(camera: Camera, wait_until: WaitUntil):
    seen: list[str] = []
    finished = threading.Event()

    def note(event: tango.EventData) -> None:
        if not event.err:
            seen.append(event.attr_value.value)
        if seen[-2:] == ["Running", "Ready"]:
            finished.set()

    def is_heard() -> bool:
        camera.prepareAcq()
        camera.startAcq()
        return finished.wait(1)

    subscription = camera.subscribe_event("acq_status", tango.EventType.CHANGE_EVENT, note)
    try:
        # What is pushed before the subscription has got through to the server is heard by nobody.
        wait_until(is_heard)
    finally:
        camera.unsubscribe_event(subscription)
