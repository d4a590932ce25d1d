"""Pictures of the raw data are of a size that a person can see, each pixel a square."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from nxscribe.simulation import draw_frame


@pytest.mark.parametrize(
    ("frame", "size"),
    [((9, 9), (486, 486)), ((30, 50), (500, 300)), ((2, 500), None), ((600, 20), (20, 600)), ((7,), None)],
)
def test_a_small_frame_becomes_a_large_picture(tmp_path: Path, frame: tuple[int, ...], size: tuple[int, int] | None):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        entry = file.create_group("entry")
        entry.attrs["default"] = "plot"
        plot = entry.create_group("plot")
        plot.attrs["signal"] = "data"
        plot["data"] = np.arange(np.prod(frame), dtype=float).reshape(frame)
    draw_frame(tmp_path / "m.h5", "entry", tmp_path / "m.png")
    with Image.open(tmp_path / "m.png") as picture:
        assert max(picture.size) >= 480
        if size:
            assert picture.size == size
            times = size[0] // frame[1]
            pixels = np.asarray(picture)
            assert np.array_equal(pixels, pixels[::times, ::times].repeat(times, 0).repeat(times, 1))
