"""The base class of a raw format: how to recognise its files, check that they are complete, and show their frames."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Protocol

from nxscribe.projections.nexus.raw._choice import Sought
from nxscribe.projections.nexus.raw.entry_paths import EntryPaths
from nxscribe.projections.nexus.raw.frames import Frames, ListedOnlyError

ENTRY_POINTS: Final = "nxscribe.raw_formats"
"""The group of entry points with which other packages add formats."""


class DetectorSeries(Protocol):
    """The files of one detector in one scan, which have the same format."""

    @property
    def files(self) -> Sequence[str]:
        """The files with the frames, in the order of the frames. The named files may link to them."""

    def link(self, detector: str, names: EntryPaths, asked: int | None) -> Frames:
        """Make the nodes that show the frames, up to the first file that is not complete.

        Args:
            detector: The name of the detector in the config.
            names: How the files of the entry name other files.
            asked: How many frames the detector should take; None if this is not known.

        Raises:
            ListedOnlyError: HDF5 cannot show frames of this form, although the files are complete.
            NotYetError: The first file does not exist or is not complete, and may still be written.
            RawError: The frames cannot be shown for another reason.
        """


class RawFormat(ABC):
    """One format of raw files."""

    name: ClassVar[str]
    """The name for users: `EDF`."""
    suffixes: ClassVar[tuple[str, ...]]
    """The endings of file names, in small letters, with the dot. They are used if a file does not exist or is empty."""
    media_type: ClassVar[str]
    """The media type for `type` of an NXnote: `image/x-edf`."""
    one_frame_a_file: ClassVar[bool] = False
    """Whether each file has one frame, so that the frames can be counted also if the files can only be listed."""

    @abstractmethod
    def recognises(self, start: bytes) -> bool:
        """Whether a file is of this format, by its first bytes (8 kB, or all of a shorter file)."""

    def check(self, path: str, size: int) -> None:  # noqa: B027 - a format need not be able to tell
        """Check by its headers that a file is complete. It exists, has `size` bytes, and is not empty.

        Raises RawError, and NotYetError for a file that may still be written.
        """

    def series(self, paths: Sequence[str], sought: Sought) -> DetectorSeries:  # noqa: ARG002 - for those that look into files
        """The files of a detector, from absolute paths, each once. By default the files are only listed."""
        return _ListedSeries(self.name, tuple(paths))


@dataclass(frozen=True, slots=True)
class _ListedSeries:
    """Files of a format that HDF5 cannot show."""

    format_name: str
    files: tuple[str, ...]

    def link(self, detector: str, names: EntryPaths, asked: int | None) -> Frames:  # noqa: ARG002 - there are none
        raise ListedOnlyError(f"raw files of {self.format_name} can be listed only")
