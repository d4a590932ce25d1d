"""Whose the files are: modes and group by the config, on everything that nxscribe makes."""

from __future__ import annotations

import grp
import os
import stat
from pathlib import Path

import pytest
from some_scans import edf_series, ended, frames, started

from nxscribe.projections import FileSettings, Layout, Ownership, ProjectionError
from nxscribe.projections.nexus import mend, pack, remake, write_nexus


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def a_group() -> grp.struct_group:
    """One that this account may give files to; not its first, where there is a choice."""
    if os.getuid() == 0:
        return grp.getgrall()[-1]
    return grp.getgrgid(max(os.getgroups(), default=os.getgid()))


@pytest.mark.parametrize("layout", list(Layout))
def test_modes_and_group_are_those_of_the_config(data_root: Path, layout: Layout) -> None:
    group = a_group()
    ownership = Ownership(complete=0o440, growing=0o660, folder=0o2750, group=group.gr_name)
    settings = FileSettings(data_root, layout, ownership)
    record = started(data_root / "raw", number=1)
    written = write_nexus(record, settings)
    assert mode(written.entry_file) == 0o660
    written = write_nexus(ended(record, edf_series(record, frames())), settings)
    assert mode(written.master) == 0o660
    if layout is Layout.LINKED:
        assert mode(written.entry_file) == 0o440
    made = list((data_root / "ma2210").rglob("*"))
    assert {path.stat().st_gid for path in made} == {group.gr_gid}
    assert {mode(path) for path in made if path.is_dir()} == {0o2750}


def test_a_group_can_be_a_number(data_root: Path) -> None:
    group = a_group()
    written = write_nexus(
        started(data_root / "raw"), FileSettings(data_root, ownership=Ownership(group=str(group.gr_gid)))
    )
    assert written.entry_file.stat().st_gid == group.gr_gid


def test_without_a_rule_a_complete_entry_is_read_only_and_the_rest_is_by_the_umask(linked: FileSettings) -> None:
    before = os.umask(0o027)
    try:
        written = write_nexus(ended(started(linked.data_root / "raw")), linked)
    finally:
        os.umask(before)
    assert (mode(written.entry_file), mode(written.master), mode(written.master.parent)) == (0o444, 0o640, 0o750)


def test_an_unknown_group_is_told_by_its_name(data_root: Path) -> None:
    settings = FileSettings(data_root, ownership=Ownership(group="no-such-group"))
    with pytest.raises(ProjectionError, match=r"the group no-such-group does not exist; the config's files\.group"):
        write_nexus(started(data_root), settings)


ANOTHER = 65534
"""A user and a group that are not root."""
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root may give files away")


def whose(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)


@as_root
@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o2775, 0o664), (0o2750, 0o640), (0o700, 0o600)])
def test_what_root_makes_in_another_s_folder_is_that_one_s(data_root: Path, folder_mode: int, file_mode: int) -> None:
    os.chown(data_root, ANOTHER, ANOTHER)
    data_root.chmod(folder_mode)
    record = started(data_root / "raw")
    written = write_nexus(ended(record, edf_series(record, frames())), FileSettings(data_root))
    made = [path for path in (data_root / "ma2210").rglob("*") if "bone" not in path.parts]
    assert {whose(path) for path in made if path.is_dir()} == {(ANOTHER, ANOTHER, folder_mode)}
    assert whose(written.master) == (ANOTHER, ANOTHER, file_mode)
    assert whose(written.entry_file) == (ANOTHER, ANOTHER, 0o444)
    archive = pack(written.master, written.master.parent / "archive" / "ma2210.h5").file
    assert whose(archive) == (ANOTHER, ANOTHER, 0o444)
    assert whose(archive.parent) == (ANOTHER, ANOTHER, folder_mode)


@as_root
def test_what_root_makes_again_keeps_its_owner_group_and_mode(data_root: Path) -> None:
    settings = FileSettings(data_root)
    record = ended(started(data_root / "raw"))
    written = write_nexus(record, settings)
    for path in (data_root / "ma2210").rglob("*"):
        os.chown(path, ANOTHER, ANOTHER - 1)
    written.master.chmod(0o660)
    written.entry_file.unlink()
    mend(record, settings)
    remake(record, settings)
    link_again = started(data_root / "raw", number=2)
    write_nexus(link_again, settings)
    assert whose(written.master) == (ANOTHER, ANOTHER - 1, 0o660)
    assert whose(written.entry_file) == (ANOTHER, ANOTHER - 1, 0o444)


@as_root
def test_the_config_s_group_and_modes_come_before_those_of_another_s_folder(data_root: Path) -> None:
    os.chown(data_root, ANOTHER, ANOTHER)
    ownership = Ownership(growing=0o640, folder=0o2710, group=str(ANOTHER - 2))
    written = write_nexus(started(data_root / "raw"), FileSettings(data_root, ownership=ownership))
    assert whose(written.master) == (ANOTHER, ANOTHER - 2, 0o640)
    assert whose(written.master.parent) == (ANOTHER, ANOTHER - 2, 0o2710)
