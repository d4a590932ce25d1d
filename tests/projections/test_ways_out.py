"""Symbolic links in the data root that lead out of it: nothing is made, changed or read at their other end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import pytest
from some_scans import ended, started

from nxscribe.projections import FileSettings, Layout, ProjectionError, Settings
from nxscribe.projections.json_file import JsonFile, JsonForm
from nxscribe.projections.nexus import write_nexus
from nxscribe.records import Record

WAYS = (
    "ma2210",
    "ma2210/id16a",
    "ma2210/id16a/ma2210-id16a_entries",
    "ma2210/id16a/ma2210-id16a_entries/frames",
    "ma2210/id16a/ma2210-id16a_entries/definitions",
    "ma2210/id16a/ma2210-id16a_entries/entry_0001.h5",
    "ma2210/id16a/ma2210-id16a.h5",
    "ma2210/id16a/.nxscribe.lock",
)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "outside").mkdir()
    with h5py.File(tmp_path / "outside" / "other.h5", "w") as file:
        file.attrs["creator"] = "nxscribe"
    return tmp_path / "outside"


def linked(outside: Path, way: str, *, there: bool) -> Record:
    """A scan at whose place such a link lies; it leads to what is there, or to what could be made."""
    link = outside.parent / "data" / way
    link.parent.mkdir(parents=True, exist_ok=True)
    is_file = "." in link.name
    link.symlink_to((outside / "other.h5" if is_file else outside) if there else outside / "new")
    record = started(outside.parent / "elsewhere")
    return replace(ended(record), directory=str(outside.parent / "data"))


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_no_symbolic_link_leads_a_writer_out_of_the_data_root(outside: Path, way: str, *, there: bool) -> None:
    record = linked(outside, way, there=there)
    before = content(outside)
    layouts = (Layout.LINKED, Layout.SINGLE) if way.endswith("id16a.h5") else (Layout.LINKED,)
    for layout in layouts:
        settings = FileSettings(outside.parent / "data", layout)
        with pytest.raises(ProjectionError, match=r"symbolic link|cannot be written"):
            write_nexus(record, settings)
        assert content(outside) == before


@pytest.mark.parametrize("way", WAYS[:3])
def test_the_same_holds_for_the_record_as_json(outside: Path, way: str) -> None:
    record = linked(outside, way, there=True)
    settings = Settings(FileSettings(outside.parent / "data"), JsonForm(), Path("journal"))
    before = content(outside)
    with pytest.raises(ProjectionError, match="a symbolic link in its folders"):
        JsonFile().project(record, settings, {})
    assert content(outside) == before


def test_a_symbolic_link_to_a_folder_that_the_config_allows_is_followed(outside: Path) -> None:
    record = linked(outside, "ma2210", there=True)
    written = write_nexus(record, FileSettings(outside.parent / "data", roots=(str(outside),)))
    assert written.complete
    assert (outside / "id16a" / "ma2210-id16a.h5").exists()
