from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fabio
import h5py
import numpy as np
import pytest

from nxscribe.simulation import SimulatedBeamline, SimulationError, TangoDatabase
from nxscribe.simulation.techniques import TECHNIQUES

HOLDER = """
import sys, time
from pathlib import Path
from nxscribe.simulation import SimulatedBeamline, TangoDatabase
try:
    with TangoDatabase() as database, SimulatedBeamline(database.host, Path(sys.argv[1])) as beamline:
        print(database.process.pid, *(server.pid for server in beamline.servers), flush=True)
        time.sleep(60)
except KeyboardInterrupt:
    pass
"""


def is_there(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return status != "Z"


def play(beamline: SimulatedBeamline, technique: str, folder: Path, frames: int) -> dict[str, object]:
    steps: list[tuple[int, int]] = []
    start = beamline.prepare(technique, folder, frames)
    end = beamline.acquire(technique, folder, lambda done, total: steps.append((done, total)), frames)
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]
    parameters = {**start, **end}
    assert json.loads(json.dumps(parameters)) == parameters
    return parameters


def test_a_tomography_is_one_file_that_its_parameters_describe(beamline: SimulatedBeamline, folder: Path):
    parameters = play(beamline, "tomo", folder, 6)
    (path,) = folder.iterdir()
    assert path.name == "scan1_0000.h5"
    with h5py.File(path) as file:
        frames = file["/entry_0000/measurement/data"][()].astype(float)
    keys = np.array(parameters["image_key"])
    assert len(frames) == len(keys) == len(parameters["rotation_angle"])
    assert [(keys == key).sum() for key in (0, 2)] == [parameters["tomo_n"], parameters["dark_n"]] == [6, 10]
    assert frames[keys == 2].mean() < frames[keys == 0].mean() < frames[keys == 1].mean()
    dark, flat = frames[keys == 2].mean(axis=0), frames[keys == 1].mean(axis=0)
    masses = -np.log((frames[keys == 0] - dark) / (flat - dark)).sum(axis=(1, 2))
    assert masses.std() / masses.mean() < 0.01


def test_a_holotomography_numbers_its_images_by_plane(beamline: SimulatedBeamline, folder: Path):
    parameters = play(beamline, "holo", folder, 2)
    ranges = [
        (parameters[f"{name}_num_start"], parameters[f"{name}_num_end"])
        for name in ("dark", "ref01", "im01", "ref02", "im02", "ref03", "im03", "ref04", "im04")
    ]
    numbers = [number for first, last in ranges for number in range(first, last + 1)]
    assert numbers == list(range(len(list(folder.iterdir()))))
    means = []
    for first, _ in ranges:
        with fabio.open(folder / f"scan1_{first:04d}.edf") as image:
            means.append(image.data.mean())
    assert means[0] < 110
    assert min(means[1:]) > 1000
    assert len(parameters["holoSourceSampleDistances"]) == parameters["holo_N"] == 4


def test_the_holograms_differ_from_plane_to_plane(beamline: SimulatedBeamline, folder: Path):
    parameters = play(beamline, "holo", folder, 1)
    flat_corrected = []
    for plane in range(1, 5):
        image, reference = (
            fabio.open(folder / f"scan1_{parameters[f'{kind}{plane:02d}_num_start']:04d}.edf").data.astype(float) - 100
            for kind in ("im", "ref")
        )
        flat_corrected.append(image / reference)
    contrast = [np.std(picture) for picture in flat_corrected]
    assert min(contrast) > 0.04
    assert all(np.corrcoef(flat_corrected[0].ravel(), other.ravel())[0, 1] < 0.9 for other in flat_corrected[2:])


def test_an_irradiation_leaves_a_darker_film_with_each_direction(beamline: SimulatedBeamline, folder: Path):
    parameters = play(beamline, "mrt", folder, 2)
    light = [fabio.open(path).data.mean() for path in sorted(folder.iterdir())]
    assert len(light) == parameters["cross_n"] == 2
    assert light[1] < light[0]


def test_a_mesh_scan_shows_the_sample_in_files_and_diode_alike(beamline: SimulatedBeamline, folder: Path):
    parameters = play(beamline, "scan", folder, 3)
    light = np.array([fabio.open(path).data.astype(float).sum() for path in sorted(folder.iterdir())])
    diode = np.array(parameters["diode"])
    assert len(light) == len(diode) == parameters["axis1_dimension"] * parameters["axis2_dimension"] == 9
    assert np.corrcoef(light, diode)[0, 1] > 0.99
    assert parameters["sx"] == [-0.5, 0.0, 0.5] * 3
    assert parameters["sy"] == [-0.5] * 3 + [0.0] * 3 + [0.5] * 3


