"""The how-to on raw formats: its package is installed, its test run, and a scan made with its files."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
from some_scans import ended, frames, started

from nxscribe.model import RawSeries
from nxscribe.projections import FileSettings
from nxscribe.projections.nexus import write_nexus
from nxscribe.projections.nexus.raw._recognition import formats
from nxscribe.projections.nexus.validate import Check, validate

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "add-a-raw-format.md"
BLOCK = re.compile(r"^```\w+\n(# file: (\S+)\n.*?)^```$", re.MULTILINE | re.DOTALL)
DATA = "instrument/detector01/data"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The page's files, where Python finds them as it does those of an installed package."""
    folder = tmp_path / "installed"
    folder.mkdir()
    for text, name in BLOCK.findall(PAGE.read_text()):
        (folder / name).write_text(text)
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    (folder / "beamline_formats-1.0.dist-info").mkdir()
    (folder / "beamline_formats-1.0.dist-info" / "METADATA").write_text(f"Name: {project['name']}\nVersion: 1.0\n")
    lines = [f"{name} = {where}" for name, where in project["entry-points"]["nxscribe.raw_formats"].items()]
    (folder / "beamline_formats-1.0.dist-info" / "entry_points.txt").write_text(
        "\n".join(["[nxscribe.raw_formats]", *lines])
    )
    monkeypatch.syspath_prepend(str(folder))
    formats.cache_clear()
    yield folder
    formats.cache_clear()
    sys.modules.pop("beamline_formats", None)


def spx_series(folder: Path, seen: np.ndarray) -> RawSeries:
    for number, stack in enumerate(np.split(seen, 3)):
        header = b"SPX1" + np.asarray(stack.shape, "<u4").tobytes()
        (folder / f"run_{number:04d}.spx").write_bytes(header + stack.astype("<u2").tobytes())
    return RawSeries("pco", str(folder), "run_%04d.spx", 0, 3)


def test_the_test_on_the_page_passes(package: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_beamline_formats.py"]
    done = subprocess.run(command, cwd=package, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("copied_bytes", [0, 10**6])
@pytest.mark.usefixtures("package")
def test_frames_of_the_format_on_the_page_are_read_through_the_master(
    copied_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HDF5_EXTFILE_PREFIX", "${ORIGIN}")
    record = started(tmp_path / "data")
    seen = frames()
    series = spx_series(Path(record.directory), seen)
    written = write_nexus(ended(record, series), FileSettings(tmp_path / "data", copied_bytes=copied_bytes))
    with h5py.File(written.master) as file:
        detector = file[written.entry]["instrument/detector01"]
        assert detector["data_file/type"].asstr()[()] == "application/x-spx"
        if copied_bytes:
            np.testing.assert_array_equal(detector["data"][()], seen)
    assert Check.RAW not in {error.check for error in validate(written.master, with_others=False).errors}


@pytest.mark.usefixtures("package")
def test_a_file_of_the_format_that_is_cut_off_is_told(tmp_path: Path) -> None:
    record = started(tmp_path / "data")
    series = spx_series(Path(record.directory), frames())
    last = Path(record.directory, "run_0002.spx")
    last.write_bytes(last.read_bytes()[:-1])
    written = write_nexus(ended(record, series), FileSettings(tmp_path / "data"))
    assert "run_0002.spx is truncated" in written.missing["instrument/detector01/data_file/run_0002.spx"]


def test_a_package_that_cannot_be_loaded_costs_no_scan_and_is_told(package: Path, tmp_path: Path) -> None:
    (package / "beamline_formats.py").write_text("import nothing_of_this_name")
    record = started(tmp_path / "data")
    series = spx_series(Path(record.directory), frames())
    written = write_nexus(ended(record, series), FileSettings(tmp_path / "data"))
    assert not written.unforeseen
    (warning,) = [text for text in written.warnings if text.startswith(DATA)]
    assert "can be listed only" in warning
    assert "beamline_formats:FORMAT cannot be loaded: ModuleNotFoundError" in warning
