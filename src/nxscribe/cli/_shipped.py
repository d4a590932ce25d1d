"""The folder of the configs and definitions that come with the program."""

from __future__ import annotations

from pathlib import Path

import nxscribe


def shipped() -> Path:
    """The folder with `configs` and `definitions`: in the installed package, or the top of the source tree."""
    package = Path(nxscribe.__file__).parent
    installed = package / "share"
    return installed if installed.is_dir() else package.parents[1]
