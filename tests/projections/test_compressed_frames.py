"""Every command that reads frames reads what detectors compress by, in a process where nobody else has seen to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
from experiments import SaveFrames, make_experiment
from some_scans import frames, hdf5_scan

from nxscribe.model import RawSeries
from nxscribe.records import Record

COMPRESSIONS = (hdf5plugin.LZ4(), hdf5plugin.Bitshuffle(), hdf5plugin.Zstd(), hdf5plugin.Blosc2())
DATA = "entry_0000/measurement/data"


def nxscribe(*arguments: object) -> str:
    """Run a command as a user's terminal would: neither this process's filters nor a folder of plugins is there."""
    environment = {name: value for name, value in os.environ.items() if name != "HDF5_PLUGIN_PATH"}
    command = [sys.executable, "-m", "nxscribe", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def saved_with(compression: Mapping[str, object]) -> SaveFrames:
    """Save frames as `hdf5_scan` does, compressed."""

    def save(record: Record, seen: np.ndarray) -> RawSeries:
        series = hdf5_scan(record, seen)
        with h5py.File(Path(series.directory) / "tomo_0000.h5", "r+") as file:
            del file[DATA]
            file.create_dataset(DATA, data=seen, chunks=(1, *seen.shape[1:]), compression=compression)
        return series

    return save


def test_they_are_checked_and_packed(tmp_path: Path) -> None:
    experiment = make_experiment(tmp_path, scans=[saved_with(compression) for compression in COMPRESSIONS])
    nxscribe("regenerate", experiment.config, "--all")
    assert f"{len(COMPRESSIONS)} good" in nxscribe("fsck", experiment.config)
    nxscribe("validate", experiment.master, "--own-only")
    nxscribe("pack", experiment.master, tmp_path / "packed.h5")
    with h5py.File(tmp_path / "packed.h5") as file:
        for number in range(1, len(COMPRESSIONS) + 1):
            packed = file[f"entry_{number:04d}/instrument/detector01/data"][()]
            np.testing.assert_array_equal(packed, frames(number))
