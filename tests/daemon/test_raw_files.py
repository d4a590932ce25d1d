"""Detectors that tell nobody, and files that come late: what a running daemon makes of them."""

from __future__ import annotations

import stat
from collections.abc import Callable

import h5py
import numpy as np
from daemons import Daemon, wait_until

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
    path = daemon.master.parent / "ma2210-sim_entries/entry_0001.h5"
    return stat.S_IMODE(path.stat().st_mode) == 0o444


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