def test_a_fluorescence_map_has_the_spectra_of_every_point(beamline: SimulatedBeamline, folder: Path):
    play(beamline, "fluo", folder, 4)
    (path,) = folder.iterdir()
    with h5py.File(path) as file:
        spectra = file["/entry_0000/measurement/data"]
        assert spectra.shape == (16, 4, 2048)
        assert spectra.dtype == np.uint32
        calcium = spectra[:, :, 360:380].sum(axis=(1, 2)).reshape(4, 4)
    assert calcium[1:3, 1:3].min() > 5 * calcium[0, 0]


def test_a_scan_is_the_same_again(beamline: SimulatedBeamline, folder: Path):
    for name in ("one", "two"):
        play(beamline, "mrt", folder / name, 1)
    one, two = (fabio.open(folder / name / f"{name}_0000.edf").data for name in ("one", "two"))
    assert np.array_equal(one, two)


def test_a_second_scan_in_one_folder_goes_on_counting(beamline: SimulatedBeamline, folder: Path):
    play(beamline, "mrt", folder, 2)
    play(beamline, "mrt", folder, 1)
    assert sorted(path.name for path in folder.iterdir()) == [f"scan1_{number:04d}.edf" for number in range(3)]


@pytest.mark.parametrize("technique", sorted(TECHNIQUES))
def test_prepare_alone_tells_where_the_files_will_be(beamline: SimulatedBeamline, folder: Path, technique: str):
    assert beamline.prepare(technique, folder)
    assert folder.is_dir()
    assert list(folder.iterdir()) == []


def test_an_unknown_technique_is_told_with_those_that_there_are(beamline: SimulatedBeamline, folder: Path):
    with pytest.raises(SimulationError, match=r"'saxs'.*tomo"):
        beamline.prepare("saxs", folder)


@pytest.mark.parametrize("technique", sorted(TECHNIQUES))
def test_the_smallest_scan_runs_and_none_is_smaller(beamline: SimulatedBeamline, folder: Path, technique: str):
    play(beamline, technique, folder, 1)
    with pytest.raises(SimulationError, match="take 1 or more"):
        beamline.prepare(technique, folder, 0)


def test_a_folder_outside_the_data_root_is_refused(beamline: SimulatedBeamline):
    with pytest.raises(SimulationError, match="not below the data root"):
        beamline.prepare("tomo", Path("../elsewhere"))


def test_a_scan_that_was_not_prepared_is_refused(beamline: SimulatedBeamline, folder: Path):
    with pytest.raises(SimulationError, match="call prepare for this scan first"):
        beamline.acquire("tomo", folder / "never")


def test_an_interrupted_scan_leaves_the_camera_ready(beamline: SimulatedBeamline, folder: Path):
    def interrupt(done: int, _total: int) -> None:
        if done:
            raise KeyboardInterrupt

    beamline.prepare("tomo", folder)
    with pytest.raises(KeyboardInterrupt):
        beamline.acquire("tomo", folder, interrupt)
    (path,) = folder.iterdir()
    with h5py.File(path) as file:
        assert 0 < len(file["/entry_0000/measurement/data"]) < 220
    play(beamline, "tomo", folder.parent / "scan2", 2)


def test_afterwards_no_process_is_left(tmp_path: Path):
    with TangoDatabase() as database, SimulatedBeamline(database.host, tmp_path) as beamline:
        pids = [server.pid for server in beamline.servers]
        assert all(map(is_there, pids))
    assert not any(map(is_there, pids))


def test_a_server_that_does_not_come_up_is_told_with_what_it_said(tmp_path: Path):
    with TangoDatabase() as database:
        pass
    with pytest.raises(SimulationError, match=f"no Tango database answers at {database.host}"):
        SimulatedBeamline(database.host, tmp_path).__enter__()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "kill -9"])
def test_the_servers_end_with_the_program_that_started_them(tmp_path: Path, ending: signal.Signals):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as holder:
        assert holder.stdout is not None
        pids = [int(pid) for pid in holder.stdout.readline().split()]
        assert len(pids) == 4
        os.killpg(holder.pid, ending)
        holder.wait(15)
    deadline = time.monotonic() + 10
    while any(map(is_there, pids)):
        assert time.monotonic() < deadline, "servers outlive their parent"
        time.sleep(0.02)
