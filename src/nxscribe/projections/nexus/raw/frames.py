"""What every raw format gives: a node that reads as the frames, and the first file that is not whole."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from nxscribe.model import Value
from nxscribe.projections.nexus.nodes import FRAME_RANK, ExternalLinkNode, Node, VirtualNode

FEW_PIXELS: Final = 16
"""Frames of fewer may be of one value by chance."""


class RawError(Exception):
    """A raw file cannot be linked. Its text is the reason and names the file."""


class ListedOnlyError(RawError):
    """Raw files of a form that HDF5 cannot show, whole as they may be."""


class NotYetError(RawError):
    """A raw file is not there, or not whole: its detector may still be writing it."""


@dataclass(frozen=True, slots=True)
class Frames:
    """A detector's frames within reach, up to the first file that is not whole."""

    node: ExternalLinkNode | VirtualNode
    """Goes to `data` in the detector's group."""
    counts: Sequence[int]
    """How many frames each file has that it shows whole, from the first on."""
    aside: dict[Path, dict[str, Node]] = field(default_factory=dict)
    """What has to be in files aside for it, by the path in their entry. The first is needed by the next."""
    spoiled: RawError | None = None
    """Why the files after those are not shown."""
    doubt: str = ""
    """Why what is shown may not be what the detector saw."""
    short: str = ""
    """Why the last file may have more frames than are shown; it may still get them."""
    blocks: Mapping[str, VirtualNode] = field(default_factory=dict)
    """All frames in several datasets, by name, where one cannot show them; `node` is then the first."""

    @property
    def files(self) -> int:
        """How many files it shows whole."""
        return len(self.counts)

    @property
    def shown(self) -> int:
        """How many frames it shows, those of a last file that is not whole among them."""
        nodes = self.blocks.values() or (self.node,)
        return sum(node.shape[0] if node.shape and len(node.shape) > FRAME_RANK else 1 for node in nodes)

    @property
    def uneven(self) -> int | None:
        """The first file with another number of frames than the first of all has, the last file apart."""
        return next((index for index, count in enumerate(self.counts[:-1]) if count != self.counts[0]), None)


def status_of(path: Path | str) -> os.stat_result:
    """What stat(2) says of a raw file. Raises RawError."""
    try:
        return Path(path).stat()
    except FileNotFoundError:
        raise NotYetError(f"{path} is not there") from None
    except OSError as error:
        raise RawError(f"{path} cannot be read: {error.strerror}") from error


def never_written(path: str, first: int) -> NotYetError:
    """The reason why a file's frames from `first` on are not shown."""
    return NotYetError(f"{path}: the frames from {first} on were not written, and would read as 0")


def doubt_about(path: str, last: Value) -> str:
    """What is odd about the last frame of all; empty when nothing is."""
    if last.size < FEW_PIXELS or last.min() != last.max():
        return ""
    return f"{path}: the last frame holds nothing but {last.flat[0]}, as where a detector stopped before it"


def unlike_counts(dtype: npt.DTypeLike) -> float:
    """A fill value that no detector counts to: what a frame would read as whose source is gone."""
    known = np.dtype(dtype)
    if known.kind == "f":
        return float("nan")
    bits = 8 * known.itemsize
    return 2.0**bits - 1 if known.kind == "u" else -(2.0 ** (bits - 1))
