"""Links to objects of other HDF5 files that the control system named: its own entry beside nxscribe's."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import h5py
import pytest
from some_scans import ended, frames, hdf5_scan, started

from nxscribe.model import now
from nxscribe.projections import FileSettings
from nxscribe.projections.nexus import inspect_entry, pack, write_nexus
from nxscribe.projections.nexus._verify import verify_file
from nxscribe.projections.nexus.validate import validate
from nxscribe.records import Record, record_from_json, record_to_json


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def own_file(path: Path) -> Path:
    """A file as the control system writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.create_group("1.1").attrs["NX_class"] = "NXentry"
        file["1.1/title"] = "ascan sx 0 1"
    return path


def linked(data: Path, target: str) -> Record:
    record = started(data)
    series = hdf5_scan(record, frames())
    return replace(ended(record, series), links={"bliss": target}, roots=(str(data),))


def link_in(file: Path) -> h5py.ExternalLink | None:
    with h5py.File(file, locking=False) as opened:
        return opened["entry_0001"].get("links/bliss", getlink=True)


def told(file: Path, kind: str) -> dict[str, str]:
    with h5py.File(file, locking=False) as opened:
        account = opened["entry_0001/nxscribe"]
        return dict(zip(account[kind].asstr()[()], account[f"{kind}_reason"].asstr()[()], strict=True))


def test_an_object_of_another_file_is_linked_by_a_relative_name_that_moves_with_the_folder(data: Path) -> None:
    own = own_file(data / "ma2210/id16a/bone/bone_tomo.h5")
    record = linked(data, f"{own}::/1.1")
    assert record_from_json(record_to_json(record)) == record
    written = write_nexus(record, FileSettings(data))
    assert written.complete
    link = link_in(written.entry_file)
    assert (link.filename, link.path) == ("../bone/bone_tomo.h5", "/1.1")
    moved = shutil.move(data / "ma2210", data.parent / "moved")
    with h5py.File(Path(moved) / "id16a/ma2210-id16a.h5") as file:
        assert file["entry_0001/links/bliss/title"].asstr()[()] == "ascan sx 0 1"
        assert file["entry_0001/links"].attrs["NX_class"] == "NXcollection"
    assert not [one for one in validate(Path(moved) / "id16a/ma2210-id16a.h5").findings if "links" in one.path]


def test_it_is_there_after_regenerating_and_in_an_archive_and_what_it_leads_to_is_not_copied(data: Path) -> None:
    own = own_file(data / "ma2210/id16a/bone/bone_tomo.h5")
    record = linked(data, f"{own}::/1.1")
    settings = FileSettings(data)
    written = write_nexus(record, settings)
    before = written.entry_file.read_bytes()
    assert inspect_entry(record, settings) == ()
    shutil.rmtree(written.entry_file.parent)
    written.master.unlink()
    again = write_nexus(record, settings)
    assert len(again.entry_file.read_bytes()) == len(before)
    archive = data / "archive.h5"
    pack(written.master, archive)
    link = link_in(archive)
    assert (link.filename, link.path) == ("ma2210/id16a/bone/bone_tomo.h5", "/1.1")
    own.unlink()
    broken = [one for one in validate(written.master, with_others=False).findings if "links/bliss" in one.path]
    assert [str(one.severity) for one in broken] == ["error"]
    apart = [one for one in validate(archive, with_others=False).findings if "links/bliss" in one.path]
    assert [str(one.severity) for one in apart] == ["warning"]
    pack(written.master, data / "without.h5")


def test_what_is_not_there_yet_is_awaited_and_then_missing(data: Path) -> None:
    own = data / "ma2210/id16a/bone/bone_tomo.h5"
    record = replace(linked(data, f"{own}::/2.1"), end_time=now())
    settings = FileSettings(data, raw_hours=1.0)
    running = replace(record, end_time=None, end_reason=None, final=None, raw=())
    assert "cannot be opened" in told(write_nexus(running, settings).entry_file, "pending")["links/bliss"]
    written = write_nexus(record, settings)
    assert written.awaits_raw
    own_file(own)
    assert "has no /2.1" in told(write_nexus(record, settings).entry_file, "pending")["links/bliss"]
    late = write_nexus(record, FileSettings(data))
    assert late.complete
    assert "has no /2.1" in told(late.entry_file, "missing")["links/bliss"]
    assert link_in(late.entry_file) is None


