"""One scan of every technique on the simulated beamline, as programs that are not ours judge and read its files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import fabio
import h5py
import numpy as np
import pytest

TECHNIQUES = {"tomo": 1, "holo": 2, "mrt": 3, "scan": 4, "fluo": 5}
"""With the number of the entry that the demo gives each."""
PLANES = ("plane01", "plane02", "plane03", "plane04")
TOMOGRAPHIES = ("entry_0001", *(f"entry_0002/{plane}" for plane in PLANES))


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "nxscribe", "demo", "-o", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(), timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "data/ma2210/sim/ma2210-sim.h5"


def _environment() -> dict[str, str]:
    path = os.pathsep.join(str(Path(entry).resolve()) for entry in sys.path if entry)
    return {**os.environ, "PYTHONPATH": path}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing may depend on where one stands; and others' warnings are theirs."""
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.long
def test_every_file_is_valid(master: Path) -> None:
    command = [sys.executable, "-m", "nxscribe", "validate", str(master), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(), timeout=110, check=False)
    report = json.loads(done.stdout)
    assert report["findings"] == []
    assert done.returncode == 0
    assert len(report["entries"]) == len(TECHNIQUES)


def test_the_claims_are_made(master: Path) -> None:
    with h5py.File(master) as file:
        claims = {f"entry_0001{at}": file[f"entry_0001{at}/definition"].asstr()[()] for at in [""]} | {
            f"{plane}": file[f"entry_0002/{plane}/definition"].asstr()[()] for plane in PLANES
        }
        assert set(claims.values()) == {"NXtomo"}
        assert file["entry_0005/sum/definition"].asstr()[()] == "NXfluo"
        assert not any("definition" in file[f"entry_{number:04d}"] for number in (2, 3, 4, 5))


def raw_frames(master: Path, number: int) -> np.ndarray:
    """The frames as the raw files' own library reads them."""
    with h5py.File(master) as file:
        paths = [master.parent / name for name in file[f"entry_{number:04d}/measurement/files"].asstr()[()]]
    if paths[0].suffix == ".edf":
        return np.stack([fabio.open(str(path)).data for path in paths])
    with h5py.File(paths[0]) as raw:
        return raw["entry_0000/measurement/data"][()]


def with_h5py(master: Path, path: str) -> np.ndarray:
    with h5py.File(master) as file:
        return file[path][()]


def with_silx(master: Path, path: str) -> np.ndarray:
    import silx.io  # noqa: PLC0415 - slow to import

    with silx.io.open(str(master)) as file:
        return file[path][()]


def with_nexusformat(master: Path, path: str) -> np.ndarray:
    from nexusformat.nexus import nxload  # noqa: PLC0415 - slow to import

    return nxload(str(master))[path].nxdata


def with_scippnexus(master: Path, path: str) -> np.ndarray:
    import scippnexus  # noqa: PLC0415 - slow to import

    with scippnexus.File(master) as file:
        return file[path][()].values


def with_h5grove(master: Path, path: str) -> np.ndarray:
    """As h5web shows it in a browser."""
    from h5grove.content import get_content_from_file  # noqa: PLC0415 - slow to import

    with get_content_from_file(str(master), path, OSError) as content:
        return content.data()


READERS = [with_h5py, with_silx, with_nexusformat, with_scippnexus, with_h5grove]


@pytest.mark.parametrize("technique", TECHNIQUES)
@pytest.mark.parametrize("read", READERS)
def test_the_frames_through_the_master_are_those_of_the_raw_files(
    read: Callable[[Path, str], np.ndarray], technique: str, master: Path
) -> None:
    number = TECHNIQUES[technique]
    frames = read(master, f"/entry_{number:04d}/instrument/detector01/data")
    np.testing.assert_array_equal(np.squeeze(frames), np.squeeze(raw_frames(master, number)))


@pytest.mark.parametrize("read", READERS)
def test_a_plane_of_a_holotomography_has_its_own_frames(read: Callable[[Path, str], np.ndarray], master: Path) -> None:
    seen = raw_frames(master, TECHNIQUES["holo"])
    # Four darks; then three references and five images for each plane.
    for index, plane in enumerate(PLANES):
        first = 4 + 8 * index
        wanted = np.concatenate([seen[:4], seen[first : first + 8]])
        np.testing.assert_array_equal(read(master, f"/entry_0002/{plane}/instrument/detector/data"), wanted)


@pytest.mark.parametrize("path", TOMOGRAPHIES)
def test_nxtomo_takes_what_claims_to_be_one(path: str, master: Path) -> None:
    from nxtomo.application.nxtomo import NXtomo  # noqa: PLC0415 - slow to import

    tomo = NXtomo().load(str(master), path, detector_data_as="as_numpy_array")
    detector = tomo.instrument.detector
    assert len(detector.data) == len(detector.image_key_control) == len(tomo.sample.rotation_angle)
    assert detector.distance.to("mm").magnitude == (100.0 if path == "entry_0001" else pytest.approx(1160, abs=10))


