"""A picture of the raw data as an analyst meets it: found through the master file alone."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from PIL import Image

_DARKEST, _BRIGHTEST = 0.5, 99.5
"""Percentiles of the frame that become black and white."""


def draw_frame(master: Path, entry: str, picture: Path) -> str:
    """Draw the middle frame of an entry's default plot as a PNG, and return where it was read from.

    Raises:
        KeyError: The entry has no default plot, or its raw data is not there.
    """
    with h5py.File(master) as file:
        plot = file[entry]
        while "default" in plot.attrs:
            plot = plot[plot.attrs["default"]]
        signal = plot[plot.attrs["signal"]]
        frame = signal[len(signal) // 2] if signal.ndim > 2 else signal[()]  # noqa: PLR2004 -- a stack of frames
        where = f"{signal.file.filename}:{signal.name}"
    low, high = np.percentile(frame, [_DARKEST, _BRIGHTEST])
    grey = np.clip((frame - low) / max(high - low, 1e-12), 0, 1) * 255
    Image.fromarray(grey.astype(np.uint8)).save(picture)
    return where
