"""Which frames of a file with holes were never written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nxscribe.projections.nexus.raw._holes import Holes, holes_of

PAGE = 4096
FRAME = 4 * PAGE


@pytest.mark.parametrize(
    ("hole", "is_unwritten"),
    [
        ((0, PAGE), False),  # at the frame's beginning: its end is there
        ((PAGE, 2 * PAGE), False),
        ((3 * PAGE, FRAME), True),
        ((0, FRAME), True),
        ((FRAME, 2 * FRAME), False),  # the next frame's
    ],
)
def test_a_frame_is_unwritten_where_its_end_is(hole: tuple[int, int], *, is_unwritten: bool) -> None:
    assert Holes((hole,)).ends(0, FRAME) is is_unwritten


def test_a_hole_at_the_beginning_of_the_next_frame_is_none_of_this_one(tmp_path: Path) -> None:
    path = tmp_path / "frames.raw"
    with path.open("wb") as file:
        file.write(b"x" * FRAME)
        file.seek(FRAME + PAGE)
        file.write(b"x" * (FRAME - PAGE))
        os.truncate(file.fileno(), 3 * FRAME)
    holes = holes_of(str(path))
    if not holes:
        pytest.skip("this file system keeps no holes")
    starts = [0, FRAME, 2 * FRAME]
    assert [holes.ends(start, FRAME) for start in starts] == [False, False, True]
    assert holes.first_frame(starts, FRAME) == 2
