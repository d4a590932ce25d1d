"""A disk that fails: triggers are refused with the reason, what was kept stays, and all goes on when it is mended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import journal_on_a_bad_disk
import pytest
from some_records import some_record

from nxscribe.errors import JournalError
from nxscribe.records import Journal

NAMESPACE = ("unshare", "--mount", "--map-root-user")


@pytest.fixture(scope="session")
def may_mount(tmp_path_factory: pytest.TempPathFactory) -> None:
    if not shutil.which("unshare"):
        pytest.skip("no unshare here (Linux only)")
    folder = tmp_path_factory.mktemp("mount")
    probe = subprocess.run(
        [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if probe.returncode:
        pytest.skip(f"this account may not mount in a namespace of its own: {probe.stderr.strip()}")


def story(kind: str, folder: Path, *before: str) -> list[str]:
    return subprocess.run(
        [*before, sys.executable, journal_on_a_bad_disk.__file__, kind, folder],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    ).stdout.splitlines()


@pytest.mark.usefixtures("may_mount")
def test_on_a_full_disk_records_are_refused_until_there_is_room(tmp_path: Path) -> None:
    refused, again, read, number, problems, opened = story("full", tmp_path, *NAMESPACE)
    assert refused.startswith("refused:")
    assert "the disk is full" in refused
    assert "make room" in refused
    assert again == refused
    assert read == "read: True True"
    assert number == "next number is right: True"
    assert problems == "problems:"
    assert opened == "opened on a full disk"


def test_over_a_limit_records_are_refused_until_it_is_raised(tmp_path: Path) -> None:
    refused, again, read, number, problems = story("quota", tmp_path)
    assert "a quota or size limit was met" in refused
    assert again == refused
    assert read == "read: True True"
    assert number == "next number is right: True"
    assert problems == "problems:"


@pytest.mark.usefixtures("may_mount")
def test_a_read_only_journal_can_be_read_and_is_refused_to_a_daemon(tmp_path: Path) -> None:
    closed, no_daemon, crashed, no_daemon_either = story("read-only", tmp_path, *NAMESPACE)
    assert closed == crashed == "read: True"
    assert no_daemon.startswith("not opened:")
    assert "Read-only file system" in no_daemon
    assert "Read-only file system" in no_daemon_either


def test_a_daemon_that_has_no_file_descriptor_left_goes_on_keeping_records(tmp_path: Path) -> None:
    assert story("no-descriptors", tmp_path) == ["no descriptor: Too many open files", "kept: 400 finished"]


@pytest.mark.parametrize("which", ["journal.sqlite", "journal.sqlite-wal"])
def test_nothing_is_acknowledged_into_a_file_that_was_deleted(path: Path, which: str) -> None:
    with Journal(path) as journal:
        journal.begin(some_record())
        path.with_name(which).unlink()
        with pytest.raises(JournalError, match="deleted or replaced while it was in use"):
            journal.begin(some_record())


def test_nothing_is_acknowledged_into_a_file_that_was_replaced(path: Path, tmp_path: Path) -> None:
    Journal(tmp_path / "other.sqlite").close()
    with Journal(path) as journal:
        (tmp_path / "other.sqlite").rename(path)
        with pytest.raises(JournalError, match="deleted or replaced while it was in use"):
            journal.begin(some_record())


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(JournalError, match="create its folder"):
        Journal(tmp_path / "state" / "journal.sqlite")


def test_a_journal_that_another_process_keeps_locked_is_told_after_a_while(path: Path) -> None:
    with Journal(path) as journal, Journal(path, claim=False) as other:
        with other._database.writing(), pytest.raises(JournalError, match="another process keeps it locked"):
            journal.begin(some_record())
        assert journal.begin(some_record()).number == 1
