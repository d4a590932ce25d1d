"""Files that are there whole or not at all, also after a power cut."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from nxscribe.errors import ProjectionError
from nxscribe.projections import atomic


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the system is asked for, in its order: which files and folders are synced, what is renamed and made."""
    found: list[str] = []
    fsync, replace, mkdir = os.fsync, os.replace, os.mkdir

    def noting_fsync(descriptor: int) -> None:
        found.append(f"sync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def noting_replace(before: Path, after: Path) -> None:
        found.append(f"rename to {Path(after).name}")
        replace(before, after)

    def noting_mkdir(path: Path, mode: int = 0o777) -> None:
        found.append(f"make {Path(path).name}")
        mkdir(path, mode)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(os, "replace", noting_replace)
    monkeypatch.setattr(os, "mkdir", noting_mkdir)
    return found


def put(path: Path, content: bytes) -> None:
    with atomic.replacing(path) as temporary:
        atomic.write(temporary, content)


def test_a_file_is_on_the_disk_before_it_gets_its_name_and_its_name_before_the_end(
    tmp_path: Path, calls: list[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    calls.clear()
    put(folder / "file", b"whole")
    assert calls == ["sync .nxscribe-writing", "rename to file", "sync folder"]
    assert (folder / "file").read_bytes() == b"whole"


def test_a_folder_that_is_made_is_on_the_disk_in_the_one_above(tmp_path: Path, calls: list[str]) -> None:
    atomic.make_folder(tmp_path / "above" / "below")
    assert calls == ["make above", f"sync {tmp_path.name}", "make below", "sync above"]


def test_a_file_that_could_not_be_written_leaves_the_former_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    put(path, b"former")

    def fail() -> None:
        with atomic.replacing(path) as temporary:
            atomic.write(temporary, b"half")
            raise OSError(errno.ENOSPC, "no space left")

    with pytest.raises(OSError, match="no space left"):
        fail()
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("file", b"former")]


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOSPC, "make room on the disk"), (errno.EROFS, "mount the file system"), (errno.EIO, "look at the disk")],
)
def test_an_error_of_the_disk_is_told_with_its_remedy(tmp_path: Path, number: int, remedy: str) -> None:
    with pytest.raises(ProjectionError, match=remedy), atomic.explained(tmp_path / "file", tmp_path):
        raise OSError(number, os.strerror(number), str(tmp_path / "file"))
