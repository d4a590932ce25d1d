"""Detectors that tell nobody, and files that come late: what a running daemon makes of them."""

from __future__ import annotations

import hashlib
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

import fabio
import fabio.cbfimage
import h5py
import numpy as np
import tango
from daemons import Daemon, wait_until

from nxscribe.records import read_record

DETECTORS = """\
detectors:
  eiger: {files: "{proposal}/{beamline}/{sample}/{scan}/*.h5", group: instrument/detector01, techniques: [plain]}
"""


def frames_in(daemon: Daemon) -> np.ndarray | None:
    with h5py.File(daemon.master) as master:
        data = master["entry_0001"].get("instrument/detector01/data")
        return None if data is None else data[()]


def pending(daemon: Daemon) -> list[str]:
    with h5py.File(daemon.master) as master:
        found = master["entry_0001"].get("nxscribe/pending")
        return [] if found is None else found.asstr()[()].tolist()


def is_read_only(daemon: Daemon) -> bool:
    path = daemon.entry_file()
    return path.exists() and stat.S_IMODE(path.stat().st_mode) == 0o444


def test_files_that_nobody_told_of_are_linked_when_they_come_even_to_the_next_run_of_the_daemon(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon()
    with daemon.config.open("a") as config:
        config.write(DETECTORS)
    daemon.start()
    daemon.start_scan()
    daemon.end_scan()
    daemon.await_files()
    assert pending(daemon) == ["instrument/detector01/data_file"]
    assert not is_read_only(daemon)
    assert not daemon.proxy.state().name.startswith("ALARM")

    daemon.stop()
    seen = np.arange(60, dtype="u2").reshape(3, 4, 5)
    folder = daemon.master.parent / "phantom/a1"
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / "eiger_0000.h5", "w") as file:
        file["data"] = seen
    daemon.start()
    wait_until(lambda: is_read_only(daemon), "the entry is complete", 40)
    np.testing.assert_array_equal(frames_in(daemon), seen)
    assert pending(daemon) == []


def listed(daemon: Daemon) -> list[str]:
    with h5py.File(daemon.master) as master:
        return master["entry_0001/measurement/files"].asstr()[()].tolist()


def write_frames(folder: Path, name: str, seen: np.ndarray) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(folder / name, "w") as file:
        file["data"] = seen


def test_files_named_as_they_come_are_the_detectors_whose_names_they_bear(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon()
    with daemon.config.open("a") as config:
        config.write(DETECTORS)
    daemon.start()
    folder = daemon.master.parent / "phantom/a1"
    seen = np.arange(60, dtype="u2").reshape(3, 4, 5)
    daemon.start_scan()
    for number, frame in enumerate(seen):
        name = f"eiger_{number:04d}.h5"
        write_frames(folder, name, frame[None])
        daemon.proxy.lastDataFile = name if number else str(folder / name)
        assert daemon.proxy.lastDataFile.endswith(name)
    (folder / "view.png").write_bytes(b"picture")
    daemon.proxy.lastDataFile = "view.png"
    daemon.proxy.lastDataFile = "gone.png"
    write_frames(folder, "eiger_0009.h5", seen)  # found by looking, had nothing been named
    daemon.end_scan()
    daemon.await_files()
    np.testing.assert_array_equal(frames_in(daemon), seen)
    names = [f"eiger_{number:04d}.h5" for number in range(3)]
    assert listed(daemon) == [f"phantom/a1/{name}" for name in [*names, "view.png", "gone.png"]]
    assert pending(daemon) == ["measurement/files/gone.png"]


def test_listed_files_are_counted_and_get_checksums_as_the_config_asks(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon()
    with daemon.config.open("a") as config:
        config.write(
            DETECTORS.replace("*.h5", "*.cbf").replace("techniques", "checksum: sha256, frames: 4, techniques")
        )
    daemon.start()
    daemon.start_scan()
    folder = daemon.master.parent / "phantom/a1"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(3):
        fabio.cbfimage.CbfImage(data=np.full((20, 30), number, "i4")).write(str(folder / f"p_{number}.cbf"))
        daemon.proxy.lastDataFile = f"p_{number}.cbf"
    daemon.end_scan()
    daemon.await_files()
    with h5py.File(daemon.master) as master:
        entry = master["entry_0001"]
        note = entry["instrument/detector01/data_file"]
        sums = [hashlib.sha256((folder / f"p_{number}.cbf").read_bytes()).hexdigest() for number in range(3)]
        assert note["checksum"].asstr()[()].tolist() == sums
        assert entry["nxscribe/frames_asked"][()].tolist() == [4]
    assert pending(daemon) == ["instrument/detector01/data_file"]


def test_a_camera_that_still_saves_when_its_scan_ends_has_all_its_frames_in_the_end(
    make_daemon: Callable[..., Daemon],
) -> None:
    daemon = make_daemon()
    with daemon.config.open("a") as config:
        config.write("detectors: {frelon: {device: sim/limaccds/frelon, group: instrument/detector01}}\n")
    daemon.start()
    folder = daemon.master.parent / "phantom/a1"
    folder.mkdir(parents=True, exist_ok=True)
    camera = tango.DeviceProxy("sim/limaccds/frelon")
    camera.Init()
    asked = {"saving_directory": str(folder), "saving_prefix": "a_", "saving_suffix": ".edf"}
    asked |= {"saving_mode": "AUTO_FRAME", "acq_nb_frames": 12, "acq_expo_time": 0.25}
    for name, value in asked.items():
        camera.write_attribute(name, value)
    daemon.start_scan()
    camera.prepareAcq()
    camera.startAcq()
    wait_until(lambda: camera.last_image_saved >= 1, "frames are saved")
    daemon.end_scan()  # two seconds before the camera is done, where nothing else keeps the machine busy
    wait_until(lambda: is_read_only(daemon), "the entry is complete", 40)
    seen = np.stack([fabio.open(str(folder / f"a_{number:04d}.edf")).data for number in range(12)])
    np.testing.assert_array_equal(frames_in(daemon), seen)
    assert pending(daemon) == []


def test_named_files_survive_a_kill_of_the_daemon(make_daemon: Callable[..., Daemon]) -> None:
    daemon = make_daemon().start()
    folder = daemon.master.parent / "phantom/a1"
    daemon.start_scan()
    for name in ("a_1.edf", "a_2.edf"):
        daemon.proxy.lastDataFile = name
    daemon.stop(signal.SIGKILL)
    daemon.start()
    assert daemon.proxy.lastDataFile == str(folder / "a_2.edf")
    daemon.proxy.lastDataFile = "a_3.edf"
    daemon.end_scan()
    daemon.await_files()
    assert listed(daemon) == [f"phantom/a1/a_{number}.edf" for number in (1, 2, 3)]


def test_of_thousands_of_named_files_the_last_costs_as_much_as_the_first(daemon: Daemon) -> None:
    count = 3000
    proxy = daemon.proxy
    daemon.start_scan()
    times = []
    for number in range(count):
        begun = time.monotonic()
        proxy.lastDataFile = f"/data/pilatus/im_{number:05d}.cbf"
        times.append(time.monotonic() - begun)
    record, _ = read_record(daemon.state / "journal.sqlite", daemon.end_scan()["record"])
    assert [(series.pattern, series.count) for series in record.raw] == [("im_%05d.cbf", count)]
    first, last = (np.median(part) for part in (times[:500], times[-500:]))
    assert last < 10 * first, (first, last)
