"""Records leave the journal by rule, and never without being somewhere else first."""

from __future__ import annotations

import gzip
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from some_records import ended, some_record
from typer.testing import CliRunner

from nxscribe.cli._app import app
from nxscribe.errors import JournalError
from nxscribe.model import now
from nxscribe.records import Journal, JournalReader, Record, check_journal, record_from_json
from nxscribe.service.config import Retention
from nxscribe.service.upkeep.retention import retain


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.sqlite"


@pytest.fixture
def rule(tmp_path: Path) -> Retention:
    return Retention(keep_days=30, archive=tmp_path / "archive", vacuum_percent=10)


def fill(journal: Journal, *ages: float, done: bool = True, proposal: str = "ma1") -> list[Record]:
    """Scans that ended so many days ago, their files made."""
    records = []
    for age in ages:
        record = journal.begin(some_record(proposal=proposal))
        record = replace(ended(record), end_time=now() - timedelta(days=age))
        journal.update(record)
        records.append(record)
    if done:
        for work in journal.due(now()):
            journal.done(work)
    return records


def test_what_is_past_its_time_is_archived_whole_and_removed(path: Path, rule: Retention) -> None:
    with Journal(path) as journal:
        old, young, _ = fill(journal, 31, 29, 31)
        done = retain(journal, rule, now())
        assert done.removed == 1
        assert done.archive
        assert [record_from_json(line) for line in gzip.decompress(done.archive.read_bytes()).splitlines()] == [old]
        assert journal.record(young.id) == young
        with pytest.raises(JournalError):
            journal.record(old.id)


def test_without_a_rule_everything_stays(path: Path, rule: Retention) -> None:
    with Journal(path) as journal:
        fill(journal, 5000, 5000)
        assert retain(journal, replace(rule, keep_days=None), now()).removed == 0
        assert len(journal.summaries()) == 2


def test_the_newest_of_an_experiment_stays_so_that_numbers_go_on(path: Path, rule: Retention) -> None:
    with Journal(path) as journal:
        fill(journal, 50, 50)
        fill(journal, 50, proposal="ma2")
        retain(journal, rule, now())
        assert [summary.number for summary in journal.summaries()] == [1, 2]
        assert journal.begin(some_record(proposal="ma1")).number == 3


def test_what_runs_or_has_files_to_be_made_stays(path: Path, rule: Retention) -> None:
    with Journal(path) as journal:
        fill(journal, 50, done=False)
        journal.begin(some_record(proposal="ma1"))
        assert retain(journal, rule, now()).removed == 0


def test_nothing_is_removed_when_the_archive_cannot_be_written(path: Path, rule: Retention) -> None:
    rule.archive.write_text("a file where a folder is wanted")
    with Journal(path) as journal:
        fill(journal, 50, 50)
        with pytest.raises(JournalError, match="cannot be archived"):
            retain(journal, rule, now())
        assert len(journal.summaries()) == 2


def test_a_damaged_record_stays_and_keeps_no_other(path: Path, rule: Retention) -> None:
    with Journal(path) as journal:
        damaged, _, _ = fill(journal, 50, 50, 50)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("UPDATE part SET sha256 = zeroblob(32) WHERE name = 'final' AND record = 1")
        assert retain(journal, rule, now()).removed == 1
        assert damaged.id in {summary.id for summary in journal.summaries()}


def test_the_room_of_records_that_left_is_given_back_in_steps(path: Path, rule: Retention) -> None:
    with Journal(path) as journal:
        fill(journal, *[50] * 300)
        assert retain(journal, rule, now()).removed == 299
        before = journal.unused_share()
        journal.shrink(20)
        assert 0.1 < journal.unused_share() < before
        journal.shrink(10_000)
        assert journal.unused_share() == 0
    assert path.stat().st_size < 100_000
    assert check_journal(path) == ()


def test_what_was_archived_can_be_put_back(path: Path, tmp_path: Path) -> None:
    config = tmp_path / "id16a.yaml"
    config.write_text(
        "beamline: id16a\ndata_root: data\nstate_dir: state\nrecords: {keep_days: 30}\n"
        "techniques: {tomo: {definition: tomo.xml}}\n"
    )
    with Journal(path) as journal:
        old, _ = fill(journal, 50, 50)
    result = CliRunner().invoke(app, ["records", "retain", str(config)])
    assert "1 removed, now in" in result.stderr
    (archive,) = (path.parent / "archive").iterdir()
    result = CliRunner().invoke(app, ["records", "import", str(config), str(archive)])
    assert "1 imported" in result.stderr
    with JournalReader(path) as reader:
        assert reader.record(old.id) == old