def test_a_file_that_another_program_writes_again_while_the_entry_is_verified_is_linked_nevertheless(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = own_file(data / "ma2210/id16a/bone/bone_tomo.h5")

    def verify(*arguments: object) -> None:
        own.write_bytes(whole[:100])
        verify_file(*arguments)
        own.write_bytes(whole)

    whole = own.read_bytes()
    monkeypatch.setattr("nxscribe.projections.nexus._project.verify_file", verify)
    written = write_nexus(linked(data, f"{own}::/1.1"), FileSettings(data))
    assert written.unforeseen == ()
    assert link_in(written.entry_file).path == "/1.1"


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_symbolic_link_out_of_the_roots_is_not_followed(data: Path, what: str) -> None:
    secret = own_file(data.parent / "secret" / "bone_tomo.h5")
    own = data / "ma2210/id16a/aside/bone_tomo.h5"
    if what == "file":
        own.parent.mkdir(parents=True)
        own.symlink_to(secret)
    else:
        own.parent.parent.mkdir(parents=True)
        own.parent.symlink_to(secret.parent)
    written = write_nexus(linked(data, f"{own}::/1.1"), FileSettings(data))
    assert link_in(written.entry_file) is None
    assert "leads out of the folders that the config allows" in told(written.entry_file, "missing")["links/bliss"]


def test_a_file_that_is_named_by_its_real_path_is_linked_where_the_root_is_a_symbolic_link(data: Path) -> None:
    own = own_file(data / "ma2210/id16a/bone/bone_tomo.h5")
    data.with_name("visitor").symlink_to(data)
    record = replace(linked(data, f"{own}::/1.1"), roots=(str(data.with_name("visitor")),))
    assert link_in(write_nexus(record, FileSettings(data)).entry_file).path == "/1.1"


@pytest.mark.parametrize("way", ["/elsewhere", "a symbolic link to a folder", "a symbolic link to a file", "/../.."])
def test_raw_files_that_the_control_system_named_outside_the_roots_are_not_opened(data: Path, way: str) -> None:
    record = started(data)
    secret = data.parent / "secret"
    outside = hdf5_scan(replace(record, directory=str(own_file(secret / "x.h5").parent)), frames())
    inside = Path(record.directory)
    directory = str(secret)
    if way == "a symbolic link to a folder":
        (inside / "raw").symlink_to(secret)
        directory = str(inside / "raw")
    elif way == "a symbolic link to a file":
        (inside / "tomo_0000.h5").symlink_to(secret / "tomo_0000.h5")
        directory = str(inside)
    elif way == "/../..":
        directory = f"{inside}/../../../../../secret"
    series = replace(outside, directory=directory, named=True)
    record = replace(ended(record, series), roots=(str(data), "/"))
    written = write_nexus(record_from_json(record_to_json(record)), FileSettings(data))
    assert "(files.roots)" in told(written.entry_file, "missing")["instrument/detector01/data_file"]
    with h5py.File(written.master) as file:
        assert "data" not in file["entry_0001/instrument/detector01"]
        assert "measurement" not in file["entry_0001"]
    for allowed in (
        replace(record, roots=(str(data), str(secret))),
        replace(record, raw=(replace(series, named=False),)),
    ):
        shown = write_nexus(allowed, FileSettings(data))
        with h5py.File(shown.master) as file:
            assert file["entry_0001/instrument/detector01/data"].shape == frames().shape


def test_a_link_beyond_the_experiments_folder_has_its_absolute_name_and_a_warning(data: Path) -> None:
    own = own_file(data.parent / "bliss" / "bone_tomo.h5")
    record = replace(linked(data, f"{own}::/1.1"), roots=(str(data), str(own.parent)))
    written = write_nexus(record, FileSettings(data))
    assert link_in(written.entry_file).filename == str(own)
    assert [one for one in written.warnings if one.startswith("links/bliss: its file is outside")]
