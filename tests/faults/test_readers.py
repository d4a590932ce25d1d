"""Readers that hold master and entries open all the time hinder nothing, and see whole files only."""

from __future__ import annotations

import subprocess
import sys

import h5py
import pytest
import witness
from crashes import ENERGY

WAYS = ("locking", "unlocked", "swmr", "silx")


@pytest.mark.parametrize("layout", ["linked", "single"])
def test_scans_go_on_under_readers_of_every_kind(make_daemon, layout: str) -> None:
    daemon = make_daemon(f"files: {{layout: {layout}}}\n").start()
    readers = [
        subprocess.Popen(
            [sys.executable, witness.__file__, daemon.data, how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for how in WAYS
    ]
    try:
        assert [reader.stdout.readline() for reader in readers if reader.stdout] == ["ready\n"] * len(WAYS)
        for number in range(12):
            daemon.start_scan(scan=f"a{number}")
            daemon.end_scan()
            daemon.await_files()
        said = [reader.communicate()[0].splitlines() for reader in readers]
    finally:
        for reader in readers:
            reader.kill()
            reader.wait()
    assert [lines[:-1] for lines in said] == [[], [], [], []]
    assert all(int(lines[-1].split()[1]) > 3 for lines in said)
    assert daemon.events("file not written") == []
    with h5py.File(daemon.master) as file:
        assert len(file) == 12
        assert all(file[name]["instrument/monochromator/energy_end"][()] == ENERGY for name in file)
