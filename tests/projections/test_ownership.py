"""Whose the files are: modes and group by the config, on everything that nxscribe makes."""

from __future__ import annotations

import grp
import os
import stat
from pathlib import Path

import pytest
from some_scans import edf_series, ended, frames, started

from nxscribe.projections import FileSettings, Layout, Ownership, ProjectionError
from nxscribe.projections.nexus import write_nexus


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def a_group() -> grp.struct_group:
    """One that this account may give files to; not its first, where there is a choice."""
    if os.getuid() == 0:
        return grp.getgrall()[-1]
    return grp.getgrgid(max(os.getgroups()))


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
    with pytest.raises(ProjectionError, match=r"no group no-such-group; the config's files\.group"):
        write_nexus(started(data_root), settings)