def test_tomoscan_finds_a_whole_tomography(master: Path) -> None:
    from tomoscan.esrf.scan.nxtomoscan import NXtomoScan  # noqa: PLC0415 - slow to import

    scan = NXtomoScan(str(master), "entry_0001")
    assert (len(scan.projections), len(scan.flats), len(scan.darks)) == (180, 30, 10)
    assert (scan.dim_1, scan.dim_2, scan.scan_range) == (192, 160, 180)
    assert not scan.is_abort()
    assert scan.energy == pytest.approx(17.05, abs=0.01)


@pytest.mark.parametrize("path", TOMOGRAPHIES)
def test_what_nabu_asks_of_a_scan_before_it_reconstructs_it_is_there(path: str, master: Path) -> None:
    from tomoscan.esrf.scan.nxtomoscan import NXtomoScan  # noqa: PLC0415 - slow to import
    from tomoscan.validator import ReconstructionValidator  # noqa: PLC0415 - slow to import

    scan = NXtomoScan(str(master), path)
    # nabu-validator's own call, with all that it can look at but the values of all frames.
    report = ReconstructionValidator(scan, check_phase_retrieval=True, check_values=False, check_vds=True)
    assert "No issue found" in report.checkup(only_issues=True)


@pytest.mark.parametrize(("path", "metres"), [("entry_0001", -1.1), ("entry_0002/plane01", -0.03)])
def test_tomoscan_finds_the_source_upstream_of_the_sample(path: str, metres: float, master: Path) -> None:
    from tomoscan.esrf.scan.nxtomoscan import NXtomoScan  # noqa: PLC0415 - slow to import

    assert NXtomoScan(str(master), path).source_sample_distance == pytest.approx(metres)


def objects_of(master: Path, wanted: Callable[[h5py.Dataset | h5py.Group], bool]) -> list[str]:
    """The paths of the objects of all entries that are so, as a reader of the master sees them."""
    found: list[str] = []
    with h5py.File(master) as file:
        for entry in file:
            for path in file[entry]:
                _find(file, f"{entry}/{path}", wanted, found)
    return found


def _find(file: h5py.File, path: str, wanted: Callable[[h5py.Dataset | h5py.Group], bool], found: list[str]) -> None:
    node = file[path]
    if wanted(node):
        found.append(path)
    for name in node if isinstance(node, h5py.Group) else ():
        _find(file, f"{path}/{name}", wanted, found)


def test_nexusformat_draws_every_plot_through_the_master_with_a_title(
    master: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")
    import matplotlib.pyplot as plt  # noqa: PLC0415 - slow to import
    from nexusformat.nexus import nxload  # noqa: PLC0415 - slow to import

    plots = objects_of(master, lambda node: node.attrs.get("NX_class") == "NXdata")
    assert len(plots) >= 2 * len(TECHNIQUES)
    root = nxload(str(master))
    for path in plots:
        data = root[path]
        (data[0] if data.nxsignal.ndim > 2 else data).plot()
        assert plt.gcf().axes[0].get_title()
        plt.close("all")


def test_scippnexus_understands_every_unit(master: Path) -> None:
    import scippnexus  # noqa: PLC0415 - slow to import

    paths = objects_of(master, lambda node: isinstance(node, h5py.Dataset) and "units" in node.attrs)
    assert len(paths) > 300
    with scippnexus.File(master) as file, warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [path for path in paths if file[path].unit is None] == []


def test_a_scan_over_two_axes_is_a_mesh_to_a_reader(master: Path) -> None:
    from silx.io.nxdata import NXdata  # noqa: PLC0415 - slow to import

    with h5py.File(master) as file:
        plot = NXdata(file["entry_0004/plot"])
        assert plot.is_valid
        assert plot.signal.shape == (9, 9)
        assert plot.axes_dataset_names == ["axis2", "axis1"]
        assert [axis.attrs["units"] for axis in plot.axes] == ["mm", "mm"]
        assert file["entry_0004/instrument/axis1/value"].shape == (81,)


def test_an_irradiation_can_be_audited(master: Path) -> None:
    with h5py.File(master) as file:
        entry = file["entry_0003"]
        assert {"dose_rate", "ctc_spacing", "cross_n", "z_speed"} <= set(entry["MRT"])
        for chamber in ("IC01", "IC02", "IC0MU1", "IC0MU2", "IONCH1", "IONCH2"):
            times = [entry[f"measurement/{when}/{chamber}"].attrs["timestamp"] for when in ("initial", "final")]
            assert times[0] < times[1]
