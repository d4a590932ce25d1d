"""Times are told in the zone of the beamline, wherever nxscribe runs."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import h5py
from daemons import Daemon

from nxscribe.records import JournalReader

TOKYO = timedelta(hours=9)


def texts_of_times(master: h5py.File) -> list[str]:
    """All times that are written in a master and its first entry."""
    found = [master.attrs["file_time"], master.attrs["file_update_time"], master["entry_0001"].file.attrs["file_time"]]
    entry = master["entry_0001"]
    names = ("start_time", "end_time", "nxscribe/initial_capture_start", "nxscribe/final_capture_start")
    found += [entry[name].asstr()[()] for name in names]
    return [*found, entry["instrument/monochromator/energy"].attrs["timestamp"]]


def test_all_times_of_a_beamline_are_told_in_its_zone(make_daemon) -> None:
    daemon: Daemon = make_daemon()
    daemon.config.write_text(daemon.config.read_text() + "time_zone: Asia/Tokyo\n")
    daemon.start(TZ="America/Lima")
    began = datetime.now(UTC)
    daemon.start_scan()
    daemon.end_scan()
    daemon.await_files()
    with h5py.File(daemon.master) as master:
        times = [datetime.fromisoformat(text) for text in texts_of_times(master)]
    assert {time.utcoffset() for time in times} == {TOKYO}
    assert all(began - timedelta(seconds=5) < time for time in times)

    elsewhere = {**os.environ, "TZ": "America/Lima", "COLUMNS": "200"}

    def command(*words: str) -> str:
        line = [sys.executable, "-m", "nxscribe", *words]
        return subprocess.run(line, check=True, capture_output=True, text=True, env=elsewhere, timeout=60).stdout

    with JournalReader(daemon.state / "journal.sqlite") as journal:
        start = journal.record(journal.summaries()[0].id).start_time
    there = start.astimezone(timezone(TOKYO))
    assert there.isoformat(" ", "minutes") in command("records", "list", str(daemon.config))
    assert there.isoformat(" ", "seconds") in command("records", "show", str(daemon.config))
    # What is made again or held against the journal elsewhere has the same times.
    assert "as it was" in command("regenerate", str(daemon.config), "--all", "--definition", "current")
    command("fsck", str(daemon.config))
    with h5py.File(daemon.master) as master:
        again = [datetime.fromisoformat(text) for text in texts_of_times(master)]
    assert {time.utcoffset() for time in again} == {TOKYO}
