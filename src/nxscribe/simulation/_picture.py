"""A picture of the raw data, which is read only through the master file, as an analysis program does."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt
from PIL import Image

_CURVE_HEIGHT, _CURVE_WIDTH = 320, 480
_SPECTRA = 16
"""If a frame is wider than high by this factor, it contains spectra: one row for each element of a detector."""
_LEAST_SIDE = 480
"""The smallest length of the longer side of a picture, in pixels."""
_DARKEST, _BRIGHTEST = 0.5, 99.5
"""Percentiles of the frame that become black and white."""


def draw_frame(master: Path, entry: str, picture: Path) -> None:
    """Draw an entry's default plot as a PNG: its curve, the sum of its spectra, or its middle frame; of a tomography
    the middle projection, divided by the flats.

    Raises:
        KeyError: The entry has no default plot, or its raw data is not there.
    """
    with h5py.File(master) as file:
        plot = file[entry]
        while "default" in plot.attrs:
            plot = plot[plot.attrs["default"]]
        frames = plot[plot.attrs["signal"]]
        if frames.ndim == 1:
            frame = _curve(frames[()])
        elif "image_key" in plot:
            frame = _corrected(frames, plot["image_key"][()])
        else:
            frame = frames[len(frames) // 2] if frames.ndim > 2 else frames[()]  # noqa: PLR2004 -- a stack
    if frame.shape[1] >= _SPECTRA * frame.shape[0]:
        frame = _curve(frame.sum(axis=0))
    low, high = np.percentile(frame, [_DARKEST, _BRIGHTEST])
    grey = np.clip((frame - low) / max(high - low, 1e-12), 0, 1) * 255
    Image.fromarray(_enlarged(grey.astype(np.uint8))).save(picture)


def _enlarged(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Each pixel as a square of pixels, until the longer side can be seen: a map of nine by nine points, too."""
    times = max(1, -(-_LEAST_SIDE // max(grey.shape)))
    return grey.repeat(times, axis=0).repeat(times, axis=1)


def _curve(values: npt.NDArray[np.generic]) -> npt.NDArray[np.float64]:
    """A curve as white steps on black, a picture as any other frame."""
    heights = np.asarray(values, float)
    heights = (heights - heights.min()) / max(np.ptp(heights), 1e-12)
    rows = np.linspace(1, 0, _CURVE_HEIGHT)[:, np.newaxis]
    columns = np.repeat(heights, max(1, _CURVE_WIDTH // len(heights)))
    return (rows <= columns).astype(float)


def _corrected(frames: h5py.Dataset, image_key: npt.NDArray[np.int_]) -> npt.NDArray[np.float64]:
    """The middle projection between the darks and flats of the series, as NXtomo's image_key tells them apart."""
    projections, flats, darks = (np.flatnonzero(image_key == key) for key in (0, 1, 2))
    dark = frames[darks[0]].astype(float)
    flat = np.mean([frames[index] for index in flats], axis=0) - dark
    return np.asarray((frames[projections[len(projections) // 2]] - dark) / np.maximum(flat, 1))
