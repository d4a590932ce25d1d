"""The proof of a tomography: nabu reconstructs it from the master alone, and the densities are those of the sample. And
its validator finds all that it needs for each plane of a holotomography.
"""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from nxscribe.simulation.scenes._phantom import BONE
from nxscribe.simulation.scenes._tomography import Tomography

NABU = os.environ.get("NABU") or shutil.which("nabu")
SLICES = (59, 79, 99)
UNKNOWN_PROCESSOR = "unknown target CPU"
"""What the newest OpenCL compiler on PyPI (pocl 3.0, of 2022) says on a processor that is newer."""
PIXEL_CM = 6.5e-4
CONFIG = """\
[dataset]
location = {master}
[preproc]
flatfield = 1
take_logarithm = 1
[reconstruction]
method = FBP
rotation_axis_position = centered
start_z = {first}
end_z = {last}
[output]
location = {output}
overwrite_results = 1
"""


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.skipif(not NABU, reason="nabu is not installed: `make reconstruct` does it, or set NABU to its path")
def test_nabu_reconstructs_the_sample_from_the_master(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nxscribe", "demo", "-t", "tomo", "-o", str(tmp_path / "demo")]
    subprocess.run(command, check=True, timeout=300, capture_output=True)
    output = tmp_path / "rec"
    output.mkdir()
    config = tmp_path / "nabu.conf"
    master = tmp_path / "demo/data/ma2210/sim/ma2210-sim.h5"
    config.write_text(CONFIG.format(master=master, output=output, first=SLICES[0], last=SLICES[-1]))
    done = subprocess.run([NABU, str(config)], timeout=600, capture_output=True, text=True, cwd=tmp_path, check=False)
    if UNKNOWN_PROCESSOR in done.stdout + done.stderr:
        pytest.skip("the OpenCL compiler of nabu's environment is older than this processor, and does not know it")
    assert done.returncode == 0, done.stdout + done.stderr
    with h5py.File(output / "ma2210-sim_rec.hdf5") as file:
        volume = file["entry_0001/reconstruction/results/data"][()]

    scene = Tomography()
    compared = 0
    for number in SLICES:
        # In 1/cm; nabu's rows run against the sample's y.
        measured = volume[number - SLICES[0]] * PIXEL_CM * scene.radius_pixels / scene.attenuation
        wanted = densities(number, volume.shape[-1], scene.radius_pixels)
        for density in np.unique(wanted[wanted > 0.3]):
            inside = interior(wanted) & (wanted == density)
            if inside.sum() > 40:
                compared += 1
                assert measured[inside].mean() == pytest.approx(density, rel=0.05)
        outside = interior(wanted) & (wanted == 0)
        assert abs(measured[outside].mean()) < 0.05
    assert compared >= 5


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.skipif(not NABU, reason="nabu is not installed: `make reconstruct` does it, or set NABU to its path")
def test_nabus_validator_finds_no_issue_through_the_master(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nxscribe", "demo", "-t", "tomo", "-t", "holo", "-o", str(tmp_path / "demo")]
    subprocess.run(command, check=True, timeout=300, capture_output=True)
    master = tmp_path / "demo/data/ma2210/sim/ma2210-sim.h5"
    with h5py.File(master) as file:
        entries = [name for name in file if "definition" in file[name]]
        entries += [f"{name}/plane{number:02d}" for name in file if "HOLO" in file[name] for number in range(1, 5)]
    assert len(entries) == 5
    assert NABU
    validator = [str(Path(NABU).with_name("nabu-validator")), str(master), *entries, "--extend"]
    done = subprocess.run(validator, timeout=120, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("No issue found") == len(entries), done.stdout + done.stderr
    assert "INVALID" not in done.stdout


def densities(row: int, size: int, radius: float) -> np.ndarray:
    """The sample's densities in a slice, as its bodies say; to three digits, as sums of them are."""
    z = ((160 - 1) / 2 - row) / radius
    along = (np.arange(size) - (size - 1) / 2) / radius
    x, y = np.meshgrid(along, -along)
    total = np.zeros_like(x)
    for body in BONE.bodies:
        turn = math.radians(body.tilt_deg)
        dx, dy = x - body.centre[0], y - body.centre[1]
        u, v = dx * math.cos(turn) + dy * math.sin(turn), dy * math.cos(turn) - dx * math.sin(turn)
        a, b, c = body.semi_axes
        total += body.density * ((u / a) ** 2 + (v / b) ** 2 + ((z - body.centre[2]) / c) ** 2 <= 1)
    return total.round(3)


def interior(image: np.ndarray, margin: int = 4) -> np.ndarray:
    """Where all pixels around are of the same density: the edges are blurred."""
    inside = np.ones(image.shape, bool)
    steps = range(-margin, margin + 1)
    for down in steps:
        for right in steps:
            inside &= np.roll(image, (down, right), (0, 1)) == image
    return inside
