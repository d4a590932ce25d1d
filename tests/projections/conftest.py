from __future__ import annotations

from pathlib import Path

import pytest

from nxscribe.projections import FileSettings, Layout


@pytest.fixture
def data_root(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    root.mkdir()
    return root


@pytest.fixture(params=list(Layout))
def settings(request: pytest.FixtureRequest, data_root: Path) -> FileSettings:
    """Both layouts: what the files say must not depend on it."""
    return FileSettings(data_root, request.param)


@pytest.fixture
def linked(data_root: Path) -> FileSettings:
    return FileSettings(data_root, Layout.LINKED)
