"""The master file over many scans, and what it withstands."""

from __future__ import annotations

import errno
import fcntl
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from some_scans import ended, frames, hdf5_scan, started

from nxscribe.projections import FileSettings, Layout, ProjectionError
from nxscribe.projections.nexus import write_nexus
from nxscribe.records import Record


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".nxscribe.lock"}


def with_frames(record: Record, seed: int = 1) -> Record:
    return ended(record, hdf5_scan(record, frames(seed)))


def test_an_experiment_shows_each_of_its_scans_once(settings: FileSettings) -> None:
    for number in (1, 2, 3):
        record = started(settings.data_root, number=number)
        write_nexus(record, settings)
        written = write_nexus(with_frames(record, number), settings)
    with h5py.File(written.master) as file:
        assert list(file) == ["entry_0001", "entry_0002", "entry_0003"]
        for number, name in enumerate(file, 1):
            np.testing.assert_array_equal(file[name]["instrument/detector01/data"], frames(number))
        assert file["entry_0002/title"].asstr()[()] == "bone - scan0002"


def test_a_file_system_that_takes_no_locks_is_told_of(settings: FileSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    record = started(settings.data_root)
    assert write_nexus(record, settings).alone
    monkeypatch.setattr(fcntl, "flock", refuse)
    assert not write_nexus(record, settings).alone


def test_two_experiments_have_a_master_each(settings: FileSettings) -> None:
    masters = {
        write_nexus(started(settings.data_root, proposal=proposal), settings).master for proposal in ("ma1", "ma2")
    }
    assert {master.name for master in masters} == {"ma1-id16a.h5", "ma2-id16a.h5"}
    for master in masters:
        with h5py.File(master) as file:
            assert list(file) == ["entry_0001"]


def test_the_linked_master_names_its_entries_relatively(linked: FileSettings, tmp_path: Path) -> None:
    record = started(linked.data_root)
    written = write_nexus(with_frames(record), linked)
    with h5py.File(written.master) as file:
        link = file.get("entry_0001", getlink=True)
        assert (link.filename, link.path) == ("ma2210-id16a_entries/entry_0001.h5", "/entry_0001")
    moved = tmp_path / "moved"
    shutil.move(linked.data_root, moved)
    with h5py.File(moved / written.master.relative_to(linked.data_root)) as file:
        assert file["entry_0001/sample/x"][()] == 1500.0


def test_the_default_is_the_newest_entry_with_a_plot(settings: FileSettings) -> None:
    def default() -> str:
        with h5py.File(written.master) as file:
            return file.attrs.get("default", "")

    first, second = (started(settings.data_root, number=number) for number in (1, 2))
    written = write_nexus(first, settings)
    assert default() == ""
    write_nexus(with_frames(first), settings)
    assert default() == "entry_0001"
    write_nexus(second, settings)
    assert default() == "entry_0001"
    write_nexus(with_frames(second), settings)
    assert default() == "entry_0002"
    write_nexus(with_frames(first), settings)
    assert default() == "entry_0002"
    write_nexus(ended(second), settings)
    assert default() == "entry_0001"


def test_a_deleted_linked_master_comes_back_with_every_entry(linked: FileSettings) -> None:
    for number in (1, 2):
        written = write_nexus(with_frames(started(linked.data_root, number=number)), linked)
    written.master.unlink()
    write_nexus(ended(started(linked.data_root, number=3)), linked)
    with h5py.File(written.master) as file:
        assert list(file) == ["entry_0001", "entry_0002", "entry_0003"]
        assert file.attrs["default"] == "entry_0002"


def test_a_master_that_already_shows_the_entry_is_left_alone(linked: FileSettings) -> None:
    record = started(linked.data_root)
    written = write_nexus(record, linked)
    before = written.master.stat()
    write_nexus(ended(record), linked)
    assert written.master.stat().st_ino == before.st_ino


@pytest.mark.parametrize("layout", list(Layout))
def test_an_entry_of_another_record_is_never_overwritten(layout: Layout, data_root: Path) -> None:
    settings = FileSettings(data_root, layout)
    write_nexus(ended(started(data_root)), settings)
    before = snapshot(data_root)
    with pytest.raises(ProjectionError, match="has an entry_0001 already, of the record"):
        write_nexus(ended(started(data_root)), settings)
    assert snapshot(data_root) == before


def test_an_entry_file_of_another_record_is_kept_even_when_the_master_is_gone(linked: FileSettings) -> None:
    written = write_nexus(ended(started(linked.data_root)), linked)
    written.master.unlink()
    with pytest.raises(ProjectionError, match="has an entry_0001 already"):
        write_nexus(ended(started(linked.data_root)), linked)


def test_a_file_of_another_program_is_never_touched(settings: FileSettings) -> None:
    record = started(settings.data_root)
    master = settings.data_root / record.master
    with h5py.File(master, "w") as file:
        file["mine"] = 1
    before = snapshot(settings.data_root)
    with pytest.raises(ProjectionError, match="was made by another program"):
        write_nexus(record, settings)
    assert snapshot(settings.data_root) == before


def test_a_damaged_master_is_reported_and_left_as_it_is(settings: FileSettings) -> None:
    record = started(settings.data_root)
    master = settings.data_root / record.master
    master.write_bytes(b"\x89HDF\r\n\x1a\nthe rest is lost")
    with pytest.raises(ProjectionError, match=r"cannot be opened.*move it away"):
        write_nexus(record, settings)
    assert master.read_bytes() == b"\x89HDF\r\n\x1a\nthe rest is lost"


def test_an_entry_whose_file_was_deleted_is_written_again(linked: FileSettings) -> None:
    record = ended(started(linked.data_root))
    written = write_nexus(record, linked)
    written.entry_file.unlink()
    write_nexus(record, linked)
    with h5py.File(written.master) as file:
        assert file["entry_0001/sample/x"][()] == 1500.0


def test_readers_hinder_nothing_and_keep_what_they_opened(settings: FileSettings) -> None:
    record = started(settings.data_root)
    written = write_nexus(record, settings)
    code = """if True:
        import h5py, sys
        files = [h5py.File(name, "r", locking=True) for name in dict.fromkeys(sys.argv[1:])]
        entry = files[0]["entry_0001"]
        print("open", flush=True)
        sys.stdin.read()
        assert "end_time" not in entry
    """
    with subprocess.Popen(
        [sys.executable, "-c", code, written.master, written.entry_file], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as reader:
        assert reader.stdout
        assert reader.stdin
        assert reader.stdout.readline() == b"open\n"
        write_nexus(with_frames(record), settings)
        reader.stdin.close()
    assert reader.returncode == 0
    with h5py.File(written.master) as after:
        assert "end_time" in after["entry_0001"]


def test_a_data_root_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    record = replace(started(tmp_path / "elsewhere"), directory="/nowhere")
    with pytest.raises(ProjectionError, match=r"data root .* is not there; .*mount"):
        write_nexus(record, FileSettings(tmp_path / "data"))
    assert not (tmp_path / "data").exists()


def test_a_folder_that_cannot_be_made_is_told_with_its_name_and_cause(settings: FileSettings) -> None:
    record = replace(started(settings.data_root), master="blocked/id16a/x.h5")
    (settings.data_root / "blocked").write_text("a file where a folder should be")
    with pytest.raises(ProjectionError, match=r"blocked/id16a/x\.h5 cannot be written; .*blocked: "):
        write_nexus(record, settings)


@pytest.mark.parametrize(
    "change", [{"master": "../out.h5"}, {"master": "/data/out.h5"}, {"master": ""}, {"id": "../../out"}]
)
def test_a_record_that_leads_out_of_the_data_root_is_refused(change: dict[str, str], settings: FileSettings) -> None:
    with pytest.raises(ProjectionError, match="leads out of the data root"):
        write_nexus(replace(started(settings.data_root), **change), settings)


def test_a_record_whose_definition_is_damaged_is_told_so(settings: FileSettings) -> None:
    record = started(settings.data_root, text="<group NX_class='NXentry'")
    with pytest.raises(ProjectionError, match=r"the recorded definition .* cannot be read"):
        write_nexus(record, settings)


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """As a full disk or a quota: writes beyond fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_fails_in_the_middle_leaves_all_as_it_was(linked: FileSettings) -> None:
    record = started(linked.data_root)
    write_nexus(record, linked)
    over = with_frames(record)
    before = snapshot(linked.data_root)
    with no_file_longer_than(4096), pytest.raises(ProjectionError, match=r"cannot be written; .*too large"):
        write_nexus(over, linked)
    assert snapshot(linked.data_root) == before
    assert write_nexus(over, linked).complete


def test_an_entry_that_is_written_again_uses_most_of_its_space_again(data_root: Path) -> None:
    settings = FileSettings(data_root, Layout.SINGLE)
    record = with_frames(started(data_root))
    size = write_nexus(record, settings).master.stat().st_size
    assert write_nexus(record, settings).master.stat().st_size < 1.6 * size


def test_experiments_can_change_their_layout(data_root: Path) -> None:
    first, second = (ended(started(data_root, number=number)) for number in (1, 2))
    write_nexus(first, FileSettings(data_root, Layout.LINKED))
    write_nexus(second, FileSettings(data_root, Layout.SINGLE))
    written = write_nexus(first, FileSettings(data_root, Layout.SINGLE))
    with h5py.File(written.master) as file:
        assert list(file) == ["entry_0001", "entry_0002"]
        assert isinstance(file.get("entry_0001", getlink=True), h5py.HardLink)


def test_two_processes_that_write_one_master_wait_for_each_other(linked: FileSettings) -> None:
    code = """if True:
        import pathlib, sys
        sys.path.insert(0, sys.argv[1])
        from some_scans import ended, started
        from nxscribe.projections import FileSettings
        from nxscribe.projections.nexus import write_nexus
        root = pathlib.Path(sys.argv[2])
        for number in range(int(sys.argv[3]), 40, 2):
            write_nexus(ended(started(root, number=number + 1)), FileSettings(root))
    """
    support = str(Path(__file__).parents[1] / "support")
    writers = [
        subprocess.Popen([sys.executable, "-c", code, support, linked.data_root, str(first)]) for first in (0, 1)
    ]
    assert [writer.wait() for writer in writers] == [0, 0]
    with h5py.File(linked.data_root / "ma2210/id16a/ma2210-id16a.h5") as file:
        assert list(file) == [f"entry_{number + 1:04d}" for number in range(40)]


def test_a_master_grows_by_little_more_than_a_link_for_each_entry(linked: FileSettings) -> None:
    sizes = []
    for number in range(1, 41):
        written = write_nexus(ended(started(linked.data_root, number=number)), linked)
        sizes.append(written.master.stat().st_size)
    # A link takes about 100 bytes; HDF5's heap grows in steps of some kilobytes.
    assert sizes[-1] - sizes[19] < 20 * 400
