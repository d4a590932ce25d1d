from __future__ import annotations

import importlib.resources
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def esrf_file() -> Path:
    """The ESRF's own definition, as `icat-esrf-definitions` 3.8.0 ships it."""
    return Path(str(importlib.resources.files("icat_esrf_definitions"))) / "hdf5_cfg.xml"
