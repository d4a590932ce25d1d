"""The kind `json`: a record beside its entry, and the registry that knows the kinds."""

from __future__ import annotations

import json
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pytest
from some_scans import ended, started

from nxscribe.projections import Done, FileSettings, Ownership, Previous, ProjectionError, Settings, registered
from nxscribe.projections.json_file import JsonFile, JsonForm
from nxscribe.records import Record, record_from_json

NOTHING: Mapping[str, Previous] = MappingProxyType({})


def made(record: Record, files: FileSettings, indent: int = 2, previous: Mapping[str, Previous] = NOTHING) -> Path:
    outcome = JsonFile().project(record, Settings(files, JsonForm(indent=indent), Path("unused")), previous)
    assert isinstance(outcome, Done)
    return Path(str(outcome.result["file"]))


def test_nexus_and_json_are_registered_and_json_comes_after_nexus() -> None:
    assert registered()["json"] is JsonFile
    assert registered()["nexus"].kind == "nexus"
    assert JsonFile.after == ("nexus",)


def test_the_file_lies_beside_the_entry_and_holds_the_record_but_for_its_definition(
    data_root: Path, settings: FileSettings
) -> None:
    record = ended(started(data_root))
    path = made(record, settings)
    assert path == data_root / "ma2210/id16a/ma2210-id16a_entries/entry_0001.json"
    without = replace(record, definition=replace(record.definition, text=""))
    assert record_from_json(path.read_text()) == without
    reading = json.loads(path.read_text())["record"]["initial"]["readings"]["sx"]
    assert (reading["value"]["data"], reading["unit"]) == (1.5, "mm")


@pytest.mark.parametrize(("indent", "lines"), [(0, 1), (2, 20)])
def test_it_is_indented_as_the_config_says(data_root: Path, linked: FileSettings, indent: int, lines: int) -> None:
    text = made(ended(started(data_root)), linked, indent).read_text()
    assert (text.count("\n") == 1) == (lines == 1)
    assert text.count("\n") >= lines


def test_it_becomes_read_only_with_the_end_of_the_scan(data_root: Path, linked: FileSettings) -> None:
    linked = replace(linked, ownership=Ownership(complete=0o440, growing=0o640))
    record = started(data_root)
    assert stat.S_IMODE(made(record, linked).stat().st_mode) == 0o640
    assert stat.S_IMODE(made(ended(record), linked).stat().st_mode) == 0o440


def test_a_record_with_a_new_number_leaves_no_file_of_the_old_one(data_root: Path, linked: FileSettings) -> None:
    record = ended(started(data_root))
    old = made(record, linked)
    previous = {"json": Previous({"file": str(old)}, is_made=False)}
    new = made(record.renumbered(5), linked, previous=previous)
    assert new.name == "entry_0005.json"
    assert not old.exists()


def test_the_file_that_another_record_has_at_the_old_place_stays(data_root: Path, linked: FileSettings) -> None:
    record, other = ended(started(data_root)), ended(started(data_root))
    old = made(other, linked)
    made(record.renumbered(5), linked, previous={"json": Previous({"file": str(old)}, is_made=False)})
    assert record_from_json(old.read_text()).id == other.id


def test_nothing_is_written_outside_the_data_root(data_root: Path, linked: FileSettings) -> None:
    with pytest.raises(ProjectionError, match="leads out of the data root"):
        made(replace(ended(started(data_root)), master="../elsewhere/m.h5"), linked)


def test_a_disk_that_takes_nothing_is_told_with_a_remedy(data_root: Path, linked: FileSettings) -> None:
    with pytest.raises(ProjectionError, match="is not there; not mounted, or not made; mount it"):
        made(ended(started(data_root)), replace(linked, data_root=data_root / "unmounted"))


def test_what_a_crash_left_half_written_is_in_nobodys_way(data_root: Path, linked: FileSettings) -> None:
    record = ended(started(data_root))
    path = made(record, linked)
    (path.parent / ".nxscribe-writing").write_text("half")
    assert made(record, linked) == path
    assert list(path.parent.iterdir()) == [path]
