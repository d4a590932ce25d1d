"""The master as the programs of data analysts open it."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from some_scans import edf_series, ended, frames, hdf5_scan, hdf5_series, started

from nxscribe.projections import FileSettings
from nxscribe.projections.nexus import write_nexus

Reader = Callable[[Path], tuple[np.ndarray, float]]
"""Gives the first entry's frames, by way of the default plot, and the sample's position in um."""


def with_h5py(master: Path) -> tuple[np.ndarray, float]:
    with h5py.File(master) as file:
        entry = file[file.attrs["default"]]
        plot = entry[entry.attrs["default"]]
        return plot[plot.attrs["signal"]][()], entry["sample/x"][()]


def with_nexusformat(master: Path) -> tuple[np.ndarray, float]:
    from nexusformat.nexus import nxload  # noqa: PLC0415 - slow to import

    root = nxload(str(master))
    plot = root.get_default()
    assert plot.nxclass == "NXdata"
    assert root["entry_0001/sample/x"].attrs["units"] == "um"
    return plot.nxsignal.nxdata, root["entry_0001/sample/x"].nxdata


def with_silx(master: Path) -> tuple[np.ndarray, float]:
    import silx.io  # noqa: PLC0415 - slow to import
    from silx.io.nxdata import get_default  # noqa: PLC0415

    with silx.io.open(str(master)) as file:
        plot = get_default(file)
        assert plot.axes_dataset_names[0] == "rotation_angle"
        return plot.signal[()], file["entry_0001/sample/x"][()]


def with_scippnexus(master: Path) -> tuple[np.ndarray, float]:
    import scippnexus  # noqa: PLC0415 - slow to import

    with scippnexus.File(master) as file:
        entry = file[file.attrs["default"]]
        plot = entry[entry.attrs["default"]][()]
        assert str(plot.coords["rotation_angle"].unit) == "deg"
        return plot.values, entry["sample/x"][()].to(unit="um").value


READERS = [with_h5py, with_nexusformat, with_silx, with_scippnexus]


@pytest.mark.parametrize("make", [hdf5_scan, hdf5_series, edf_series])
@pytest.mark.parametrize("read", READERS)
def test_every_reader_shows_frames_and_readings(
    read: Reader, make, settings: FileSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = started(settings.data_root)
    seen = frames()
    written = write_nexus(ended(record, make(record, seen)), settings)
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        data, x = read(written.master)
    np.testing.assert_array_equal(data, seen)
    assert x == 1500.0


def datasets(group: h5py.Group) -> Iterator[h5py.Dataset]:
    """All below a group, through every link."""
    for name in group:
        node = group[name]
        if isinstance(node, h5py.Group):
            yield from datasets(node)
        else:
            yield node


@pytest.mark.parametrize("make", [hdf5_scan, hdf5_series, edf_series])
def test_whoever_walks_through_the_master_can_read_all_that_is_there(
    make, settings: FileSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import scippnexus  # noqa: PLC0415 - slow to import

    record = started(settings.data_root)
    written = write_nexus(ended(record, make(record, frames())), settings)
    monkeypatch.chdir(tmp_path)
    with h5py.File(written.master) as file:
        assert all(dataset[()] is not None for dataset in datasets(file))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        with scippnexus.File(written.master) as file:
            assert set(file["entry_0001"][...]) >= {"sample", "instrument", "plot", "nxscribe"}


@pytest.mark.parametrize("read", READERS)
def test_every_reader_follows_a_moved_experiment(read: Reader, settings: FileSettings, tmp_path: Path) -> None:
    record = started(settings.data_root)
    seen = frames()
    written = write_nexus(ended(record, hdf5_scan(record, seen)), settings)
    shutil.move(settings.data_root, tmp_path / "moved")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # theirs
        data, _ = read(tmp_path / "moved" / written.master.relative_to(settings.data_root))
    np.testing.assert_array_equal(data, seen)


def test_what_a_running_scan_shows_can_be_opened(settings: FileSettings) -> None:
    from nexusformat.nexus import nxload  # noqa: PLC0415

    written = write_nexus(started(settings.data_root), settings)
    assert nxload(str(written.master))["entry_0001/title"].nxvalue == "bone - scan0001"
