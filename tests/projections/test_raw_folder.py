"""Which of thousands of raw files need a look for parts that were never written."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from nxscribe.projections.nexus.raw import _folder as folder
from nxscribe.projections.nexus.raw._folder import Sizes


def sizes_on(monkeypatch: pytest.MonkeyPatch, **blocks: int) -> Sizes:
    """Files of 8 blocks' length, of which so many are on the disk."""
    monkeypatch.setattr(folder, "status_of", lambda path: SimpleNamespace(st_size=4096, st_blocks=blocks[path]))
    return Sizes(list(blocks))


def test_a_file_that_takes_up_less_of_the_disk_than_it_is_long_needs_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = sizes_on(monkeypatch, whole=8, other=8, hollow=7)
    sizes.found_written("whole")
    assert not sizes.may_have_holes("other")
    assert sizes.may_have_holes("hollow")


def test_on_a_disk_that_compresses_only_a_file_that_takes_up_less_than_the_others_needs_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = sizes_on(monkeypatch, whole=5, other=5, hollow=3)
    assert sizes.may_have_holes("other")
    sizes.found_written("whole")
    assert not sizes.may_have_holes("other")
    assert sizes.may_have_holes("hollow")
