"""Where a scan's files go: below the data root, whatever the names."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nxscribe.errors import TriggerRefusedError
from nxscribe.projections import Layout
from nxscribe.records import ScanIdentity
from nxscribe.service.config.layout import Files

FILES = Files(
    Path("/data/visitor"),
    Layout.LINKED,
    "{proposal}/{beamline}/{proposal}-{beamline}.h5",
    "{proposal}/{beamline}/{sample}/{scan}",
)


def identity(proposal: str = "ma2210", sample: str = "bone", scan: str = "scan0029") -> ScanIdentity:
    return ScanIdentity("id16a", proposal, sample, scan, "tomo")


def test_patterns_are_filled_below_the_data_root() -> None:
    place = FILES.place(identity())
    assert place.master == "ma2210/id16a/ma2210-id16a.h5"
    assert place.directory == "/data/visitor/ma2210/id16a/bone/scan0029"


def test_every_unsafe_name_is_told() -> None:
    with pytest.raises(TriggerRefusedError) as refused:
        FILES.place(identity("../x", "a\nb", "s" * 300))
    assert [problem.what.split(" ")[1] for problem in refused.value.problems] == ["proposal", "sample", "scan"]


def test_braces_in_a_name_are_just_letters() -> None:
    assert FILES.place(identity(scan="{proposal}")).directory.endswith("/{proposal}")


def test_a_master_whose_name_leaves_no_room_for_its_entries_is_refused() -> None:
    with pytest.raises(TriggerRefusedError, match="the master file's name"):
        FILES.place(identity(proposal="p" * 230))


def test_names_that_are_too_long_together_are_refused() -> None:
    files = Files(Path("/data"), Layout.LINKED, "{proposal}.h5", "{sample}_{scan}")
    with pytest.raises(TriggerRefusedError, match="the file name"):
        files.place(identity(sample="s" * 200, scan="t" * 200))


def test_a_path_beyond_linux_limit_is_refused() -> None:
    files = Files(Path("/" + "/".join(["d" * 250] * 15)), Layout.LINKED, "{proposal}.h5", "{sample}/{scan}")
    with pytest.raises(TriggerRefusedError, match="the path"):
        files.place(identity(sample="s" * 200))


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_no_name_whatever_leaves_the_data_root(proposal: str, sample: str, scan: str) -> None:
    try:
        place = FILES.place(identity(proposal, sample, scan))
    except TriggerRefusedError:
        return
    for path in (FILES.data_root / place.master, Path(place.directory)):
        assert ".." not in path.parts
        assert path.is_relative_to(FILES.data_root)
        assert len(path.parts) in (6, 7)
